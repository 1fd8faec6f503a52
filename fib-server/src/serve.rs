//! Binds the ports and serves until stopped.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::State;
use crate::api::Routes;
use crate::config::{Config, HEAD};
use crate::connection::{ADMIN_CONNECTIONS, ConnectionLimits, Connections, Door, Protocols};
use crate::lifecycle::Stop;
use crate::memory::Budget;
use crate::metrics::Metrics;
use crate::observe::Observe;
use crate::tls::Tls;

/// Connections that the kernel queues until they are accepted. It bounds the wait: a flood of newcomers fills any
/// queue, and those behind it wait until it is accepted, which took 0.1 s with four times as many. A newcomer that does
/// not fit tries again in a second.
const BACKLOG: i32 = 1_024;

/// The kernel sends this much before it is acknowledged. It doubles the number for its own overhead.
const SEND_BUFFER: usize = 128 * 1024;

/// And buffers this much of an answer that it can't send yet: enough to keep a connection busy, little enough
/// for thousands of clients that do not read.
const UNSENT: u32 = 16 * 1024;

/// What clients may send before it is read: only heads.
const RECEIVE_BUFFER: usize = 32 * 1024;

/// A client whose kernel no longer answers is given up after this.
const UNREACHABLE: Duration = Duration::from_secs(90);

/// The longest head on the admin port.
const ADMIN_HEAD: usize = 16 * 1024;

/// The memory for request heads on the admin port.
const ADMIN_BYTES: u64 = 2 << 20;

/// A draining server has no clients left when it has had no connections for this long.
const QUIET: Duration = Duration::from_millis(500);

/// A connection that was just accepted or used may have a request on its way for this long.
const FIRST_WORD: Duration = Duration::from_secs(1);

/// Why the server can't serve, in one sentence.
#[derive(Debug)]
pub struct CannotServe(String);

impl CannotServe {
    pub(crate) fn internal(cause: impl fmt::Display) -> Self {
        Self(format!("the server can't start: {cause}"))
    }
}

impl fmt::Display for CannotServe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CannotServe {}

/// A server whose ports are bound and that does not serve yet.
#[derive(Debug)]
pub struct Bound {
    main: TcpListener,
    admin: Option<TcpListener>,
    tls: Option<Arc<Tls>>,
    state: Arc<State>,
}

impl Bound {
    /// Binds the ports.
    pub fn new(config: Config) -> Result<Self, CannotServe> {
        let tls = config
            .tls
            .clone()
            .map(Tls::load)
            .transpose()
            .map_err(|e| CannotServe(e.to_string()))?;
        let main = bind("listen", config.listen)?;
        let admin = config.admin.map(|a| bind("admin", a)).transpose()?;
        Ok(Self {
            main,
            admin,
            tls: tls.map(Arc::new),
            state: Arc::new(State::new(config)?),
        })
    }

    /// The address it will serve on.
    pub fn address(&self) -> Result<SocketAddr, CannotServe> {
        self.main.local_addr().map_err(CannotServe::internal)
    }

    /// The address for probes and metrics.
    pub fn admin_address(&self) -> Result<Option<SocketAddr>, CannotServe> {
        self.admin
            .as_ref()
            .map(TcpListener::local_addr)
            .transpose()
            .map_err(CannotServe::internal)
    }

    /// Whether the main port has TLS.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Serves until the signal, drains, and returns when the last answer is sent or its time is up.
    pub async fn run(self, stop: Stop) -> Result<(), CannotServe> {
        let Self {
            main,
            admin,
            tls,
            state,
        } = self;
        let connections = Arc::clone(&state.connections);
        let (shut, closed) = (CancellationToken::new(), CancellationToken::new());
        let door = Door::new(
            listener(main)?,
            Arc::clone(&connections),
            Protocols::new(HEAD, tls.clone()),
            shut.clone(),
            closed.clone(),
        );
        // On a thread that serves connections; on any other, accepting one would take a switch of threads.
        let mut serving = JoinSet::new();
        serving.spawn(door.serve(Observe::new(Arc::clone(&state), Routes::main(&state))));
        state.lifecycle.serves();
        // The admin port has been bound for some time: early requests wait for this instead of getting a 503.
        let _admin = admin
            .map(|listener| AdminThread::start(listener, &state))
            .transpose()?;

        tokio::select! {
            Some(Err(failed)) = serving.join_next() => return Err(CannotServe::internal(failed)),
            () = stopping(&state, &stop, &shut, &closed) => {}
            () = connections.sweep() => {}
            () = follow_the_files(tls.as_deref()) => {}
            () = send_spans(&state) => {}
        }
        // What is still open ends.
        serving.shutdown().await;
        if let (Some(spans), Some(collector)) = (&state.spans, &state.config.otlp) {
            spans.send_the_last(collector, &state.config.pod).await;
        }
        Ok(())
    }
}

async fn send_spans(state: &State) {
    match (&state.spans, &state.config.otlp) {
        (Some(spans), Some(collector)) => spans.send(collector, &state.config.pod).await,
        _ => std::future::pending().await,
    }
}

async fn follow_the_files(tls: Option<&Tls>) {
    match tls {
        Some(tls) => tls.follow_the_files().await,
        None => std::future::pending().await,
    }
}

/// From the first signal to the last answer. It first keeps serving and asks each client to leave; then it
/// accepts nobody any more, and waits for the answers in progress.
async fn stopping(
    state: &State,
    stop: &Stop,
    shut: &CancellationToken,
    closed: &CancellationToken,
) {
    let (config, connections) = (&state.config, &state.connections);
    stop.requested().await;
    state.begin_drain();
    tokio::select! {
        () = tokio::time::sleep(config.drain_delay) => {}
        () = connections.quiet(QUIET) => {}
        () = stop.hurried() => return,
    }
    shut.cancel();
    let last_ones = async {
        closed.cancelled().await;
        last_ones(connections).await;
    };
    tokio::select! {
        () = last_ones => {}
        () = tokio::time::sleep(config.shutdown_timeout) => {
            tracing::warn!(connections = connections.open(), "closing connections whose time is up");
        }
        () = stop.hurried() => {}
    }
}

/// Closes connections that have been quiet for a while, gives the others a moment for a request on its way, and
/// then closes all that have none.
async fn last_ones(connections: &Connections) {
    connections.close_the_quiet(QUIET);
    if tokio::time::timeout(FIRST_WORD, connections.none())
        .await
        .is_err()
    {
        connections.close_all();
        connections.none().await;
    }
}

fn listener(listener: TcpListener) -> Result<tokio::net::TcpListener, CannotServe> {
    tokio::net::TcpListener::from_std(listener).map_err(CannotServe::internal)
}

/// Binds a port. If the address is all of IPv6 and the system has no IPv6, it binds all of IPv4.
fn bind(name: &str, address: SocketAddr) -> Result<TcpListener, CannotServe> {
    let taken = open(address).or_else(|error| {
        let all_of_6 = address.is_ipv6() && address.ip().is_unspecified();
        if all_of_6 && has_no_ipv6(&error) {
            open(SocketAddr::new(
                IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                address.port(),
            ))
        } else {
            Err(error)
        }
    });
    taken.map_err(|e| {
        CannotServe(format!(
            "{name} address {address} can't be taken: {e}; stop what uses it or give another with --{name}, port 0 \
             for a free one"
        ))
    })
}

/// Without the protocol there is no such socket; if it is just disabled, there is no such address.
fn has_no_ipv6(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{AddrNotAvailable, Unsupported};
    matches!(error.kind(), AddrNotAvailable | Unsupported)
        || error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

fn open(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        // `[::]` includes IPv4, whatever the system's default is.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // A port that was just released can be bound again; one in use can't.
    socket.set_reuse_address(true)?;
    // On Linux each connection inherits these. Answers do not wait for acknowledgements.
    socket.set_tcp_nodelay(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    #[cfg(target_os = "linux")]
    {
        socket.set_tcp_notsent_lowat(UNSENT)?;
        socket.set_tcp_user_timeout(Some(UNREACHABLE))?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The admin port's own thread and runtime: it answers while every other thread is busy.
struct AdminThread {
    stop: Option<oneshot::Sender<()>>,
}

impl AdminThread {
    fn start(taken: TcpListener, state: &Arc<State>) -> Result<Self, CannotServe> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(CannotServe::internal)?;
        let state = Arc::clone(state);
        let (stop, stopped) = oneshot::channel();
        std::thread::Builder::new()
            .name("admin".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        served = serve_admin(taken, &state) => {
                            if let Err(error) = served {
                                tracing::error!(%error, "the admin port failed");
                            }
                        }
                        _ = stopped => {}
                    }
                });
            })
            .map_err(CannotServe::internal)?;
        Ok(Self { stop: Some(stop) })
    }
}

async fn serve_admin(taken: TcpListener, state: &Arc<State>) -> Result<(), CannotServe> {
    let limits = ConnectionLimits {
        requests: 0,
        age: Duration::ZERO,
        idle: state.config.idle_timeout,
        most: ADMIN_CONNECTIONS,
        head: ADMIN_HEAD,
    };
    // Memory of its own, so that clients of the main port never keep a probe from its answer. And metrics of
    // its own, which nobody reads: the connection series belong to the main port.
    let metrics = Arc::new(Metrics::new("").map_err(CannotServe::internal)?);
    let budget = Budget::new(ADMIN_BYTES, metrics.bytes_held());
    let connections = Connections::new(limits, metrics, Arc::new(budget));
    let connections = Arc::new(connections);
    let door = Door::new(
        listener(taken)?,
        Arc::clone(&connections),
        Protocols::new(ADMIN_HEAD, None),
        CancellationToken::new(),
        CancellationToken::new(),
    );
    let serving = door.serve(Observe::new(Arc::clone(state), Routes::admin(state)));
    tokio::select! {
        () = serving => {}
        () = connections.sweep() => {}
    }
    Ok(())
}

impl Drop for AdminThread {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // If nobody receives this, the thread has already gone.
            let _ = stop.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn only_a_machine_without_ipv6_falls_back_to_ipv4() {
        let no_protocol = rustix::io::Errno::AFNOSUPPORT.raw_os_error();
        assert!(has_no_ipv6(&Error::from_raw_os_error(no_protocol)));
        assert!(has_no_ipv6(&ErrorKind::AddrNotAvailable.into()));
        for other in [ErrorKind::AddrInUse, ErrorKind::PermissionDenied] {
            assert!(!has_no_ipv6(&other.into()), "{other}");
        }
    }
}
