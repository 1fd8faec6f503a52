//! A request from its head to the end of its answer's body.

use std::sync::Arc;

use hyper::body::{Body as _, Incoming};
use hyper::{Request, Response};
use salvo::http::ResBody;

use super::Conn;
use crate::admission::ShedReason;
use crate::memory::Reservation;

/// The memory of a request in addition to its head, with an answer that [is small](Conn::is_small).
const REQUEST: u64 = 2_048;

/// A request and its answer, from the head of the one to the end of the other.
pub(crate) trait Exchange: Send + Unpin + 'static {
    /// The request's answer.
    type Answer: Send + 'static;

    /// The answer as it is sent.
    fn complete(&mut self, answer: Self::Answer, conn: &Conn) -> Response<ResBody>;

    /// Called once, when an answer was sent or cut off, with whether all of it was sent.
    fn finish(self, complete: bool);
}

/// A request from its head to the end of its answer's body.
pub(super) struct UnderWay {
    pub(super) conn: Arc<Conn>,
    had_body: bool,
    /// The reservation for its head while that was incomplete.
    _head: Option<Reservation>,
    /// Its other memory, from the connection's account.
    bytes: u64,
}

impl UnderWay {
    /// `None` if memory is short.
    pub(super) fn begin(conn: &Arc<Conn>, request: &Request<Incoming>) -> Option<Self> {
        conn.request_began();
        let head = conn.take_input();
        let fields: usize = request
            .headers()
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        let bytes = fields + request.uri().path().len() + request.uri().query().map_or(0, str::len);
        let bytes = bytes as u64 + REQUEST;
        let had_body = !request.body().is_end_stream();
        if !conn.account.take(bytes) {
            conn.metrics.shed(ShedReason::Memory);
            conn.request_ended(had_body);
            return None;
        }
        Some(Self {
            conn: Arc::clone(conn),
            had_body,
            _head: head,
            bytes,
        })
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.conn.account.give_back(self.bytes);
        self.conn.request_ended(self.had_body);
    }
}
