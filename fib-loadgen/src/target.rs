//! The target: an address, and the rule that it must be ours to load.
//!
//! A load generator pointed at someone else's server is a weapon. So a host must be loopback, private or
//! link-local, or a name inside a cluster, and the addresses of a name are checked at every lookup: a public
//! address behind a private-looking name is refused. `--allow-host` lifts both checks for a given name.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::exit::Failure;

/// The default target: a `fib-server` with its default settings on this machine.
pub const DEFAULT: &str = "http://127.0.0.1:8080";

/// A host that may be loaded.
#[derive(Debug, Clone)]
pub struct Target {
    /// Scheme, host and port: no credentials, no path.
    pub base: Url,
    /// Path and query, when the URL has any beyond `/`.
    pub path: Option<String>,
    /// The value of `Authorization`, from the credentials of the URL.
    pub authorization: Option<HeaderValue>,
    /// Other hosts that may be loaded.
    pub allow: Vec<String>,
}

/// A host that must not be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// It may be someone else's.
    #[error(
        "{0} is neither loopback, private nor inside a cluster: if that server is yours to load, add --allow-host {1}"
    )]
    NotOurs(String, String),
    /// A cloud's metadata service, which hands out credentials.
    #[error(
        "{0} is a cloud's metadata service, which is never a target: give the address of a server"
    )]
    Metadata(String),
}

impl Target {
    /// Parses the URL and checks the host's name; [`Target::resolve`] checks addresses.
    pub fn parse(text: &str, allow: &[String]) -> Result<Self, Failure> {
        let bad = |why: &str| {
            let shown = without_credentials(text);
            Failure::usage(format!(
                "`{shown}` is not a valid target ({why}): give a URL such as {DEFAULT}"
            ))
        };
        if !text.contains("://") {
            return Err(Failure::usage(not_a_url(text)));
        }
        let mut base = Url::parse(text).map_err(|error| bad(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(bad("neither http nor https"));
        }
        if base.fragment().is_some() {
            return Err(bad("it has a fragment, which is never sent"));
        }
        let authorization = credentials(&base);
        // Neither fails for a URL that has a host.
        let _ = base.set_username("");
        let _ = base.set_password(None);
        let path = base[url::Position::BeforePath..].to_owned();
        base.set_path("");
        base.set_query(None);
        let target = Self {
            base,
            path: (path != "/").then_some(path),
            authorization,
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

    /// The port.
    pub fn port(&self) -> u16 {
        self.base.port_or_known_default().unwrap_or(80)
    }

    /// Host and port as `Host` has them: the port only when it is not the scheme's.
    pub fn authority(&self) -> &str {
        &self.base[url::Position::BeforeHost..url::Position::AfterPort]
    }

    /// Resolves the host once and checks every address.
    pub async fn resolve(&self) -> Result<Vec<SocketAddr>, Failure> {
        let found: Vec<SocketAddr> = tokio::net::lookup_host((self.host(), self.port()))
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

    /// Whether this address may be loaded.
    pub fn permit(&self, address: IpAddr) -> Result<(), Forbidden> {
        if is_metadata(address) {
            return Err(Forbidden::Metadata(address.to_string()));
        }
        if is_ours(address) || self.allowed_by_name() {
            return Ok(());
        }
        let host = self.host();
        let what = if host.parse::<IpAddr>().is_ok() {
            host.to_owned()
        } else {
            format!("{address}, which {host} resolves to,")
        };
        Err(Forbidden::NotOurs(what, host.to_owned()))
    }

    fn permit_name(&self) -> Result<(), Forbidden> {
        if is_cluster_name(self.host()) || self.allowed_by_name() {
            return Ok(());
        }
        Err(Forbidden::NotOurs(
            self.host().to_owned(),
            self.host().to_owned(),
        ))
    }
}

/// A guess at what a text without a scheme means.
fn not_a_url(text: &str) -> String {
    let shown = without_credentials(text);
    if shown.contains(['.', ':', '/']) {
        return format!("`{shown}` has no scheme: write http://{shown} or https://{shown}");
    }
    let nearest = COMMANDS.iter().max_by(|a, b| {
        let like = |command: &str| strsim::jaro_winkler(command, &shown);
        like(a).total_cmp(&like(b))
    });
    match nearest {
        Some(command) if **command == shown => {
            format!("`{command}` is a command: write it first, before the flags")
        }
        Some(command) if strsim::jaro_winkler(command, &shown) > 0.8 => {
            format!("`{shown}` is neither a command nor a URL: did you mean `{command}`?")
        }
        _ => format!(
            "`{shown}` is neither a command nor a URL: the commands are {}, and a target is a URL such as {DEFAULT}",
            COMMANDS.join(", ")
        ),
    }
}

/// The commands, for those who mistype one.
pub const COMMANDS: [&str; 8] = [
    "run", "plan", "verify", "capacity", "report", "compare", "merge", "schema",
];

/// The value of `Authorization` for the credentials of a URL.
fn credentials(url: &Url) -> Option<HeaderValue> {
    let (user, password) = (url.username(), url.password().unwrap_or_default());
    if user.is_empty() && password.is_empty() {
        return None;
    }
    let mut pair: Vec<u8> = percent_decode_str(user).collect();
    pair.push(b':');
    pair.extend(percent_decode_str(password));
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A URL, or an attempt at one, without its credentials; text before its scheme, such as `--target=`, stays. A
/// password may contain characters that a URL may not: unless the text is a valid URL, everything up to its
/// last `@` counts as credentials.
pub fn without_credentials(text: &str) -> String {
    let scheme = text.split_once("://");
    let (before, rest) = scheme.map_or(("", text), |(before, _)| text.split_at(before.len() + 3));
    if !rest.contains('@') {
        return text.to_owned();
    }
    let from = before
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || "+-.:/".contains(c)))
        .map_or(0, |at| at + 1);
    match Url::parse(&text[from..]) {
        // The parser decides what the host is, even if there is an `@` after it.
        Ok(url) if scheme.is_some() && credentials(&url).is_none() => text.to_owned(),
        _ => {
            let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let end = rest[..authority].rfind('@').or_else(|| rest.rfind('@'));
            format!("{before}{}", &rest[end.map_or(0, |at| at + 1)..])
        }
    }
}

/// Where clouds hand out credentials: 169.254.169.254 (AWS, Azure, Google, and most others) and 169.254.170.2
/// (AWS for containers), 100.100.100.200 (Alibaba), and in IPv6 `fd00:ec2::254` and `fd00:ec2::23` (AWS),
/// `fd20:ce::254` (Google); and the same in every form in which IPv6 holds an IPv4 address.
fn is_metadata(address: IpAddr) -> bool {
    const IPV4: [[u8; 4]; 3] = [
        [169, 254, 169, 254],
        [169, 254, 170, 2],
        [100, 100, 100, 200],
    ];
    const IPV6: [[u16; 8]; 3] = [
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254],
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23],
        [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254],
    ];
    match address {
        IpAddr::V4(v4) => IPV4.contains(&v4.octets()),
        IpAddr::V6(v6) => {
            let held = match v6.segments() {
                // IPv4-mapped, IPv4-compatible, NAT64 (RFC 6052), link-local made from one.
                [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
                | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
                | [0xfe80, 0, 0, 0, 0, 0, high, low]
                // 6to4 (RFC 3056).
                | [0x2002, high, low, ..] => Some([high, low]),
                _ => None,
            };
            let held = held.map(|[high, low]| {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                [a, b, c, d]
            });
            IPV6.contains(&v6.segments()) || held.is_some_and(|v4| IPV4.contains(&v4))
        }
    }
}

/// Loopback, private (RFC 1918), unique local, carrier-grade NAT (RFC 6598, which clusters use for pods) or
/// link-local. The unspecified address is this machine.
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
    // service.namespace.svc needs the search list to resolve; service.namespace is ambiguous.
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
    fn anyone_elses_host_is_refused_unless_allowed_by_name() {
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
    fn a_metadata_service_is_never_a_target_in_any_form() {
        for host in [
            "169.254.169.254",
            "2852039166",
            "0xa9fea9fe",
            "169.254.170.2",
            "100.100.100.200",
            "[fd00:ec2::254]",
            "[fd20:ce::254]",
            "[::ffff:169.254.169.254]",
            "[::169.254.169.254]",
            "[64:ff9b::169.254.169.254]",
            "[2002:a9fe:a9fe::1]",
            "[fe80::a9fe:a9fe]",
        ] {
            let refused = parse(&format!("http://{host}"), &["*"]).unwrap_err();
            assert_eq!(refused.ending.code(), 2, "{host}");
            assert!(refused.message.contains("metadata"), "{refused}");
        }
        let target = parse("http://metadata.google.internal", &[]).unwrap();
        assert!(target.permit([169, 254, 169, 254].into()).is_err());
        assert!(parse("http://169.254.20.10", &[]).is_ok());
    }

    #[test]
    fn credentials_in_a_url_are_used_but_not_kept_with_it() {
        let target = parse("http://me%40here:pass%3Aword@127.0.0.1:80/items?a=1", &[]).unwrap();
        assert_eq!(target.base.as_str(), "http://127.0.0.1/");
        assert_eq!(target.path.as_deref(), Some("/items?a=1"));
        // me@here:pass:word
        assert_eq!(
            target.authorization.as_ref().unwrap(),
            "Basic bWVAaGVyZTpwYXNzOndvcmQ="
        );
        let shown = format!("{target:?}");
        assert!(
            !shown.contains("word\"") && !shown.contains("bWVA"),
            "{shown}"
        );
        let refused = parse("ftp://me:secret@127.0.0.1", &[]).unwrap_err();
        assert!(!refused.message.contains("secret"), "{refused}");
    }

    #[test]
    fn credentials_are_removed_from_an_attempted_url() {
        for (text, shown) in [
            ("http://u:p@h/x", "http://h/x"),
            ("--target=https://u:p@h:1", "--target=https://h:1"),
            ("http://h/p@q", "http://h/p@q"),
            ("--target=http://h/p@q", "--target=http://h/p@q"),
            ("http://u:p@x@h", "http://h"),
            ("http://u:p@h/p@q", "http://h/p@q"),
            // Invalid URLs, as people type them.
            ("http://u:p/q@h/x", "http://h/x"),
            ("http://u:p#q@h/x", "http://h/x"),
            ("http://u:p?q@h:99999/x", "http://h:99999/x"),
            ("http://u:p q@h/x", "http://h/x"),
            ("http://u:p'q\"@h/x", "http://h/x"),
            ("u:p@h:1/x", "h:1/x"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(without_credentials(text), shown);
        }
    }

    #[test]
    fn a_url_that_is_not_a_servers_is_refused() {
        for url in [
            "",
            "127.0.0.1:8080",
            "ftp://127.0.0.1",
            "http://127.0.0.1/#top",
            "http://",
        ] {
            assert_eq!(parse(url, &[]).unwrap_err().ending.code(), 2, "{url}");
        }
    }
}
