//! A request from its head to the end of its answer's body.

use std::sync::Arc;

use hyper::body::{Body as _, Incoming};
use hyper::{Request, Response};
use salvo::http::ResBody;

use super::Conn;
use crate::admission::ShedReason;
use crate::memory::Reservation;

/// What a request takes in memory besides its head, with an answer that [is small](Conn::is_small).
const REQUEST: u64 = 2_048;

/// What is kept of a request, and told of it at its end.
pub(crate) trait Record: Send + Unpin + 'static {
    /// What the request was answered with.
    type Answer: Send + 'static;

    /// The answer as it is sent.
    fn complete(&mut self, answer: Self::Answer, conn: &Conn) -> Response<ResBody>;

    /// Called once, when an answer has been sent or was broken off, and told whether all of it was sent.
    fn finish(self, complete: bool);
}

/// A request from its head to the end of its answer's body.
pub(super) struct UnderWay {
    pub(super) conn: Arc<Conn>,
    had_body: bool,
    /// What its head took while it was incomplete.
    _head: Option<Reservation>,
    /// What it takes besides, of the connection's account.
    bytes: u64,
}

impl UnderWay {
    /// `None` when memory is short.
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
