//! The places for connections: who has one, and who gives his up for a newcomer when all are taken.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::Conn;
use super::rules::{self, Cut};

/// Connections are compared with each other once in so many milliseconds. To compare thousands of them for each
/// newcomer took all of a core when newcomers were many, and each waited for those before it.
const RANKED_EVERY: u64 = 20;

/// The connections that are open.
#[derive(Debug, Default)]
pub(super) struct Places {
    open: HashMap<u64, Arc<Conn>>,
    /// Those that used their place least when they were compared, the least of all last.
    ranked: Vec<u64>,
    ranked_at: Option<u64>,
}

impl Places {
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn all(&self) -> Vec<Arc<Conn>> {
        self.open.values().map(Arc::clone).collect()
    }

    pub(super) fn insert(&mut self, conn: Arc<Conn>) {
        self.open.insert(conn.id, conn);
    }

    pub(super) fn remove(&mut self, id: u64) {
        self.open.remove(&id);
    }

    /// Ends the connection that uses its place least. It is gone in a moment, so the new one is let in.
    pub(super) fn make_room(&mut self, now: u64) -> bool {
        if self.end_least(now) {
            return true;
        }
        if self.ranked_at.is_some_and(|at| now < at + RANKED_EVERY) {
            return false;
        }
        self.rank(now);
        self.end_least(now)
    }

    /// Ends the last of those that were compared and still make room.
    fn end_least(&mut self, now: u64) -> bool {
        while let Some(id) = self.ranked.pop() {
            if let Some(conn) = self.open.get(&id)
                && !conn.is_ending()
                && rules::makes_room(&conn.seen(now), now).is_some()
                && !conn.has_unread()
            {
                conn.end(Cut::MakesRoom);
                return true;
            }
        }
        false
    }

    fn rank(&mut self, now: u64) {
        let mut ranked: Vec<_> = self
            .open
            .values()
            .filter(|conn| !conn.is_ending())
            .filter_map(|conn| Some((rules::makes_room(&conn.seen(now), now)?, Reverse(conn.id))))
            .collect();
        ranked.sort_unstable();
        self.ranked = ranked.into_iter().map(|(_, Reverse(id))| id).collect();
        self.ranked_at = Some(now);
    }
}
