//! From the ratio of use to target to the replicas, with conservative guesses for pods that have no value of
//! their own, as `GetResourceReplicas` and `calcPlainMetricReplicas` in `replica_calculator.go` do it.

use super::{Tolerances, go_int32};

/// `GetResourceUtilizationRatio` in `metrics/utilization.go`: whole percent, truncated, and its ratio to the
/// target; `None` if nothing is requested.
#[expect(
    clippy::cast_possible_truncation,
    reason = "Go truncates to the low 32 bits"
)]
pub(crate) fn utilization_ratio(used: i64, requested: i64, target: i32) -> Option<(i32, f64)> {
    if requested == 0 {
        return None;
    }
    let utilization = (used.wrapping_mul(100).wrapping_div(requested)) as i32;
    Some((utilization, f64::from(utilization) / f64::from(target)))
}

/// How many pods count in each way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Census {
    /// With their own use.
    pub(crate) ready: usize,
    /// Not ready yet, or too young for its sample to count.
    pub(crate) unready: usize,
    /// Without a metric.
    pub(crate) missing: usize,
}

/// The guesses of the second pass for the pods that the first one left out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guesses {
    /// For a pod without a metric.
    pub(crate) missing: Guess,
    /// Whether unready pods are counted as idle.
    pub(crate) unready: bool,
}

/// A conservative guess of a pod's use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guess {
    /// The pod is left out.
    None,
    /// It uses nothing, to avoid scaling up too far.
    Idle,
    /// It uses at least its target, to avoid scaling down too far.
    Busy,
}

/// The replicas that a ratio asks for, and the ratio of the second pass if there was one. `second` runs that
/// pass with the guesses and returns its ratio and the number of pods it counts.
pub(crate) fn replicas<E>(
    tolerances: Tolerances,
    current: i32,
    census: Census,
    ratio: f64,
    second: impl FnOnce(Guesses) -> Result<(f64, usize), E>,
) -> Result<(i32, Option<f64>), E> {
    let grows_with_unready = census.unready > 0 && ratio > 1.0;
    if !grows_with_unready && census.missing == 0 {
        let replicas = if tolerances.contain(ratio) {
            current
        } else {
            ceil_of(ratio, census.ready)
        };
        return Ok((replicas, None));
    }
    let missing = if ratio < 1.0 {
        Guess::Busy
    } else if ratio > 1.0 {
        Guess::Idle
    } else {
        Guess::None
    };
    let (second, pods) = second(Guesses {
        missing,
        unready: grows_with_unready,
    })?;
    let turned = (ratio < 1.0 && second > 1.0) || (ratio > 1.0 && second < 1.0);
    let replicas = if tolerances.contain(second) || turned {
        current
    } else {
        let wanted = ceil_of(second, pods);
        let wrong_way = (second < 1.0 && wanted > current) || (second > 1.0 && wanted < current);
        if wrong_way { current } else { wanted }
    };
    Ok((replicas, Some(second)))
}

/// The assumed use of a pod without a metric while the others ask for fewer pods, for a target in percent.
pub(crate) fn busy(request: i64, target: i32) -> i64 {
    request.wrapping_mul(i64::from(target.max(100))) / 100
}

#[expect(clippy::cast_precision_loss, reason = "pods are far fewer than 2^52")]
fn ceil_of(ratio: f64, pods: usize) -> i32 {
    go_int32((ratio * pods as f64).ceil())
}
