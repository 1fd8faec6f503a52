//! The proxy to the API server, selected as kubectl does.

use std::net::IpAddr;

use http::Uri;
use ipnet::IpNet;

/// The proxy for `server`: the cluster's own `proxy-url`, regardless of `NO_PROXY`, or else the environment's.
/// The rules are those of Go's `golang.org/x/net/http/httpproxy`: the variable depends on the server's scheme,
/// upper case takes precedence, and loopback is never proxied. The error is one sentence that names where the
/// proxy is set.
pub(super) fn proxy(
    server: &Uri,
    own: Option<&str>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Option<Uri>, String> {
    if let Some(own) = own.filter(|url| !url.is_empty()) {
        return parse(own, "proxy-url").map(Some);
    }
    let first = |names: [&'static str; 2]| {
        let mut set = names.into_iter().filter_map(|name| {
            let value = environment(name)?;
            (!value.is_empty()).then_some((name, value))
        });
        set.next()
    };
    let names = match server.scheme_str() {
        Some("http") => ["HTTP_PROXY", "http_proxy"],
        _ => ["HTTPS_PROXY", "https_proxy"],
    };
    let Some((name, url)) = first(names) else {
        return Ok(None);
    };
    let exceptions = first(["NO_PROXY", "no_proxy"]).map(|(_, list)| list);
    if goes_direct(server, exceptions.as_deref().unwrap_or_default()) {
        return Ok(None);
    }
    parse(&url, name).map(Some)
}

/// Parses a URL; without a scheme it is `http`.
fn parse(text: &str, place: &str) -> Result<Uri, String> {
    let url = match text.split_once("://") {
        // With SOCKS the proxy resolves names in either form.
        Some(("socks5h", rest)) => format!("socks5://{rest}"),
        Some(_) => text.to_owned(),
        None => format!("http://{text}"),
    };
    url.parse::<Uri>()
        .ok()
        .filter(|uri| {
            let known = matches!(uri.scheme_str(), Some("http" | "https" | "socks5"));
            known && uri.host().is_some_and(|host| !host.is_empty())
        })
        .ok_or_else(|| {
            // It may contain a password.
            let shown = text.rsplit('@').next().unwrap_or_default();
            format!(
                "the proxy `{shown}` of {place} can't be used: expected http://, https:// or socks5:// with a host"
            )
        })
}

/// Whether an entry of the list matches, or the server is this machine.
fn goes_direct(server: &Uri, list: &str) -> bool {
    let host = server.host().unwrap_or_default().to_ascii_lowercase();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    let port = server.port_u16().unwrap_or(match server.scheme_str() {
        Some("http") => 80,
        _ => 443,
    });
    list.split(',')
        .map(|entry| entry.trim().to_ascii_lowercase())
        .any(|entry| matches(&entry, host, address, port))
}

fn matches(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Ok(net) = entry.parse::<IpNet>() {
        return address.is_some_and(|address| net.contains(&address));
    }
    let (name, only) = split_port(entry);
    if name.is_empty() || only.is_some_and(|only| only != port) {
        return false;
    }
    if let Ok(ip) = name.parse::<IpAddr>() {
        return address == Some(ip);
    }
    let name = name.strip_prefix('*').unwrap_or(name);
    if name.starts_with('.') {
        return host.ends_with(name);
    }
    let above = host.strip_suffix(name);
    above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

/// `host:port`, `[::1]:port`, or either without a port. An IPv6 address alone has colons of its own.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    let bare = |name: &str| name.parse::<IpAddr>().is_ok();
    if bare(entry) {
        return (entry, None);
    }
    let (name, port) = match entry.rsplit_once(':') {
        Some((name, port)) => (name, port.parse().ok()),
        None => (entry, None),
    };
    (name.trim_start_matches('[').trim_end_matches(']'), port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(server: &str, own: Option<&str>, set: &[(&str, &str)]) -> Result<String, String> {
        let environment = |name: &str| {
            let found = set.iter().find(|(set, _)| *set == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let chosen = proxy(&server.parse().unwrap(), own, environment)?;
        Ok(chosen.map_or_else(|| "direct".to_owned(), |uri| uri.to_string()))
    }

    const SERVER: &str = "https://api.prod.example.com:6443";

    #[test]
    fn the_variable_depends_on_the_servers_scheme() {
        let set = [("HTTPS_PROXY", "http://s:1"), ("HTTP_PROXY", "http://p:2")];
        assert_eq!(chosen(SERVER, None, &set).unwrap(), "http://s:1/");
        assert_eq!(chosen("http://api", None, &set).unwrap(), "http://p:2/");
        assert_eq!(chosen(SERVER, None, &[]).unwrap(), "direct");
        let lower = [("https_proxy", "s:1")];
        assert_eq!(chosen(SERVER, None, &lower).unwrap(), "http://s:1/");
    }

    #[test]
    fn no_proxy_is_matched_against_the_server_and_not_against_the_proxy() {
        for (list, direct) in [
            ("api.prod.example.com", true),
            ("example.com", true),
            (".example.com", true),
            ("*.example.com", true),
            ("API.prod.Example.com:6443", true),
            ("*", true),
            ("10.0.0.0/8, ,example.com,", true),
            ("ample.com", false),
            ("api.prod.example.com:443", false),
            ("prod", false),
            ("proxy", false),
            ("", false),
        ] {
            let set = [("HTTPS_PROXY", "http://proxy:1"), ("NO_PROXY", list)];
            let found = chosen(SERVER, None, &set).unwrap();
            assert_eq!(found == "direct", direct, "{list}");
        }
    }

    #[test]
    fn an_address_matches_itself_and_its_network() {
        for (server, list, direct) in [
            ("https://10.1.2.3:6443", "10.1.2.3", true),
            ("https://10.1.2.3:6443", "10.0.0.0/8", true),
            ("https://10.1.2.3:6443", "10.1.2.3:443", false),
            ("https://11.1.2.3:6443", "10.0.0.0/8", false),
            ("https://[fd00::7]:6443", "fd00::/8", true),
            ("https://[fd00::7]:6443", "[fd00::7]:6443", true),
            ("https://[fd00::7]:6443", "fd00::8", false),
        ] {
            let set = [("HTTPS_PROXY", "http://proxy:1"), ("NO_PROXY", list)];
            let found = chosen(server, None, &set).unwrap();
            assert_eq!(found == "direct", direct, "{server} {list}");
        }
    }

    #[test]
    fn a_server_on_this_machine_is_never_proxied_by_the_environment() {
        let set = [("HTTPS_PROXY", "http://proxy:1")];
        for server in [
            "https://127.0.0.1:6443",
            "https://localhost",
            "https://[::1]:6443",
        ] {
            assert_eq!(chosen(server, None, &set).unwrap(), "direct", "{server}");
        }
    }

    #[test]
    fn the_clusters_own_proxy_takes_precedence_over_no_proxy() {
        let set = [("HTTPS_PROXY", "http://proxy:1"), ("NO_PROXY", "*")];
        let own = Some("socks5://bastion:1080");
        assert_eq!(chosen(SERVER, own, &set).unwrap(), "socks5://bastion:1080/");
        assert_eq!(
            chosen(SERVER, Some("socks5h://b:1"), &set).unwrap(),
            "socks5://b:1/"
        );
        assert_eq!(chosen(SERVER, Some(""), &[]).unwrap(), "direct");
    }

    #[test]
    fn an_unusable_proxy_is_named_without_its_password() {
        let set = [("HTTPS_PROXY", "ftp://me:secret@proxy:21")];
        let error = chosen(SERVER, None, &set).unwrap_err();
        assert!(
            error.contains("HTTPS_PROXY") && !error.contains("secret"),
            "{error}"
        );
        let error = chosen(SERVER, Some("http://"), &[]).unwrap_err();
        assert!(error.contains("proxy-url"), "{error}");
    }
}
