//! All settings for connections.

use std::path::PathBuf;
use std::time::Duration;

use http::HeaderMap;

use super::addresses::Resolve;
use super::kinds::{ClientKind, HttpVersion, Sharing};
use super::proxy::Proxy;
use super::tls::TlsSettings;
use crate::target::Target;

/// The settings of a client.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// The target.
    pub target: Target,
    /// Sent with every request.
    pub headers: HeaderMap,
    /// The time limit for opening a connection.
    pub connect_timeout: Duration,
    /// The time limit for a request, to the end of the body.
    pub timeout: Duration,
    /// How long an idle connection is kept. It is shorter than a server's announcement before draining, so that
    /// no connection is used that the server is about to close.
    pub idle: Duration,
    /// How users share connections.
    pub sharing: Sharing,
    /// Which code sends the requests.
    pub kind: ClientKind,
    /// The HTTP version.
    pub http: HttpVersion,
    /// The TLS settings.
    pub tls: TlsSettings,
    /// The Unix socket to connect to instead of the target's host.
    pub unix_socket: Option<PathBuf>,
    /// Addresses that replace those of a name.
    pub resolve: Vec<Resolve>,
    /// How long resolved addresses are kept.
    pub resolve_every: Duration,
    /// Addresses of this machine to connect from, in turn.
    pub sources: Vec<std::net::IpAddr>,
    /// The proxy, if any.
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

    /// What connections are made to: the target, or the proxy before it.
    pub fn near(&self) -> &Target {
        let proxy = self.proxy.as_ref();
        proxy.map_or(&self.target, |proxy| &proxy.target)
    }

    /// Says which `--resolve` is for something else than what is connected to, such as one with a typing mistake.
    pub fn resolve_in_vain(&self) -> Option<String> {
        let (host, port) = (self.near().host(), self.near().port());
        let vain = self.resolve.iter().find(|rule| !rule.is_for(host, port))?;
        Some(format!(
            "--resolve {}:{} has no effect: connections go to {host}:{port}",
            vain.host, vain.port
        ))
    }

    /// Whether requests go through hyper-util's pool.
    pub fn pools(&self) -> bool {
        self.kind == ClientKind::Pool || self.sharing == Sharing::Shared
    }
}
