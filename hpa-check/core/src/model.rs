//! What the autoscaler's controller decides, integer for integer.
//!
//! ```text
//! pods + metrics ─ proposal ─┐
//!                            ├─ reconcile ─ normalize (stabilize, rate limit) ─ Decision
//! spec + history ────────────┘
//! ```
//!
//! Every formula follows `pkg/controller/podautoscaler` of Kubernetes, from 1.34 to master after
//! 1.37 ([`VersionGates`] has what changed); the item's documentation names the function. Nothing here reads a clock: the instant of a sync is an argument.

pub mod conditions;
pub mod explain;
mod gates;
mod metrics;
pub mod normalize;
pub mod pods;
pub mod proposal;
pub mod reconcile;
pub mod selector;

pub use gates::VersionGates;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::observation::ControllerConfig;
use crate::spec::{AutoscalerSpec, ScalingRules};

/// The instant that Go's zero time stands for here: set, and older than everything else.
pub const ZERO_TIME: Timestamp = Timestamp::MIN;

/// The controller's settings that decide anything.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Band around the target in which nothing happens, in both directions, as a fraction.
    pub tolerance: f64,
    /// How long after its start a pod's early CPU samples are mistrusted.
    pub cpu_initialization_period: Duration,
    /// How long after its start a pod that turns unready counts as never having been ready.
    pub initial_readiness_delay: Duration,
    /// The scale-down window where the spec gives none.
    pub downscale_stabilization: Duration,
    /// Legacy path: the largest factor of one step up.
    pub scale_up_limit_factor: f64,
    /// Legacy path: a step up may always reach this many replicas.
    pub scale_up_limit_minimum: f64,
}

impl Default for Settings {
    /// The defaults of kube-controller-manager.
    fn default() -> Self {
        Self {
            tolerance: 0.1,
            cpu_initialization_period: Duration::from_mins(5),
            initial_readiness_delay: Duration::from_secs(30),
            downscale_stabilization: Duration::from_mins(5),
            scale_up_limit_factor: 2.0,
            scale_up_limit_minimum: 4.0,
        }
    }
}

impl From<&ControllerConfig> for Settings {
    fn from(given: &ControllerConfig) -> Self {
        Self {
            tolerance: given.tolerance,
            cpu_initialization_period: given.cpu_initialization_period,
            initial_readiness_delay: given.initial_readiness_delay,
            downscale_stabilization: given.downscale_stabilization,
            ..Self::default()
        }
    }
}

/// The bands around a ratio of 1 in which nothing happens.
/// `Tolerances.isWithin` in `replica_calculator.go`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerances {
    /// Above 1.
    pub scale_up: f64,
    /// Below 1.
    pub scale_down: f64,
}

impl Tolerances {
    /// The spec's own tolerances where the version honors them, else the controller's:
    /// `tolerancesForHpa` in `horizontal.go`.
    pub fn of(spec: &AutoscalerSpec, controller: f64, gates: VersionGates) -> Self {
        let behavior = spec.behavior.as_ref();
        let behavior = behavior.filter(|_| gates.configurable_tolerance);
        let of =
            |rules: Option<&ScalingRules>| rules.and_then(|r| r.tolerance).unwrap_or(controller);
        Self {
            scale_up: of(behavior.and_then(|b| b.scale_up.as_ref())),
            scale_down: of(behavior.and_then(|b| b.scale_down.as_ref())),
        }
    }

    /// Whether a ratio of current to wanted use is near enough to 1; both ends belong to the band.
    pub fn contain(self, ratio: f64) -> bool {
        (1.0 - self.scale_down) <= ratio && ratio <= (1.0 + self.scale_up)
    }
}

/// Go's conversion of a float to an `int32` on amd64: towards zero, and the smallest number for
/// whatever does not fit.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the range is checked first"
)]
pub(crate) fn go_int32(value: f64) -> i32 {
    if value.is_nan() || value >= 2_147_483_648.0 || value <= -2_147_483_649.0 {
        i32::MIN
    } else {
        value as i32
    }
}

/// `now − age`, or the zero time when that lies before all time.
pub(crate) fn before(now: Timestamp, age: Duration) -> Timestamp {
    SignedDuration::try_from(age)
        .ok()
        .and_then(|age| now.checked_sub(age).ok())
        .unwrap_or(ZERO_TIME)
}

/// `instant + span`, or the end of time.
pub(crate) fn after(instant: Timestamp, span: Duration) -> Timestamp {
    SignedDuration::try_from(span)
        .ok()
        .and_then(|span| instant.checked_add(span).ok())
        .unwrap_or(Timestamp::MAX)
}
