//! The choices for a client.

/// Bytes of a request.
pub type Body = http_body_util::Full<bytes::Bytes>;

/// How users share connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Sharing {
    /// Each user has its own connection
    #[default]
    User,
    /// All users share one pool
    Shared,
    /// A new connection for every request
    Fresh,
}

impl Sharing {
    /// Its word in output.
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Shared => "shared",
            Self::Fresh => "fresh",
        }
    }
}

/// Which code sends the requests of a user that has its own connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ClientKind {
    /// Each user drives its own connection, without a task, pool or lock in between
    #[default]
    Direct,
    /// hyper-util's pool, as most programs use it; slower
    Pool,
}

impl ClientKind {
    /// Its word in output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Pool => "pool",
        }
    }
}

/// Which version of HTTP to speak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum HttpVersion {
    /// HTTP/1.1
    #[default]
    #[value(name = "1.1")]
    One,
    /// Only HTTP/2, by prior knowledge or with TLS by ALPN
    #[value(name = "2")]
    Two,
    /// With TLS, what the server prefers by ALPN; otherwise HTTP/1.1
    Auto,
}
