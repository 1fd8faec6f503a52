//! An HTTP proxy, used only if a flag names it; the environment's proxies are ignored.

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
        let mut head =
            format!("CONNECT {host}:{port} HTTP/1.1\r\nhost: {host}:{port}\r\n").into_bytes();
        if let Some(value) = &self.authorization {
            head.extend_from_slice(b"proxy-authorization: ");
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        stream.write_all(&head).await?;
        let mut answer = Vec::new();
        // Byte by byte: what follows the head belongs to the tunnel.
        while !answer.ends_with(b"\r\n\r\n") && answer.len() < LONGEST_HEAD {
            answer.push(stream.read_u8().await?);
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
