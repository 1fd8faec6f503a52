//! A service with adjustable CPU cost: Fibonacci numbers over HTTP.
//!
//! ```text
//! connection ─ observe ─ api ┬ get ─ query::parse ─ admission ─ compute pool ─ view ─ answer
//!                            └ the framework's router ─ everything else
//! admin port, on its own thread: /livez /readyz /metrics, whatever the pool does
//! ```

pub mod admission;
pub mod api;
pub mod args;
pub mod cancel;
mod client;
mod common_headers;
pub mod compute;
pub mod config;
pub mod connection;
pub mod digits;
mod environment;
pub mod healthcheck;
pub mod lifecycle;
mod machine;
pub mod memory;
pub mod metrics;
mod observe;
mod otlp;
mod reply;
pub mod runtime;
mod serve;
pub mod telemetry;
pub mod tls;
mod trace;

use std::sync::Arc;
use std::time::Instant;

use fib_numbers::{Modulus, Numbers};
pub use serve::{Bound, CannotServe};

use crate::admission::Bounds;
use crate::client::Clients;
use crate::common_headers::CommonHeaders;
use crate::compute::Pool;
use crate::config::{Config, HEAD};
use crate::connection::{ConnectionLimits, Connections};
use crate::lifecycle::Lifecycle;
use crate::memory::Budget;
use crate::metrics::Metrics;
use crate::otlp::Spans;

/// What the handlers share.
#[derive(Debug)]
pub struct State {
    config: Config,
    pool: Pool,
    numbers: Numbers,
    metrics: Arc<Metrics>,
    connections: Arc<Connections>,
    clients: Clients,
    common_headers: CommonHeaders,
    /// `None` without a collector.
    spans: Option<Spans>,
    lifecycle: Lifecycle,
    started: Instant,
}

impl State {
    fn new(config: Config) -> Result<Self, CannotServe> {
        let metrics = Arc::new(Metrics::new(&config.pod).map_err(CannotServe::internal)?);
        let compute = compute::PoolLimits {
            threads: config.compute_threads,
            bounds: Bounds {
                deadline: config.deadline,
                max_wait: config.max_queue_wait,
            },
            quota_cores: config.cpu_quota_cores,
        };
        let pool = Pool::start(compute, Arc::clone(&metrics)).map_err(CannotServe::internal)?;
        let limits = ConnectionLimits {
            requests: config.keepalive_requests,
            age: config.max_connection_age,
            idle: config.idle_timeout,
            most: config.max_connections,
            head: HEAD,
        };
        let budget = Budget::new(config.max_inflight_bytes, metrics.bytes_held());
        let connections = Connections::new(limits, Arc::clone(&metrics), Arc::new(budget));
        Ok(Self {
            clients: Clients::new(&config),
            common_headers: CommonHeaders::of(&config.pod),
            spans: config
                .otlp
                .as_ref()
                .map(|_| Spans::new(Arc::clone(&metrics))),
            config,
            pool,
            numbers: Numbers::new(Modulus::drawn_from(fastrand::u64(..))),
            metrics,
            connections: Arc::new(connections),
            lifecycle: Lifecycle::default(),
            started: Instant::now(),
        })
    }

    /// Starts to drain: not ready any more, and every answer asks its client to leave.
    fn begin_drain(&self) {
        if !self.lifecycle.is_draining() {
            tracing::info!("draining: not ready any more, and every answer closes its connection");
        }
        self.lifecycle.drains();
        self.metrics.draining(true);
    }
}
