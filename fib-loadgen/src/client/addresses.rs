//! The address of the next connection: all addresses of a name in turn, resolved again every second.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::counters::Counters;
use crate::target::{Forbidden, Target};

/// `--resolve HOST:PORT:ADDR[,ADDR]`: addresses that replace those of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolve {
    /// The name.
    pub host: String,
    /// The port for which it applies.
    pub port: u16,
    /// The addresses.
    pub addresses: Vec<IpAddr>,
}

impl Resolve {
    /// Whether it applies to this host and port.
    pub fn is_for(&self, host: &str, port: u16) -> bool {
        self.port == port && self.host.eq_ignore_ascii_case(host)
    }
}

impl FromStr for Resolve {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || {
            format!(
                "`{text}` does not map a name to addresses: write HOST:PORT:ADDRESS, with a comma between several addresses"
            )
        };
        let mut parts = text.splitn(3, ':');
        let (Some(host), Some(port), Some(addresses)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(bad());
        };
        let address = |text: &str| text.trim_matches(['[', ']']).parse().map_err(|_| bad());
        Ok(Self {
            host: host.to_ascii_lowercase(),
            port: port.parse().map_err(|_| bad())?,
            addresses: addresses
                .split(',')
                .map(address)
                .collect::<Result<_, _>>()?,
        })
    }
}

/// The addresses of one host and port.
#[derive(Debug)]
pub(super) struct Addresses {
    host: String,
    port: u16,
    target: Target,
    fixed: Option<Vec<SocketAddr>>,
    every: Duration,
    known: Mutex<Option<(Instant, Vec<SocketAddr>)>>,
    turn: AtomicUsize,
}

/// Why there is no address.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unresolved {
    #[error("the name can't be looked up ({0})")]
    Failed(std::io::Error),
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error("the name has no address")]
    None,
}

impl Addresses {
    pub(super) fn new(
        host: &str,
        port: u16,
        target: &Target,
        resolve: &[Resolve],
        every: Duration,
    ) -> Self {
        let chosen = resolve.iter().filter(|rule| rule.is_for(host, port));
        let chosen: Vec<IpAddr> = chosen.flat_map(|rule| rule.addresses.clone()).collect();
        let fixed = match (chosen.is_empty(), host.parse::<IpAddr>()) {
            (false, _) => Some(chosen),
            (true, Ok(address)) => Some(vec![address]),
            (true, Err(_)) => None,
        };
        let fixed = fixed.map(|list| {
            list.into_iter()
                .map(|ip| SocketAddr::new(ip, port))
                .collect()
        });
        Self {
            host: host.to_owned(),
            port,
            target: target.clone(),
            fixed,
            every,
            known: Mutex::new(None),
            turn: AtomicUsize::new(0),
        }
    }

    /// All addresses, starting with the next one in turn.
    pub(super) async fn next(&self, counters: &Counters) -> Result<Vec<SocketAddr>, Unresolved> {
        let mut all = match &self.fixed {
            Some(fixed) => fixed.clone(),
            None => self.look_up(counters).await?,
        };
        for address in &all {
            self.target.permit(address.ip())?;
        }
        if all.is_empty() {
            return Err(Unresolved::None);
        }
        let turn = self.turn.fetch_add(1, Relaxed) % all.len();
        all.rotate_left(turn);
        Ok(all)
    }

    /// How many there are, as far as known.
    pub(super) fn known(&self) -> usize {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.as_ref().map(|(_, found)| found);
        self.fixed.as_ref().or(found).map_or(0, Vec::len)
    }

    async fn look_up(&self, counters: &Counters) -> Result<Vec<SocketAddr>, Unresolved> {
        if let Some((at, known)) = &*self.known.lock().unwrap_or_else(PoisonError::into_inner)
            && at.elapsed() < self.every
        {
            return Ok(known.clone());
        }
        counters.lookups.fetch_add(1, Relaxed);
        let found = tokio::net::lookup_host((self.host.as_str(), self.port))
            .await
            .map_err(Unresolved::Failed)?;
        // Sorted, whatever order the name server uses; the turns distribute connections.
        let mut found: Vec<SocketAddr> = found.collect();
        found.sort_unstable();
        found.dedup();
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), found.clone()));
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_port_are_mapped_to_addresses() {
        let rule: Resolve = "shop.svc:8080:10.0.0.1,[fd00::1]".parse().unwrap();
        assert_eq!((rule.host.as_str(), rule.port), ("shop.svc", 8080));
        assert_eq!(rule.addresses.len(), 2);
        for text in [
            "",
            "shop.svc",
            "shop.svc:80",
            "shop.svc:x:10.0.0.1",
            "shop.svc:80:name",
        ] {
            assert!(text.parse::<Resolve>().is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn addresses_take_turns() {
        let target = Target::parse("http://shop.svc:80", &[]).unwrap();
        let resolve = ["shop.svc:80:127.0.0.1,127.0.0.2,127.0.0.3".parse().unwrap()];
        let addresses = Addresses::new("shop.svc", 80, &target, &resolve, Duration::ZERO);
        let counters = Counters::default();
        let mut first = Vec::new();
        for _ in 0..6 {
            let all = addresses.next(&counters).await.unwrap();
            assert_eq!(all.len(), 3);
            first.push(all[0].ip().to_string());
        }
        let once = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];
        assert_eq!(first, [once, once].concat());
        assert_eq!(counters.lookups.load(Relaxed), 0);
    }

    #[tokio::test]
    async fn a_repeated_flag_adds_addresses() {
        let target = Target::parse("http://shop.svc:80", &[]).unwrap();
        let resolve = [
            "shop.svc:80:127.0.0.1",
            "SHOP.svc:80:127.0.0.2",
            "shop.svc:81:127.0.0.3",
        ];
        let resolve = resolve.map(|rule| rule.parse().unwrap());
        let addresses = Addresses::new("shop.svc", 80, &target, &resolve, Duration::ZERO);
        assert_eq!(addresses.next(&Counters::default()).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_a_forbidden_address_is_refused() {
        let target = Target::parse("http://shop.svc:80", &[]).unwrap();
        let resolve = ["shop.svc:80:8.8.8.8".parse().unwrap()];
        let addresses = Addresses::new("shop.svc", 80, &target, &resolve, Duration::ZERO);
        let refused = addresses.next(&Counters::default()).await;
        assert!(matches!(refused, Err(Unresolved::Forbidden(_))));
    }
}
