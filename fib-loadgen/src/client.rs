//! Connections whose number, lifetime and addresses are known, and which never follow, retry or proxy on their
//! own.

mod addresses;
mod connect;
mod counters;
mod kinds;
mod life;
mod link;
mod pool;
mod proxy;
mod settings;
mod stream;
mod tls;
mod wire;

pub use addresses::Resolve;
pub use connect::{ConnectError, Connector, Sessions};
pub use counters::{AddressCounts, Counters};
pub use kinds::{Body, ClientKind, HttpVersion, Sharing};
pub use life::{GivenUp, Life, Span};
pub use link::{Link, Sent, Speech, Unsent, send};
pub use pool::Pool;
pub use proxy::Proxy;
pub use settings::ClientSettings;
pub use tls::{TlsSettings, TlsVersion};
pub use wire::{Fault, Said, Wire};
