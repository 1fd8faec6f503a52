//! Connections: counting them, and asking them to close in time.
//!
//! A Service spreads connections over pods, not requests. A client that keeps its connection keeps its
//! pod, and pods that the autoscaler adds get nothing. So the server asks for a new connection now and
//! then, with a `Connection: close` header, which cannot race with the client's next request as a
//! closed socket can.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use salvo::ConnCtrl;
use salvo::async_trait;
use salvo::conn::SocketAddr as PeerAddr;
use salvo::fuse::{ArcConnObserver, ConnObserver, FuseAction, FuseConfig, FuseInfo, FusePolicy};

use crate::metrics::{InFlight, Metrics};

/// A client has this long to send a request's head. It bounds a silent connection too, which would
/// otherwise hold up a stop.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// An idle connection is closed after this; longer than gateways keep theirs, so that they close first.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
/// A client that reads nothing is cut off after this.
const WRITE_STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Decides which answer is a connection's last.
#[derive(Debug)]
pub struct Recycler {
    /// One answer in this many closes its connection; 0 is none.
    requests: u32,
    /// The mean age at which a connection is closed; zero is never.
    max_age: Duration,
    deadlines: Arc<Mutex<HashMap<SocketAddr, Instant>>>,
    metrics: Arc<Metrics>,
}

impl Recycler {
    /// With the settings' numbers.
    pub fn new(requests: u32, max_age: Duration, metrics: Arc<Metrics>) -> Self {
        Self {
            requests,
            max_age,
            deadlines: Arc::default(),
            metrics,
        }
    }

    /// Whether this answer should be the connection's last, and why.
    ///
    /// By chance rather than by count: no state a connection, and connections that were opened
    /// together do not close together.
    pub fn last_answer(&self, peer: &PeerAddr, now: Instant) -> Option<&'static str> {
        if self.requests > 0 && fastrand::u32(..self.requests) == 0 {
            return Some("requests");
        }
        let peer = peer.clone().into_std()?;
        let old = lock(&self.deadlines)
            .get(&peer)
            .is_some_and(|deadline| now >= *deadline);
        old.then_some("age")
    }
}

fn lock(
    deadlines: &Mutex<HashMap<SocketAddr, Instant>>,
) -> std::sync::MutexGuard<'_, HashMap<SocketAddr, Instant>> {
    deadlines.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Watches one connection by living as long as it does.
struct Observed {
    peer: Option<SocketAddr>,
    deadlines: Arc<Mutex<HashMap<SocketAddr, Instant>>>,
    _open: InFlight,
}

impl ConnObserver for Observed {}

impl Drop for Observed {
    fn drop(&mut self) {
        if let Some(peer) = self.peer {
            lock(&self.deadlines).remove(&peer);
        }
    }
}

/// The recycler as the server's connection policy.
#[derive(Debug, Clone)]
pub struct Policy(pub Arc<Recycler>);

#[async_trait]
impl FusePolicy for Policy {
    async fn decide(&self, _: &FuseInfo) -> FuseAction {
        FuseAction::Accept(
            FuseConfig::default()
                .with_http1_header_timeout(HEAD_TIMEOUT)
                .with_connection_idle_timeout(IDLE_TIMEOUT)
                .with_write_stall_timeout(WRITE_STALL_TIMEOUT),
        )
    }

    fn observe(&self, info: &FuseInfo, _: &ConnCtrl) -> Option<ArcConnObserver> {
        let Self(recycler) = self;
        let peer = (!recycler.max_age.is_zero())
            .then(|| info.remote_addr.clone().into_std())
            .flatten();
        if let Some(peer) = peer {
            // A fifth more or less, so that connections of one age do not close at one time.
            let age = recycler.max_age.mul_f64(0.8 + 0.4 * fastrand::f64());
            lock(&recycler.deadlines).insert(peer, Instant::now() + age);
        }
        Some(Arc::new(Observed {
            peer,
            deadlines: Arc::clone(&recycler.deadlines),
            _open: recycler.metrics.connection_opened(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recycler(requests: u32, max_age: Duration) -> Recycler {
        Recycler::new(requests, max_age, Arc::new(Metrics::new("").unwrap()))
    }

    fn peer() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 4_000))
    }

    #[test]
    fn without_limits_no_answer_is_the_last() {
        let never = recycler(0, Duration::ZERO);
        assert_eq!(never.last_answer(&peer().into(), Instant::now()), None);
    }

    #[test]
    fn a_limit_of_one_request_closes_with_every_answer() {
        let always = recycler(1, Duration::ZERO);
        assert_eq!(
            always.last_answer(&peer().into(), Instant::now()),
            Some("requests")
        );
    }

    #[test]
    fn about_one_answer_in_the_limit_is_the_last() {
        let tenth = recycler(10, Duration::ZERO);
        let closed = (0..10_000)
            .filter(|_| tenth.last_answer(&peer().into(), Instant::now()).is_some())
            .count();
        // Six standard deviations of a binomial with p = 0.1.
        assert!((820..=1_180).contains(&closed), "{closed}");
    }

    #[test]
    fn a_connection_is_closed_at_its_age_and_forgotten_at_its_end() {
        let recycler = Arc::new(recycler(0, Duration::from_secs(10)));
        let info = FuseInfo {
            trans_proto: salvo::fuse::TransProto::Tcp,
            remote_addr: peer().into(),
            local_addr: peer().into(),
        };
        let observer = Policy(Arc::clone(&recycler)).observe(&info, &ConnCtrl::new());
        let now = Instant::now();
        assert_eq!(
            recycler.last_answer(&peer().into(), now + Duration::from_secs(7)),
            None
        );
        assert_eq!(
            recycler.last_answer(&peer().into(), now + Duration::from_secs(13)),
            Some("age")
        );
        drop(observer);
        assert_eq!(
            recycler.last_answer(&peer().into(), now + Duration::from_secs(13)),
            None
        );
    }
}
