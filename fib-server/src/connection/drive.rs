//! The task of one connection: it detects the protocol, serves requests, and ends in order.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::net::TcpStream;

use super::io::{Io, Socket};
use super::outgoing::{Outgoing, UNSENT};
use super::request::{Exchange, UnderWay};
use super::{Conn, Open, Order};
use crate::api::problem::Problem;
use crate::reply::Reply;
use crate::tls::Tls;

/// The start of an HTTP/2 connection (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long a client may keep sending after its last answer.
const LINGER: Duration = Duration::from_secs(2);

/// Data after the last answer is read in pieces of this size with a pause in between: 8 MB per second.
const SIP: usize = 16 * 1024;
const BETWEEN_SIPS: Duration = Duration::from_millis(2);

/// The most streams per connection. Their memory has its own limit.
const STREAMS: u32 = 100;

/// How much an HTTP/2 client may send before it is read. Nothing here takes a body.
const WINDOW: u32 = 65_535;

/// How connections are served, the same for all of a port.
#[derive(Clone)]
pub(crate) struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    tls: Option<Arc<Tls>>,
}

impl Protocols {
    /// For heads of up to this many bytes.
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

/// Answers the requests of a port.
pub(crate) trait Answers: Send + Sync + 'static {
    /// What is kept of a request until the end of its answer.
    type Exchange: Exchange;

    /// Answers a request, and returns what is kept of it.
    fn answer(
        &self,
        request: Request<Incoming>,
        conn: &Arc<Conn>,
    ) -> (Reply<<Self::Exchange as Exchange>::Answer>, Self::Exchange);
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
    let orderly = pin!(async {
        // An error here is between the client and the HTTP library, which has answered it.
        let _ = serve(socket.clone(), &conn, answers, &protocols).await;
        linger(socket.clone()).await;
    });
    if conn.signal.before(Order::End, orderly).await.is_none() {
        // The kernel drops what it buffers for the client now, rather than when it gives up.
        let _ = SockRef::from(&*socket.0).set_linger(Some(Duration::ZERO));
    }
}

/// Serves one protocol until the connection is over, as the end of a function. Both protocols do the same, with
/// different types.
macro_rules! speak {
    ($protocol:expr, $io:expr, $conn:expr, $answers:expr) => {{
        let service = Requests::new($conn, $answers);
        let mut http = pin!($protocol.serve_connection(TokioIo::new($io), service));
        if let Some(served) = $conn.signal.before(Order::Leave, http.as_mut()).await {
            return served.map_err(io::Error::other);
        }
        http.as_mut().graceful_shutdown();
        http.await.map_err(io::Error::other)
    }};
}

/// Serves the protocol that the client chooses. Most clients use HTTP/1 without TLS, and the memory of their
/// idle connections is this future, so what the others need is on the heap.
async fn serve(
    socket: Socket,
    conn: &Arc<Conn>,
    answers: Arc<impl Answers>,
    protocols: &Protocols,
) -> io::Result<()> {
    if let Some(tls) = &protocols.tls {
        return Box::pin(serve_tls(socket, tls, conn, answers, protocols)).await;
    }
    let mut io = Io::new(socket, Arc::clone(conn));
    let told = conn.signal.before(Order::Leave, pin!(tell(&mut io))).await;
    let Some(read) = told.transpose()? else {
        return Ok(());
    };
    if read == PREFACE {
        io.is_http2(read);
        return Box::pin(async { speak!(protocols.http2, io, conn, answers) }).await;
    }
    io.read_again(read);
    speak!(protocols.http1, io, conn, answers)
}

async fn serve_tls(
    socket: Socket,
    tls: &Tls,
    conn: &Arc<Conn>,
    answers: Arc<impl Answers>,
    protocols: &Protocols,
) -> io::Result<()> {
    // The handshake is a transmission like any other and must be complete in time.
    conn.incomplete(conn.clock.now());
    let shaken = pin!(tls.accept(socket));
    let shaken = conn.signal.before(Order::Leave, shaken).await;
    let Some(stream) = shaken.transpose()? else {
        return Ok(());
    };
    conn.incomplete(0);
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let mut io = Io::new(stream, Arc::clone(conn));
    if !http2 {
        return speak!(protocols.http1, io, conn, answers);
    }
    // The preface counts as an incomplete frame until it is complete.
    let read = tell(&mut io).await?;
    if read != PREFACE {
        return Ok(());
    }
    io.is_http2(read);
    speak!(protocols.http2, io, conn, answers)
}

/// Reads until it is clear whether the client uses HTTP/2.
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

/// Keeps reading for a while after the last answer. Closing a socket while its client still sends resets it,
/// and the client may lose the answer.
async fn linger(mut socket: Socket) {
    let _ = SockRef::from(&*socket.0).shutdown(std::net::Shutdown::Write);
    let _ = tokio::time::timeout(LINGER, sink(&mut socket)).await;
}

/// Reads until the client closes, at a limited rate: reading a flood at full speed would occupy a thread.
async fn sink(stream: &mut (impl AsyncRead + Unpin)) {
    while let Ok(1..) = poll_fn(|cx| sip(stream, cx)).await {
        tokio::time::sleep(BETWEEN_SIPS).await;
    }
}

/// Reads some bytes and returns how many; holds no memory while it waits.
fn sip(stream: &mut (impl AsyncRead + Unpin), cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
    let mut bytes = [const { MaybeUninit::uninit() }; SIP];
    let mut buffer = ReadBuf::uninit(&mut bytes);
    ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
    Poll::Ready(Ok(buffer.filled().len()))
}

/// The requests of one connection.
struct Requests<A> {
    conn: Arc<Conn>,
    answers: Arc<A>,
}

impl<A: Answers> Requests<A> {
    fn new(conn: &Arc<Conn>, answers: Arc<A>) -> Self {
        Self {
            conn: Arc::clone(conn),
            answers,
        }
    }
}

impl<A: Answers> Service<Request<Incoming>> for Requests<A> {
    type Response = Response<Outgoing<A::Exchange>>;
    type Error = Infallible;
    type Future = Answering<A::Exchange>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let Some(under_way) = UnderWay::begin(&self.conn, &request) else {
            return Answering::default();
        };
        let (reply, exchange) = self.answers.answer(request, &self.conn);
        Answering {
            reply: Some(reply),
            exchange: Some(exchange),
            under_way: Some(under_way),
        }
    }
}

/// A request in progress; `None` if not even its head fits in memory.
struct Answering<E: Exchange> {
    reply: Option<Reply<E::Answer>>,
    exchange: Option<E>,
    under_way: Option<UnderWay>,
}

impl<E: Exchange> Default for Answering<E> {
    fn default() -> Self {
        Self {
            reply: None,
            exchange: None,
            under_way: None,
        }
    }
}

impl<E: Exchange> Future for Answering<E> {
    type Output = Result<Response<Outgoing<E>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let (Some(reply), Some(exchange), Some(under_way)) =
            (&mut this.reply, &mut this.exchange, &this.under_way)
        else {
            let refused = Problem::no_memory().answer();
            return Poll::Ready(Ok(refused.map(|body| Outgoing::new(body, None, None))));
        };
        let answer = ready!(Pin::new(reply).poll(cx));
        let response = exchange.complete(answer, &under_way.conn);
        let (under_way, exchange) = (this.under_way.take(), this.exchange.take());
        let (head, body) = response.into_parts();
        let body = Outgoing::new(body, under_way, exchange);
        Poll::Ready(Ok(Response::from_parts(head, body)))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::observe::Observe;

    /// The size of a function's result, without a call.
    fn size<A, B, C, D, F>(_: impl FnOnce(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_after_the_last_answer_is_read_at_a_bounded_rate() {
        let (mut client, mut server) = tokio::io::duplex(1 << 20);
        let flood = async {
            let (block, mut sent) = (vec![0; 1 << 16], 0);
            while let Ok(bytes) = client.write(&block).await {
                sent += bytes;
                if sent > 1 << 26 {
                    break;
                }
            }
            sent
        };
        let second = Duration::from_secs(1);
        let read = async {
            let _ = tokio::time::timeout(second, sink(&mut server)).await;
            drop(server);
        };
        let (sent, ()) = tokio::join!(flood, read);
        // What was read, and what the buffer between them holds.
        assert!(sent <= 500 * (16 << 10) + (2 << 20), "{sent}");
        assert!(sent >= 400 * (16 << 10), "{sent}");
    }

    #[test]
    fn an_idle_connection_keeps_little_memory() {
        let task = size(|stream, open, answers: Arc<Observe>, protocols| {
            drive(stream, open, answers, protocols)
        });
        // The HTTP library takes half of it. Its buffers and requests in progress are on the heap.
        assert!(task <= 1_536, "{task}");
    }
}
