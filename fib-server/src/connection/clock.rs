//! The clock of connections.

/// Milliseconds since the server began; never zero.
///
/// A connection reads it several times per request, and goes by it in tenths of seconds. So it is the kernel's coarse
/// clock, exact to a tick of some milliseconds, which takes a fraction of the time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    began: u64,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { began: coarse() }
    }

    pub(super) fn now(self) -> u64 {
        coarse().saturating_sub(self.began) + 1
    }
}

#[cfg(target_os = "linux")]
fn coarse() -> u64 {
    use rustix::time::{ClockId, clock_gettime};
    let now = clock_gettime(ClockId::MonotonicCoarse);
    let part = |n: i64, of_a_second: u64| u64::try_from(n).unwrap_or(0) * 1_000 / of_a_second;
    part(now.tv_sec, 1) + part(now.tv_nsec, 1_000_000_000)
}

/// There is no such clock here.
#[cfg(not(target_os = "linux"))]
fn coarse() -> u64 {
    use std::sync::LazyLock;
    use std::time::Instant;
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(BEGAN.elapsed().as_millis()).unwrap_or(u64::MAX)
}
