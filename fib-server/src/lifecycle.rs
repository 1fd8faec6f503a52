//! The server's life after the first signal: it drains, stops, and exits.
//!
//! A draining server still accepts and answers, fails its readiness probe, and asks each client to leave with
//! its next answer. So no client is cut off: a header tells it in time.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

/// The two steps of stopping. Clones refer to the same server.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    drain: CancellationToken,
    at_once: CancellationToken,
}

impl Stop {
    /// Records a signal: the first starts the orderly stop, the second ends it.
    pub fn signal(&self) {
        if self.drain.is_cancelled() {
            self.at_once.cancel();
        } else {
            self.drain.cancel();
        }
    }

    /// Waits for the first signal.
    pub async fn requested(&self) {
        self.drain.cancelled().await;
    }

    /// Waits for the second signal.
    pub async fn hurried(&self) {
        self.at_once.cancelled().await;
    }
}

/// Whether the server is stopping.
#[derive(Debug, Default)]
pub struct Lifecycle {
    draining: AtomicBool,
    ready: AtomicBool,
}

impl Lifecycle {
    /// It serves from now on.
    pub fn serves(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    /// It asks its clients to leave from now on.
    pub fn drains(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether it asks its clients to leave.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whether new clients should come.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed) && !self.is_draining()
    }
}
