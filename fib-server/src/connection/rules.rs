//! When a connection is cut off, and which one makes room for another. Pure: times are milliseconds of one
//! clock, and a connection is described by its observed behavior.

use std::time::Duration;

/// An incomplete transmission is cut off after this; with the sweep's interval it is gone within ten seconds.
/// It is at most 64 KiB, which even a modem sends faster.
pub(crate) const INCOMPLETE: Duration = Duration::from_secs(8);

/// A client that reads nothing of its answer for this long is cut off. A slow reader with a large buffer reads
/// nothing for a while too: its kernel opens the window again when a sixteenth of the buffer is free, which at
/// 20 kB/s and 6 MB is about 20 seconds.
pub(crate) const STALLED: Duration = Duration::from_mins(1);

/// Over this long, a client must read at [`SLOWEST`] or faster.
pub(crate) const RATE_WINDOW: Duration = Duration::from_mins(1);

/// The rate in bytes per second below which a reader is considered an attack.
pub(crate) const SLOWEST: u64 = 2_048;

/// A client that has read nothing for this long may be cut off when memory is short.
const STALLED_WHEN_SHORT: Duration = Duration::from_secs(2);

/// How long an idle connection may take to leave after it was asked to.
const TIME_TO_LEAVE: Duration = Duration::from_secs(2);

/// A head that is incomplete for this long makes room for another connection.
const SLOW_HEAD: Duration = Duration::from_millis(500);

/// A connection that is idle for this long makes room for another, the longest idle first. At a thousand connections
/// this lets in 100,000 newcomers per second that send one request and stay open: more than a machine can accept.
const IDLE_ENOUGH: Duration = Duration::from_millis(10);

/// A connection that has never sent a request makes room sooner: a first request is usually sent at once. With
/// a thousand connections this lets in 20,000 silent newcomers per second, and the real clients among them.
const SILENT_ENOUGH: Duration = Duration::from_millis(50);

/// The observed behavior of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Requests in progress.
    pub(crate) active: u64,
    /// Whether it has ever sent a request.
    pub(crate) has_asked: bool,
    /// Whether there is output that the client has not read.
    pub(crate) output: bool,
    /// The bytes of the memory budget that it holds.
    pub(crate) held: u64,
    /// When its last request ended, or it was opened.
    pub(crate) quiet_since: u64,
    /// Since when a transmission by the client has been incomplete.
    pub(crate) incomplete_since: Option<u64>,
    /// When the client last read something.
    pub(crate) moved_at: u64,
    /// Since when there has been output without a break, as of the last check, and the bytes read since.
    pub(crate) window: Option<(u64, u64)>,
}

/// Why a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// There was no request for too long.
    Idle,
    /// A request, a frame or a handshake was not completed in time.
    Incomplete,
    /// The client read nothing of its answer, or almost nothing.
    Stalled,
    /// Memory or connections were short, and this one used them least.
    MakesRoom,
    /// Its head is larger than the remaining memory.
    Memory,
    /// The server is stopping.
    Shutdown,
}

impl Cut {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::Idle,
        Self::Incomplete,
        Self::Stalled,
        Self::MakesRoom,
        Self::Memory,
        Self::Shutdown,
    ];

    /// Its word in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Incomplete => "incomplete",
            Self::Stalled => "stalled",
            Self::MakesRoom => "makes-room",
            Self::Memory => "memory",
            Self::Shutdown => "shutdown",
        }
    }
}

fn passed(since: u64, now: u64) -> Duration {
    Duration::from_millis(now.saturating_sub(since))
}

/// Whether a connection's time is up, and why.
pub(crate) fn judge(seen: &Seen, idle: Duration, now: u64) -> Option<Cut> {
    if seen
        .incomplete_since
        .is_some_and(|since| passed(since, now) >= INCOMPLETE)
    {
        return Some(Cut::Incomplete);
    }
    if seen.output {
        let too_slow = seen.window.is_some_and(|(since, bytes)| {
            passed(since, now) >= RATE_WINDOW && bytes < SLOWEST * RATE_WINDOW.as_secs()
        });
        return (too_slow || passed(seen.moved_at, now) >= STALLED).then_some(Cut::Stalled);
    }
    (seen.active == 0 && passed(seen.quiet_since, now) >= idle).then_some(Cut::Idle)
}

/// Whether an idle connection that was asked to leave is still there.
pub(crate) fn overstays(seen: &Seen, idle: Duration, now: u64) -> bool {
    passed(seen.quiet_since, now) >= idle + TIME_TO_LEAVE
}

/// How suitable a connection is to make room for a new one: greater is better, `None` if it can't. Connections
/// without any request go first, then those idle the longest. None is cut off during an answer.
pub(crate) fn makes_room(seen: &Seen, now: u64) -> Option<(bool, Duration)> {
    if let Some(since) = seen.incomplete_since
        && seen.active == 0
    {
        let slow = passed(since, now);
        return (slow >= SLOW_HEAD).then_some((true, slow));
    }
    let idle = passed(seen.quiet_since, now);
    let enough = if seen.has_asked {
        IDLE_ENOUGH
    } else {
        SILENT_ENOUGH
    };
    (seen.active == 0 && !seen.output && idle >= enough).then_some((!seen.has_asked, idle))
}

/// How suitable a connection is to release memory when it is short: greater is better.
pub(crate) fn gives_memory_back(seen: &Seen, now: u64) -> Option<(bool, u64)> {
    let stalled = seen.output && passed(seen.moved_at, now) >= STALLED_WHEN_SHORT;
    (seen.output && seen.held > 0).then_some((stalled, seen.held))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_mins(2);

    fn at(seconds: u64) -> u64 {
        1 + seconds * 1_000
    }

    fn verdict(seen: Seen, seconds: u64) -> Option<Cut> {
        judge(&seen, IDLE, at(seconds))
    }

    fn opened() -> Seen {
        Seen {
            quiet_since: at(0),
            moved_at: at(0),
            ..Seen::default()
        }
    }

    #[test]
    fn a_connection_without_a_request_is_closed_after_the_idle_timeout() {
        assert_eq!(verdict(opened(), 119), None);
        assert_eq!(verdict(opened(), 120), Some(Cut::Idle));
        let busy = Seen {
            active: 1,
            ..opened()
        };
        assert_eq!(verdict(busy, 1_000), None);
    }

    #[test]
    fn an_incomplete_transmission_is_cut_off_within_ten_seconds_whatever_else_goes_on() {
        let seen = Seen {
            incomplete_since: Some(at(5)),
            active: 3,
            output: true,
            moved_at: at(13),
            ..opened()
        };
        assert_eq!(verdict(seen, 12), None);
        assert_eq!(verdict(seen, 13), Some(Cut::Incomplete));
    }

    #[test]
    fn a_client_that_reads_nothing_is_cut_off_after_a_minute() {
        let seen = Seen {
            active: 1,
            output: true,
            moved_at: at(10),
            ..opened()
        };
        assert_eq!(verdict(seen, 69), None);
        assert_eq!(verdict(seen, 70), Some(Cut::Stalled));
    }

    #[test]
    fn a_reader_at_20_kb_per_second_is_never_cut_off_and_one_at_1_kb_is() {
        let reader = |rate: u64| Seen {
            active: 1,
            output: true,
            moved_at: at(40),
            window: Some((at(0), rate * 60)),
            ..opened()
        };
        assert_eq!(verdict(reader(20_000), 60), None);
        assert_eq!(verdict(reader(1_000), 59), None);
        assert_eq!(verdict(reader(1_000), 60), Some(Cut::Stalled));
    }

    #[test]
    fn silent_connections_make_room_before_idle_ones_and_busy_ones_never_do() {
        let idle = |since| {
            makes_room(
                &Seen {
                    has_asked: true,
                    quiet_since: at(since),
                    ..opened()
                },
                at(100),
            )
        };
        let slow = Seen {
            incomplete_since: Some(at(99)),
            ..opened()
        };
        let slow = makes_room(&slow, at(100));
        let silent = Seen {
            quiet_since: at(100) - 200,
            ..opened()
        };
        let silent = makes_room(&silent, at(100));
        assert!(slow > silent && silent > idle(0));
        assert!(idle(0) > idle(50) && idle(50).is_some());
        assert_eq!(idle(100), None);
        let answered = Seen {
            active: 1,
            ..opened()
        };
        assert_eq!(makes_room(&answered, at(100)), None);
        let reading = Seen {
            output: true,
            ..opened()
        };
        assert_eq!(makes_room(&reading, at(100)), None);
    }

    #[test]
    fn a_stalled_client_releases_memory_before_one_that_reads() {
        let reader = |moved, held| {
            let seen = Seen {
                active: 1,
                output: true,
                moved_at: at(moved),
                held,
                ..opened()
            };
            gives_memory_back(&seen, at(100))
        };
        assert!(reader(90, 1_000) > reader(99, 1_000_000));
        assert!(reader(90, 2_000) > reader(50, 1_000));
        assert_eq!(reader(50, 0), None);
    }
}
