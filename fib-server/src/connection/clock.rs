//! The clock of connections.

/// Milliseconds since the server started; never zero.
///
/// A connection reads it several times per request, and needs only tenths of seconds. So it is the kernel's
/// coarse clock, which is accurate to a tick of some milliseconds and takes a fraction of the time.
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
    use std::time::Duration;

    use nix::time::{ClockId, clock_gettime};
    // Every Linux has it.
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE).map_or(Duration::ZERO, Duration::from);
    now.as_secs() * 1_000 + u64::from(now.subsec_millis())
}

/// This system has no such clock.
#[cfg(not(target_os = "linux"))]
fn coarse() -> u64 {
    use std::sync::LazyLock;
    use std::time::Instant;
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(BEGAN.elapsed().as_millis()).unwrap_or(u64::MAX)
}
