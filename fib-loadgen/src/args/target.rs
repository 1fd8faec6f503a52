//! Whom to talk to, and how: flags that every command that sends requests has.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use program_common::duration;

use crate::client::{HttpVersion, Resolve, TlsVersion};
use crate::target::DEFAULT;

/// The variable that names the target when the command line does not.
const VARIABLE: &str = "FIB_TARGET";

/// Whom to talk to, and how.
#[derive(Debug, Clone, Args)]
pub struct TargetArgs {
    /// The target: a fib-server's base URL, or the URL of any other service
    #[arg(value_name = "URL", conflicts_with = "target")]
    pub positional: Option<String>,
    // The variable is read by hand: clap would take it for a second target beside a positional one, and
    // would show its credentials in the help.
    #[arg(
        long,
        value_name = "URL",
        help_heading = "Target",
        help = "The same as a flag [env: FIB_TARGET] [default: http://127.0.0.1:8080]"
    )]
    #[expect(missing_docs, reason = "its help is the documentation")]
    pub target: Option<String>,
    /// Allow a host that is neither loopback, private nor inside a cluster; `*` stands for anything (repeatable)
    #[arg(long, value_name = "GLOB", help_heading = "Target")]
    pub allow_host: Vec<String>,
    /// Send this header with every request (repeatable)
    #[arg(short = 'H', long, value_name = "NAME: VALUE", help_heading = "Target")]
    pub header: Vec<String>,
    /// How long making a connection may take
    #[arg(long, value_name = "TIME", value_parser = duration::parse, default_value = "5s", help_heading = "Target")]
    pub connect_timeout: Duration,
    /// How long a request may take, to the end of the body
    #[arg(long, value_name = "TIME", value_parser = duration::parse, default_value = "30s", help_heading = "Target")]
    pub timeout: Duration,

    /// Which version of HTTP to speak: 2 is by prior knowledge, or with TLS by ALPN
    #[arg(long, value_enum, default_value_t, help_heading = "Protocol")]
    pub http: HttpVersion,
    /// Connect to this Unix socket; the URL's host is only named in requests
    #[arg(long, value_name = "PATH", help_heading = "Protocol", conflicts_with_all = ["proxy", "resolve", "source"])]
    pub unix_socket: Option<PathBuf>,
    /// Connect to these addresses for this host and port, comma-separated and in turn (repeatable)
    #[arg(long, value_name = "HOST:PORT:ADDR[,ADDR]", help_heading = "Protocol")]
    pub resolve: Vec<Resolve>,
    /// Look a name up again after so long; connections take its addresses in turn
    #[arg(long, value_name = "TIME", value_parser = duration::parse, default_value = "1s", help_heading = "Protocol")]
    pub resolve_every: Duration,
    /// Connect from this address of this machine, from several in turn (repeatable)
    #[arg(long, value_name = "ADDR", help_heading = "Protocol")]
    pub source: Vec<IpAddr>,
    /// Send everything through this HTTP proxy; the environment's proxies are never used
    #[arg(long, value_name = "URL", help_heading = "Protocol")]
    pub proxy: Option<String>,
    /// Trust the certificates in this PEM file, and not the system's
    #[arg(long, value_name = "FILE", help_heading = "Protocol")]
    pub cacert: Option<PathBuf>,
    /// Show this certificate (PEM) to the server
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
    /// The lowest version of TLS
    #[arg(long, value_enum, help_heading = "Protocol")]
    pub tls_min: Option<TlsVersion>,
    /// The highest version of TLS
    #[arg(long, value_enum, help_heading = "Protocol")]
    pub tls_max: Option<TlsVersion>,
    /// Take any certificate: whoever answers, it may not be the server that you mean
    #[arg(long, help_heading = "Protocol")]
    pub insecure: bool,
}

impl TargetArgs {
    /// The URL that was given: on the command line, else by the variable.
    pub fn given(&self) -> Option<String> {
        let typed = self.positional.clone().or_else(|| self.target.clone());
        typed.or_else(|| std::env::var(VARIABLE).ok().filter(|url| !url.is_empty()))
    }

    /// The URL, wherever it was given.
    pub fn url(&self) -> String {
        self.given().unwrap_or_else(|| DEFAULT.to_owned())
    }
}
