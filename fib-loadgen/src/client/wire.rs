//! HTTP/1 on a connection that one user drives: it writes a prepared request as bytes, and parses the answer in
//! place, without copying and without a map of its headers.
//!
//! hyper does the same for the other client, and both must agree on every answer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::stream::Stream;
use crate::outcome::{Class, described};

mod framing;
mod head;

pub use head::Said;

use framing::Framing;
use head::Head;

/// The initial size of a buffer, which grows to `MOST` while reads fill it.
const FIRST: usize = 4 * 1024;
const MOST: usize = 64 * 1024;
/// The longest head of an answer: hyper's limit.
const LONGEST_HEAD: usize = 8_192 + 4_096 * 100;

/// A connection.
#[derive(Debug)]
pub struct Wire {
    stream: Stream,
    buffer: Vec<u8>,
    /// Bytes that were read but not used yet.
    unread: std::ops::Range<usize>,
    /// How much of the request is written.
    written: usize,
    /// Why writing ended early. There may still be an answer.
    unwritten: Option<io::Error>,
    framing: Framing,
    /// Whether the connection ends with the answer.
    closes: bool,
    /// Whether an answer was read completely, and nothing came after it.
    idle: bool,
    known: head::Known,
}

/// Why an exchange failed.
#[derive(Debug)]
pub struct Fault {
    /// Its class.
    pub class: Class,
    /// The details.
    pub detail: String,
}

impl Fault {
    fn new(class: Class, detail: impl ToString) -> Self {
        Self {
            class,
            detail: detail.to_string(),
        }
    }

    fn closed() -> Self {
        let detail = "connection closed before message completed";
        Self::new(Class::ClosedBeforeResponse, detail)
    }

    fn in_head(error: &io::Error) -> Self {
        Self::new(Class::of_exchange(error), described(error))
    }

    fn in_body(error: impl ToString) -> Self {
        Self::new(Class::BodyReset, error)
    }
}

impl Wire {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            unread: 0..0,
            written: 0,
            unwritten: None,
            framing: Framing::None,
            closes: false,
            idle: true,
            known: head::Known::default(),
        }
    }

    /// Whether it takes another request, as far as that is known without reading.
    pub fn is_idle(&self) -> bool {
        self.idle
    }

    /// Whether the server has neither closed the connection nor sent anything, so that a request can be
    /// written.
    pub fn quiet(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        if !self.idle {
            return Err(Fault::closed());
        }
        match self.fill(cx) {
            Poll::Pending => Ok(()),
            Poll::Ready(Ok(0)) => {
                let detail = "the server closed the connection immediately";
                Err(Fault::new(Class::ClosedBeforeResponse, detail))
            }
            Poll::Ready(Ok(_)) => {
                let detail = "the server answered before the request";
                Err(Fault::new(Class::Other, detail))
            }
            Poll::Ready(Err(error)) => Err(Fault::in_head(&error)),
        }
    }

    /// Whether none of the last request's bytes were written.
    pub fn wrote_nothing(&self) -> bool {
        self.written == 0
    }

    /// Starts a request.
    pub fn begin(&mut self) {
        (self.written, self.unwritten) = (0, None);
        (self.idle, self.closes) = (false, false);
        self.unread = 0..0;
    }

    /// Writes the request and reads the head of its answer, which may arrive before the request is fully
    /// written.
    pub fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        request: &[u8],
        to_head: bool,
        keep: bool,
    ) -> Poll<Result<Said, Fault>> {
        self.write(cx, request);
        loop {
            match self.parsed(to_head, keep) {
                Ok(Some(said)) => return Poll::Ready(Ok(said)),
                Ok(None) => {}
                Err(fault) => return Poll::Ready(Err(fault)),
            }
            let fault = match ready!(self.fill(cx)) {
                Ok(0) => Fault::closed(),
                Ok(_) => continue,
                Err(error) => Fault::in_head(&error),
            };
            let unwritten = self.unwritten.take();
            return Poll::Ready(Err(unwritten.map_or(fault, |error| Fault::in_head(&error))));
        }
    }

    /// Passes the available part of the body to `take`, until the body ends or `take` needs no more. True at
    /// the end. Meanwhile it writes the rest of the request: a server may answer before it has read all of it.
    pub fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        request: &[u8],
        mut take: impl FnMut(&[u8]) -> bool,
    ) -> Poll<Result<bool, Fault>> {
        loop {
            let mut wanted = true;
            let unread = &self.buffer[self.unread.clone()];
            let used = self.framing.read(unread, |bytes| {
                wanted = take(bytes);
                wanted
            });
            match used {
                Ok(used) => self.unread.start += used,
                Err(why) => return Poll::Ready(Err(Fault::in_body(why))),
            }
            if !wanted {
                return Poll::Ready(Ok(false));
            }
            if self.framing.is_over() {
                return Poll::Ready(Ok(self.end(request)));
            }
            self.write(cx, request);
            match ready!(self.fill(cx)) {
                Ok(0) => match self.framing.cut_off() {
                    None => return Poll::Ready(Ok(self.end(request))),
                    Some(why) => return Poll::Ready(Err(Fault::in_body(why))),
                },
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(Fault::in_body(described(&error)))),
            }
        }
    }

    /// The next request may follow only after the last byte of this one.
    fn end(&mut self, request: &[u8]) -> bool {
        let written = self.written == request.len() && self.unwritten.is_none();
        self.idle = written && !self.closes && self.unread.is_empty();
        true
    }

    /// The head, if it is complete. Interim answers (1xx) are skipped.
    fn parsed(&mut self, to_head: bool, keep: bool) -> Result<Option<Said>, Fault> {
        loop {
            let unread = &self.buffer[self.unread.clone()];
            if unread.is_empty() {
                return Ok(None);
            }
            let parsed = head::parse(unread, to_head, keep, &mut self.known);
            let Some(Head {
                length,
                said,
                framing,
                interim,
            }) = parsed.map_err(|why| Fault::new(Class::Other, why))?
            else {
                if unread.len() >= LONGEST_HEAD {
                    return Err(Fault::new(Class::Other, "message head is too large"));
                }
                return Ok(None);
            };
            self.unread.start += length;
            if interim {
                continue;
            }
            let ends_with_it = matches!(framing, Framing::ToTheEnd) || said.status == 101;
            self.closes = said.closing || ends_with_it || self.unwritten.is_some();
            self.framing = framing;
            return Ok(Some(said));
        }
    }

    /// Writes as much as possible now.
    fn write(&mut self, cx: &mut Context<'_>, request: &[u8]) {
        while self.written < request.len() && self.unwritten.is_none() {
            let stream = Pin::new(&mut self.stream);
            match stream.poll_write(cx, &request[self.written..]) {
                Poll::Ready(Ok(0)) => self.unwritten = Some(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => self.written += count,
                Poll::Ready(Err(error)) => self.unwritten = Some(error),
                Poll::Pending => return,
            }
        }
        if let Poll::Ready(Err(error)) = Pin::new(&mut self.stream).poll_flush(cx) {
            self.unwritten.get_or_insert(error);
        }
    }

    /// Reads once; returns the number of bytes, 0 at the end.
    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.unread.is_empty() {
            self.unread = 0..0;
        }
        if self.unread.end == self.buffer.len() {
            if self.unread.start > 0 {
                self.buffer.copy_within(self.unread.clone(), 0);
                self.unread = 0..self.unread.len();
            } else {
                let more = (2 * self.buffer.len()).clamp(FIRST, LONGEST_HEAD);
                self.buffer.resize(more, 0);
            }
        }
        let mut space = ReadBuf::new(&mut self.buffer[self.unread.end..]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut space))?;
        let count = space.filled().len();
        self.unread.end += count;
        // The next read of a long body is larger.
        if self.unread.len() == self.buffer.len() && self.buffer.len() < MOST {
            self.buffer.resize(2 * self.buffer.len(), 0);
        }
        Poll::Ready(Ok(count))
    }
}
