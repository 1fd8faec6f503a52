//! The totals of all connections of a run.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::recorder::Histogram;

/// The counts of one address.
#[derive(Debug)]
pub struct AddressCounts {
    /// Address and port, or the path of a socket.
    pub name: String,
    /// Connections made.
    pub connections: AtomicU64,
    /// Connections that failed.
    pub failed: AtomicU64,
    /// Requests sent.
    pub requests: AtomicU64,
}

impl AddressCounts {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            connections: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            requests: AtomicU64::new(0),
        }
    }
}

/// Counts of all connections together.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections made.
    pub opened: AtomicU64,
    /// Connections that failed.
    pub failed: AtomicU64,
    /// Names looked up.
    pub lookups: AtomicU64,
    /// Connections open now.
    open: AtomicU64,
    /// The most open at once.
    pub peak_open: AtomicU64,
    /// Connections that resumed a TLS session.
    pub resumed: AtomicU64,
    /// Connections over HTTP/2.
    pub http2: AtomicU64,
    connect: Mutex<Histogram>,
    addresses: Mutex<Vec<Arc<AddressCounts>>>,
}

impl Counters {
    /// Records a new connection that took this long to open.
    pub(super) fn made(self: &Arc<Self>, took: Duration, http2: bool) -> Open {
        self.opened.fetch_add(1, Relaxed);
        self.http2.fetch_add(http2.into(), Relaxed);
        self.connect
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .record(took);
        let open = self.open.fetch_add(1, Relaxed) + 1;
        self.peak_open.fetch_max(open, Relaxed);
        Open(Arc::clone(self))
    }

    /// How long connections took to open.
    pub fn connect(&self) -> Histogram {
        self.connect
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The counts of one address.
    pub(super) fn address(&self, name: &str) -> Arc<AddressCounts> {
        let mut addresses = self
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = addresses.iter().find(|known| known.name == name) {
            return Arc::clone(known);
        }
        let new = Arc::new(AddressCounts::new(name));
        addresses.push(Arc::clone(&new));
        new
    }

    /// Every address that was tried, the one with the most requests first.
    pub fn addresses(&self) -> Vec<Arc<AddressCounts>> {
        let mut all = self
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        all.sort_by_key(|address| {
            let (requests, made) = (
                address.requests.load(Relaxed),
                address.connections.load(Relaxed),
            );
            std::cmp::Reverse((requests, made))
        });
        all
    }
}

/// Counts a connection as open for as long as it lives.
#[derive(Debug)]
pub(super) struct Open(Arc<Counters>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
}
