//! Opens connections: resolves, connects, uses the proxy, and performs handshakes.

use std::io::{Error, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind};
use tokio::net::{TcpSocket, TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::addresses::{Addresses, Unresolved};
use super::counters::{AddressCounts, Counters};
use super::kinds::HttpVersion;
use super::proxy::Proxy;
use super::settings::ClientSettings;
use super::stream::{Io, Plain, Stream};
use super::tls::TlsSettings;
use crate::outcome::{Class, described, tls};

/// Opens the connections of all users.
#[derive(Debug)]
pub struct Connector {
    to: To,
    tls: Option<Tls>,
    /// Whether to use HTTP/2 without negotiation.
    prior_knowledge: bool,
    sources: Vec<IpAddr>,
    turn: AtomicUsize,
    proxy: Option<Proxy>,
    host: String,
    port: u16,
    timeout: Duration,
    counters: Arc<Counters>,
}

#[derive(Debug)]
enum To {
    Addresses(Box<Addresses>),
    Socket(PathBuf),
}

struct Tls {
    settings: TlsSettings,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    only_http2: bool,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The TLS sessions of one client, which its next connection can resume.
#[derive(Clone)]
pub struct Sessions(Option<TlsConnector>);

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

/// A connection, and what is known about it.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) stream: Stream,
    pub(super) http2: bool,
    /// Whether requests must contain the whole URL, as for a proxy.
    pub(super) whole_urls: bool,
    pub(super) address: Arc<AddressCounts>,
}

/// Why there is no connection.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{detail}")]
pub struct ConnectError {
    /// Its class.
    pub class: Class,
    /// The details.
    pub detail: String,
}

impl ConnectError {
    fn new(class: Class, detail: impl ToString) -> Self {
        Self {
            class,
            detail: detail.to_string(),
        }
    }

    fn io(error: &Error) -> Self {
        Self::new(Class::of_connect(error), error)
    }
}

impl Connector {
    /// A connector for these settings; fails if certificates can't be read.
    pub fn new(settings: &ClientSettings, counters: &Arc<Counters>) -> Result<Self, String> {
        let target = &settings.target;
        let near = settings.near();
        let to = match &settings.unix_socket {
            Some(path) => To::Socket(path.clone()),
            None => To::Addresses(Box::new(Addresses::new(
                near.host(),
                near.port(),
                near,
                &settings.resolve,
                settings.resolve_every,
            ))),
        };
        let encrypted = target.base.scheme() == "https";
        let tls = encrypted.then(|| -> Result<Tls, String> {
            Ok(Tls {
                config: settings.tls.config(settings.http)?,
                settings: settings.tls.clone(),
                name: settings.tls.name(target.host())?,
                only_http2: settings.http == HttpVersion::Two,
            })
        });
        Ok(Self {
            to,
            tls: tls.transpose()?,
            prior_knowledge: !encrypted && settings.http == HttpVersion::Two,
            sources: settings.sources.clone(),
            turn: AtomicUsize::new(0),
            proxy: settings.proxy.clone(),
            host: target.host().to_owned(),
            port: target.port(),
            timeout: settings.connect_timeout,
            counters: Arc::clone(counters),
        })
    }

    /// How many addresses the target is known to have; 0 for a Unix socket.
    pub fn addresses_known(&self) -> usize {
        match &self.to {
            To::Addresses(addresses) => addresses.known(),
            To::Socket(_) => 0,
        }
    }

    /// The counts of all connections.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Sessions for one more client.
    pub fn sessions(&self) -> Sessions {
        let one = |tls: &Tls| tls.settings.of_one_client(&tls.config);
        Sessions(self.tls.as_ref().map(one))
    }

    /// Opens one connection within the connect timeout.
    pub(super) async fn connect(&self, sessions: &Sessions) -> Result<Connected, ConnectError> {
        let began = Instant::now();
        let deadline = began + self.timeout;
        let made = tokio::time::timeout_at(deadline.into(), self.attempt(sessions, deadline)).await;
        let (io, http2, address) = made
            .unwrap_or_else(|_| {
                let detail = format!("no connection within {:?}", self.timeout);
                Err(ConnectError::new(Class::ConnectTimeout, detail))
            })
            .inspect_err(|_| {
                self.counters.failed.fetch_add(1, Relaxed);
            })?;
        address.connections.fetch_add(1, Relaxed);
        Ok(Connected {
            stream: Stream {
                io,
                _open: self.counters.made(began.elapsed(), http2),
            },
            http2,
            whole_urls: self.proxy.is_some() && self.tls.is_none(),
            address,
        })
    }

    async fn attempt(
        &self,
        sessions: &Sessions,
        deadline: Instant,
    ) -> Result<(Io, bool, Arc<AddressCounts>), ConnectError> {
        let (mut plain, address) = match &self.to {
            To::Socket(path) => self.socket(path).await?,
            To::Addresses(addresses) => self.any_of(addresses, deadline).await?,
        };
        let (Some(over), Some(handshakes)) = (&self.tls, &sessions.0) else {
            return Ok((Io::Plain(plain), self.prior_knowledge, address));
        };
        let late = |what: &str| Error::other(format!("{what} within {:?}", self.timeout));
        let failed = |class: Class, error: &dyn ToString| {
            address.failed.fetch_add(1, Relaxed);
            ConnectError::new(class, error.to_string())
        };
        if let Some(proxy) = &self.proxy {
            let tunnel = proxy.tunnel(&mut plain, &self.host, self.port);
            let tunnel = tokio::time::timeout_at(deadline.into(), tunnel).await;
            tunnel
                .map_err(|_| failed(Class::Proxy, &late("the proxy opened no tunnel")))?
                .map_err(|error| failed(Class::Proxy, &error))?;
        }
        let shaken = handshakes.connect(over.name.clone(), plain);
        let stream = tokio::time::timeout_at(deadline.into(), shaken)
            .await
            .map_err(|_| {
                failed(
                    Class::ConnectTimeout,
                    &late("the TLS handshake did not end"),
                )
            })?
            .map_err(|error| match Class::of_connect(&error) {
                class @ (Class::ConnectReset | Class::LocalFdLimit) => failed(class, &error),
                // The connection succeeded, so an end here belongs to the handshake.
                _ => failed(Class::Tls, &of_handshake(&error)),
            })?;
        let session = stream.get_ref().1;
        let http2 = session.alpn_protocol() == Some(b"h2");
        if over.only_http2 && !http2 {
            return Err(failed(Class::Tls, &tls::NO_HTTP2));
        }
        let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
        self.counters.resumed.fetch_add(resumed.into(), Relaxed);
        Ok((Io::Tls(Box::new(stream)), http2, address))
    }

    async fn socket(&self, path: &PathBuf) -> Result<(Plain, Arc<AddressCounts>), ConnectError> {
        let address = self.counters.address(&path.display().to_string());
        match UnixStream::connect(path).await {
            Ok(stream) => Ok((Plain::Unix(stream), address)),
            Err(error) => {
                address.failed.fetch_add(1, Relaxed);
                let class = match error.kind() {
                    ErrorKind::NotFound => Class::ConnectRefused,
                    _ => Class::of_connect(&error),
                };
                Err(ConnectError::new(class, error))
            }
        }
    }

    /// The first address that accepts the connection, starting with the next one in turn. Each gets an equal
    /// part of the remaining time, so one that drops packets leaves time for the others.
    async fn any_of(
        &self,
        addresses: &Addresses,
        deadline: Instant,
    ) -> Result<(Plain, Arc<AddressCounts>), ConnectError> {
        let all = addresses
            .next(&self.counters)
            .await
            .map_err(|why| match &why {
                Unresolved::Failed(error) if Class::of_connect(error) == Class::LocalFdLimit => {
                    ConnectError::io(error)
                }
                _ => ConnectError::new(Class::Dns, why),
            })?;
        let mut last = None;
        for (to, untried) in all.iter().zip((1..=all.len()).rev()) {
            let address = self.counters.address(&to.to_string());
            let left = deadline.saturating_duration_since(Instant::now());
            let part = left / u32::try_from(untried).unwrap_or(u32::MAX);
            let dialed = tokio::time::timeout(part, self.dial(*to)).await;
            match dialed.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into())) {
                Ok(stream) => return Ok((Plain::Tcp(stream), address)),
                Err(error) => {
                    address.failed.fetch_add(1, Relaxed);
                    let failure = ConnectError::io(&error);
                    // Another address would need a descriptor and a port as well.
                    if matches!(
                        failure.class,
                        Class::LocalFdLimit | Class::ConnectAddrExhausted
                    ) {
                        return Err(failure);
                    }
                    last = Some(failure);
                }
            }
        }
        Err(last.unwrap_or_else(|| ConnectError::new(Class::Dns, Unresolved::None)))
    }

    async fn dial(&self, to: SocketAddr) -> std::io::Result<TcpStream> {
        let stream = match self.source(to) {
            None => TcpStream::connect(to).await?,
            Some(from) => {
                let socket = match from {
                    IpAddr::V4(_) => TcpSocket::new_v4()?,
                    IpAddr::V6(_) => TcpSocket::new_v6()?,
                };
                socket.bind(SocketAddr::new(from, 0))?;
                socket.connect(to).await?
            }
        };
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// The next source address in turn with the address' family.
    fn source(&self, to: SocketAddr) -> Option<IpAddr> {
        let fitting = || {
            self.sources
                .iter()
                .filter(|from| from.is_ipv4() == to.is_ipv4())
        };
        let count = fitting().count();
        let turn = self.turn.fetch_add(1, Relaxed).checked_rem(count)?;
        fitting().nth(turn).copied()
    }
}

/// What an error during the handshake means.
fn of_handshake(error: &Error) -> String {
    if error.kind() == ErrorKind::UnexpectedEof {
        return tls::CLOSED.to_owned();
    }
    described(error)
}
