//! Work in whole nanoseconds of CPU time. Integers add up to the same sum in any grouping, so a simulation may
//! count a second or a day at once.

use crate::units::Millicores;

/// A second, in nanoseconds.
pub(super) const SECOND: u64 = 1_000_000_000;

/// The most work in a second: a million cores. Hours of it still fit in 64 bits.
const MOST: f64 = 1e15;

/// The nanoseconds of work that this many millicores do in a second.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is cut to positive numbers below 2^53"
)]
pub(super) fn per_second(millicores: f64) -> u64 {
    (millicores * 1e6).round().clamp(0.0, MOST) as u64
}

/// The same for an amount in whole millicores.
pub(super) fn of(amount: Millicores) -> u64 {
    let millicores = u64::try_from(amount.0).unwrap_or(0);
    millicores.saturating_mul(1_000_000)
}

/// The most work in a second for a limit in millicores, which may be infinite.
pub(super) fn ceiling(millicores: f64) -> u64 {
    if millicores.is_finite() {
        per_second(millicores)
    } else {
        u64::MAX
    }
}

/// The part of a second's work that fits in this many nanoseconds.
pub(super) fn part(per_second: u64, nanoseconds: u64) -> u64 {
    if nanoseconds == SECOND {
        return per_second;
    }
    let whole = u128::from(per_second) * u128::from(nanoseconds) / u128::from(SECOND);
    u64::try_from(whole).unwrap_or(u64::MAX)
}

/// The most work that this many pods do in a second, if each does at most `each`.
pub(super) fn capacity(each: u64, pods: usize) -> u64 {
    each.saturating_mul(pods as u64)
}

/// Each pod's share; the remainder is dropped.
pub(super) fn share(work: u64, pods: usize) -> u64 {
    work / (pods as u64).max(1)
}

/// Utilization: the work of a second, in percent of the requests of this many pods. 0 if they request nothing.
#[expect(
    clippy::cast_precision_loss,
    reason = "a percentage needs no more than 53 bits"
)]
pub(super) fn percent(work: u64, pods: usize, request: u64) -> f64 {
    match request.saturating_mul(pods as u64) {
        0 => 0.0,
        requested => work as f64 / requested as f64 * 100.0,
    }
}
