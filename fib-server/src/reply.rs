//! An answer that is available now, or one in the making. The first needs no memory of its own, and no task
//! waits for it.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// What answers a request.
pub(crate) enum Reply<T> {
    /// Available now; `None` once taken.
    Now(Option<T>),
    /// Available later.
    Later(BoxFuture<'static, T>),
}

impl<T: Send + 'static> Reply<T> {
    /// An available answer.
    pub(crate) fn now(value: T) -> Self {
        Self::Now(Some(value))
    }

    /// A future answer.
    pub(crate) fn later(value: impl Future<Output = T> + Send + 'static) -> Self {
        Self::Later(Box::pin(value))
    }

    /// The reply, or `instead` if making it panics, now or later.
    pub(crate) fn or_if_it_panics(make: impl FnOnce() -> Self, instead: fn() -> T) -> Self {
        match catch_unwind(AssertUnwindSafe(make)) {
            Ok(Self::Later(value)) => {
                let value = AssertUnwindSafe(value).catch_unwind();
                Self::later(value.map(move |made| made.unwrap_or_else(|_| instead())))
            }
            Ok(now) => now,
            Err(_) => Self::now(instead()),
        }
    }

    /// Maps the answer.
    pub(crate) fn map<U: Send + 'static>(
        self,
        change: impl FnOnce(T) -> U + Send + 'static,
    ) -> Reply<U> {
        match self {
            Self::Now(value) => Reply::Now(value.map(change)),
            Self::Later(value) => Reply::later(value.map(change)),
        }
    }
}

/// Nothing in it is pinned but the boxed future.
impl<T> Unpin for Reply<T> {}

impl<T> Future for Reply<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match self.get_mut() {
            Self::Now(value) => value.take().map_or(Poll::Pending, Poll::Ready),
            Self::Later(value) => value.as_mut().poll(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instead() -> u8 {
        7
    }

    #[tokio::test]
    async fn a_panic_is_replaced_whenever_it_happens() {
        let at_once = Reply::or_if_it_panics(|| panic!("as the test wants it"), instead);
        assert_eq!(at_once.await, 7);
        let later = || Reply::later(async { panic!("as the test wants it") });
        assert_eq!(Reply::or_if_it_panics(later, instead).await, 7);
        assert_eq!(Reply::or_if_it_panics(|| Reply::now(1), instead).await, 1);
    }

    #[tokio::test]
    async fn a_reply_is_mapped_once_it_is_available() {
        assert_eq!(Reply::now(1).map(|n| n + 1).await, 2);
        assert_eq!(Reply::later(async { 1 }).map(|n| n + 1).await, 2);
    }
}
