//! Connections: known while they are open, asked to leave in time, and not cut off in between.
//!
//! A Service spreads connections over pods, not requests. A client that keeps its connection keeps its
//! pod, and pods that the autoscaler adds get nothing. So the server asks for a new connection now and
//! then, with a `Connection: close` header, which cannot race with the client's next request as a
//! closed socket can.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use salvo::ConnCtrl;
use salvo::async_trait;
use salvo::conn::SocketAddr as PeerAddr;
use salvo::fuse::{ArcConnObserver, ConnObserver, FuseAction, FuseConfig, FuseInfo, FusePolicy};
use tokio::sync::watch;

use crate::metrics::{InFlight, Metrics};

/// A client that reads nothing is cut off after this.
const WRITE_STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// When connections end.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// One answer in this many closes its connection; 0 is none.
    pub requests: u32,
    /// The mean age at which a connection is closed; zero is never.
    pub age: Duration,
    /// A connection on which nothing happens is closed after this.
    pub idle: Duration,
}

/// The connections that are open.
#[derive(Debug)]
pub struct Connections {
    limits: Limits,
    open: Mutex<HashMap<SocketAddr, Open>>,
    count: watch::Sender<Count>,
    metrics: Arc<Metrics>,
}

/// How many there are, and how many there have been: somebody who came and left is seen by the latter.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    open: usize,
    ever: u64,
}

#[derive(Debug)]
struct Open {
    number: u64,
    deadline: Option<Instant>,
    spoken: Arc<AtomicBool>,
    control: ConnCtrl,
}

impl Connections {
    /// None yet.
    pub fn new(limits: Limits, metrics: Arc<Metrics>) -> Self {
        Self {
            limits,
            open: Mutex::default(),
            count: watch::Sender::default(),
            metrics,
        }
    }

    /// Whether this answer should be the connection's last, and why.
    ///
    /// By chance rather than by count: no state a connection, and connections that were opened
    /// together do not close together.
    pub fn last_answer(&self, peer: &PeerAddr, now: Instant) -> Option<&'static str> {
        if self.limits.requests > 0 && fastrand::u32(..self.limits.requests) == 0 {
            return Some("requests");
        }
        if self.limits.age.is_zero() {
            return None;
        }
        let peer = peer.clone().into_std()?;
        let deadline = self.lock().get(&peer)?.deadline?;
        (now >= deadline).then_some("age")
    }

    /// Closes each connection once it has given the answer it is at. One that has not said a word may
    /// have its first request on the way, and is left.
    pub fn close_those_that_spoke(&self) {
        self.close(|connection| connection.spoken.load(Ordering::Relaxed));
    }

    /// Closes each connection once it has given the answer it is at.
    pub fn close_all(&self) {
        self.close(|_| true);
    }

    /// Waits until none is open.
    pub async fn none(&self) {
        // The sender lives as long as `self`, so this ends only with what is waited for.
        let _ = self.count.subscribe().wait_for(|now| now.open == 0).await;
    }

    /// Waits until none is open, and none was opened for so long.
    pub async fn quiet(&self, for_so_long: Duration) {
        let mut count = self.count.subscribe();
        loop {
            let _ = count.wait_for(|now| now.open == 0).await;
            if tokio::time::timeout(for_so_long, count.changed())
                .await
                .is_err()
            {
                return;
            }
        }
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.count.borrow().open
    }

    fn close(&self, wanted: impl Fn(&Open) -> bool) {
        for connection in self.lock().values().filter(|c| wanted(c)) {
            connection.control.graceful_shutdown();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection, watched by something that lives as long as it does.
struct Watched {
    connections: Arc<Connections>,
    peer: Option<SocketAddr>,
    number: u64,
    spoken: Arc<AtomicBool>,
    _open: InFlight,
}

impl ConnObserver for Watched {
    fn on_read(&self, _: usize) {
        self.spoken.store(true, Ordering::Relaxed);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(peer) = self.peer {
            let mut open = self.connections.lock();
            // A new connection from the same port may have taken its place.
            if open.get(&peer).is_some_and(|o| o.number == self.number) {
                open.remove(&peer);
            }
        }
        self.connections.count.send_modify(|count| count.open -= 1);
    }
}

/// The limits that hold for the connections of any port.
///
/// There is none on a request's head: hyper counts the time between two requests to the head of the
/// second, and salvo takes off what the first one took to come, so that a connection could be closed in
/// the very moment in which its next request arrives.
pub fn timeouts(idle: Duration) -> FuseConfig {
    FuseConfig::disabled()
        .with_connection_idle_timeout(idle)
        .with_write_stall_timeout(WRITE_STALL_TIMEOUT)
}

/// The connections as the server's policy on them.
#[derive(Debug, Clone)]
pub struct Policy(pub Arc<Connections>);

#[async_trait]
impl FusePolicy for Policy {
    async fn decide(&self, _: &FuseInfo) -> FuseAction {
        FuseAction::Accept(timeouts(self.0.limits.idle))
    }

    fn observe(&self, info: &FuseInfo, control: &ConnCtrl) -> Option<ArcConnObserver> {
        let connections = &self.0;
        let mut number = 0;
        connections.count.send_modify(|count| {
            count.open += 1;
            count.ever += 1;
            number = count.ever;
        });
        let peer = info.remote_addr.clone().into_std();
        let spoken = Arc::new(AtomicBool::new(false));
        if let Some(peer) = peer {
            let age = connections.limits.age;
            // A fifth more or less, so that connections of one age do not close at one time.
            let deadline =
                (!age.is_zero()).then(|| Instant::now() + age.mul_f64(0.8 + 0.4 * fastrand::f64()));
            let open = Open {
                number,
                deadline,
                spoken: Arc::clone(&spoken),
                control: control.clone(),
            };
            connections.lock().insert(peer, open);
        }
        Some(Arc::new(Watched {
            connections: Arc::clone(connections),
            peer,
            number,
            spoken,
            _open: connections.metrics.connection_opened(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(requests: u32, age: Duration) -> Arc<Connections> {
        let limits = Limits {
            requests,
            age,
            idle: Duration::from_mins(2),
        };
        let metrics = Arc::new(Metrics::new("").unwrap());
        Arc::new(Connections::new(limits, metrics))
    }

    fn peer() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 4_000))
    }

    fn accept(connections: &Arc<Connections>, control: &ConnCtrl) -> ArcConnObserver {
        let info = FuseInfo {
            trans_proto: salvo::fuse::TransProto::Tcp,
            remote_addr: peer().into(),
            local_addr: peer().into(),
        };
        Policy(Arc::clone(connections))
            .observe(&info, control)
            .unwrap()
    }

    #[test]
    fn without_limits_no_answer_is_the_last() {
        let never = connections(0, Duration::ZERO);
        assert_eq!(never.last_answer(&peer().into(), Instant::now()), None);
    }

    #[test]
    fn a_limit_of_one_request_closes_with_every_answer() {
        let always = connections(1, Duration::ZERO);
        assert_eq!(
            always.last_answer(&peer().into(), Instant::now()),
            Some("requests")
        );
    }

    #[test]
    fn about_one_answer_in_the_limit_is_the_last() {
        let tenth = connections(10, Duration::ZERO);
        let closed = (0..10_000)
            .filter(|_| tenth.last_answer(&peer().into(), Instant::now()).is_some())
            .count();
        // Six standard deviations of a binomial with p = 0.1.
        assert!((820..=1_180).contains(&closed), "{closed}");
    }

    #[test]
    fn a_connection_is_closed_at_its_age_and_forgotten_at_its_end() {
        let connections = connections(0, Duration::from_secs(10));
        let watched = accept(&connections, &ConnCtrl::new());
        let after = |seconds| {
            let then = Instant::now() + Duration::from_secs(seconds);
            connections.last_answer(&peer().into(), then)
        };
        assert_eq!(after(7), None);
        assert_eq!(after(13), Some("age"));
        drop(watched);
        assert_eq!(after(13), None);
    }

    #[test]
    fn the_end_of_a_connection_does_not_forget_the_next_one_from_its_port() {
        let connections = connections(0, Duration::from_secs(10));
        let first = accept(&connections, &ConnCtrl::new());
        let _second = accept(&connections, &ConnCtrl::new());
        drop(first);
        assert_eq!(connections.open(), 1);
        let then = Instant::now() + Duration::from_secs(13);
        assert_eq!(connections.last_answer(&peer().into(), then), Some("age"));
    }

    #[test]
    fn a_connection_that_has_not_spoken_may_have_its_request_on_the_way() {
        let connections = connections(0, Duration::ZERO);
        let control = ConnCtrl::new();
        let watched = accept(&connections, &control);
        connections.close_those_that_spoke();
        assert!(!control.is_graceful_shutdown());
        watched.on_read(1);
        connections.close_those_that_spoke();
        assert!(control.is_graceful_shutdown());
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_quiet_once_nobody_came_for_a_while_after_the_last_one_left() {
        let connections = connections(0, Duration::ZERO);
        let begun = tokio::time::Instant::now();
        let second = Duration::from_secs(1);
        let open = accept(&connections, &ConnCtrl::new());
        let visitors = async {
            tokio::time::sleep(second * 10).await;
            drop(open);
            tokio::time::sleep(second / 2).await;
            drop(accept(&connections, &ConnCtrl::new()));
        };
        tokio::join!(visitors, connections.quiet(second));
        assert_eq!(begun.elapsed(), second * 23 / 2);
    }
}
