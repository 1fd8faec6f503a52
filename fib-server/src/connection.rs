//! Connections: known while they are open, asked to leave in time, and cut off only for a reason.
//!
//! A Service spreads connections over pods, not requests. A client that keeps its connection keeps its
//! pod, and pods that the autoscaler adds get nothing. So the server asks for a new connection now and
//! then, with a `Connection: close` header, which can't race with the client's next request as a closed
//! socket can.
//!
//! Everything about a connection is kept with it: what it does is written down where its bytes pass
//! (`io`), one sweep looks at all of them (`rules`), and the task that drives it (`drive`) ends it.

mod clock;
mod door;
mod drive;
mod frames;
mod io;
mod outgoing;
mod request;
mod rules;
mod signal;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Waker;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;

use clock::Clock;
pub(crate) use door::Door;
use drive::SMALL_ANSWER;
pub(crate) use drive::{Answers, Protocols};
pub(crate) use request::Record;
pub use rules::Cut;

use crate::memory::{Account, Budget, Reservation};
use crate::metrics::{InFlight, Metrics, Recycled};
use rules::Seen;
use signal::{Order, Signal};

/// Connections of the admin port: probes, scrapes, and a person or two.
pub(crate) const ADMIN_CONNECTIONS: usize = 64;

/// How often connections are looked at.
const SWEEP: Duration = Duration::from_millis(250);

/// When connections end.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// One answer in this many closes its connection; 0 is none.
    pub requests: u32,
    /// The mean age at which a connection is closed; zero is never.
    pub age: Duration,
    /// A connection on which nothing is asked for is closed after this.
    pub idle: Duration,
    /// The most connections that are open at a time.
    pub most: usize,
    /// The largest head of a request, in bytes.
    pub head: usize,
}

/// The connections of one port that are open.
#[derive(Debug)]
pub struct Connections {
    limits: ConnectionLimits,
    open: Mutex<HashMap<u64, Arc<Conn>>>,
    count: watch::Sender<Count>,
    metrics: Arc<Metrics>,
    budget: Arc<Budget>,
    clock: Clock,
}

/// How many there are, and how many there have been: somebody who came and left is seen by the latter.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    open: usize,
    ever: u64,
}

impl Connections {
    /// None yet.
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

    /// A connection was accepted; it is known until the guard is dropped. `None` when there are as many
    /// as there may be and none of them makes room.
    fn opened(self: &Arc<Self>, peer: SocketAddr) -> Option<Open> {
        let now = self.clock.now();
        let mut open = self.lock();
        if open.len() >= self.limits.most && !make_room(open.values(), now) {
            return None;
        }
        let mut id = 0;
        self.count.send_modify(|count| {
            count.open += 1;
            count.ever += 1;
            id = count.ever;
        });
        let conn = Arc::new(Conn::new(id, peer, self, now));
        open.insert(id, Arc::clone(&conn));
        Some(Open {
            connections: Arc::clone(self),
            conn,
            _counted: self.metrics.connection_opened(),
        })
    }

    /// Looks at all connections now and then, and ends those whose time is up.
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

    /// Closes the connections that nothing has been asked of for so long: no request is on its way.
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

    /// Closes all that have no request under way, and the others once it is answered.
    pub(crate) fn close_all(&self) {
        for conn in self.all() {
            if conn.has_unread() {
                // Its request is answered, and is the last one, since the server drains.
            } else if conn.active.load(Ordering::Relaxed) == 0 && !conn.has_output() {
                conn.end(Cut::Shutdown);
            } else {
                conn.leave();
            }
        }
    }

    /// Waits until none is open.
    pub async fn none(&self) {
        // The sender lives as long as `self`, so this ends only with what is waited for.
        let _ = self.count.subscribe().wait_for(|now| now.open == 0).await;
    }

    /// Waits until none is open, and none was opened for so long.
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
        self.lock().values().map(Arc::clone).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Conn>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the connection that uses its place least. It is gone in a moment, so the new one is let in.
fn make_room<'c>(all: impl Iterator<Item = &'c Arc<Conn>>, now: u64) -> bool {
    let mut ranked: Vec<_> = all
        .filter(|c| !c.is_ending())
        .filter_map(|c| Some((rules::makes_room(&c.seen(now), now)?, c)))
        .collect();
    ranked.sort_unstable_by_key(|(rank, _)| Reverse(*rank));
    let least = ranked.iter().find(|(_, conn)| !conn.has_unread());
    least.map(|(_, conn)| conn.end(Cut::MakesRoom)).is_some()
}

/// A connection that is open.
struct Open {
    connections: Arc<Connections>,
    conn: Arc<Conn>,
    _counted: InFlight,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.connections.lock().remove(&self.conn.id);
        self.connections.count.send_modify(|count| count.open -= 1);
    }
}

/// What is known of one connection. Written where its bytes and requests pass, read by the sweep.
#[derive(Debug)]
pub struct Conn {
    id: u64,
    peer: SocketAddr,
    stream: OnceLock<Weak<TcpStream>>,
    /// When the next answer is the last.
    recycle_at: Option<u64>,
    recycle_one_in: u32,
    head_limit: usize,
    clock: Clock,
    metrics: Arc<Metrics>,
    account: Arc<Account>,
    http2: AtomicBool,
    requests: AtomicU64,
    /// HTTP/1: whether what has come in does not end with the end of a head.
    tail: AtomicBool,
    active: AtomicU64,
    bodies: AtomicU64,
    blocked: AtomicBool,
    quiet_since: AtomicU64,
    /// When its client was last heard of.
    heard_at: AtomicU64,
    /// 0 when no transmission of the client's is incomplete.
    incomplete_since: AtomicU64,
    moved_at: AtomicU64,
    moved: AtomicU64,
    window: Mutex<Option<(u64, u64)>>,
    /// Bytes of bodies that were given to the HTTP library, less those that the socket took.
    unsent: AtomicU64,
    room: Mutex<Option<Waker>>,
    /// Whether somebody waits for room, so that its lock is not taken for nothing.
    room_wanted: AtomicBool,
    /// What the bytes of a head that is not complete take of the budget.
    input: Mutex<Option<Reservation>>,
    /// Whether they take anything.
    has_input: AtomicBool,
    signal: Signal,
}

impl Conn {
    fn new(id: u64, peer: SocketAddr, connections: &Connections, now: u64) -> Self {
        let limits = &connections.limits;
        // A fifth more or less, so that connections of one age do not close at one time.
        let age = limits.age.mul_f64(0.8 + 0.4 * fastrand::f64());
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        Self {
            id,
            peer,
            stream: OnceLock::new(),
            recycle_at: (age > 0).then(|| now.saturating_add(age)),
            recycle_one_in: limits.requests,
            head_limit: limits.head,
            clock: connections.clock,
            metrics: Arc::clone(&connections.metrics),
            account: Account::of(&connections.budget),
            http2: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            tail: AtomicBool::new(false),
            active: AtomicU64::new(0),
            bodies: AtomicU64::new(0),
            blocked: AtomicBool::new(false),
            quiet_since: AtomicU64::new(now),
            heard_at: AtomicU64::new(now),
            incomplete_since: AtomicU64::new(0),
            moved_at: AtomicU64::new(now),
            moved: AtomicU64::new(0),
            window: Mutex::default(),
            unsent: AtomicU64::new(0),
            room: Mutex::default(),
            room_wanted: AtomicBool::new(false),
            input: Mutex::default(),
            has_input: AtomicBool::new(false),
            signal: Signal::new(),
        }
    }

    /// Its bytes come and go here.
    fn is_over(&self, stream: &Arc<TcpStream>) {
        // It is told once, when it is opened.
        let _ = self.stream.set(Arc::downgrade(stream));
    }

    /// Whether its client has sent something that the server has not come to read yet. Then the client is neither
    /// silent nor idle, however long ago it was heard of.
    fn has_unread(&self) -> bool {
        let stream = self.stream.get().and_then(Weak::upgrade);
        stream
            .is_some_and(|stream| rustix::io::ioctl_fionread(&*stream).is_ok_and(|bytes| bytes > 0))
    }

    /// Who is at the other end.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The second since the server began in which the client was last heard of.
    pub(crate) fn second(&self) -> u64 {
        self.heard_at.load(Ordering::Relaxed) / 1_000
    }

    /// Whether this answer should be the connection's last, and why.
    ///
    /// By chance rather than by count: connections that were opened together do not close together.
    pub fn last_answer(&self) -> Option<Recycled> {
        if self.recycle_one_in > 0 && fastrand::u32(..self.recycle_one_in) == 0 {
            return Some(Recycled::Requests);
        }
        let at = self.recycle_at?;
        (self.heard_at.load(Ordering::Relaxed) >= at).then_some(Recycled::Age)
    }

    /// Reserves memory for what this connection asked for; `None` when it can't be had now.
    pub fn reserve(&self, bytes: u64) -> Option<Reservation> {
        self.account.reserve(bytes)
    }

    /// Whether an answer of so many bytes is paid for with its request.
    pub fn is_small(&self, answer: usize) -> bool {
        answer <= SMALL_ANSWER && !self.is_http2()
    }

    /// Closes the connection once it has given the answers it is at.
    pub fn leave(&self) {
        self.signal.give(Order::Leave);
    }

    /// Ends the connection at once.
    fn end(&self, cut: Cut) {
        if self.signal.give(Order::End) {
            self.metrics.connection_cut(cut);
        }
    }

    fn is_ending(&self) -> bool {
        self.signal.has(Order::End)
    }

    fn has_asked(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }

    fn is_http2(&self) -> bool {
        self.http2.load(Ordering::Relaxed)
    }

    /// A request's head is complete.
    fn request_began(&self) {
        self.add(&self.requests, 1);
        self.add(&self.active, 1);
        if !self.is_http2() {
            self.incomplete(0);
        }
    }

    /// A request was answered, or given up. What its client has sent after it is incomplete from now on,
    /// if it does not end with the end of a head; after a request with a body that can't be told.
    fn request_ended(&self, had_body: bool) {
        let now = self.clock.now();
        self.quiet_since.store(now, Ordering::Relaxed);
        let others = self.subtract(&self.active, 1) > 1;
        let tail = self.tail.load(Ordering::Relaxed);
        if !self.is_http2() && !others && tail && !had_body {
            self.incomplete(now);
        }
    }

    /// Adds to a counter. Several tasks may do so in HTTP/2. In HTTP/1 one does, which needs no atomic instruction.
    fn add(&self, counter: &AtomicU64, by: u64) {
        if self.is_http2() {
            counter.fetch_add(by, Ordering::Relaxed);
        } else {
            counter.store(counter.load(Ordering::Relaxed) + by, Ordering::Relaxed);
        }
    }

    /// Takes from a counter, and says what it was before.
    fn subtract(&self, counter: &AtomicU64, by: u64) -> u64 {
        if self.is_http2() {
            return counter.fetch_sub(by, Ordering::Relaxed);
        }
        let before = counter.load(Ordering::Relaxed);
        counter.store(before.saturating_sub(by), Ordering::Relaxed);
        before
    }

    fn has_output(&self) -> bool {
        self.bodies.load(Ordering::Relaxed) > 0
            || self.blocked.load(Ordering::Relaxed)
            || (self.account.held() > 0
                && self.active.load(Ordering::Relaxed) == 0
                && self.has_asked())
    }

    fn seen(&self, now: u64) -> Seen {
        let active = self.active.load(Ordering::Relaxed);
        let output = self.has_output();
        let incomplete = self.incomplete_since.load(Ordering::Relaxed);
        // While a request of HTTP/1 is answered, what its client sends on waits for its turn.
        let waits = active > 0 && !self.is_http2();
        Seen {
            active,
            has_asked: self.has_asked(),
            output,
            held: self.account.held(),
            quiet_since: self.quiet_since.load(Ordering::Relaxed),
            incomplete_since: (incomplete > 0 && !waits).then_some(incomplete),
            moved_at: self.moved_at.load(Ordering::Relaxed),
            window: self.window(output, now),
        }
    }

    /// The window over which the client's rate of reading is measured, begun anew when it is over.
    fn window(&self, output: bool, now: u64) -> Option<(u64, u64)> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let moved = self.moved.load(Ordering::Relaxed);
        if !output {
            *window = None;
            return None;
        }
        let (since, before) = *window.get_or_insert((now, moved));
        if Duration::from_millis(now - since) > rules::RATE_WINDOW {
            *window = Some((now, moved));
        }
        Some((since, moved.saturating_sub(before)))
    }

    /// The client has taken some bytes.
    fn moved(&self, bytes: usize) {
        self.moved_at.store(self.clock.now(), Ordering::Relaxed);
        self.add(&self.moved, bytes as u64);
    }

    fn incomplete(&self, since: u64) {
        self.incomplete_since.store(since, Ordering::Relaxed);
    }

    /// Keeps so many bytes of the budget for a head that is not complete.
    ///
    /// # Errors
    /// When there is no room for them: the connection ends.
    fn keep_input(&self, bytes: usize) -> std::io::Result<()> {
        /// The HTTP library's buffer has this size from the start.
        const FREE: usize = 8 * 1024;
        if bytes <= FREE {
            self.take_input();
            return Ok(());
        }
        let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        if input.as_ref().is_some_and(|r| r.bytes() >= bytes as u64) {
            return Ok(());
        }
        // Its buffer grows by doubling, up to the largest head.
        let wanted = bytes.next_power_of_two().min(self.head_limit.max(bytes));
        *input = None;
        *input = self.reserve(wanted as u64);
        self.has_input.store(input.is_some(), Ordering::Relaxed);
        if input.is_some() {
            Ok(())
        } else {
            self.end(Cut::Memory);
            Err(std::io::Error::other(
                "no memory is left for so large a head",
            ))
        }
    }

    /// Takes over what a head that is complete now takes of the budget.
    fn take_input(&self) -> Option<Reservation> {
        if !self.has_input.load(Ordering::Relaxed) {
            return None;
        }
        self.has_input.store(false, Ordering::Relaxed);
        self.input
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};

    use super::*;

    fn connections(requests: u32, age: Duration, most: usize) -> Arc<Connections> {
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
    fn one_more_connection_than_there_may_be_is_let_in_only_if_another_makes_room() {
        let connections = connections(0, Duration::ZERO, 2);
        let first = connections.opened(peer()).unwrap();
        let _second = connections.opened(peer()).unwrap();
        // Both may have their first request on the way.
        assert!(connections.opened(peer()).is_none());
        // As if it had been opened long ago.
        let later = connections.clock.now() + 60_000;
        assert!(make_room(connections.all().iter(), later));
        assert!(connections.all().iter().any(|c| c.is_ending()));
        drop(first);
        assert_eq!(connections.open(), 1);
        assert!(connections.opened(peer()).is_some());
    }

    #[test]
    fn a_connection_lets_the_others_have_a_turn_however_much_its_client_sends() {
        let connections = connections(0, Duration::ZERO, 1);
        let open = connections.opened(peer()).unwrap();
        let mut endless = io::Io::new(tokio::io::repeat(0), Arc::clone(&open.conn));
        // Frames without content.
        endless.is_http2(bytes::Bytes::new());
        let mut context = Context::from_waker(Waker::noop());
        let mut turn = || {
            let mut read = 0;
            loop {
                let mut bytes = [0; 1_024];
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
    async fn a_client_whose_request_was_not_read_yet_is_not_idle() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let stream = Arc::new(listener.accept().await.unwrap().0);
        let connections = connections(0, Duration::ZERO, 1);
        let open = connections.opened(peer()).unwrap();
        open.conn.is_over(&stream);
        // It has asked before, long ago, and asks again.
        open.conn.requests.store(1, Ordering::Relaxed);
        client.write_all(b"GET").await.unwrap();
        stream.readable().await.unwrap();
        let later = connections.clock.now() + 60_000;
        assert!(!make_room(connections.all().iter(), later));
        connections.close_the_quiet(Duration::ZERO);
        connections.close_all();
        assert!(!open.conn.signal.has(Order::Leave));
        // Once it has been read, the connection is as idle as it looks.
        stream.try_read(&mut [0; 9]).unwrap();
        assert!(make_room(connections.all().iter(), later));
        assert!(open.conn.signal.has(Order::End));
    }

    #[test]
    fn a_connection_that_has_not_asked_may_have_its_request_on_the_way() {
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
    async fn it_is_quiet_once_nobody_came_for_a_while_after_the_last_one_left() {
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
