//! The task of one connection: the protocol is told, requests are served, and the end is orderly.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use salvo::http::ResBody;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;

use super::io::{Io, Socket};
use super::{Conn, ENDS, LEAVES, Open};
use crate::admission::ShedReason;
use crate::api::problem::Problem;
use crate::memory::Reservation;
use crate::reply::Reply;
use crate::tls::Tls;

/// What an HTTP/2 connection begins with (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long a client may go on sending after its last answer.
const LINGER: Duration = Duration::from_secs(2);

/// A body is not asked for more while this much of it waits to be sent.
const UNSENT: u64 = 16 * 1024;

/// Streams that one connection may have at a time. What they hold in memory has its own limit.
const STREAMS: u32 = 100;

/// What an HTTP/2 client may send before it is read. Nothing here takes a body.
const WINDOW: u32 = 65_535;

/// What a request takes in memory besides its head, with an answer of up to [`SMALL_ANSWER`].
const REQUEST: u64 = 2_048;

/// The answer to a request of HTTP/1 takes nothing of the budget by itself up to this many bytes: a connection has one
/// at a time. In HTTP/2 each of many streams can have one that waits for its window.
pub(crate) const SMALL_ANSWER: usize = 1_024;

/// How connections are served, the same for all of a port.
#[derive(Clone)]
pub(crate) struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    tls: Option<Arc<Tls>>,
}

impl Protocols {
    /// For heads of up to so many bytes.
    pub(crate) fn new(head: usize, tls: Option<Arc<Tls>>) -> Self {
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            // The sweep over the connections has the timeouts.
            .header_read_timeout(None)
            .max_buf_size(head)
            .max_header_size(head);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX))
            .max_send_buf_size(usize::try_from(UNSENT).unwrap_or(usize::MAX));
        Self { http1, http2, tls }
    }

    /// Whether connections are encrypted.
    pub(super) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }
}

/// What answers the requests of a port.
pub(crate) trait Answers: Send + Sync + 'static {
    /// What is kept of a request until the end of its answer.
    type Record: AnswerRecord;

    /// Answers a request.
    fn answer(
        &self,
        request: Request<Incoming>,
        conn: &Arc<Conn>,
    ) -> Reply<(Response<ResBody>, Self::Record)>;
}

/// What is done when an answer has been sent, or was broken off.
pub(crate) trait AnswerRecord: Send + Unpin + 'static {
    /// Called once, at the end, and told whether all of the answer was sent.
    fn finish(self, complete: bool);
}

/// Serves one connection to its end.
pub(super) async fn drive(
    stream: Arc<TcpStream>,
    open: Open,
    answers: Arc<impl Answers>,
    protocols: Arc<Protocols>,
) {
    let conn = Arc::clone(&open.conn);
    let socket = Socket(stream);
    let orderly = async {
        // What went wrong is between the client and the HTTP library, which has answered it.
        let _ = serve(socket.clone(), &conn, answers, &protocols).await;
        linger(&socket.0).await;
    };
    tokio::select! {
        biased;
        () = conn.told(ENDS) => {
            // What the kernel holds for the client goes at once, rather than when it gives up.
            let _ = SockRef::from(&*socket.0).set_linger(Some(Duration::ZERO));
        }
        () = orderly => {}
    }
}

async fn serve(
    socket: Socket,
    conn: &Arc<Conn>,
    answers: Arc<impl Answers>,
    protocols: &Protocols,
) -> io::Result<()> {
    let Some(tls) = &protocols.tls else {
        let mut io = Io::new(socket, Arc::clone(conn));
        let read = tokio::select! {
            read = tell(&mut io) => read?,
            () = conn.told(LEAVES) => return Ok(()),
        };
        let http2 = read == PREFACE;
        if http2 {
            io.is_http2(read);
        } else {
            io.read_again(read);
        }
        return speak(io, http2, conn, answers, protocols).await;
    };
    // The handshake is a transmission like any other, and has to be complete in time.
    conn.incomplete(conn.clock.now());
    let stream = tokio::select! {
        stream = tls.accept(socket) => stream?,
        () = conn.told(LEAVES) => return Ok(()),
    };
    conn.incomplete(0);
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let mut io = Io::new(stream, Arc::clone(conn));
    if http2 {
        // The preface counts as an incomplete frame until it is whole.
        let read = tell(&mut io).await?;
        if read != PREFACE {
            return Ok(());
        }
        io.is_http2(read);
    }
    speak(io, http2, conn, answers, protocols).await
}

/// Reads until it is clear whether the client speaks HTTP/2.
async fn tell(io: &mut (impl AsyncRead + Unpin)) -> io::Result<Bytes> {
    let mut read = BytesMut::with_capacity(PREFACE.len());
    while read.len() < PREFACE.len() && PREFACE.starts_with(&read) {
        let mut rest = [0_u8; PREFACE.len()];
        let wanted = PREFACE.len() - read.len();
        let got = io.read(&mut rest[..wanted]).await?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        read.extend_from_slice(&rest[..got]);
    }
    Ok(read.freeze())
}

async fn speak<S>(
    io: Io<S>,
    http2: bool,
    conn: &Arc<Conn>,
    answers: Arc<impl Answers>,
    protocols: &Protocols,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = Requests {
        conn: Arc::clone(conn),
        answers,
    };
    // Both do the same, with types of their own.
    macro_rules! until_it_leaves {
        ($builder:expr) => {{
            let mut http = std::pin::pin!($builder.serve_connection(TokioIo::new(io), service));
            tokio::select! {
                served = http.as_mut() => return served.map_err(io::Error::other),
                () = conn.told(LEAVES) => http.as_mut().graceful_shutdown(),
            }
            http.await.map_err(io::Error::other)
        }};
    }
    if http2 {
        until_it_leaves!(protocols.http2)
    } else {
        until_it_leaves!(protocols.http1)
    }
}

/// Reads on for a while after the last answer. A socket that is closed while its client still sends is
/// reset, and the client may lose the answer with it.
async fn linger(stream: &TcpStream) {
    let _ = SockRef::from(stream).shutdown(std::net::Shutdown::Write);
    let drain = async {
        let mut sink = Vec::new();
        while stream.readable().await.is_ok() {
            sink.resize(16 * 1024, 0);
            match stream.try_read(&mut sink) {
                Ok(0) => break,
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
    };
    let _ = tokio::time::timeout(LINGER, drain).await;
}

/// The requests of one connection.
struct Requests<A> {
    conn: Arc<Conn>,
    answers: Arc<A>,
}

impl<A: Answers> Service<Request<Incoming>> for Requests<A> {
    type Response = Response<Outgoing<A::Record>>;
    type Error = Infallible;
    type Future = Answering<A::Record>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let under_way = UnderWay::begin(&self.conn, &request);
        let reply = under_way
            .is_some()
            .then(|| self.answers.answer(request, &self.conn));
        Answering { reply, under_way }
    }
}

/// A request that is being answered.
struct Answering<R> {
    /// Nothing when not even the request's head fits in memory.
    reply: Option<Reply<(Response<ResBody>, R)>>,
    under_way: Option<UnderWay>,
}

impl<R: AnswerRecord> Future for Answering<R> {
    type Output = Result<Response<Outgoing<R>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(reply) = &mut self.reply else {
            let refused = Problem::no_memory().answer();
            return Poll::Ready(Ok(refused.map(|body| Outgoing::new(body, None, None))));
        };
        let (response, record) = ready!(Pin::new(reply).poll(cx));
        let under_way = self.under_way.take();
        Poll::Ready(Ok(
            response.map(|body| Outgoing::new(body, under_way, Some(record)))
        ))
    }
}

/// A request from its head to the end of its answer's body.
struct UnderWay {
    conn: Arc<Conn>,
    had_body: bool,
    _head: Option<Reservation>,
    _more: Reservation,
}

impl UnderWay {
    /// `None` when memory is short.
    fn begin(conn: &Arc<Conn>, request: &Request<Incoming>) -> Option<Self> {
        conn.request_began();
        let head = conn.take_input();
        let fields: usize = request
            .headers()
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        let bytes = fields + request.uri().path().len() + request.uri().query().map_or(0, str::len);
        let had_body = !request.body().is_end_stream();
        let more = conn.reserve(bytes as u64 + REQUEST);
        if more.is_none() {
            conn.metrics.shed(ShedReason::Memory);
            conn.request_ended(had_body);
        }
        Some(Self {
            conn: Arc::clone(conn),
            had_body,
            _head: head,
            _more: more?,
        })
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.conn.request_ended(self.had_body);
    }
}

/// An answer's body on its way out.
pub(crate) struct Outgoing<R: AnswerRecord> {
    body: ResBody,
    complete: bool,
    under_way: Option<UnderWay>,
    record: Option<R>,
}

impl<R: AnswerRecord> Outgoing<R> {
    fn new(body: ResBody, under_way: Option<UnderWay>, record: Option<R>) -> Self {
        if let Some(under_way) = &under_way {
            under_way.conn.body_began();
        }
        Self {
            complete: body.is_end_stream(),
            body,
            under_way,
            record,
        }
    }
}

impl<R: AnswerRecord> Body for Outgoing<R> {
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
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                if let Some(under_way) = &this.under_way {
                    under_way.conn.gave(bytes);
                }
                this.complete = this.body.is_end_stream();
            }
            Poll::Ready(None) => this.complete = true,
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<R: AnswerRecord> Drop for Outgoing<R> {
    fn drop(&mut self) {
        if let Some(record) = self.record.take() {
            record.finish(self.complete);
        }
        if let Some(under_way) = self.under_way.take() {
            under_way.conn.body_ended();
        }
    }
}

impl Conn {
    fn body_began(&self) {
        let now = self.clock.now();
        if self.bodies.fetch_add(1, Ordering::Relaxed) == 0 {
            self.moved_at.store(now, Ordering::Relaxed);
        }
        if !self.is_http2() {
            self.unsent.store(0, Ordering::Relaxed);
        }
    }

    fn body_ended(&self) {
        self.bodies.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether a body may give more; else it is woken when it may. In HTTP/2, its window says that.
    fn has_room(&self, cx: &Context<'_>) -> bool {
        let full = || self.unsent.load(Ordering::Acquire) >= UNSENT;
        if !full() {
            return true;
        }
        let mut room = self
            .room
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *room = Some(cx.waker().clone());
        !full()
    }

    /// A body gave so many bytes to be sent.
    fn gave(&self, bytes: usize) {
        if self.is_http2() {
            self.moved(bytes);
        } else {
            self.unsent.fetch_add(bytes as u64, Ordering::Release);
        }
    }

    /// The socket took so many bytes. In HTTP/2 they may be no part of an answer.
    pub(super) fn sent(&self, bytes: usize) {
        if self.is_http2() {
            return;
        }
        self.moved(bytes);
        let left = |unsent: u64| Some(unsent.saturating_sub(bytes as u64));
        let _ = self
            .unsent
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, left);
        let waiting = self
            .room
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some(body) = waiting {
            body.wake();
        }
    }
}
