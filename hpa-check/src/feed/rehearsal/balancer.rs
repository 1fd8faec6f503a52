//! The Service of the rehearsal: a ready replica for each new connection, at random, as kube-proxy
//! chooses. What flows on a connection is not looked at.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Holds a whole answer of some ten thousand digits, so that one is two system calls.
const BUFFER: usize = 64 * 1024;

/// On loopback a connection is there at once or never.
const CONNECT: Duration = Duration::from_secs(1);

/// As many connections as 500 users can open in the moment in which the balancer does something else.
const BACKLOG: u32 = 1024;

/// How a new connection's replica is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Affinity {
    /// At random: `sessionAffinity: None`.
    #[default]
    None,
    /// All of one client to one replica: `sessionAffinity: ClientIP`. On loopback, all is one client.
    ClientIp,
}

/// The replicas that take new connections, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Endpoints(Arc<Mutex<BTreeMap<String, SocketAddr>>>);

impl Endpoints {
    /// Gives a replica new connections from now on.
    pub(crate) fn add(&self, name: &str, address: SocketAddr) {
        self.lock().insert(name.to_owned(), address);
    }

    /// Gives it no more; those it has stay.
    pub(crate) fn remove(&self, name: &str) {
        self.lock().remove(name);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, SocketAddr>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every one, in the order in which to try them.
    fn candidates(&self, affinity: Affinity, chance: &mut StdRng) -> Vec<SocketAddr> {
        let mut all: Vec<_> = self.lock().values().copied().collect();
        if affinity == Affinity::None {
            all.shuffle(chance);
        }
        all
    }
}

/// A listener on a free loopback port.
pub(crate) fn listen() -> std::io::Result<TcpListener> {
    // A connection takes two files here.
    program_common::process::raise_open_files_limit();
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    socket.listen(BACKLOG)
}

/// Serves until it is dropped.
pub(crate) async fn serve(listener: TcpListener, endpoints: Endpoints, affinity: Affinity) {
    // Any seed does: what matters is that the choices are independent of what is asked.
    let mut chance = StdRng::seed_from_u64(0);
    loop {
        // An error of `accept` is the connection's (gone again) or passes (no descriptor free).
        match listener.accept().await {
            Ok((client, _)) => {
                let candidates = endpoints.candidates(affinity, &mut chance);
                tokio::spawn(connection(client, candidates));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Both ways until both ends have closed theirs. A replica that is gone since the list was read
/// refuses, which is before any byte was sent, so the next one is asked. Without any, the client's
/// connection is closed.
async fn connection(mut client: TcpStream, candidates: Vec<SocketAddr>) {
    for address in candidates {
        let connected = tokio::time::timeout(CONNECT, TcpStream::connect(address)).await;
        let Ok(Ok(mut replica)) = connected else {
            continue;
        };
        // A failure to set it costs a little time, and breaks nothing.
        let _ = (client.set_nodelay(true), replica.set_nodelay(true));
        // An error is one of the two ends', who sees it by itself.
        let _ = copy_bidirectional_with_sizes(&mut client, &mut replica, BUFFER, BUFFER).await;
        return;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Answers every connection with its name once the client has closed its half.
    async fn replica(name: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut sent = Vec::new();
                stream.read_to_end(&mut sent).await.unwrap();
                stream.write_all(name.as_bytes()).await.unwrap();
                stream.write_all(&sent).await.unwrap();
            }
        });
        address
    }

    fn balancer(endpoints: &Endpoints, affinity: Affinity) -> SocketAddr {
        let listener = listen().unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, endpoints.clone(), affinity));
        address
    }

    async fn ask(address: SocketAddr) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"?").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn an_answer_comes_after_the_client_has_closed_its_half() {
        let endpoints = Endpoints::default();
        endpoints.add("a", replica("a").await);
        assert_eq!(ask(balancer(&endpoints, Affinity::None)).await, "a?");
    }

    #[tokio::test]
    async fn new_connections_go_to_every_replica() {
        let endpoints = Endpoints::default();
        endpoints.add("a", replica("a").await);
        endpoints.add("b", replica("b").await);
        let address = balancer(&endpoints, Affinity::None);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..100 {
            seen.insert(ask(address).await);
        }
        assert_eq!(
            seen.len(),
            2,
            "a hundred tosses of a coin that all fall alike"
        );
    }

    #[tokio::test]
    async fn with_affinity_one_client_stays_with_one_replica() {
        let endpoints = Endpoints::default();
        endpoints.add("a", replica("a").await);
        endpoints.add("b", replica("b").await);
        let address = balancer(&endpoints, Affinity::ClientIp);
        for _ in 0..20 {
            assert_eq!(ask(address).await, "a?");
        }
    }

    #[tokio::test]
    async fn a_replica_that_has_just_gone_costs_no_connection() {
        let endpoints = Endpoints::default();
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
        endpoints.add("a", gone.local_addr().unwrap());
        drop(gone);
        endpoints.add("b", replica("b").await);
        assert_eq!(ask(balancer(&endpoints, Affinity::ClientIp)).await, "b?");
    }

    #[tokio::test]
    async fn a_removed_replica_gets_no_new_connection() {
        let endpoints = Endpoints::default();
        endpoints.add("a", replica("a").await);
        endpoints.add("b", replica("b").await);
        let address = balancer(&endpoints, Affinity::None);
        endpoints.remove("a");
        for _ in 0..20 {
            assert_eq!(ask(address).await, "b?");
        }
    }

    #[tokio::test]
    async fn without_any_replica_the_connection_is_closed() {
        let address = balancer(&Endpoints::default(), Affinity::None);
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut byte = [0];
        assert!(matches!(stream.read(&mut byte).await, Ok(0) | Err(_)));
    }
}
