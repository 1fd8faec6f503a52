//! The limits of this process, and the sizes derived from them.

use program_common::{cgroup, cpus, process};

use crate::connection::ADMIN_CONNECTIONS;

/// Descriptors in addition to connections: listeners, epoll, logs, what a scrape opens.
const OTHER_DESCRIPTORS: u64 = 32;

/// The measured memory of an idle connection: 2,457 connections with one request each made the process 43 KiB
/// larger per connection.
const CONNECTION: u64 = 48 * 1024;

/// The most connections without a memory limit.
const CONNECTIONS: u64 = 20_000;

/// The memory for clients without a memory limit.
const INFLIGHT_BYTES: u64 = 256 << 20;

/// The limits of this process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Machine {
    /// The CPUs that its threads may run on.
    pub(crate) cpus: usize,
    /// The CPU quota in cores, if any.
    pub(crate) quota_cores: Option<f64>,
    /// The memory limit in bytes, if any.
    pub(crate) memory_limit: Option<u64>,
    /// The limit on open files.
    pub(crate) open_files: u64,
}

impl Machine {
    /// The current process' limits.
    pub(crate) fn here() -> Self {
        Self {
            cpus: cpus::permitted(),
            quota_cores: cgroup::cpu().and_then(|cpu| cpu.quota_cores),
            memory_limit: cgroup::memory().and_then(|memory| memory.limit_bytes),
            open_files: process::open_files_limit().unwrap_or(1_024),
        }
    }

    /// The CPUs that can be kept busy: those that it may run on, at most the quota rounded up.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive number of cores"
    )]
    pub(crate) fn threads(self) -> usize {
        let paid = self
            .quota_cores
            .map_or(usize::MAX, |cores| cores.ceil().max(1.0) as usize);
        self.cpus.min(paid).max(1)
    }

    /// The memory for answers that clients have not read and requests they have not fully sent.
    pub(crate) fn inflight_bytes(self) -> u64 {
        self.memory_limit
            .map_or(INFLIGHT_BYTES, |limit| limit / 8 * 3)
    }

    /// The connections for which the open-files limit has room.
    pub(crate) fn most_connections(self) -> usize {
        let reserved = ADMIN_CONNECTIONS as u64 + OTHER_DESCRIPTORS;
        let left = self.open_files.saturating_sub(reserved).max(1);
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    /// The default for the most connections.
    pub(crate) fn connections(self) -> usize {
        let fit = self
            .memory_limit
            .map_or(CONNECTIONS, |limit| limit / 8 * 3 / CONNECTION);
        usize::try_from(fit.clamp(1, CONNECTIONS))
            .unwrap_or(usize::MAX)
            .min(self.most_connections())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn affinity_and_quota_together_decide_how_many_threads_there_are() {
        let threads = |cpus, quota_cores| {
            Machine {
                cpus,
                quota_cores,
                memory_limit: None,
                open_files: 1_024,
            }
            .threads()
        };
        assert_eq!(threads(8, None), 8);
        assert_eq!(threads(8, Some(0.5)), 1);
        assert_eq!(threads(8, Some(1.5)), 2);
        assert_eq!(threads(2, Some(6.0)), 2);
    }
}
