//! Reads the body of an answer while its connection is driven.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use hyper::body::{Body as _, Incoming};

use super::waiting::{Alarm, Trouble, interrupted};
use crate::outcome::{Class, described};
use crate::stop::Watch;

/// The body of an answer, and what must be driven to read it.
pub(super) struct Reading<'a> {
    pub(super) body: &'a mut Incoming,
    pub(super) http2: bool,
    pub(super) alarm: &'a mut Alarm,
    pub(super) watch: &'a mut Watch,
}

impl Reading<'_> {
    /// The next bytes; `None` at the end.
    pub(super) async fn next(
        &mut self,
        deadline: Instant,
    ) -> Result<Option<bytes::Bytes>, Trouble> {
        loop {
            if self.body.is_end_stream() {
                return Ok(None);
            }
            let frame = poll_fn(|cx| self.poll(cx, deadline)).await?;
            match frame {
                // hyper takes a reset without an error for an end.
                None if self.http2 && !self.body.is_end_stream() => {
                    let detail =
                        "the server reset the stream (RST_STREAM) in the middle of the body";
                    return Err(Trouble::Failed(Class::BodyReset, detail.to_owned()));
                }
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
                Some(Err(error)) => {
                    let class = Class::of_hyper(&error, true);
                    return Err(Trouble::Failed(class, described(&error)));
                }
            }
        }
    }

    #[expect(
        clippy::type_complexity,
        reason = "what a body gives, or what came in between"
    )]
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Instant,
    ) -> Poll<Result<Option<Result<hyper::body::Frame<bytes::Bytes>, hyper::Error>>, Trouble>> {
        if let Poll::Ready(frame) = Pin::new(&mut *self.body).poll_frame(cx) {
            return Poll::Ready(Ok(frame));
        }
        interrupted(self.alarm, self.watch, deadline, cx).map(Err)
    }
}
