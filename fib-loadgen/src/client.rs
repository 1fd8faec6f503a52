//! HTTP clients that never follow, retry or proxy, and connections whose number and life are known.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use reqwest::Client;
use reqwest::header::HeaderMap;

use crate::chance::{self, Purpose};
use crate::target::{Resolver, Target};

/// Who shares connections with whom.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Sharing {
    /// Each user has its own connection
    #[default]
    User,
    /// All users share one pool
    Shared,
    /// A new connection for every request
    Fresh,
}

/// Everything a client needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whom to talk to.
    pub target: Target,
    /// Sent with every request.
    pub headers: HeaderMap,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long a request may take, to the end of the body.
    pub timeout: Duration,
    /// How long an idle connection is kept. Shorter than the time for which a server that drains
    /// announces it, so that none is used that the server is about to close.
    pub idle: Duration,
    /// Who shares connections.
    pub sharing: Sharing,
}

/// Counts of all clients together.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections made.
    pub opened: Arc<AtomicU64>,
    /// Names looked up.
    pub lookups: Arc<AtomicU64>,
}

/// A client and the number of connections it has made.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The client.
    pub client: Client,
    /// How many connections it has made so far.
    pub opened: Arc<AtomicU64>,
}

impl Settings {
    /// Builds a client.
    pub fn build(&self, counters: &Counters) -> reqwest::Result<Counted> {
        let opened = Arc::new(AtomicU64::new(0));
        let idle_connections = match self.sharing {
            Sharing::User => 1,
            Sharing::Shared => usize::MAX,
            Sharing::Fresh => 0,
        };
        let mut builder = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .http1_only()
            .default_headers(self.headers.clone())
            .user_agent(concat!("fib-loadgen/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.connect_timeout)
            .timeout(self.timeout)
            .pool_idle_timeout(self.idle)
            .pool_max_idle_per_host(idle_connections)
            .dns_resolver(Resolver(self.target.clone(), Arc::clone(&counters.lookups)))
            .connector_layer(CountConnections([
                Arc::clone(&counters.opened),
                Arc::clone(&opened),
            ]));
        if self.target.base.scheme() == "http" {
            // Without TLS there is nothing to trust, and loading the system's certificates for each of
            // hundreds of clients takes seconds.
            builder = builder.tls_certs_only([]);
        }
        Ok(Counted {
            client: builder.build()?,
            opened,
        })
    }
}

/// Counts what the connector it wraps connects.
#[derive(Debug, Clone)]
struct CountConnections([Arc<AtomicU64>; 2]);

impl<S> tower_layer::Layer<S> for CountConnections {
    type Service = CountedConnector<S>;

    fn layer(&self, inner: S) -> CountedConnector<S> {
        CountedConnector {
            inner,
            counters: self.0.clone(),
        }
    }
}

/// See [`CountConnections`].
#[derive(Debug, Clone)]
struct CountedConnector<S> {
    inner: S,
    counters: [Arc<AtomicU64>; 2],
}

impl<S, R> tower_service::Service<R> for CountedConnector<S>
where
    S: tower_service::Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connecting = self.inner.call(request);
        let counters = self.counters.clone();
        Box::pin(async move {
            let connected = connecting.await?;
            for counter in counters {
                counter.fetch_add(1, Ordering::Relaxed);
            }
            Ok(connected)
        })
    }
}

/// When to give up a connection of one's own accord, so that new pods get their share.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Life {
    /// After so many requests, drawn anew from this span for each connection.
    pub requests: Option<(u64, u64)>,
    /// After so long, drawn likewise.
    pub age: Option<(Duration, Duration)>,
}

/// Why a connection is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenUp {
    /// It has carried its number of requests.
    Count,
    /// It is old enough.
    Age,
}

/// The connection that one user has now.
#[derive(Debug, Clone)]
pub struct Connection {
    number: u64,
    born: Option<Instant>,
    used: u64,
    limit: Option<u64>,
    oldest: Option<Duration>,
}

impl Connection {
    /// Before the first connection of the `user`-th user.
    pub fn none(user: u64) -> Self {
        // Far apart, so that no two users draw the same numbers.
        Self {
            number: user << 32,
            born: None,
            used: 0,
            limit: None,
            oldest: None,
        }
    }

    /// A request is about to go out: whether it is to be the last on its connection.
    pub fn last_request(&mut self, life: &Life, seed: u64, now: Instant) -> Option<GivenUp> {
        let born = *self.born.get_or_insert_with(|| {
            self.used = 0;
            self.number += 1;
            let share = chance::unit(seed, Purpose::Connection, self.number);
            self.limit = life.requests.map(|(from, to)| between(from, to, share));
            self.oldest = life
                .age
                .map(|(from, to)| from + to.saturating_sub(from).mul_f64(share));
            now
        });
        self.used += 1;
        if self.limit.is_some_and(|limit| self.used >= limit) {
            Some(GivenUp::Count)
        } else if self.oldest.is_some_and(|oldest| now - born >= oldest) {
            Some(GivenUp::Age)
        } else {
            None
        }
    }

    /// The connection is gone; the next request makes a new one.
    pub fn gone(&mut self) {
        self.born = None;
    }

    /// The request that was sent then turned out to be the first on a new connection.
    pub fn replaced(&mut self, sent: Instant) {
        self.used = 1;
        self.born = Some(sent);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share below 1 of a count of requests"
)]
fn between(from: u64, to: u64, share: f64) -> u64 {
    from + ((to - from + 1) as f64 * share) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_given_up_after_its_number_of_requests() {
        let life = Life {
            requests: Some((3, 3)),
            age: None,
        };
        let now = Instant::now();
        let mut connection = Connection::none(0);
        for _ in 0..2 {
            assert_eq!(connection.last_request(&life, 1, now), None);
            assert_eq!(connection.last_request(&life, 1, now), None);
            assert_eq!(connection.last_request(&life, 1, now), Some(GivenUp::Count));
            connection.gone();
        }
    }

    #[test]
    fn a_connection_is_given_up_when_it_is_old() {
        let life = Life {
            requests: None,
            age: Some((Duration::from_secs(5), Duration::from_secs(9))),
        };
        let now = Instant::now();
        let mut connection = Connection::none(0);
        assert_eq!(connection.last_request(&life, 1, now), None);
        assert_eq!(
            connection.last_request(&life, 1, now + Duration::from_secs(4)),
            None
        );
        assert_eq!(
            connection.last_request(&life, 1, now + Duration::from_secs(9)),
            Some(GivenUp::Age)
        );
    }
}
