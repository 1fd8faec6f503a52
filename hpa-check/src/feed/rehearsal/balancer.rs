//! The Service of the rehearsal: a random ready replica for each new connection, as kube-proxy chooses. The
//! data on a connection is not inspected.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Fits a whole answer of some ten thousand digits, so that one answer takes two system calls.
const BUFFER: usize = 64 * 1024;

/// On loopback a connection succeeds immediately or never.
const CONNECT: Duration = Duration::from_secs(1);

/// As many connections as 500 users can open while the balancer is busy with something else.
const BACKLOG: u32 = 1024;

/// How the replica for a new connection is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Affinity {
    /// At random: `sessionAffinity: None`.
    #[default]
    None,
    /// All connections of one client go to one replica: `sessionAffinity: ClientIP`. On loopback there is only
    /// one client.
    ClientIp,
}

/// The replicas that take new connections, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Endpoints(Arc<Mutex<BTreeMap<String, SocketAddr>>>);

impl Endpoints {
    /// New connections may go to this replica from now on.
    pub(crate) fn add(&self, name: &str, address: SocketAddr) {
        self.lock().insert(name.to_owned(), address);
    }

    /// No new connections go to this replica; existing ones stay.
    pub(crate) fn remove(&self, name: &str) {
        self.lock().remove(name);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, SocketAddr>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All replicas, in the order in which to try them.
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
    // Any seed works: choices only need to be independent of the requests.
    let mut chance = StdRng::seed_from_u64(0);
    loop {
        // An error of `accept` belongs to the connection (already gone) or is temporary (no free descriptor).
        match listener.accept().await {
            Ok((client, _)) => {
                let candidates = endpoints.candidates(affinity, &mut chance);
                tokio::spawn(connection(client, candidates));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Copies in both directions until both ends have closed. A replica that has gone refuses the connection before
/// any byte is sent, so the next one is tried. If there is none, the client's connection is closed.
async fn connection(mut client: TcpStream, candidates: Vec<SocketAddr>) {
    for address in candidates {
        let connected = tokio::time::timeout(CONNECT, TcpStream::connect(address)).await;
        let Ok(Ok(mut replica)) = connected else {
            continue;
        };
        // If this fails, it only costs a little time.
        let _ = (client.set_nodelay(true), replica.set_nodelay(true));
        // An error belongs to one of the two ends, which notices it by itself.
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
    async fn an_answer_arrives_after_the_client_has_closed_its_half() {
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
        assert_eq!(seen.len(), 2, "a hundred coin tosses with the same result");
    }

    #[tokio::test]
    async fn with_affinity_a_client_stays_on_one_replica() {
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
