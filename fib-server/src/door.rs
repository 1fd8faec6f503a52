//! Where connections come in, until it is shut.

use std::io;

use salvo::conn::tcp::TcpAcceptor;
use salvo::conn::{Accepted, Acceptor, Holding};
use salvo::fuse::ArcFusePolicy;
use tokio_util::sync::CancellationToken;

/// Accepts connections until it is shut. Who waits before it by then is let in; who comes later is
/// refused at once, and can go elsewhere. A listener that is merely not accepted from would let clients
/// connect, and never answer them.
pub(crate) struct Door {
    acceptor: Option<TcpAcceptor>,
    holdings: Vec<Holding>,
    shut: CancellationToken,
}

impl Door {
    /// Open until `shut` is cancelled.
    pub(crate) fn new(acceptor: TcpAcceptor, shut: CancellationToken) -> Self {
        Self {
            holdings: acceptor.holdings().to_vec(),
            acceptor: Some(acceptor),
            shut,
        }
    }
}

impl Acceptor for Door {
    type Coupler = <TcpAcceptor as Acceptor>::Coupler;
    type Stream = <TcpAcceptor as Acceptor>::Stream;

    fn holdings(&self) -> &[Holding] {
        &self.holdings
    }

    async fn accept(
        &mut self,
        policy: Option<ArcFusePolicy>,
    ) -> io::Result<Accepted<Self::Coupler, Self::Stream>> {
        if let Some(acceptor) = &mut self.acceptor {
            tokio::select! {
                biased;
                // Unconstrained: a task that has done much would be told that nobody waits.
                accepted = tokio::task::unconstrained(acceptor.accept(policy)) => return accepted,
                () = self.shut.cancelled() => {}
            }
            self.acceptor = None;
        }
        std::future::pending().await
    }
}
