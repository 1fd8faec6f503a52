//! The slots for connections: who has one, and who makes room for a newcomer when all are taken.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::Conn;
use super::rules::{self, Cut};

/// How often connections are ranked, in milliseconds. Comparing thousands of them for every newcomer took a
/// whole core when there were many newcomers, and each waited for those before it.
const RANKED_EVERY: u64 = 20;

/// The open connections.
#[derive(Debug, Default)]
pub(super) struct Places {
    open: HashMap<u64, Arc<Conn>>,
    /// Those that used their slot least when they were ranked, with the least used last.
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

    /// Ends the connection that uses its slot least. It is gone in a moment, so the new one is let in.
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

    /// Ends the last ranked one that still makes room.
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
