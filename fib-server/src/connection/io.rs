//! A connection's bytes in transit: tracks when the client started something that is incomplete, and when it
//! last read something.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::Conn;
use super::frames::{Fed, Frames};

/// A socket that several owners can read, write and close: the HTTP library drops its own before the connection
/// is over.
#[derive(Debug, Clone)]
pub(super) struct Socket(pub(super) Arc<TcpStream>);

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match self.try_read(buf) {
                // Also if some bytes came and there are no more.
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    if buf.filled().len() > before {
                        return Poll::Ready(Ok(()));
                    }
                }
                read => return Poll::Ready(read),
            }
        }
    }
}

impl Socket {
    /// Reads what is available. A short read was everything, so the next read waits for the kernel's
    /// notification instead of finding nothing.
    fn try_read(&self, buf: &mut ReadBuf<'_>) -> io::Result<()> {
        // Around the read, so that nothing that arrives after it is missed.
        self.0.try_io(Interest::READABLE, || {
            let room = buf.remaining();
            let read = self.0.try_read_buf(buf)?;
            if 0 < read && read < room {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Ok(())
        })
    }

    fn poll_write_with(
        &self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match write(&self.0) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, |stream| stream.try_write_vectored(bytes))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Left to what follows the last answer, which lingers.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// An HTTP/2 connection reads this much per turn. A request is one or two hundred bytes, and anything that
/// clients send faster is read in later turns. Without this, a flood of small frames would occupy a thread for
/// as long as it lasted; the frames of one turn take about a tenth of a millisecond.
pub(super) const TURN: usize = 1024;

/// The plain bytes of a connection, with or without TLS below.
pub(super) struct Io<S> {
    inner: S,
    conn: Arc<Conn>,
    /// Bytes read in this turn.
    in_turn: usize,
    /// Bytes that were read to detect the protocol, and must be read again.
    again: Bytes,
    follows: Follows,
}

/// The kind of incoming bytes.
enum Follows {
    /// Heads of HTTP/1.
    Heads(Heads),
    /// Frames of HTTP/2.
    Frames(Frames),
}

/// The heads of HTTP/1.
#[derive(Debug, Default)]
struct Heads {
    /// Bytes since the start of the last request.
    bytes: usize,
    /// The number of requests until then.
    requests: u64,
    /// The last four bytes.
    last: [u8; 4],
}

impl Heads {
    /// Tracks some bytes; returns whether they end with the end of a head.
    fn feed(&mut self, bytes: &[u8], requests: u64) -> bool {
        if self.requests != requests {
            *self = Self {
                requests,
                ..Self::default()
            };
        }
        self.bytes += bytes.len();
        if let Some(last) = bytes.last_chunk() {
            self.last = *last;
        } else {
            self.last.rotate_left(bytes.len());
            let kept = self.last.len() - bytes.len();
            self.last[kept..].copy_from_slice(bytes);
        }
        self.last == *b"\r\n\r\n" || self.last.ends_with(b"\n\n")
    }
}

impl<S> Io<S> {
    /// The bytes of HTTP/1, or of an unknown protocol.
    pub(super) fn new(inner: S, conn: Arc<Conn>) -> Self {
        Self {
            inner,
            conn,
            in_turn: 0,
            again: Bytes::new(),
            follows: Follows::Heads(Heads::default()),
        }
    }

    /// The protocol is HTTP/1: the bytes read to detect it are read again.
    pub(super) fn read_again(&mut self, bytes: Bytes) {
        self.again = bytes;
    }

    /// The protocol is HTTP/2: the connection preface is read again.
    pub(super) fn is_http2(&mut self, preface: Bytes) {
        self.conn.http2.store(true, Ordering::Relaxed);
        self.conn.incomplete(0);
        self.again = preface;
        self.follows = Follows::Frames(Frames::default());
    }

    fn follow(&mut self, bytes: &[u8]) -> io::Result<()> {
        let conn = &self.conn;
        if bytes.is_empty() {
            return Ok(());
        }
        let now = conn.clock.now();
        conn.heard_at.store(now, Ordering::Relaxed);
        let incomplete = match &mut self.follows {
            Follows::Heads(heads) => {
                let ended = heads.feed(bytes, conn.requests.load(Ordering::Relaxed));
                conn.tail.store(!ended, Ordering::Relaxed);
                if conn.incomplete_since.load(Ordering::Relaxed) == 0
                    && conn.active.load(Ordering::Relaxed) == 0
                {
                    conn.incomplete(now);
                }
                heads.bytes
            }
            Follows::Frames(frames) => {
                match frames.feed(bytes) {
                    Fed::Complete => conn.incomplete(0),
                    Fed::NewlyIncomplete => conn.incomplete(now),
                    Fed::StillIncomplete => {}
                }
                frames.incomplete()
            }
        };
        conn.keep_input(incomplete)
    }

    fn wrote(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let conn = &self.conn;
        conn.blocked.store(polled.is_pending(), Ordering::Relaxed);
        if let Poll::Ready(Ok(bytes)) = &polled {
            conn.sent(*bytes);
        }
        polled
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Io<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.again.is_empty() {
            let length = self.again.len().min(buf.remaining());
            buf.put_slice(&self.again[..length]);
            self.again.advance(length);
            return Poll::Ready(Ok(()));
        }
        let this = &mut *self;
        match this.follows {
            // Its parser starts over with each part of a head, and yields to others by itself.
            Follows::Heads(_) => {
                let before = buf.filled().len();
                ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
                Poll::Ready(this.follow(&buf.filled()[before..]))
            }
            Follows::Frames(_) => this.poll_read_in_turn(cx, buf),
        }
    }
}

impl<S: AsyncRead + Unpin> Io<S> {
    /// Reads at most a turn, then lets others have theirs.
    fn poll_read_in_turn(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.in_turn >= TURN {
            self.in_turn = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let most = buf.remaining().min(TURN - self.in_turn);
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(most));
        let read = Pin::new(&mut self.inner).poll_read(cx, &mut part);
        if read.is_pending() {
            self.in_turn = 0;
        }
        ready!(read)?;
        let bytes = part.filled();
        self.in_turn += bytes.len();
        let (read, followed) = (bytes.len(), self.follow(bytes));
        buf.advance(read);
        Poll::Ready(followed)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Io<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.wrote(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(cx, bytes);
        self.wrote(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_head_is_found_however_the_bytes_are_split() {
        let head = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        for at in 0..head.len() {
            let mut heads = Heads::default();
            assert!(!heads.feed(&head[..at], 0), "{at}");
            assert!(heads.feed(&head[at..], 0), "{at}");
            assert_eq!(heads.bytes, head.len());
        }
    }

    #[test]
    fn the_bytes_of_the_next_head_are_counted_from_its_start() {
        let mut heads = Heads::default();
        heads.feed(b"GET / HTTP/1.1\r\n\r\n", 0);
        heads.feed(b"GET ", 1);
        assert_eq!(heads.bytes, 4);
    }
}
