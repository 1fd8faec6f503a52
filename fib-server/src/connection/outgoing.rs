//! An answer's body on its way out.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use salvo::http::ResBody;

use super::Conn;
use super::request::{Exchange, UnderWay};

/// A body is not polled while this much of it waits to be sent.
pub(super) const UNSENT: u64 = 16 * 1024;

/// The bytes of a body. The HTTP library moves it around, so large parts are on the heap.
enum Content {
    /// Everything in one piece.
    Whole(Bytes),
    /// The remaining pieces.
    Pieces(VecDeque<Bytes>),
    /// Anything else.
    Other(Box<ResBody>),
}

impl Content {
    fn of(body: ResBody) -> Self {
        match body {
            ResBody::None => Self::Whole(Bytes::new()),
            ResBody::Once(bytes) => Self::Whole(bytes),
            ResBody::Chunks(pieces) => Self::Pieces(pieces),
            other => Self::Other(Box::new(other)),
        }
    }

    fn is_at_its_end(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Pieces(pieces) => pieces.is_empty(),
            Self::Other(body) => body.is_end_stream(),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let piece = match self {
            Self::Whole(bytes) => Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty()),
            Self::Pieces(pieces) => pieces.pop_front(),
            Self::Other(body) => return Pin::new(&mut **body).poll_frame(cx),
        };
        Poll::Ready(piece.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// An answer's body, with what is kept of its request until its end.
pub(crate) struct Outgoing<E: Exchange> {
    content: Content,
    complete: bool,
    under_way: Option<UnderWay>,
    exchange: Option<E>,
}

impl<E: Exchange> Outgoing<E> {
    pub(super) fn new(body: ResBody, under_way: Option<UnderWay>, exchange: Option<E>) -> Self {
        if let Some(under_way) = &under_way {
            under_way.conn.body_began();
        }
        let content = Content::of(body);
        Self {
            complete: content.is_at_its_end(),
            content,
            under_way,
            exchange,
        }
    }
}

impl<E: Exchange> Body for Outgoing<E> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        if let Some(under_way) = &this.under_way
            && !under_way.conn.has_room(cx)
        {
            return Poll::Pending;
        }
        let polled = this.content.poll(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                if let Some(under_way) = &this.under_way {
                    under_way.conn.gave(bytes);
                }
                this.complete = this.content.is_at_its_end();
            }
            Poll::Ready(None) => this.complete = true,
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_at_its_end()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Pieces(pieces) => {
                SizeHint::with_exact(pieces.iter().map(|piece| piece.len() as u64).sum())
            }
            Content::Other(body) => body.size_hint(),
        }
    }
}

impl<E: Exchange> Drop for Outgoing<E> {
    fn drop(&mut self) {
        if let Some(exchange) = self.exchange.take() {
            exchange.finish(self.complete);
        }
        if let Some(under_way) = self.under_way.take() {
            under_way.conn.body_ended();
        }
    }
}

impl Conn {
    fn body_began(&self) {
        let now = self.clock.now();
        if self.bodies.load(Ordering::Relaxed) == 0 {
            self.moved_at.store(now, Ordering::Relaxed);
        }
        self.add(&self.bodies, 1);
        if !self.is_http2() {
            self.unsent.store(0, Ordering::Relaxed);
        }
    }

    fn body_ended(&self) {
        self.subtract(&self.bodies, 1);
    }

    /// Whether a body may send more; otherwise it is woken when it may. In HTTP/2 this depends on its window.
    fn has_room(&self, cx: &Context<'_>) -> bool {
        let full = || self.unsent.load(Ordering::SeqCst) >= UNSENT;
        if !full() {
            return true;
        }
        *self.room.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        self.room_wanted.store(true, Ordering::SeqCst);
        !full()
    }

    /// Records that a body produced this many bytes to send.
    fn gave(&self, bytes: usize) {
        if self.is_http2() {
            self.moved(bytes);
        } else {
            self.add(&self.unsent, bytes as u64);
        }
    }

    /// Records that the socket took this many bytes. In HTTP/2 they may not belong to an answer.
    pub(super) fn sent(&self, bytes: usize) {
        if self.is_http2() {
            return;
        }
        self.moved(bytes);
        self.subtract(&self.unsent, bytes as u64);
        if self.room_wanted.load(Ordering::SeqCst) {
            self.room_wanted.store(false, Ordering::SeqCst);
            let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(body) = room.take() {
                body.wake();
            }
        }
    }
}
