//! One plain HTTP request on loopback, as by a kubelet's probe: only the status code is kept.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The status code of the answer to `GET path`, on its own connection; `None` if there was no answer in time.
pub(super) async fn get(address: SocketAddr, path: &str, within: Duration) -> Option<u16> {
    tokio::time::timeout(within, ask(address, path))
        .await
        .ok()?
        .ok()?
}

async fn ask(address: SocketAddr, path: &str) -> std::io::Result<Option<u16>> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    let mut rest = vec![0; 16 * 1024];
    loop {
        let read = stream.read(&mut rest).await?;
        if read == 0 {
            return Ok(status(&head));
        }
        // The status line is in the first bytes; the rest is read so that the server can finish normally.
        if head.len() < 64 {
            head.extend_from_slice(&rest[..read.min(64)]);
        }
    }
}

/// The code in a line such as `HTTP/1.1 200 OK`.
fn status(head: &[u8]) -> Option<u16> {
    let text = String::from_utf8_lossy(head);
    text.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_read_from_the_status_line_only() {
        assert_eq!(status(b"HTTP/1.1 503 Service Unavailable\r\n"), Some(503));
        assert_eq!(status(b"HTTP/1.0 200"), Some(200));
        assert_eq!(status(b"SSH-2.0-x 200"), None);
        assert_eq!(status(b""), None);
    }
}
