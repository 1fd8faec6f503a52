//! Binding the ports and serving until told to stop.

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use salvo::conn::Acceptor;
use salvo::conn::tcp::TcpAcceptor;
use salvo::fuse::FusePolicy;
use salvo::{Router, Server, Service};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::State;
use crate::api;
use crate::config::Config;
use crate::connection::{Connections, Policy, timeouts};
use crate::door::Door;
use crate::lifecycle::Stop;
use crate::observe::Observe;

/// Connections that the kernel holds until they are accepted: all users of a load test at once.
const BACKLOG: i32 = 4_096;

/// A request's head may take this long, counted from when a connection would be closed for being idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// A server that drains has no clients left when it had no connection for this long.
const QUIET: Duration = Duration::from_millis(500);

/// The first request of a connection that was let in last may take this long to come.
const FIRST_WORD: Duration = Duration::from_secs(1);

/// Why serving is not possible, in one sentence.
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

/// A server whose ports are taken, and that does not serve yet.
#[derive(Debug)]
pub struct Bound {
    main: TcpListener,
    admin: Option<TcpListener>,
    state: Arc<State>,
}

impl Bound {
    /// Takes the ports.
    pub fn new(config: Config) -> Result<Self, CannotServe> {
        let main = bind("listen", config.listen)?;
        let admin = config.admin.map(|a| bind("admin", a)).transpose()?;
        Ok(Self {
            main,
            admin,
            state: Arc::new(State::new(config)?),
        })
    }

    /// Where it will serve.
    pub fn address(&self) -> Result<SocketAddr, CannotServe> {
        self.main.local_addr().map_err(CannotServe::internal)
    }

    /// Where probes and metrics will be served.
    pub fn admin_address(&self) -> Result<Option<SocketAddr>, CannotServe> {
        self.admin
            .as_ref()
            .map(TcpListener::local_addr)
            .transpose()
            .map_err(CannotServe::internal)
    }

    /// Serves until the signal, drains, and returns when the last answer is given or its time is up.
    pub async fn run(self, stop: Stop) -> Result<(), CannotServe> {
        let Self { main, admin, state } = self;
        let _admin = admin
            .map(|listener| AdminThread::start(listener, &state))
            .transpose()?;

        let shut = CancellationToken::new();
        let door = Door::new(acceptor(main)?, shut.clone());
        let policy = Policy(Arc::clone(&state.connections));
        let serving = server(door, policy, &state).try_serve(service(api::router(&state), &state));
        state.lifecycle.serves();

        // What is still open when either of them ends is dropped with `serving`.
        tokio::select! {
            result = serving => result.map_err(CannotServe::internal),
            () = stopping(&state, &stop, &shut) => Ok(()),
        }
    }
}

/// From the first signal to the last answer. Lame duck: it goes on serving, and asks each client to
/// leave. Then it lets nobody in any more, and waits for the answers under way.
async fn stopping(state: &State, stop: &Stop, shut: &CancellationToken) {
    let (config, connections) = (&state.config, &state.connections);
    stop.requested().await;
    state.begin_drain();
    tokio::select! {
        () = tokio::time::sleep(config.drain_delay) => {}
        () = connections.quiet(QUIET) => {}
        () = stop.hurried() => return,
    }
    shut.cancel();
    tokio::select! {
        () = last_ones(connections) => {}
        () = tokio::time::sleep(config.shutdown_timeout) => {
            tracing::warn!(connections = connections.open(), "closing connections whose time is up");
        }
        () = stop.hurried() => {}
    }
}

async fn last_ones(connections: &Connections) {
    connections.close_those_that_spoke();
    if tokio::time::timeout(FIRST_WORD, connections.none())
        .await
        .is_err()
    {
        connections.close_all();
        connections.none().await;
    }
}

fn server<A: Acceptor + Send>(acceptor: A, policy: impl FusePolicy, state: &State) -> Server<A> {
    let mut server = Server::new(acceptor).fuse_policy(policy);
    let idle = state.config.idle_timeout;
    server.http1_mut().header_read_timeout(idle + HEAD_TIMEOUT);
    server
}

fn service(router: Router, state: &Arc<State>) -> Service {
    Service::new(router).hoop(Observe::new(Arc::clone(state)))
}

fn acceptor(listener: TcpListener) -> Result<TcpAcceptor, CannotServe> {
    let listener = tokio::net::TcpListener::from_std(listener).map_err(CannotServe::internal)?;
    TcpAcceptor::try_from(listener).map_err(CannotServe::internal)
}

fn bind(name: &str, address: SocketAddr) -> Result<TcpListener, CannotServe> {
    let open = || -> std::io::Result<TcpListener> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        // A port that was just left can be taken again; one in use can't.
        socket.set_reuse_address(true)?;
        // Inherited by each connection on Linux: answers are not held back for acknowledgements.
        socket.set_tcp_nodelay(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    open().map_err(|e| {
        CannotServe(format!(
            "{name} address {address} can't be taken: {e}; stop what uses it or give another with --{name}, port 0 \
             for a free one"
        ))
    })
}

/// The admin port's own thread and runtime: it answers while every other thread is busy.
struct AdminThread {
    stop: Option<oneshot::Sender<()>>,
}

impl AdminThread {
    fn start(listener: TcpListener, state: &Arc<State>) -> Result<Self, CannotServe> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(CannotServe::internal)?;
        let state = Arc::clone(state);
        let service = service(api::admin_router(&state), &state);
        let limits = timeouts(state.config.idle_timeout);
        let (stop, stopped) = oneshot::channel();
        std::thread::Builder::new()
            .name("admin".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let serving = async {
                        match acceptor(listener) {
                            Ok(acceptor) => server(acceptor, limits, &state)
                                .try_serve(service)
                                .await
                                .map_err(CannotServe::internal),
                            Err(error) => Err(error),
                        }
                    };
                    tokio::select! {
                        served = serving => {
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

impl Drop for AdminThread {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread is gone already when nobody receives this.
            let _ = stop.send(());
        }
    }
}
