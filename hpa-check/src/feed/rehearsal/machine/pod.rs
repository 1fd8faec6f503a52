//! One pod: a `fib-server` process that is started, probed, restarted and terminated as by a kubelet.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::super::balancer::Endpoints;
use super::probe;
use crate::process::Child;
use hpa_check_core::sim::fault::Fault;
use hpa_check_core::sim::world::Happening;

/// A server prints its address in far less time.
const STARTS_WITHIN: Duration = Duration::from_secs(10);

/// Time between two probes, before and after it is ready.
const PROBE_EVERY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));

/// Like `timeoutSeconds` of the readiness probe.
const PROBE_WITHIN: Duration = Duration::from_secs(2);

/// The delay before a container that exited is restarted; it doubles each time, up to the second value.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// The process numbers of the running pods.
pub(super) type Pids = Arc<Mutex<BTreeMap<String, u32>>>;

/// How a pod ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Termination {
    /// Time between leaving the endpoints and the signal: `preStop.sleep`.
    pub(super) pre_stop: Duration,
    /// How long the server keeps serving after the signal.
    pub(super) drain_delay: Duration,
    /// Time from the signal to the kill.
    pub(super) grace: Duration,
}

/// What all pods have in common.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) fib_server: PathBuf,
    pub(super) termination: Termination,
    pub(super) fault: Option<Fault>,
    pub(super) endpoints: Endpoints,
    pub(super) pids: Pids,
    pub(super) happenings: Sender<Happening>,
    /// The rehearsal is over: no more delays.
    pub(super) hurry: CancellationToken,
    /// Kill immediately.
    pub(super) kill: CancellationToken,
}

/// Where a server listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Addresses {
    pub(super) service: SocketAddr,
    pub(super) admin: SocketAddr,
}

/// The flags of a server on free loopback ports.
pub(super) fn arguments(name: &str, drain_delay: Duration) -> Vec<String> {
    let drain_delay = format!("{}ms", drain_delay.as_millis());
    [
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
        "--exit-with-stdin",
        // One thread of each kind: ten of these share the machine.
        "--worker-threads",
        "1",
        "--compute-threads",
        "1",
        "--drain-delay",
        &drain_delay,
        "--log-level",
        "warn",
        "--pod",
        name,
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Reads the line in which a server prints its addresses.
pub(super) async fn addresses(child: &mut Child) -> Result<Addresses, String> {
    match tokio::time::timeout(STARTS_WITHIN, child.lines.next_line()).await {
        Ok(Ok(Some(line))) => {
            parse(&line).ok_or_else(|| format!("it did not print its addresses: `{line}`"))
        }
        Ok(_) => {
            let status = child.ended().await;
            Err(child.obituary(status))
        }
        Err(_) => Err(format!(
            "it did not listen within {} s",
            STARTS_WITHIN.as_secs()
        )),
    }
}

/// `fib-server listening on http://127.0.0.1:40123 admin http://127.0.0.1:40124`
fn parse(line: &str) -> Option<Addresses> {
    let mut urls = line
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("http://")?.parse().ok());
    Some(Addresses {
        service: urls.next()?,
        admin: urls.next()?,
    })
}

/// Why a container ended.
enum End {
    Asked,
    ByItself(String),
}

impl Node {
    /// A pod's whole life; it ends when `stop` is sent or dropped.
    pub(super) async fn live(self, name: String, mut stop: oneshot::Receiver<()>) {
        let mut pause = BACK_OFF.0;
        while let End::ByItself(how) = self.container(&name, &mut stop).await {
            self.tell(Happening::Crashed {
                pod: name.clone(),
                how,
            });
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(BACK_OFF.1),
                _ = &mut stop => break,
                () = self.hurry.cancelled() => break,
            }
        }
        self.tell(Happening::Gone(name));
    }

    async fn container(&self, name: &str, stop: &mut oneshot::Receiver<()>) -> End {
        let mut args = arguments(name, self.termination.drain_delay);
        if self.fault == Some(Fault::Crash) {
            args.push("--broken-on-purpose".to_owned());
        }
        let mut child = match Child::start(&self.fib_server, &args) {
            Ok(child) => child,
            Err(how) => return End::ByItself(how),
        };
        let addresses = match addresses(&mut child).await {
            Ok(addresses) => addresses,
            Err(how) => return End::ByItself(how),
        };
        self.pids().insert(name.to_owned(), child.pid);
        self.tell(Happening::Running(name.to_owned()));
        let end = tokio::select! {
            status = child.ended() => End::ByItself(child.obituary(status)),
            never = self.probe(name, addresses) => match never {},
            _ = stop => End::Asked,
            () = self.hurry.cancelled() => End::Asked,
        };
        self.endpoints.remove(name);
        if let End::Asked = end {
            self.terminate(&mut child).await;
        }
        self.pids().remove(name);
        end
    }

    /// Gives the pod new connections while its readiness probe succeeds.
    async fn probe(&self, name: &str, addresses: Addresses) -> std::convert::Infallible {
        let path = match self.fault {
            Some(Fault::PodsNotReady) => "/no-such-page",
            _ => "/readyz",
        };
        let mut was = false;
        loop {
            let is = probe::get(addresses.admin, path, PROBE_WITHIN).await == Some(200);
            if is != was {
                was = is;
                if is {
                    self.endpoints.add(name, addresses.service);
                } else {
                    self.endpoints.remove(name);
                }
                self.tell(Happening::Ready {
                    pod: name.to_owned(),
                    ready: is,
                });
            }
            let pause = if was { PROBE_EVERY.1 } else { PROBE_EVERY.0 };
            tokio::time::sleep(pause).await;
        }
    }

    /// `preStop`, the signal, the grace period, the kill.
    async fn terminate(&self, child: &mut Child) {
        tokio::select! {
            () = tokio::time::sleep(self.termination.pre_stop) => {}
            () = self.hurry.cancelled() => {}
        }
        child.signal(Signal::TERM);
        tokio::select! {
            _ = child.ended() => return,
            () = tokio::time::sleep(self.termination.grace) => {}
            () = self.kill.cancelled() => {}
        }
        child.kill();
        child.ended().await;
    }

    fn pids(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, u32>> {
        self.pids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After the rehearsal nobody receives this.
    fn tell(&self, happening: Happening) {
        let _ = self.happenings.send(happening);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_are_read_from_the_line_that_a_server_prints() {
        let line = "fib-server listening on http://127.0.0.1:40123 admin http://127.0.0.1:40124";
        let addresses = parse(line).unwrap();
        assert_eq!(addresses.service, "127.0.0.1:40123".parse().unwrap());
        assert_eq!(addresses.admin, "127.0.0.1:40124".parse().unwrap());
        assert_eq!(parse("error: something else"), None);
    }
}
