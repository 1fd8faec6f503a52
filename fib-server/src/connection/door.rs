//! Accepts connections until it is closed.

use std::io::{self, Read as _};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::FutureExt;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::drive::{Answers, Protocols, drive};
use super::{Connections, Open};
use crate::api::problem::{MEDIA_TYPE, Problem};

/// How long handshakes in progress may take to complete when the door closes.
const LAST_HANDSHAKES: Duration = Duration::from_millis(150);

/// How many connections are accepted in a row before existing ones get a turn.
const IN_TURN: u32 = 16;

/// The pause after an error, to avoid a tight loop.
const AFTER_AN_ERROR: Duration = Duration::from_millis(50);

/// A lasting error is logged once in this time.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// How many clients are turned away at the same time while reading what they still send; the others are turned
/// away in passing.
const TURNED_AWAY_AT_A_TIME: usize = 64;

/// How many bytes of a client are read in passing: the longest head.
const MOST_IN_PASSING: usize = 64 * 1024;

/// The answer to a client when there is no room.
static FULL: LazyLock<String> = LazyLock::new(|| {
    let problem = Problem::no_room().body();
    format!(
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
         content-type: {MEDIA_TYPE}\r\ncontent-length: {}\r\n\r\n{problem}",
        problem.len()
    )
});

/// Accepts connections until it is closed. Clients waiting by then are let in; later ones are refused
/// immediately and can go elsewhere. A listener that just stops accepting would let clients connect and never
/// answer them; one that is just closed resets those that wait.
pub(crate) struct Door {
    listener: Option<TcpListener>,
    connections: Arc<Connections>,
    protocols: Arc<Protocols>,
    shut: CancellationToken,
    closed: CancellationToken,
    closes_at: Option<Instant>,
    turning_away: Arc<Semaphore>,
    /// How many were accepted in this turn.
    in_turn: u32,
    told: Option<Instant>,
    untold: u64,
}

impl Door {
    /// Open until `shut` is cancelled; `closed` is cancelled once everyone is in.
    pub(crate) fn new(
        listener: TcpListener,
        connections: Arc<Connections>,
        protocols: Protocols,
        shut: CancellationToken,
        closed: CancellationToken,
    ) -> Self {
        Self {
            listener: Some(listener),
            connections,
            protocols: Arc::new(protocols),
            shut,
            closed,
            closes_at: None,
            turning_away: Arc::new(Semaphore::new(TURNED_AWAY_AT_A_TIME)),
            in_turn: 0,
            told: None,
            untold: 0,
        }
    }

    /// The next connection; `None` once the door is closed.
    async fn next(&mut self) -> Option<io::Result<(TcpStream, SocketAddr)>> {
        let listener = self.listener.as_ref()?;
        if self.closes_at.is_none() {
            tokio::select! {
                biased;
                // Unconstrained: otherwise tokio would report to a task that has done much that nobody waits.
                accepted = tokio::task::unconstrained(listener.accept()) => return Some(accepted),
                () = self.shut.cancelled() => {}
            }
            refuse_newcomers(listener);
            self.closes_at = Some(Instant::now() + LAST_HANDSHAKES);
        }
        let at = self.closes_at.unwrap_or_else(Instant::now);
        if let Ok(accepted) = timeout_at(at, listener.accept()).await {
            return Some(accepted);
        }
        let last = tokio::task::unconstrained(listener.accept()).now_or_never();
        if last.is_none() {
            self.listener = None;
            self.closed.cancel();
        }
        last
    }

    /// Serves connections forever. Dropping this ends all of them immediately.
    pub(crate) async fn serve(mut self, answers: impl Answers) {
        let (answers, mut connections) = (Arc::new(answers), JoinSet::new());
        loop {
            tokio::select! {
                (stream, open) = self.accept() => {
                    let (answers, protocols) = (Arc::clone(&answers), Arc::clone(&self.protocols));
                    connections.spawn(drive(stream, open, answers, protocols));
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }

    /// The next connection that is let in. Errors are logged, and accepting is retried.
    async fn accept(&mut self) -> (Arc<TcpStream>, Open) {
        loop {
            if self.in_turn == IN_TURN {
                self.in_turn = 0;
                tokio::task::yield_now().await;
            }
            self.in_turn += 1;
            match self.next().await {
                Some(Ok((stream, _))) if is_gone(&stream) => {}
                Some(Ok((stream, peer))) => match self.connections.opened(peer) {
                    Some(open) => {
                        let stream = Arc::new(stream);
                        open.conn.is_over(&stream);
                        return (stream, open);
                    }
                    None => self.turn_away(stream),
                },
                // This client has gone; the next one must not wait for it.
                Some(Err(error)) if is_the_clients(&error) => {}
                Some(Err(error)) => {
                    self.tell(&error);
                    sleep(AFTER_AN_ERROR).await;
                }
                None => std::future::pending().await,
            }
        }
    }

    /// Says that there is no room, so that the client retries.
    fn turn_away(&self, mut stream: TcpStream) {
        self.connections.metrics.connection_refused();
        let is_tls = self.protocols.is_tls();
        let Ok(place) = Arc::clone(&self.turning_away).try_acquire_owned() else {
            return turn_away_in_passing(&stream, is_tls);
        };
        tokio::spawn(async move {
            let _place = place;
            let say = async {
                if !is_tls {
                    stream.write_all(FULL.as_bytes()).await?;
                }
                stream.shutdown().await?;
                let mut sink = [0_u8; 1_024];
                while stream.read(&mut sink).await? > 0 {}
                io::Result::Ok(())
            };
            let _ = timeout(Duration::from_secs(1), say).await;
        });
    }

    /// Logs an error, unless it was logged recently: it recurs until its cause is gone.
    fn tell(&mut self, error: &io::Error) {
        let now = Instant::now();
        if self
            .told
            .is_some_and(|at| now.duration_since(at) < TOLD_EVERY)
        {
            self.untold += 1;
            return;
        }
        self.told = Some(now);
        tracing::error!(
            %error,
            untold = std::mem::take(&mut self.untold),
            open = self.connections.open(),
            "a connection can't be accepted"
        );
    }
}

/// Whether a client has left before it was accepted: its connection was reset, or closed before a request. In a flood of
/// those each costs two system calls, rather than a task and a computation.
fn is_gone(stream: &TcpStream) -> bool {
    let socket = SockRef::from(stream);
    !matches!(socket.take_error(), Ok(None))
        || matches!(socket.peek(&mut [MaybeUninit::uninit()]), Ok(0))
}

/// Says that there is no room, and reads what the client has sent by now: closing a socket with unread bytes resets
/// it, and the client may lose the answer.
fn turn_away_in_passing(stream: &TcpStream, is_tls: bool) {
    let socket = SockRef::from(stream);
    // Nothing here waits, and a client that is gone needs no answer.
    if !is_tls {
        let _ = socket.send(FULL.as_bytes());
    }
    let _ = socket.shutdown(Shutdown::Write);
    let mut sink = [0; 4 * 1024];
    for _ in 0..MOST_IN_PASSING / sink.len() {
        if !matches!((&*socket).read(&mut sink), Ok(1..)) {
            break;
        }
    }
}

/// Whether an error belongs to a client that left before it was accepted, rather than to the server.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// Lets the kernel drop every packet that asks for a new connection, while handshakes in progress complete. A
/// dropped client retries in a second, and is refused by then. If the kernel has no such filters, the door
/// closes a little less gently.
#[cfg(target_os = "linux")]
fn refuse_newcomers(listener: &TcpListener) {
    use socket2::SockFilter;
    const LOAD_BYTE: u16 = 0x30;
    const JUMP_IF_ANY_BIT: u16 = 0x45;
    const RETURN: u16 = 0x06;
    /// The position of the flags in a TCP header, and the SYN bit.
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    let filter = [
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
        SockFilter::new(JUMP_IF_ANY_BIT, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ];
    let _ = SockRef::from(listener).attach_filter(&filter);
}

/// This system has no such filter.
#[cfg(not(target_os = "linux"))]
fn refuse_newcomers(_: &TcpListener) {}

#[cfg(test)]
mod tests {
    use super::*;

    /// A door for a hundred connections, and its address.
    async fn door() -> (Door, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let connections = super::super::tests::connections(0, Duration::ZERO, 100);
        let (shut, closed) = (CancellationToken::new(), CancellationToken::new());
        let protocols = Protocols::new(16 * 1_024, None);
        (
            Door::new(listener, connections, protocols, shut, closed),
            at,
        )
    }

    #[tokio::test]
    async fn a_client_that_left_before_it_was_accepted_is_skipped_and_one_that_sent_a_request_is_not()
     {
        let (mut door, at) = door().await;
        let ask = async |shut: bool| {
            let mut client = TcpStream::connect(at).await.unwrap();
            client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
            if shut {
                client.shutdown().await.unwrap();
            }
            client
        };
        let reset = ask(false).await;
        SockRef::from(&reset)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        drop(reset);
        drop(TcpStream::connect(at).await.unwrap());
        // It stops sending, and waits for its answer.
        let half_closed = ask(true).await;
        let silent = TcpStream::connect(at).await.unwrap();
        for waiting in [half_closed, silent] {
            let peer = door.accept().await.1.conn.peer();
            assert_eq!(peer, waiting.local_addr().unwrap());
        }
    }

    #[tokio::test]
    async fn existing_connections_get_a_turn_however_many_new_ones_arrive() {
        let (mut door, at) = door().await;
        let _clients: Vec<_> = (0..3 * IN_TURN)
            .map(|_| std::net::TcpStream::connect(at).unwrap())
            .collect();
        let mut inside = vec![door.accept().await];
        while let Some(one) = door.accept().now_or_never() {
            inside.push(one);
        }
        assert_eq!(inside.len(), IN_TURN as usize);
        assert!(door.accept().now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_client_turned_away_in_passing_receives_the_answer_however_much_it_has_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        client.write_all(&vec![b'x'; 20_000]).await.unwrap();
        let stream = listener.accept().await.unwrap().0;
        turn_away_in_passing(&stream, false);
        drop(stream);
        // It has not been reset: it may go on sending before it reads.
        client.write_all(b"x").await.unwrap();
        let mut told = String::new();
        client.read_to_string(&mut told).await.unwrap();
        assert_eq!(told, *FULL);
    }

    #[test]
    fn a_client_that_leaves_before_it_is_accepted_delays_nobody() {
        use rustix::io::Errno;
        let of = |errno: Errno| is_the_clients(&io::Error::from_raw_os_error(errno.raw_os_error()));
        assert!(of(Errno::CONNABORTED) && of(Errno::CONNRESET));
        assert!(!of(Errno::MFILE) && !of(Errno::NFILE) && !of(Errno::NOMEM));
    }
}
