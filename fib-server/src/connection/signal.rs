//! Tells a connection's task to leave or to end.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// What a connection should do. Each is more urgent than the previous one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Order {
    /// Keep running.
    Run,
    /// Close after the answers in progress.
    Leave,
    /// Close immediately.
    End,
}

/// A connection's order, and the task that follows it.
///
/// A connection is polled several times per request, but gets an order about once in its life. So a poll costs
/// one memory read, and the waker is stored once.
#[derive(Debug)]
pub(super) struct Signal {
    order: AtomicU8,
    task: Mutex<Option<Waker>>,
}

impl Signal {
    pub(super) const fn new() -> Self {
        Self {
            order: AtomicU8::new(Order::Run as u8),
            task: Mutex::new(None),
        }
    }

    /// Gives an order; false if this one or a more urgent one was given before.
    pub(super) fn give(&self, order: Order) -> bool {
        let is_new = self.order.fetch_max(order as u8, Ordering::SeqCst) < order as u8;
        if is_new && let Some(task) = &*self.task.lock().unwrap_or_else(PoisonError::into_inner) {
            task.wake_by_ref();
        }
        is_new
    }

    /// Whether this order, or a more urgent one, was given.
    pub(super) fn has(&self, order: Order) -> bool {
        self.order.load(Ordering::SeqCst) >= order as u8
    }

    /// The result of some work, or `None` if the order comes first. Only one task may wait at a time.
    pub(super) async fn before<T>(
        &self,
        order: Order,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> Option<T> {
        let mut stored = None;
        std::future::poll_fn(|cx| {
            if self.poll(order, &mut stored, cx) {
                return Poll::Ready(None);
            }
            work.as_mut().poll(cx).map(Some)
        })
        .await
    }

    /// Whether the order was given; otherwise the task is woken when it is. `stored` is the waker of the last
    /// poll.
    fn poll(&self, order: Order, stored: &mut Option<Waker>, cx: &Context<'_>) -> bool {
        if !stored.as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
            *stored = Some(cx.waker().clone());
            self.task
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone_from(stored);
        }
        self.has(order)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::pin::pin;
    use std::sync::Arc;

    use super::*;

    #[test]
    fn an_order_is_given_once_and_never_withdrawn() {
        let signal = Signal::new();
        assert!(signal.give(Order::Leave));
        assert!(!signal.give(Order::Leave));
        assert!(signal.give(Order::End));
        assert!(!signal.give(Order::Leave));
        assert!(signal.has(Order::End));
    }

    #[tokio::test]
    async fn a_waiting_task_is_woken_by_each_order() {
        let signal = Arc::new(Signal::new());
        let task = tokio::spawn({
            let signal = Arc::clone(&signal);
            async move {
                let both = async {
                    let left = signal.before(Order::Leave, pin!(pending::<()>())).await;
                    assert_eq!(left, None);
                    signal.give(Order::End);
                    pending::<()>().await;
                };
                signal.before(Order::End, pin!(both)).await
            }
        });
        tokio::task::yield_now().await;
        signal.give(Order::Leave);
        assert_eq!(task.await.unwrap(), None);
    }

    #[tokio::test]
    async fn work_that_finishes_first_returns_its_result() {
        let signal = Signal::new();
        let work = pin!(async { 7 });
        assert_eq!(signal.before(Order::Leave, work).await, Some(7));
    }
}
