//! Proxies on loopback, in front of the API server: whatever name they are asked for, they connect there.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// The protocol of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `CONNECT` over HTTP.
    Http,
    /// SOCKS 5; the proxy resolves names.
    Socks,
    /// HTTP, and every request is refused with 403.
    Refusing,
}

/// A proxy that serves until the runtime ends.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub(crate) async fn listen(kind: Kind, server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
        };
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let proxy = serving.clone();
                tokio::spawn(async move { proxy.serve(kind, stream, server).await });
            }
        });
        proxy
    }

    /// The hosts it was asked for, such as `api.test:6443`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn serve(&self, kind: Kind, mut client: TcpStream, server: SocketAddr) -> Option<()> {
        let host = match kind {
            Kind::Http | Kind::Refusing => connect(&mut client).await?,
            Kind::Socks => socks(&mut client).await?,
        };
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(host);
        let answer: &[u8] = match kind {
            Kind::Http => b"HTTP/1.1 200 OK\r\n\r\n",
            Kind::Refusing => b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
            Kind::Socks => &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0],
        };
        client.write_all(answer).await.ok()?;
        if kind != Kind::Refusing {
            let mut server = TcpStream::connect(server).await.ok()?;
            copy_bidirectional(&mut client, &mut server).await.ok()?;
        }
        Some(())
    }
}

/// Reads `CONNECT host:port HTTP/1.1` and the headers after it.
async fn connect(client: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    head.strip_prefix("CONNECT ")?
        .split(' ')
        .next()
        .map(str::to_owned)
}

/// Reads a greeting and a request to connect (RFC 1928).
async fn socks(client: &mut TcpStream) -> Option<String> {
    let (_version, methods) = (client.read_u8().await.ok()?, client.read_u8().await.ok()?);
    client.read_exact(&mut vec![0; methods.into()]).await.ok()?;
    client.write_all(&[5, 0]).await.ok()?;
    let mut head = [0; 4];
    client.read_exact(&mut head).await.ok()?;
    let host = match head[3] {
        3 => {
            let length = client.read_u8().await.ok()?;
            let mut name = vec![0; length.into()];
            client.read_exact(&mut name).await.ok()?;
            String::from_utf8(name).ok()?
        }
        1 => {
            let mut address = [0; 4];
            client.read_exact(&mut address).await.ok()?;
            std::net::Ipv4Addr::from(address).to_string()
        }
        _ => return None,
    };
    let port = client.read_u16().await.ok()?;
    Some(format!("{host}:{port}"))
}
