//! A service whose CPU cost is a dial: Fibonacci numbers over HTTP.
//!
//! ```text
//! connection ─ observe ─ api::get ─ query::parse ─ admission ─ compute pool ─ view ─ answer
//! admin port, on its own thread: /livez /readyz /metrics, whatever the pool does
//! ```

pub mod admission;
pub mod api;
pub mod args;
pub mod compute;
pub mod config;
pub mod connection;
mod door;
pub mod fibonacci;
pub mod lifecycle;
pub mod metrics;
mod observe;
mod serve;
pub mod telemetry;

use std::sync::Arc;
use std::time::Instant;

pub use serve::{Bound, CannotServe};

use crate::compute::Pool;
use crate::config::Config;
use crate::connection::{Connections, Limits};
use crate::lifecycle::Lifecycle;
use crate::metrics::Metrics;

/// What the handlers share.
#[derive(Debug)]
pub struct State {
    config: Config,
    pool: Pool,
    metrics: Arc<Metrics>,
    connections: Arc<Connections>,
    lifecycle: Lifecycle,
    started: Instant,
}

impl State {
    fn new(config: Config) -> Result<Self, CannotServe> {
        let metrics = Arc::new(Metrics::new(&config.pod).map_err(CannotServe::internal)?);
        let pool = Pool::start(
            config.compute_threads,
            config.queue,
            config.deadline,
            Arc::clone(&metrics),
        )
        .map_err(CannotServe::internal)?;
        let limits = Limits {
            requests: config.keepalive_requests,
            age: config.max_connection_age,
            idle: config.idle_timeout,
        };
        let connections = Arc::new(Connections::new(limits, Arc::clone(&metrics)));
        Ok(Self {
            config,
            pool,
            metrics,
            connections,
            lifecycle: Lifecycle::default(),
            started: Instant::now(),
        })
    }

    /// Becomes a lame duck: not ready, and every answer asks its client to leave.
    fn begin_drain(&self) {
        if !self.lifecycle.is_draining() {
            tracing::info!("draining: not ready any more, and every answer closes its connection");
        }
        self.lifecycle.drains();
        self.metrics.draining(true);
    }
}
