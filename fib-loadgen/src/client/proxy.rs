//! An HTTP proxy, used only if a flag names it; the environment's proxies are ignored.

use std::net::IpAddr;

use http::HeaderValue;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::exit::Failure;
use crate::target::Target;

/// The proxy's address and authorization.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// Its address, which must be an allowed one.
    pub target: Target,
    /// `Proxy-Authorization`, from the credentials of its URL.
    pub authorization: Option<HeaderValue>,
}

/// A longer answer to CONNECT is invalid.
const LONGEST_HEAD: usize = 16 * 1024;

impl Proxy {
    /// Reads `--proxy`.
    pub fn parse(text: &str, allow: &[String]) -> Result<Self, Failure> {
        let target = Target::parse(text, allow)?;
        if target.base.scheme() != "http" {
            return Err(Failure::usage(
                "--proxy: only proxies that speak plain HTTP are supported: give a URL that starts with http://",
            ));
        }
        Ok(Self {
            authorization: target.authorization.clone(),
            target,
        })
    }

    /// Asks for a tunnel to `host` and `port`.
    pub(super) async fn tunnel(
        &self,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
        host: &str,
        port: u16,
    ) -> std::io::Result<()> {
        let mut head = connect(host, port).into_bytes();
        if let Some(value) = &self.authorization {
            head.extend_from_slice(b"proxy-authorization: ");
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        stream.write_all(&head).await?;
        let mut answer = Vec::new();
        // Byte by byte: what follows the head belongs to the tunnel.
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() == LONGEST_HEAD {
                return Err(std::io::Error::other(
                    "the head of the proxy's answer to CONNECT is too large",
                ));
            }
            answer.push(stream.read_u8().await.map_err(|error| {
                std::io::Error::other(format!("the proxy did not answer CONNECT ({error})"))
            })?);
        }
        let status = String::from_utf8_lossy(&answer);
        let status = status.lines().next().unwrap_or_default();
        if status
            .split(' ')
            .nth(1)
            .is_some_and(|code| code.starts_with('2'))
        {
            return Ok(());
        }
        Err(std::io::Error::other(format!(
            "the proxy did not open a tunnel ({status})"
        )))
    }
}

/// The request for a tunnel; an IPv6 address gets its brackets (RFC 9110, section 9.3.6).
fn connect(host: &str, port: u16) -> String {
    let host = match host.parse() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => host.to_owned(),
    };
    format!("CONNECT {host}:{port} HTTP/1.1\r\nhost: {host}:{port}\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_to_an_ipv6_address_is_requested_in_brackets() {
        let line = |host| connect(host, 443).lines().next().map(str::to_owned);
        assert_eq!(line("::1").as_deref(), Some("CONNECT [::1]:443 HTTP/1.1"));
        assert_eq!(
            line("10.0.0.1").as_deref(),
            Some("CONNECT 10.0.0.1:443 HTTP/1.1")
        );
        assert_eq!(
            line("shop.svc").as_deref(),
            Some("CONNECT shop.svc:443 HTTP/1.1")
        );
    }
}
