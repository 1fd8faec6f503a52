//! The speed of a rehearsal, and the matching duration of its load.

use std::time::Duration;

use crate::observation::ControllerConfig;
use crate::run::budget::Budget;
use crate::spec::{AutoscalerSpec, Behavior, PolicyKind, ScalingPolicy, ScalingRules};

/// On an idle machine, a process is ready in a tenth of this.
const POD_START: Duration = Duration::from_secs(1);

/// The periods of a rehearsal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timescale {
    /// Time between two syncs of the autoscaler.
    pub sync_period: Duration,
    /// Time between two scrapes of the metrics API.
    pub metrics_resolution: Duration,
    /// How long a high recommendation keeps the replicas up.
    pub stabilization: Duration,
    /// Time between leaving the endpoints and the termination signal.
    pub pre_stop: Duration,
    /// How long a server keeps serving after the signal.
    pub drain_delay: Duration,
    /// The divisor of a manifest's seconds.
    pub speed: u32,
}

impl Timescale {
    /// Like a cluster with the defaults of the controller and of metrics-server.
    pub const REAL: Self = Self {
        sync_period: Duration::from_secs(15),
        metrics_resolution: Duration::from_secs(15),
        stabilization: Duration::from_mins(5),
        pre_stop: Duration::from_secs(5),
        drain_delay: Duration::from_secs(5),
        speed: 1,
    };

    /// A whole run in about a minute: a fifth of the real periods, and a shorter stabilization window.
    pub const BRISK: Self = Self {
        sync_period: Duration::from_secs(3),
        metrics_resolution: Duration::from_secs(2),
        stabilization: Duration::from_secs(8),
        pre_stop: Duration::from_secs(1),
        drain_delay: Duration::from_secs(1),
        speed: 5,
    };

    /// For CI.
    pub const SHORT: Self = Self {
        sync_period: Duration::from_secs(2),
        stabilization: Duration::from_secs(5),
        speed: 8,
        ..Self::BRISK
    };

    /// The controller's settings at this timescale.
    pub fn controller(&self) -> ControllerConfig {
        ControllerConfig {
            sync_period: self.sync_period,
            downscale_stabilization: self.stabilization,
            ..ControllerConfig::default()
        }
    }

    /// The API server's default rules at this timescale. A policy's period is a second shorter than the sync
    /// period, so it never still counts the previous step.
    pub fn behavior(&self) -> Behavior {
        let sync = seconds(self.sync_period);
        let period_seconds = if self.speed == 1 {
            sync
        } else {
            (sync - 1).max(1)
        };
        let policy = |kind, value| ScalingPolicy {
            kind,
            value,
            period_seconds,
        };
        let rules = |window, policies| {
            Some(ScalingRules {
                stabilization_window_seconds: Some(window),
                policies: Some(policies),
                ..ScalingRules::default()
            })
        };
        Behavior {
            scale_up: rules(
                0,
                vec![
                    policy(PolicyKind::Pods, 4),
                    policy(PolicyKind::Percent, 100),
                ],
            ),
            scale_down: rules(
                seconds(self.stabilization),
                vec![policy(PolicyKind::Percent, 100)],
            ),
        }
    }

    /// Divides a manifest's windows and periods.
    pub fn quicken(&self, behavior: &mut Behavior) {
        let speed = i32::try_from(self.speed).unwrap_or(1).max(1);
        let quick = |seconds: &mut i32| *seconds = (*seconds + speed - 1) / speed;
        for rules in [&mut behavior.scale_up, &mut behavior.scale_down]
            .into_iter()
            .flatten()
        {
            rules
                .stabilization_window_seconds
                .iter_mut()
                .for_each(quick);
            let policies = rules.policies.iter_mut().flatten();
            policies.for_each(|policy| quick(&mut policy.period_seconds));
        }
    }

    /// Idle load before the rise: two scrapes make a sample, a sync reads it, and it is observed.
    pub fn before(&self) -> Duration {
        self.metrics_resolution * 2 + self.sync_period + Duration::from_secs(1)
    }

    /// Full load: until every scale-up step was taken, plus two syncs in which nothing should change.
    pub fn high(&self, spec: &AutoscalerSpec) -> Duration {
        self.budget(spec, &self.controller()).up() + self.sync_period * 2
    }

    /// Idle load after the fall: until every scale-down step was taken and the last replica has drained.
    pub fn after(&self, spec: &AutoscalerSpec) -> Duration {
        let drain = self.pre_stop + self.drain_delay + Duration::from_secs(2);
        self.budget(spec, &self.controller()).down() + drain
    }

    fn budget<'a>(&self, spec: &'a AutoscalerSpec, controller: &'a ControllerConfig) -> Budget<'a> {
        Budget {
            spec,
            controller,
            resolution: self.metrics_resolution,
            pod_start: POD_START,
        }
    }
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use crate::spec::TargetRef;

    use super::*;

    fn spec(behavior: Behavior) -> AutoscalerSpec {
        AutoscalerSpec {
            scale_target_ref: TargetRef::deployment("fib-server"),
            min_replicas: Some(3),
            max_replicas: 10,
            metrics: Vec::new(),
            behavior: Some(behavior),
        }
    }

    fn whole(timescale: Timescale) -> Duration {
        let spec = spec(timescale.behavior());
        timescale.before() + timescale.high(&spec) + timescale.after(&spec)
    }

    #[test]
    fn the_load_of_the_demo_lasts_about_a_minute_and_that_of_the_short_one_less() {
        assert!(
            whole(Timescale::BRISK) <= Duration::from_secs(75),
            "{:?}",
            whole(Timescale::BRISK)
        );
        assert!(
            whole(Timescale::SHORT) <= Duration::from_mins(1),
            "{:?}",
            whole(Timescale::SHORT)
        );
    }

    #[test]
    fn at_real_speed_the_load_outlasts_the_five_minutes_of_stabilization() {
        let spec = spec(Timescale::REAL.behavior());
        assert!(Timescale::REAL.after(&spec) > Duration::from_mins(6));
    }

    #[test]
    fn a_slower_policy_makes_the_load_longer() {
        let mut slow = Timescale::BRISK.behavior();
        if let Some(rules) = &mut slow.scale_down {
            rules.policies = Some(vec![ScalingPolicy {
                kind: PolicyKind::Pods,
                value: 1,
                period_seconds: 5,
            }]);
        }
        let (quick, slow) = (spec(Timescale::BRISK.behavior()), spec(slow));
        let longer = Timescale::BRISK
            .after(&slow)
            .saturating_sub(Timescale::BRISK.after(&quick));
        assert!(longer >= Duration::from_secs(6 * 5), "{longer:?}");
    }

    #[test]
    fn a_manifests_seconds_are_divided_and_never_become_zero() {
        let mut behavior = Timescale::REAL.behavior();
        Timescale::BRISK.quicken(&mut behavior);
        let down = behavior.scale_down.unwrap();
        assert_eq!(down.stabilization_window_seconds, Some(60));
        assert_eq!(down.policies.unwrap()[0].period_seconds, 3);
        assert_eq!(
            behavior.scale_up.unwrap().stabilization_window_seconds,
            Some(0)
        );
    }
}
