//! A request's client, and how many requests it may send.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use ipnet::IpNet;
use salvo::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::config::Config;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// This many clients are distinguished; further ones share one rate, so that addresses can't use up memory.
const MOST_CLIENTS: usize = 10_000;

/// The clients, and their rate limits.
#[derive(Debug)]
pub(crate) struct Clients {
    trusted: Vec<IpNet>,
    rate: Option<Rate>,
}

/// A rate limiter per client, which also reports the remaining requests.
type Limiter =
    RateLimiter<IpAddr, DefaultKeyedStateStore<IpAddr>, DefaultClock, StateInformationMiddleware>;

#[derive(Debug)]
struct Rate {
    limiter: Limiter,
    clock: DefaultClock,
    burst: u32,
    a_second: u32,
}

/// Whether a request may be answered, and the rate limit headers for its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// How long to wait before a retry; `None` if this one may be answered.
    pub(crate) wait: Option<Duration>,
    /// Requests that the client may send right now.
    pub(crate) remaining: u32,
    /// Requests that it may send at once.
    pub(crate) burst: u32,
    /// The window of the rate limit, in seconds.
    pub(crate) window: u32,
}

impl Allowance {
    /// Adds the fields of draft-ietf-httpapi-ratelimit-headers: the policy, and what is left of it.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        let reset = self.wait.map_or(0, |wait| wait.as_secs() + 1);
        let fields = [
            (
                HeaderName::from_static("ratelimit-policy"),
                format!("\"client\";q={};w={}", self.burst, self.window),
            ),
            (
                HeaderName::from_static("ratelimit"),
                format!("\"client\";r={};t={reset}", self.remaining),
            ),
        ];
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }
}

impl Clients {
    pub(crate) fn new(config: &Config) -> Self {
        let rate = NonZeroU32::new(config.rate_limit).map(|a_second| {
            let burst = NonZeroU32::new(config.rate_limit_burst).unwrap_or(a_second);
            Rate {
                limiter: RateLimiter::keyed(Quota::per_second(a_second).allow_burst(burst))
                    .with_middleware(),
                clock: DefaultClock::default(),
                burst: burst.get(),
                a_second: a_second.get(),
            }
        });
        Self {
            trusted: config.trusted_proxies.clone(),
            rate,
        }
    }

    /// Counts a request of this client; `None` if there is no limit.
    pub(crate) fn count(&self, peer: IpAddr, headers: &HeaderMap) -> Option<Allowance> {
        let rate = self.rate.as_ref()?;
        let mut key = network(client(peer, headers, &self.trusted));
        if rate.limiter.len() >= MOST_CLIENTS {
            rate.limiter.retain_recent();
            if rate.limiter.len() >= MOST_CLIENTS {
                key = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
            }
        }
        let checked = rate.limiter.check_key(&key);
        Some(Allowance {
            wait: checked
                .as_ref()
                .err()
                .map(|not_until| not_until.wait_time_from(rate.clock.now())),
            remaining: checked.map_or(0, |left| left.remaining_burst_capacity()),
            burst: rate.burst,
            window: rate.burst.div_ceil(rate.a_second),
        })
    }
}

/// A household or a server has a whole IPv6 /64 for itself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let mut octets = v6.octets();
            octets[8..].fill(0);
            IpAddr::V6(octets.into())
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The client behind trusted proxies: the last address in the chain that is not one of theirs. `Forwarded` (RFC
/// 7239) and `X-Forwarded-For` count only if they come from these proxies. If both name a client, they must
/// agree: a proxy that writes one of them may pass on the other as the client made it up.
pub(crate) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let peer = peer.to_canonical();
    if !is_trusted(&peer) {
        return peer;
    }
    let follow = |chain: Vec<Option<IpAddr>>| {
        let mut nearest = peer;
        for hop in chain.into_iter().rev() {
            // A proxy that hides its client counts as the client.
            let Some(address) = hop else { break };
            nearest = address.to_canonical();
            if !is_trusted(&nearest) {
                break;
            }
        }
        nearest
    };
    let chains = [forwarded(headers), x_forwarded_for(headers)];
    let mut named = chains.into_iter().filter(|c| !c.is_empty()).map(follow);
    match (named.next(), named.next()) {
        (Some(one), None) => one,
        (Some(one), Some(other)) if one == other => one,
        _ => peer,
    }
}

fn list<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
}

fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    list(headers, &header::FORWARDED)
        .map(|hop| {
            let node = hop.split(';').find_map(|pair| {
                let (name, value) = pair.trim().split_once('=')?;
                name.eq_ignore_ascii_case("for").then_some(value)
            })?;
            address(node.trim_matches('"'))
        })
        .collect()
}

fn x_forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    list(headers, &X_FORWARDED_FOR).map(address).collect()
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn address(node: &str) -> Option<IpAddr> {
    if let Some(rest) = node.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok();
    }
    node.parse()
        .ok()
        .or_else(|| node.rsplit_once(':')?.0.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, headers: &[(HeaderName, &str)]) -> String {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "fd00::/8"]
            .iter()
            .map(|n| n.parse().unwrap())
            .collect();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        client(peer.parse().unwrap(), &map, &trusted).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_about_its_client() {
        let claim = [(X_FORWARDED_FOR, "1.2.3.4")];
        assert_eq!(from("203.0.113.9", &claim), "203.0.113.9");
        assert_eq!(from("10.1.1.1", &claim), "1.2.3.4");
        // In the form of a dual-stack socket.
        assert_eq!(from("::ffff:10.1.1.1", &claim), "1.2.3.4");
        assert_eq!(from("10.1.1.1", &[]), "10.1.1.1");
    }

    #[test]
    fn what_a_client_wrote_before_the_first_trusted_proxy_is_ignored() {
        let chain = [(X_FORWARDED_FOR, "6.6.6.6, 1.2.3.4, 10.2.2.2")];
        assert_eq!(from("10.1.1.1", &chain), "1.2.3.4");
        let lines = [(X_FORWARDED_FOR, "6.6.6.6"), (X_FORWARDED_FOR, "1.2.3.4")];
        assert_eq!(from("10.1.1.1", &lines), "1.2.3.4");
    }

    #[test]
    fn a_header_that_the_proxy_only_passes_on_does_not_change_the_client() {
        let both = |forwarded: &str, x: &str| {
            let claims = [(header::FORWARDED, forwarded), (X_FORWARDED_FOR, x)];
            from("10.1.1.1", &claims)
        };
        assert_eq!(both("for=1.2.3.4", "1.2.3.4"), "1.2.3.4");
        // One of them was made up by the client, and there is no telling which.
        assert_eq!(both("for=6.6.6.6", "1.2.3.4"), "10.1.1.1");
        assert_eq!(both("for=1.2.3.4", "6.6.6.6"), "10.1.1.1");
        assert_eq!(both("for=unknown", "1.2.3.4"), "10.1.1.1");
    }

    #[test]
    fn the_standard_header_is_parsed_with_ports_and_quotes() {
        let forwarded = |value| from("10.1.1.1", &[(header::FORWARDED, value)]);
        assert_eq!(
            forwarded("for=192.0.2.60;proto=http;by=203.0.113.43"),
            "192.0.2.60"
        );
        assert_eq!(
            forwarded(r#"For="[2001:db8:cafe::17]:4711""#),
            "2001:db8:cafe::17"
        );
        assert_eq!(forwarded("for=192.0.2.43:80, for=10.9.9.9"), "192.0.2.43");
        assert_eq!(forwarded("for=unknown"), "10.1.1.1");
        assert_eq!(forwarded("for=1.2.3.4, for=_hidden"), "10.1.1.1");
    }

    #[test]
    fn each_client_sees_the_rest_of_its_rate() {
        let given = crate::args::Settings {
            rate_limit: Some(crate::args::Rate(1)),
            rate_limit_burst: Some(3),
            ..Default::default()
        };
        let clients = Clients::new(&Config::resolve(given).unwrap());
        let count = |peer: &str| {
            let allowance = clients.count(peer.parse().unwrap(), &HeaderMap::new());
            allowance.map(|a| (a.remaining, a.wait.is_some())).unwrap()
        };
        let one: Vec<_> = (0..4).map(|_| count("192.0.2.1")).collect();
        assert_eq!(one, [(2, false), (1, false), (0, false), (0, true)]);
        assert_eq!(count("192.0.2.2"), (2, false));
    }

    #[test]
    fn addresses_in_one_ipv6_network_are_one_client() {
        let net = |text: &str| network(text.parse().unwrap());
        assert_eq!(net("2001:db8::1"), net("2001:db8::ffff:2"));
        assert_ne!(net("2001:db8::1"), net("2001:db8:0:1::1"));
        assert_ne!(net("192.0.2.1"), net("192.0.2.2"));
    }
}
