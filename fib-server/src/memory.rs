//! The memory that clients can make the server hold: answers that they have not read, and requests that they
//! have not fully sent. It has one limit, and everything is reserved first.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use prometheus::IntGauge;

/// Reservations up to this are small. The last part of the budget is reserved for them, so that ordinary
/// requests continue while large answers fill the rest.
const SMALL: u64 = 16 * 1024;

/// One part in this many is reserved for small reservations.
const KEPT_FOR_SMALL: u64 = 8;

/// One connection may hold one part in this many, so that it takes several to fill the budget.
const SHARE: u64 = 4;

/// The budget of one server.
#[derive(Debug)]
pub struct Budget {
    limit: u64,
    held: AtomicU64,
    gauge: IntGauge,
}

/// One connection's part of it.
#[derive(Debug)]
pub struct Account {
    budget: Arc<Budget>,
    held: AtomicU64,
}

impl Account {
    /// An empty account of a budget.
    pub fn of(budget: &Arc<Budget>) -> Arc<Self> {
        Arc::new(Self {
            budget: Arc::clone(budget),
            held: AtomicU64::new(0),
        })
    }

    /// The bytes that the connection holds.
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    /// Takes bytes, which must be returned later; false if there are not enough now.
    #[must_use]
    pub fn take(&self, bytes: u64) -> bool {
        let budget = &self.budget;
        let taken = budget
            .held
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
                budget
                    .allows(held, self.held(), bytes)
                    .then(|| held + bytes)
            })
            .is_ok();
        if taken {
            self.held.fetch_add(bytes, Ordering::Relaxed);
            budget.show();
        }
        taken
    }

    /// Returns bytes.
    pub fn give_back(&self, bytes: u64) {
        self.budget.held.fetch_sub(bytes, Ordering::Relaxed);
        self.held.fetch_sub(bytes, Ordering::Relaxed);
        self.budget.show();
    }

    /// Reserves bytes until the reservation is dropped; `None` if there are not enough now.
    pub fn reserve(self: &Arc<Self>, bytes: u64) -> Option<Reservation> {
        self.take(bytes).then(|| Reservation {
            account: Arc::clone(self),
            bytes,
        })
    }
}

impl Budget {
    /// A budget in bytes, and the gauge that shows its use.
    pub fn new(limit: u64, gauge: IntGauge) -> Self {
        Self {
            limit,
            held: AtomicU64::new(0),
            gauge,
        }
    }

    /// The bytes in use.
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    /// Whether three quarters are in use: time to look for clients that do not read.
    pub fn is_short(&self) -> bool {
        self.held() > self.limit / 4 * 3
    }

    /// The largest single reservation that can ever be made.
    pub fn largest(limit: u64) -> u64 {
        limit / SHARE
    }

    fn allows(&self, held_before: u64, of_account: u64, bytes: u64) -> bool {
        let limit = if bytes <= SMALL {
            self.limit
        } else {
            self.limit - self.limit / KEPT_FOR_SMALL
        };
        let after = held_before.saturating_add(bytes);
        after <= limit && of_account.saturating_add(bytes) <= Self::largest(self.limit).max(SMALL)
    }

    fn show(&self) {
        self.gauge
            .set(i64::try_from(self.held()).unwrap_or(i64::MAX));
    }
}

/// Bytes that are reserved until this is dropped.
#[derive(Debug)]
pub struct Reservation {
    account: Arc<Account>,
    bytes: u64,
}

impl Reservation {
    /// The bytes that are reserved.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Moves this many bytes, or all there are, to a reservation of their own.
    #[must_use]
    pub fn split(&mut self, bytes: u64) -> Self {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Self {
            account: Arc::clone(&self.account),
            bytes,
        }
    }

    /// Keeps the reservation as long as these bytes exist.
    pub fn keep_for(self, bytes: Vec<u8>) -> Bytes {
        Bytes::from_owner(Kept {
            bytes,
            _reservation: self,
        })
    }

    /// Returns everything except this many bytes.
    pub fn shrink_to(&mut self, bytes: u64) {
        let back = self.bytes.saturating_sub(bytes);
        self.bytes -= back;
        self.account.give_back(back);
    }
}

/// Bytes with their reservation, which is released when the last part of an answer has gone to the kernel,
/// wherever it waits until then.
struct Kept {
    bytes: Vec<u8>,
    _reservation: Reservation,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(limit: u64) -> Arc<Budget> {
        Arc::new(Budget::new(limit, IntGauge::new("held", "held").unwrap()))
    }

    fn accounts(budget: &Arc<Budget>, count: usize) -> Vec<Arc<Account>> {
        (0..count).map(|_| Account::of(budget)).collect()
    }

    const MIB: u64 = 1 << 20;

    #[test]
    fn a_reservation_is_released_bit_by_bit_or_at_the_end() {
        let budget = budget(8 * MIB);
        let account = Account::of(&budget);
        let mut reservation = account.reserve(MIB).unwrap();
        assert_eq!((budget.held(), account.held()), (MIB, MIB));
        reservation.shrink_to(1_000);
        assert_eq!((budget.held(), account.held()), (1_000, 1_000));
        let part = reservation.split(300);
        let bytes = part.keep_for(vec![1, 2, 3]);
        drop(reservation);
        assert_eq!((budget.held(), account.held()), (300, 300));
        drop(bytes.slice(1..));
        drop(bytes);
        assert_eq!((budget.held(), account.held()), (0, 0));
    }

    #[test]
    fn large_answers_leave_room_for_small_ones() {
        let budget = budget(8 * MIB);
        let accounts = accounts(&budget, 10);
        let large: Vec<_> = accounts.iter().map_while(|a| a.reserve(MIB)).collect();
        assert_eq!(large.len(), 7);
        let small: Vec<_> = accounts
            .iter()
            .cycle()
            .map_while(|a| a.reserve(SMALL))
            .collect();
        assert_eq!(small.len(), 64);
        assert!(budget.is_short());
    }

    #[test]
    fn one_connection_cannot_fill_the_budget() {
        let budget = budget(8 * MIB);
        let (greedy, other) = (Account::of(&budget), Account::of(&budget));
        let held: Vec<_> = std::iter::from_fn(|| greedy.reserve(MIB)).collect();
        assert_eq!(held.len(), 2);
        assert!(!greedy.take(1));
        assert!(other.reserve(MIB).is_some());
    }
}
