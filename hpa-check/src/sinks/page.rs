//! The report's page, live during a run: `--serve ADDRESS:PORT`.
//!
//! The session publishes the run's current state and continues; everything else happens on a separate thread. A
//! slow browser misses states, and a closed one affects nobody.

mod http;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::run::evaluator::Evaluator;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::http::PageState;
use crate::failure::Failure;
use crate::notice::notice;

/// New states are published at most this often: a chart that moves faster is not easier to read.
const FRAME_MS: i64 = 1_000;
/// The most simultaneous connections; further ones are closed immediately.
const MOST_CONNECTIONS: usize = 32;
/// How long browsers have at the end of the run to receive the last state.
const LAST_STATE_WITHIN: Duration = Duration::from_secs(2);

/// The flags; `#[command(flatten)]` them.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct ServeArgs {
    /// Show the report's page live at this address while the run goes on, such as 127.0.0.1:8000
    #[arg(long, value_name = "ADDRESS:PORT")]
    serve: Option<SocketAddr>,
    /// Let --serve listen on an address that other machines can reach; anyone who connects sees the whole page
    #[arg(long, requires = "serve")]
    serve_to_network: bool,
}

impl ServeArgs {
    /// Opens the port before anything runs. Without the flag nothing listens.
    pub(crate) fn open(&self) -> Result<Option<Listening>, Failure> {
        let Some(address) = self.serve else {
            return Ok(None);
        };
        if !address.ip().is_loopback() && !self.serve_to_network {
            return Err(Failure::usage(format!(
                "--serve {address} would show the run to other machines: give a loopback address such as 127.0.0.1:8000, or --serve-to-network too"
            )));
        }
        let taken = |e: io::Error| {
            Failure::usage(format!(
                "--serve {address} can't be listened on ({e}): give another port, or 0 for any that is free"
            ))
        };
        let listener = TcpListener::bind(address).map_err(taken)?;
        listener.set_nonblocking(true).map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        Ok(Some(Listening { listener, address }))
    }
}

/// An open port; browsers that connect wait for the run to begin.
#[derive(Debug)]
pub(crate) struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listening {
    /// Starts answering, and prints the address.
    pub(crate) fn start(self, nothing_seen: Evaluator) -> Result<LivePage, Failure> {
        let nothing_seen = PageState::going(nothing_seen, Timestamp::now());
        let (publish, states) = watch::channel(Arc::new(nothing_seen));
        let Self { listener, address } = self;
        let failed = |e: io::Error| Failure::internal(format!("the page can't be served: {e}"));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let thread = std::thread::Builder::new()
            .name("serve".to_owned())
            .spawn(move || runtime.block_on(serve(listener, address, states)))
            .map_err(failed)?;
        notice(&format!("Live at http://{address}/ until the run ends."));
        Ok(LivePage {
            publish,
            thread,
            shown: None,
        })
    }
}

/// The session's side of the page.
#[derive(Debug)]
pub(crate) struct LivePage {
    publish: watch::Sender<Arc<PageState>>,
    thread: JoinHandle<()>,
    shown: Option<Timestamp>,
}

impl LivePage {
    /// Publishes the run's current state, unless the last time was too recent. It never waits, and neither
    /// judges nor draws: the server does that.
    pub(crate) fn show(&mut self, now: Timestamp, run: &Evaluator) {
        let since = |at: Timestamp| now.as_millisecond() - at.as_millisecond();
        if self.shown.is_some_and(|at| since(at) < FRAME_MS) {
            return;
        }
        self.shown = Some(now);
        let view = PageState::going(run.clone(), now);
        self.publish.send_replace(Arc::new(view));
    }

    /// Publishes the end, gives browsers a moment to receive it, and stops the server.
    pub(crate) fn end(self, result: RunResult) {
        self.publish.send_replace(Arc::new(PageState::over(result)));
        drop(self.publish);
        // A server that died has nothing more to show; the verdict does not depend on it.
        let _ = self.thread.join();
    }
}

/// Answers until the run is over.
async fn serve(
    listener: TcpListener,
    address: SocketAddr,
    mut states: watch::Receiver<Arc<PageState>>,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return notice(&format!("hpa-check: the page can't be served: {error}")),
    };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() < MOST_CONNECTIONS => {
                    connections.spawn(connection(stream, address, states.clone()));
                }
                Ok(_) => {}
                // Probably too many open files, which is temporary.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
            Some(_) = connections.join_next() => {}
            changed = states.changed() => {
                if changed.is_err() || states.borrow_and_update().is_over() {
                    break;
                }
            }
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(LAST_STATE_WITHIN, all).await;
}

/// One request per connection: nothing is idle, so nothing must be closed at the end.
async fn connection(
    stream: tokio::net::TcpStream,
    address: SocketAddr,
    states: watch::Receiver<Arc<PageState>>,
) {
    let service = service_fn(move |request| {
        let response = http::answer(&request, address, &states);
        async { Ok::<_, std::convert::Infallible>(response) }
    });
    // A browser that went away does not matter.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

#[cfg(test)]
mod tests;
