//! Connections: tracked while they are open, asked to leave in time, and cut off only for a reason.
//!
//! A Service spreads connections over pods, not requests. A client that keeps its connection keeps its pod, and
//! pods that the autoscaler adds get nothing. So now and then the server asks for a new connection with a
//! `Connection: close` header, which can't race with the client's next request as closing a socket can.
//!
//! Everything about a connection is stored with it: its activity is recorded where its bytes pass (`io`,
//! `conn`), one sweep checks all of them (`rules`), and the task that drives it (`drive`) ends it.

mod clock;
mod conn;
mod door;
mod drive;
mod frames;
mod io;
mod outgoing;
mod places;
mod request;
mod rules;
mod signal;

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use clock::Clock;
pub use conn::Conn;
pub(crate) use door::Door;
pub(crate) use drive::{Answers, Protocols};
pub(crate) use request::Exchange;
pub use rules::Cut;

use crate::memory::Budget;
use crate::metrics::{InFlight, Metrics};
use places::Places;
use signal::Order;

/// Connections of the admin port: probes, scrapers, and a few people.
pub(crate) const ADMIN_CONNECTIONS: usize = 64;

/// How often connections are checked.
const SWEEP: Duration = Duration::from_millis(250);

/// When connections end.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// One answer in this many closes its connection; 0 is never.
    pub requests: u32,
    /// The mean age at which a connection is closed; zero is never.
    pub age: Duration,
    /// A connection without requests is closed after this.
    pub idle: Duration,
    /// The most open connections.
    pub most: usize,
    /// The largest request head, in bytes.
    pub head: usize,
}

/// The open connections of one port.
#[derive(Debug)]
pub struct Connections {
    limits: ConnectionLimits,
    open: Mutex<Places>,
    count: watch::Sender<Count>,
    metrics: Arc<Metrics>,
    budget: Arc<Budget>,
    clock: Clock,
}

/// How many are open, and how many there have been: the latter also shows connections that came and left.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    open: usize,
    ever: u64,
}

impl Connections {
    /// No connections yet.
    pub fn new(limits: ConnectionLimits, metrics: Arc<Metrics>, budget: Arc<Budget>) -> Self {
        Self {
            limits,
            open: Mutex::default(),
            count: watch::Sender::default(),
            metrics,
            budget,
            clock: Clock::start(),
        }
    }

    /// Tracks an accepted connection until the guard is dropped. `None` if the limit is reached and no
    /// connection makes room.
    fn opened(self: &Arc<Self>, peer: SocketAddr) -> Option<Open> {
        let now = self.clock.now();
        let mut open = self.lock();
        if open.len() >= self.limits.most && !open.make_room(now) {
            return None;
        }
        let mut id = 0;
        self.recount(|count| {
            count.open += 1;
            count.ever += 1;
            id = count.ever;
        });
        let conn = Arc::new(Conn::new(id, peer, self, now));
        open.insert(Arc::clone(&conn));
        Some(Open {
            connections: Arc::clone(self),
            conn,
            _counted: self.metrics.connection_opened(),
        })
    }

    /// Checks all connections periodically, and ends those whose time is up.
    pub(crate) async fn sweep(&self) {
        let mut ticks = tokio::time::interval(SWEEP);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look();
        }
    }

    fn look(&self) {
        let now = self.clock.now();
        let all = self.all();
        for conn in &all {
            let seen = conn.seen(now);
            match rules::judge(&seen, self.limits.idle, now) {
                Some(Cut::Idle) if !rules::overstays(&seen, self.limits.idle, now) => conn.leave(),
                Some(cut) => conn.end(cut),
                None => {}
            }
        }
        if self.budget.is_short()
            && let Some((_, worst)) = all
                .iter()
                .filter_map(|c| Some((rules::gives_memory_back(&c.seen(now), now)?, c)))
                .max_by_key(|(rank, _)| *rank)
        {
            worst.end(Cut::MakesRoom);
        }
    }

    /// Closes connections that have been quiet for this long and have no request on the way.
    pub(crate) fn close_the_quiet(&self, for_so_long: Duration) {
        let now = self.clock.now();
        let since = now.saturating_sub(u64::try_from(for_so_long.as_millis()).unwrap_or(u64::MAX));
        for conn in self.all() {
            let seen = conn.seen(now);
            let is_quiet = seen.active == 0 && !seen.output && seen.quiet_since <= since;
            if conn.has_asked() && is_quiet && !conn.has_unread() {
                conn.leave();
            }
        }
    }

    /// Closes all connections without a request in progress, and the others after their answer.
    pub(crate) fn close_all(&self) {
        for conn in self.all() {
            if conn.has_unread() {
                // Its request is answered, and is its last one because the server drains.
            } else if conn.active.load(Ordering::Relaxed) == 0 && !conn.has_output() {
                conn.end(Cut::Shutdown);
            } else {
                conn.leave();
            }
        }
    }

    /// Changes the count, and tells whoever waits for it. Nobody does before the server drains, and to tell nobody
    /// takes a dozen locks.
    fn recount(&self, change: impl FnOnce(&mut Count)) {
        self.count.send_if_modified(|count| {
            change(count);
            self.count.receiver_count() > 0
        });
    }

    /// Waits until none is open.
    pub async fn none(&self) {
        // The sender lives as long as `self`, so this ends only when the condition is met.
        let _ = self.count.subscribe().wait_for(|now| now.open == 0).await;
    }

    /// Waits until none is open, and none was opened for this long.
    pub async fn quiet(&self, for_so_long: Duration) {
        let mut count = self.count.subscribe();
        loop {
            let _ = count.wait_for(|now| now.open == 0).await;
            if tokio::time::timeout(for_so_long, count.changed())
                .await
                .is_err()
            {
                return;
            }
        }
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.count.borrow().open
    }

    fn all(&self) -> Vec<Arc<Conn>> {
        self.lock().all()
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that is open.
struct Open {
    connections: Arc<Connections>,
    conn: Arc<Conn>,
    _counted: InFlight,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.connections.lock().remove(self.conn.id);
        self.connections.recount(|count| count.open -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
    use tokio::net::TcpStream;

    use super::*;
    use crate::metrics::Recycled;

    pub(super) fn connections(requests: u32, age: Duration, most: usize) -> Arc<Connections> {
        let limits = ConnectionLimits {
            requests,
            age,
            idle: Duration::from_mins(2),
            most,
            head: 64 * 1024,
        };
        let metrics = Arc::new(Metrics::new("").unwrap());
        let budget = Arc::new(Budget::new(1 << 20, metrics.bytes_held()));
        Arc::new(Connections::new(limits, metrics, budget))
    }

    fn peer() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 4_000))
    }

    #[test]
    fn without_limits_no_answer_is_the_last() {
        let never = connections(0, Duration::ZERO, 9).opened(peer()).unwrap();
        assert_eq!(never.conn.last_answer(), None);
    }

    #[test]
    fn a_limit_of_one_request_closes_with_every_answer() {
        let always = connections(1, Duration::ZERO, 9).opened(peer()).unwrap();
        assert_eq!(always.conn.last_answer(), Some(Recycled::Requests));
    }

    #[test]
    fn about_one_answer_in_the_limit_is_the_last() {
        let tenth = connections(10, Duration::ZERO, 9).opened(peer()).unwrap();
        let closed = (0..10_000)
            .filter(|_| tenth.conn.last_answer().is_some())
            .count();
        // Six standard deviations of a binomial with p = 0.1.
        assert!((820..=1_180).contains(&closed), "{closed}");
    }

    #[test]
    fn a_connection_is_closed_at_about_its_age() {
        let connections = connections(0, Duration::from_secs(10), 9);
        let open = connections.opened(peer()).unwrap();
        assert_eq!(open.conn.last_answer(), None);
        let at = open.conn.recycle_at.unwrap();
        assert!((8_000..12_100).contains(&at), "{at}");
    }

    #[test]
    fn a_connection_above_the_limit_is_accepted_only_if_another_makes_room() {
        let connections = connections(0, Duration::ZERO, 2);
        let first = connections.opened(peer()).unwrap();
        let _second = connections.opened(peer()).unwrap();
        // Both may have their first request on the way.
        assert!(connections.opened(peer()).is_none());
        // As if it had been opened long ago.
        let later = connections.clock.now() + 60_000;
        assert!(connections.lock().make_room(later));
        assert!(connections.all().iter().any(|c| c.is_ending()));
        drop(first);
        assert_eq!(connections.open(), 1);
        assert!(connections.opened(peer()).is_some());
    }

    #[test]
    fn many_newcomers_are_let_in_by_one_comparison_and_nobody_makes_room_twice() {
        let connections = connections(0, Duration::ZERO, 9);
        let mut open: Vec<_> = (0..9)
            .map(|_| connections.opened(peer()).unwrap())
            .collect();
        let ended = |open: &[Open]| open.iter().filter(|o| o.conn.is_ending()).count();
        let later = connections.clock.now() + 60_000;
        assert!(connections.lock().make_room(later) && connections.lock().make_room(later));
        assert_eq!(ended(&open), 2);
        // Who has come to be busy since, or has left, is passed over.
        open[3].conn.request_began();
        open.remove(4);
        while connections.lock().make_room(later) {}
        assert_eq!((ended(&open), open.len()), (7, 8));
        assert!(!open[3].conn.is_ending());
        // They are compared again a moment later, and not before: this one has been idle for long by then.
        open[3].conn.request_ended(false);
        assert!(!connections.lock().make_room(later));
        assert!(connections.lock().make_room(later + 60_000));
    }

    #[test]
    fn a_connection_gives_others_a_turn_however_much_its_client_sends() {
        let connections = connections(0, Duration::ZERO, 1);
        let open = connections.opened(peer()).unwrap();
        let mut endless = io::Io::new(tokio::io::repeat(0), Arc::clone(&open.conn));
        // Frames without content.
        endless.is_http2(bytes::Bytes::new());
        let mut context = Context::from_waker(Waker::noop());
        let mut turn = || {
            let mut read = 0;
            loop {
                let mut bytes = [0; 256];
                let mut buffer = ReadBuf::new(&mut bytes);
                match Pin::new(&mut endless).poll_read(&mut context, &mut buffer) {
                    Poll::Ready(done) => done.unwrap(),
                    Poll::Pending => return read,
                }
                read += buffer.filled().len();
            }
        };
        assert_eq!(turn(), io::TURN);
        assert_eq!(turn(), io::TURN);
    }

    #[tokio::test]
    async fn a_client_with_an_unread_request_is_not_idle() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let stream = Arc::new(listener.accept().await.unwrap().0);
        let connections = connections(0, Duration::ZERO, 1);
        let open = connections.opened(peer()).unwrap();
        open.conn.is_over(&stream);
        // It sent a request long ago, and sends another one.
        open.conn.requests.store(1, Ordering::Relaxed);
        client.write_all(b"GET").await.unwrap();
        stream.readable().await.unwrap();
        let later = connections.clock.now() + 60_000;
        assert!(!connections.lock().make_room(later));
        connections.close_the_quiet(Duration::ZERO);
        connections.close_all();
        assert!(!open.conn.signal.has(Order::Leave));
        // Once it was read, the connection really is idle.
        stream.try_read(&mut [0; 9]).unwrap();
        assert!(connections.lock().make_room(later + 1_000));
        assert!(open.conn.signal.has(Order::End));
    }

    #[test]
    fn a_connection_without_requests_may_have_one_on_the_way() {
        let connections = connections(0, Duration::ZERO, 9);
        let open = connections.opened(peer()).unwrap();
        let told = |order| open.conn.signal.has(order);
        connections.close_the_quiet(Duration::ZERO);
        assert!(!told(Order::Leave));
        open.conn.requests.store(1, Ordering::Relaxed);
        connections.close_the_quiet(Duration::ZERO);
        assert!(told(Order::Leave) && !told(Order::End));
        connections.close_all();
        assert!(told(Order::End));
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_quiet_once_nobody_has_come_for_a_while_after_the_last_one_left() {
        let connections = connections(0, Duration::ZERO, 9);
        let begun = tokio::time::Instant::now();
        let second = Duration::from_secs(1);
        let open = connections.opened(peer());
        let visitors = async {
            tokio::time::sleep(second * 10).await;
            drop(open);
            tokio::time::sleep(second / 2).await;
            drop(connections.opened(peer()));
        };
        tokio::join!(visitors, connections.quiet(second));
        assert_eq!(begun.elapsed(), second * 23 / 2);
    }
}
