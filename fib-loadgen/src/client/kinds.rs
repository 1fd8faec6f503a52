//! The choices that a client has.

/// Bytes of a request.
pub type Body = http_body_util::Full<bytes::Bytes>;

/// Who shares connections with whom.
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
    /// The word for it.
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
    /// The user drives its connection itself: no task, no pool, no lock in between
    #[default]
    Direct,
    /// hyper-util's pool, as most programs use it; slower
    Pool,
}

impl ClientKind {
    /// The word for it.
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
    /// HTTP/2: by prior knowledge, or with TLS by ALPN and nothing else
    #[value(name = "2")]
    Two,
    /// With TLS what the server prefers, by ALPN; else HTTP/1.1
    Auto,
}
