//! Connections whose number, life and addresses are known, and that never follow, retry or proxy unasked.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;

use crate::chance::{self, Purpose};
use crate::target::Target;

mod addresses;
mod connect;
mod counters;
mod link;
mod pool;
mod proxy;
mod stream;
mod tls;

pub use addresses::{AddressCounts, Resolve};
pub use connect::{ConnectError, Connector};
pub use counters::Counters;
pub use link::{Link, Sent, Unsent};
pub use pool::Pool;
pub use proxy::Proxy;
pub use tls::{TlsSettings, TlsVersion};

/// Bytes of a request.
pub type Body = http_body_util::Full<bytes::Bytes>;

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

impl Sharing {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Shared => "shared",
            Self::Fresh => "fresh",
        }
    }
}

/// Which code sends the requests of a user that has its own connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ClientKind {
    /// The user drives its connection itself: no task, no pool, no lock in between
    #[default]
    Direct,
    /// hyper-util's pool, as most programs use it; slower
    Pool,
}

impl ClientKind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Pool => "pool",
        }
    }
}

/// Which version of HTTP to speak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum HttpVersion {
    /// HTTP/1.1
    #[default]
    #[value(name = "1.1")]
    One,
    /// HTTP/2: by prior knowledge, or with TLS by ALPN and nothing else
    #[value(name = "2")]
    Two,
    /// With TLS what the server prefers, by ALPN; else HTTP/1.1
    Auto,
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
    /// Which code sends the requests.
    pub kind: ClientKind,
    /// Which version of HTTP.
    pub http: HttpVersion,
    /// How TLS is set up.
    pub tls: TlsSettings,
    /// The Unix socket to connect to instead of the target's host.
    pub unix_socket: Option<PathBuf>,
    /// Addresses in the place of those that a name has.
    pub resolve: Vec<Resolve>,
    /// How long the addresses of a name are remembered.
    pub resolve_every: Duration,
    /// Addresses of this machine to connect from, in turn.
    pub sources: Vec<std::net::IpAddr>,
    /// The proxy, when there is to be one.
    pub proxy: Option<Proxy>,
}

impl Settings {
    /// Settings with the defaults of the command line.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            headers: HeaderMap::new(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            idle: Duration::from_secs(1),
            sharing: Sharing::default(),
            kind: ClientKind::default(),
            http: HttpVersion::default(),
            tls: TlsSettings::default(),
            unix_socket: None,
            resolve: Vec::new(),
            resolve_every: Duration::from_secs(1),
            sources: Vec::new(),
            proxy: None,
        }
    }

    /// Whether requests go through hyper-util's pool.
    pub fn pools(&self) -> bool {
        self.kind == ClientKind::Pool || self.sharing == Sharing::Shared
    }

    /// What makes the connections of all users; fails when certificates can't be read.
    pub fn connector(&self, counters: &Arc<Counters>) -> Result<Arc<Connector>, String> {
        Connector::new(self, counters).map(Arc::new)
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

/// How long one connection is to live.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    born: Instant,
    used: u64,
    limit: Option<u64>,
    oldest: Option<Duration>,
}

impl Span {
    /// Drawn for the connection of this number.
    pub fn drawn(life: &Life, seed: u64, number: u64, now: Instant) -> Self {
        let share = chance::unit(seed, Purpose::Connection, number);
        Self {
            born: now,
            used: 0,
            limit: life.requests.map(|(from, to)| between(from, to, share)),
            oldest: life
                .age
                .map(|(from, to)| from + to.saturating_sub(from).mul_f64(share)),
        }
    }

    /// A request is about to go out: whether it is to be the last on its connection.
    pub fn last_request(&mut self, now: Instant) -> Option<GivenUp> {
        self.used += 1;
        if self.limit.is_some_and(|limit| self.used >= limit) {
            Some(GivenUp::Count)
        } else if self.oldest.is_some_and(|oldest| now - self.born >= oldest) {
            Some(GivenUp::Age)
        } else {
            None
        }
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
        for number in 0..2 {
            let mut span = Span::drawn(&life, 1, number, now);
            assert_eq!(span.last_request(now), None);
            assert_eq!(span.last_request(now), None);
            assert_eq!(span.last_request(now), Some(GivenUp::Count));
        }
    }

    #[test]
    fn a_connection_is_given_up_when_it_is_old() {
        let life = Life {
            requests: None,
            age: Some((Duration::from_secs(5), Duration::from_secs(9))),
        };
        let now = Instant::now();
        let mut span = Span::drawn(&life, 1, 0, now);
        assert_eq!(span.last_request(now), None);
        assert_eq!(span.last_request(now + Duration::from_secs(4)), None);
        assert_eq!(
            span.last_request(now + Duration::from_secs(9)),
            Some(GivenUp::Age)
        );
    }
}
