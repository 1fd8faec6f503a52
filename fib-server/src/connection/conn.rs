//! One connection: its state, and its controls.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::task::Waker;
use std::time::Duration;

use tokio::net::TcpStream;

use super::Connections;
use super::clock::Clock;
use super::rules::{self, Cut, Seen};
use super::signal::{Order, Signal};
use crate::memory::{Account, Reservation};
use crate::metrics::{Metrics, Recycled};

/// Answers over HTTP/1 up to this many bytes take nothing from the budget: a connection has one at a time. In
/// HTTP/2, each of many streams can have one that waits for its window.
const SMALL_ANSWER: usize = 1_024;

/// The state of one connection. It is written where its bytes and requests pass, and read by the sweep.
#[derive(Debug)]
pub struct Conn {
    pub(super) id: u64,
    peer: SocketAddr,
    stream: OnceLock<Weak<TcpStream>>,
    /// When the next answer becomes the last.
    pub(super) recycle_at: Option<u64>,
    recycle_one_in: u32,
    head_limit: usize,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) account: Arc<Account>,
    pub(super) http2: AtomicBool,
    pub(super) requests: AtomicU64,
    /// HTTP/1: whether the received bytes do not end with the end of a head.
    pub(super) tail: AtomicBool,
    pub(super) active: AtomicU64,
    pub(super) bodies: AtomicU64,
    pub(super) blocked: AtomicBool,
    quiet_since: AtomicU64,
    /// When its client last sent anything.
    pub(super) heard_at: AtomicU64,
    /// Since when a transmission by the client has been incomplete; 0 if none is.
    pub(super) incomplete_since: AtomicU64,
    pub(super) moved_at: AtomicU64,
    moved: AtomicU64,
    window: Mutex<Option<(u64, u64)>>,
    /// Bytes of bodies that were given to the HTTP library, minus those that the socket took.
    pub(super) unsent: AtomicU64,
    pub(super) room: Mutex<Option<Waker>>,
    /// Whether someone waits for room, so that the lock is not taken without need.
    pub(super) room_wanted: AtomicBool,
    /// The budget's bytes for an incomplete head.
    input: Mutex<Option<Reservation>>,
    /// Whether there are any.
    has_input: AtomicBool,
    pub(super) signal: Signal,
}

impl Conn {
    pub(super) fn new(id: u64, peer: SocketAddr, connections: &Connections, now: u64) -> Self {
        let limits = &connections.limits;
        // Up to a fifth more or less, so that connections of the same age do not close at the same time.
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
    pub(super) fn is_over(&self, stream: &Arc<TcpStream>) {
        // Set once, when it is opened.
        let _ = self.stream.set(Arc::downgrade(stream));
    }

    /// Whether its client has sent something that the server has not read yet. Then the client is neither
    /// silent nor idle, however long ago its last read was.
    pub(super) fn has_unread(&self) -> bool {
        let stream = self.stream.get().and_then(Weak::upgrade);
        stream
            .is_some_and(|stream| rustix::io::ioctl_fionread(&*stream).is_ok_and(|bytes| bytes > 0))
    }

    /// The client's address.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The second, counted from the server's start, in which the client last sent anything.
    pub(crate) fn second(&self) -> u64 {
        self.heard_at.load(Ordering::Relaxed) / 1_000
    }

    /// Whether this answer should be the connection's last, and why.
    ///
    /// By chance instead of by count, so that connections that were opened together do not close together.
    pub fn last_answer(&self) -> Option<Recycled> {
        if self.recycle_one_in > 0 && fastrand::u32(..self.recycle_one_in) == 0 {
            return Some(Recycled::Requests);
        }
        let at = self.recycle_at?;
        (self.heard_at.load(Ordering::Relaxed) >= at).then_some(Recycled::Age)
    }

    /// Reserves memory for this connection's request; `None` if there is none now.
    pub fn reserve(&self, bytes: u64) -> Option<Reservation> {
        self.account.reserve(bytes)
    }

    /// Whether an answer of this many bytes is covered by its request.
    pub fn is_small(&self, answer: usize) -> bool {
        answer <= SMALL_ANSWER && !self.is_http2()
    }

    /// Closes the connection after its current answers.
    pub fn leave(&self) {
        self.signal.give(Order::Leave);
    }

    /// Ends the connection immediately.
    pub(super) fn end(&self, cut: Cut) {
        if self.signal.give(Order::End) {
            self.metrics.connection_cut(cut);
        }
    }

    pub(super) fn is_ending(&self) -> bool {
        self.signal.has(Order::End)
    }

    pub(super) fn has_asked(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }

    pub(super) fn is_http2(&self) -> bool {
        self.http2.load(Ordering::Relaxed)
    }

    /// A request's head is complete.
    pub(super) fn request_began(&self) {
        self.add(&self.requests, 1);
        self.add(&self.active, 1);
        if !self.is_http2() {
            self.incomplete(0);
        }
    }

    /// A request was answered or given up. If what its client sent after it does not end with the end of a
    /// head, it is incomplete from now on; after a request with a body that is unknown.
    pub(super) fn request_ended(&self, had_body: bool) {
        let now = self.clock.now();
        self.quiet_since.store(now, Ordering::Relaxed);
        let others = self.subtract(&self.active, 1) > 1;
        let tail = self.tail.load(Ordering::Relaxed);
        if !self.is_http2() && !others && tail && !had_body {
            self.incomplete(now);
        }
    }

    /// Adds to a counter. In HTTP/2 several tasks may do so; in HTTP/1 only one does, without atomic
    /// instructions.
    pub(super) fn add(&self, counter: &AtomicU64, by: u64) {
        if self.is_http2() {
            counter.fetch_add(by, Ordering::Relaxed);
        } else {
            counter.store(counter.load(Ordering::Relaxed) + by, Ordering::Relaxed);
        }
    }

    /// Subtracts from a counter, and returns the previous value.
    pub(super) fn subtract(&self, counter: &AtomicU64, by: u64) -> u64 {
        if self.is_http2() {
            return counter.fetch_sub(by, Ordering::Relaxed);
        }
        let before = counter.load(Ordering::Relaxed);
        counter.store(before.saturating_sub(by), Ordering::Relaxed);
        before
    }

    pub(super) fn has_output(&self) -> bool {
        self.bodies.load(Ordering::Relaxed) > 0
            || self.blocked.load(Ordering::Relaxed)
            || (self.account.held() > 0
                && self.active.load(Ordering::Relaxed) == 0
                && self.has_asked())
    }

    pub(super) fn seen(&self, now: u64) -> Seen {
        let active = self.active.load(Ordering::Relaxed);
        let output = self.has_output();
        let incomplete = self.incomplete_since.load(Ordering::Relaxed);
        // While an HTTP/1 request is being answered, whatever its client sends next waits for its turn.
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

    /// The window for measuring how fast the client reads; a new one starts when it is over.
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

    /// The client has read some bytes.
    pub(super) fn moved(&self, bytes: usize) {
        self.moved_at.store(self.clock.now(), Ordering::Relaxed);
        self.add(&self.moved, bytes as u64);
    }

    pub(super) fn incomplete(&self, since: u64) {
        self.incomplete_since.store(since, Ordering::Relaxed);
    }

    /// Reserves this many bytes of the budget for an incomplete head.
    ///
    /// # Errors
    /// When there is no room for them: the connection ends.
    pub(super) fn keep_input(&self, bytes: usize) -> std::io::Result<()> {
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

    /// Takes over the reservation of a head that is now complete.
    pub(super) fn take_input(&self) -> Option<Reservation> {
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
