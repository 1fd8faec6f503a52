//! Whom to load: an address, and the rule that it is ours to load.
//!
//! A load generator pointed at somebody else's server is a weapon. So a host must be loopback, private
//! or link-local, or a name inside a cluster, and what a name resolves to is checked as well, at every
//! look-up: a public address behind a private-looking name is refused. `--allow-host` lifts both for a
//! name given there.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::exit::Failure;

/// The default target: a `fib-server` with its default settings on this machine.
pub const DEFAULT: &str = "http://127.0.0.1:8080";

/// An address of a host that may be loaded.
#[derive(Debug, Clone)]
pub struct Target {
    /// The base, without a path of its own.
    pub base: Url,
    /// What else may be loaded.
    pub allow: Vec<String>,
}

/// A host that must not be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is neither loopback, private nor inside a cluster: if that server is yours to load, add --allow-host {1}"
)]
pub struct Forbidden(String, String);

impl Target {
    /// Reads the URL and checks the host's name; addresses are checked by [`Target::resolve`].
    pub fn parse(text: &str, allow: &[String]) -> Result<Self, Failure> {
        let bad = |why: &str| {
            Failure::usage(format!(
                "`{text}` is no target ({why}): give a base URL such as {DEFAULT}"
            ))
        };
        let base = Url::parse(text).map_err(|error| bad(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(bad("neither http nor https"));
        }
        if base.query().is_some() || base.fragment().is_some() || !matches!(base.path(), "" | "/") {
            return Err(bad("it has a path of its own"));
        }
        let target = Self {
            base,
            allow: allow.to_vec(),
        };
        let host = target.host();
        if host.is_empty() {
            return Err(bad("it has no host"));
        }
        match host.parse::<IpAddr>() {
            Ok(address) => target.permit(address),
            Err(_) => target.permit_name(),
        }
        .map_err(|forbidden| Failure::usage(forbidden.to_string()))?;
        Ok(target)
    }

    /// The host, an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        self.base
            .host_str()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
    }

    /// Resolves the host once and checks every address.
    pub async fn resolve(&self) -> Result<Vec<SocketAddr>, Failure> {
        let port = self.base.port_or_known_default().unwrap_or(80);
        let found: Vec<SocketAddr> = tokio::net::lookup_host((self.host(), port))
            .await
            .map_err(|error| {
                Failure::target(format!(
                    "`{}` can't be resolved ({error}): check the name, or give an address",
                    self.host()
                ))
            })?
            .collect();
        for address in &found {
            self.permit(address.ip())
                .map_err(|forbidden| Failure::usage(forbidden.to_string()))?;
        }
        Ok(found)
    }

    fn allowed_by_name(&self) -> bool {
        self.allow.iter().any(|glob| matches(glob, self.host()))
    }

    fn permit(&self, address: IpAddr) -> Result<(), Forbidden> {
        if is_ours(address) || self.allowed_by_name() {
            return Ok(());
        }
        let host = self.host();
        let what = if host.parse::<IpAddr>().is_ok() {
            host.to_owned()
        } else {
            format!("{address}, which {host} resolves to,")
        };
        Err(Forbidden(what, host.to_owned()))
    }

    fn permit_name(&self) -> Result<(), Forbidden> {
        if is_cluster_name(self.host()) || self.allowed_by_name() {
            return Ok(());
        }
        Err(Forbidden(self.host().to_owned(), self.host().to_owned()))
    }
}

/// Checks addresses at every look-up, so that a name can't turn into something else during a run.
#[derive(Debug, Clone)]
pub struct Resolver(pub Target, pub std::sync::Arc<std::sync::atomic::AtomicU64>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let Self(target, lookups) = self.clone();
        Box::pin(async move {
            lookups.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            for address in &found {
                target.permit(address.ip())?;
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Loopback, private (RFC 1918), unique local, carrier-grade NAT (RFC 6598, which clusters use for
/// pods) or link-local. The unspecified address leads to this machine.
fn is_ours(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_unspecified()
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_ours(v4.into()),
            None => {
                v6.is_loopback()
                    || v6.is_unique_local()
                    || v6.is_unicast_link_local()
                    || v6 == Ipv6Addr::UNSPECIFIED
            }
        },
    }
}

/// `localhost`, a single label (a Service in the same namespace, a container's name), or a cluster's own names.
fn is_cluster_name(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    !host.contains('.')
        || [".svc", ".local", ".internal", ".localhost"]
            .iter()
            .any(|end| host.ends_with(end))
    // service.namespace.svc needs the search list to resolve, service.namespace does not say what it is
}

/// Whether `text` matches a pattern in which `*` stands for any characters.
fn matches(glob: &str, text: &str) -> bool {
    match glob.split_once('*') {
        None => glob.eq_ignore_ascii_case(text),
        Some((start, rest)) => {
            text.get(..start.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(start))
                && (start.len()..=text.len())
                    .filter_map(|at| text.get(at..))
                    .any(|tail| matches(rest, tail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str, allow: &[&str]) -> Result<Target, Failure> {
        let allow: Vec<String> = allow.iter().map(|glob| (*glob).to_owned()).collect();
        Target::parse(url, &allow)
    }

    #[test]
    fn loopback_private_and_cluster_hosts_may_be_loaded() {
        for url in [
            "http://127.0.0.1:8080",
            "http://localhost:8080/",
            "http://[::1]:80",
            "http://10.1.2.3",
            "http://172.16.0.1",
            "http://192.168.1.1",
            "http://100.64.0.1",
            "http://[fd00::1]",
            "http://169.254.1.1",
            "http://fib-server",
            "http://fib-server.default.svc:8080",
            "http://fib-server.default.svc.cluster.local",
        ] {
            assert!(parse(url, &[]).is_ok(), "{url}");
        }
    }

    #[test]
    fn anybody_elses_host_is_refused_unless_allowed_by_name() {
        for url in [
            "http://example.com",
            "http://8.8.8.8",
            "http://[2001:db8::1]",
            "http://svc.example.com",
            "http://172.32.0.1",
            "http://[::ffff:8.8.8.8]",
        ] {
            let refused = parse(url, &[]).unwrap_err();
            assert_eq!(refused.ending.code(), 2, "{url}");
            assert!(refused.message.contains("--allow-host"), "{refused}");
        }
        assert!(parse("http://staging.example.com", &["*.example.com"]).is_ok());
        assert!(parse("http://8.8.8.8", &["8.8.*"]).is_ok());
        assert!(parse("http://example.com.evil.org", &["*.example.com"]).is_err());
    }

    #[test]
    fn a_public_address_behind_a_private_looking_name_is_refused() {
        let target = parse("http://fib-server.default.svc", &[]).unwrap();
        assert!(target.permit("8.8.8.8".parse().unwrap()).is_err());
        assert!(target.permit("10.0.0.1".parse().unwrap()).is_ok());
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for url in [
            "",
            "127.0.0.1:8080",
            "ftp://127.0.0.1",
            "http://127.0.0.1/get",
            "http://127.0.0.1/?n=1",
            "http://",
        ] {
            assert_eq!(parse(url, &[]).unwrap_err().ending.code(), 2, "{url}");
        }
    }
}
