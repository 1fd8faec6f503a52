//! Everything that is set about connections.

use std::path::PathBuf;
use std::time::Duration;

use http::HeaderMap;

use super::addresses::Resolve;
use super::kinds::{ClientKind, HttpVersion, Sharing};
use super::proxy::Proxy;
use super::tls::TlsSettings;
use crate::target::Target;

/// Everything a client needs to know.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// Whom to talk to.
    pub target: Target,
    /// Sent with every request.
    pub headers: HeaderMap,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long a request may take, to the end of the body.
    pub timeout: Duration,
    /// How long an idle connection is kept. Shorter than the time for which a server that drains
    /// announces it, so that none is used that the server is about to close.
    pub idle: Duration,
    /// Who shares connections.
    pub sharing: Sharing,
    /// Which code sends the requests.
    pub kind: ClientKind,
    /// Which version of HTTP.
    pub http: HttpVersion,
    /// How TLS is set up.
    pub tls: TlsSettings,
    /// The Unix socket to connect to instead of the target's host.
    pub unix_socket: Option<PathBuf>,
    /// Addresses in the place of those that a name has.
    pub resolve: Vec<Resolve>,
    /// How long the addresses of a name are remembered.
    pub resolve_every: Duration,
    /// Addresses of this machine to connect from, in turn.
    pub sources: Vec<std::net::IpAddr>,
    /// The proxy, when there is to be one.
    pub proxy: Option<Proxy>,
}

impl ClientSettings {
    /// Settings with the defaults of the command line.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            headers: HeaderMap::new(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            idle: Duration::from_secs(1),
            sharing: Sharing::default(),
            kind: ClientKind::default(),
            http: HttpVersion::default(),
            tls: TlsSettings::default(),
            unix_socket: None,
            resolve: Vec::new(),
            resolve_every: Duration::from_secs(1),
            sources: Vec::new(),
            proxy: None,
        }
    }

    /// Whether requests go through hyper-util's pool.
    pub fn pools(&self) -> bool {
        self.kind == ClientKind::Pool || self.sharing == Sharing::Shared
    }
}
