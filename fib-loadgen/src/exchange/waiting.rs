//! Waits, at most until a request's deadline or the end of the run.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::time::Sleep;

use crate::outcome::Class;
use crate::stop::{Urgency, Watch};

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The run was stopped, and does not wait for requests in flight.
    GivenUp,
    /// The deadline has passed.
    Timeout,
    /// It failed.
    Failed(Class, String),
}

/// Waits for something, at most until its deadline or the end of the run.
pub(super) async fn guarded<T>(
    waited: impl Future<Output = T>,
    alarm: &mut Alarm,
    watch: &mut Watch,
    deadline: Instant,
) -> Result<T, Trouble> {
    let mut waited = std::pin::pin!(waited);
    poll_fn(|cx| match waited.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Ok(done)),
        Poll::Pending => interrupted(alarm, watch, deadline, cx).map(Err),
    })
    .await
}

/// Whether there is a reason to stop waiting.
pub(super) fn interrupted(
    alarm: &mut Alarm,
    watch: &mut Watch,
    deadline: Instant,
    cx: &mut Context<'_>,
) -> Poll<Trouble> {
    if watch.poll(cx, Urgency::Abort).is_ready() {
        return Poll::Ready(Trouble::GivenUp);
    }
    alarm.poll(cx, deadline).map(|()| Trouble::Timeout)
}

/// A timer that is set once for many requests: it fires at the deadline of an earlier one and is then set
/// again, so most requests never touch the timer wheel.
#[derive(Debug, Default)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let sleep = self
            .0
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline.into())));
        if sleep.deadline() > deadline.into() {
            sleep.as_mut().reset(deadline.into());
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline.into());
        }
        Poll::Pending
    }
}
