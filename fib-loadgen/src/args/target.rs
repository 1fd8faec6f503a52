//! The target, and how to connect to it: the flags of every command that sends requests.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use program_common::duration;

use crate::client::{HttpVersion, Resolve, TlsVersion};
use crate::target::DEFAULT;

/// The variable that sets the target if the command line does not.
const VARIABLE: &str = "FIB_TARGET";

/// The target, and how to connect to it.
#[derive(Debug, Clone, Args)]
pub struct TargetArgs {
    /// The target: a fib-server's base URL, or the URL of any other service
    #[arg(value_name = "URL", conflicts_with = "target")]
    pub positional: Option<String>,
    // The variable is read by hand: clap would treat it as a second target next to a positional one, and would
    // show its credentials in the help.
    #[arg(
        long,
        value_name = "URL",
        help_heading = "Target",
        help = "The same as a flag [env: FIB_TARGET] [default: http://127.0.0.1:8080]"
    )]
    #[expect(missing_docs, reason = "its help is the documentation")]
    pub target: Option<String>,
    /// Allow a host that is neither loopback, private nor inside a cluster; `*` matches anything (repeatable)
    #[arg(long, value_name = "GLOB", help_heading = "Target")]
    pub allow_host: Vec<String>,
    /// Send this header with every request (repeatable)
    #[arg(short = 'H', long, value_name = "NAME: VALUE", help_heading = "Target")]
    pub header: Vec<String>,
    /// Timeout for a connection
    #[arg(long, value_name = "DURATION", value_parser = duration::positive, default_value = "5s", help_heading = "Target")]
    pub connect_timeout: Duration,
    /// Timeout for a request, to the end of the body
    #[arg(long, value_name = "DURATION", value_parser = duration::positive, default_value = "30s", help_heading = "Target")]
    pub timeout: Duration,

    /// HTTP version; 2 works by prior knowledge, or with TLS by ALPN
    #[arg(
        long,
        value_enum,
        value_name = "VERSION",
        default_value_t,
        help_heading = "Protocol"
    )]
    pub http: HttpVersion,
    /// Connect to this Unix socket; the URL's host only appears in requests
    #[arg(long, value_name = "FILE", help_heading = "Protocol", conflicts_with_all = ["proxy", "resolve", "source"])]
    pub unix_socket: Option<PathBuf>,
    /// Use these addresses in turn for this host and port, comma-separated (repeatable)
    #[arg(
        long,
        value_name = "HOST:PORT:ADDRESS[,ADDRESS]",
        help_heading = "Protocol"
    )]
    pub resolve: Vec<Resolve>,
    /// Resolve a name again after this time; connections use its addresses in turn
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "1s", help_heading = "Protocol")]
    pub resolve_every: Duration,
    /// Connect from this local address; several are used in turn (repeatable)
    #[arg(long, value_name = "ADDRESS", help_heading = "Protocol")]
    pub source: Vec<IpAddr>,
    /// Send everything through this HTTP proxy; the environment's proxies are never used
    #[arg(long, value_name = "URL", help_heading = "Protocol")]
    pub proxy: Option<String>,
    /// Trust the certificates in this PEM file instead of the system's
    #[arg(long, value_name = "FILE", help_heading = "Protocol")]
    pub cacert: Option<PathBuf>,
    /// Client certificate (PEM)
    #[arg(long, value_name = "FILE", help_heading = "Protocol")]
    pub cert: Option<PathBuf>,
    /// Its private key (PEM) [default: in the file of --cert]
    #[arg(
        long,
        value_name = "FILE",
        requires = "cert",
        help_heading = "Protocol"
    )]
    pub key: Option<PathBuf>,
    /// Expect the server's certificate to be for this name [default: the URL's host]
    #[arg(long, value_name = "NAME", help_heading = "Protocol")]
    pub server_name: Option<String>,
    /// Minimum TLS version
    #[arg(long, value_enum, value_name = "VERSION", help_heading = "Protocol")]
    pub tls_min: Option<TlsVersion>,
    /// Maximum TLS version
    #[arg(long, value_enum, value_name = "VERSION", help_heading = "Protocol")]
    pub tls_max: Option<TlsVersion>,
    /// Make a full TLS handshake for each connection [default: each user resumes its own sessions]
    #[arg(long, help_heading = "Protocol")]
    pub tls_full_handshakes: bool,
    /// Accept any certificate, even from the wrong server
    #[arg(long, help_heading = "Protocol")]
    pub insecure: bool,
}

impl TargetArgs {
    /// The URL, if given: from the command line, else from the variable.
    pub fn given(&self) -> Option<String> {
        let typed = self.positional.clone().or_else(|| self.target.clone());
        typed.or_else(|| std::env::var(VARIABLE).ok().filter(|url| !url.is_empty()))
    }

    /// The URL, or the default.
    pub fn url(&self) -> String {
        self.given().unwrap_or_else(|| DEFAULT.to_owned())
    }
}
