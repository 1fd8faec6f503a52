//! Differences between controller versions, and the feature gates.

use crate::spec::AutoscalerSpec;

/// The switches of one controller. The default is the newest known version: master after 1.37.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent switch of the controller"
)]
pub struct VersionGates {
    /// A pod whose sample lacks the container of a `ContainerResource` metric counts as missing, from 1.33
    /// (`getContainerMetrics` no longer returns an error); before, one such pod failed the metric.
    pub every_pod_reports_container: bool,
    /// A ratio is compared with the ends of the tolerance band (`Tolerances.isWithin`), from 1.33, with
    /// KEP-4951; before, its distance from 1 was compared with the tolerance.
    pub tolerance_band: bool,
    /// Pod-level requests and the overhead count (`calculateRequests`), from 1.34 with KEP-2837: gate
    /// `PodLevelResources`, on from 1.34.
    pub pod_level_requests: bool,
    /// A write of the target's scale that conflicts is retried (`retry.RetryOnConflict`), from 1.34.
    pub retries_conflicts: bool,
    /// The average of an external metric is capped if it overflows 64 bits, and its replicas if they overflow
    /// 32 (`GetExternalPerPodMetricReplicas`), from 1.34.
    pub caps_averages: bool,
    /// The same of totals of object and external metrics (`getUsageRatioReplicaCount`), from 1.35.
    pub caps_totals: bool,
    /// `behavior.*.tolerance` is honored: gate `HPAConfigurableTolerance` of KEP-4951, on from 1.35.
    pub configurable_tolerance: bool,
    /// A pod without the container that a metric names is an error
    /// (`calculatePodRequestsFromContainers`), from 1.35; before, its request was zero.
    pub container_must_exist: bool,
    /// A target at zero replicas is left alone unless the condition `ScaledToZero` is present
    /// (`shouldComputeMetricsForZeroReplicas`, KEP-2021), from 1.36; before, unless `minReplicas` is zero.
    pub remembers_zero: bool,
    /// A target that the autoscaler scaled to zero is scaled up again: gate `HPAScaleToZero` of KEP-2021, on
    /// from 1.37. Each rescale then sets the `ScaledToZero` condition.
    pub scale_to_zero: bool,
    /// The error of an object metric names the object before the cause, from 1.37.
    pub names_object_first: bool,
    /// Succeeded pods are ignored like failed ones, after 1.37 (#141302); before, they counted as missing.
    pub ignore_succeeded: bool,
}

impl Default for VersionGates {
    fn default() -> Self {
        Self::of_minor(u32::MAX)
    }
}

impl VersionGates {
    /// The switches of a Kubernetes version such as `1.34`; an unknown or unreadable one gets the newest.
    pub fn of_version<'a>(version: impl Into<Option<&'a str>>) -> Self {
        let minor = version.into().and_then(|v| v.split('.').nth(1));
        let minor = minor.and_then(|minor| {
            let end = minor
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(minor.len());
            minor[..end].parse().ok()
        });
        Self::of_minor(minor.unwrap_or(u32::MAX))
    }

    fn of_minor(minor: u32) -> Self {
        Self {
            every_pod_reports_container: minor < 33,
            tolerance_band: minor >= 33,
            pod_level_requests: minor >= 34,
            retries_conflicts: minor >= 34,
            caps_averages: minor >= 34,
            caps_totals: minor >= 35,
            configurable_tolerance: minor >= 35,
            container_must_exist: minor >= 35,
            remembers_zero: minor >= 36,
            scale_to_zero: minor >= 37,
            names_object_first: minor >= 37,
            ignore_succeeded: minor >= 38,
        }
    }

    /// The switches with feature gates applied; `None` means that the gate is not set.
    #[must_use]
    pub fn with_gates(
        self,
        configurable_tolerance: Option<bool>,
        scale_to_zero: Option<bool>,
    ) -> Self {
        // From 1.37 on, tolerances can't be disabled. If they are, the version is one in which scale-to-zero is
        // off by default.
        let default = self.scale_to_zero && configurable_tolerance != Some(false);
        Self {
            configurable_tolerance: configurable_tolerance.unwrap_or(self.configurable_tolerance),
            scale_to_zero: scale_to_zero.unwrap_or(default),
            ..self
        }
    }

    /// With the gates that a stored spec shows to be on: while they are off, the API server drops a tolerance and refuses a
    /// minimum of zero.
    #[must_use]
    pub fn shown_by(self, spec: &AutoscalerSpec) -> Self {
        let behavior = spec.behavior.iter();
        let mut rules = behavior.flat_map(|b| b.scale_up.iter().chain(&b.scale_down));
        let tolerant = rules.any(|rules| rules.tolerance.is_some());
        let to_zero = self.remembers_zero && spec.min_replicas == Some(0);
        Self {
            configurable_tolerance: self.configurable_tolerance || tolerant,
            scale_to_zero: self.scale_to_zero || to_zero,
            ..self
        }
    }

    /// The same with the gate `PodLevelResources`, which exists from 1.34 on.
    #[must_use]
    pub fn with_pod_level_resources(self, on: Option<bool>) -> Self {
        Self {
            pod_level_requests: self.pod_level_requests && on.unwrap_or(true),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Behavior, ScalingRules, TargetRef};

    #[test]
    fn a_version_is_parsed_in_every_notation_that_servers_use() {
        for text in ["1.36", "v1.36", "v1.36.3", "1.36+", "1.36.0-rc.1"] {
            assert_eq!(
                VersionGates::of_version(text),
                VersionGates::of_minor(36),
                "{text}"
            );
        }
        for text in ["", "newest", "1.", "1.x"] {
            assert_eq!(
                VersionGates::of_version(text),
                VersionGates::default(),
                "{text}"
            );
        }
    }

    #[test]
    fn each_switch_is_on_from_its_version() {
        let from = |rule: fn(VersionGates) -> bool| {
            (30..40).find(|minor| rule(VersionGates::of_minor(*minor)))
        };
        assert_eq!(from(|r| !r.every_pod_reports_container), Some(33));
        assert_eq!(from(|r| r.tolerance_band), Some(33));
        assert_eq!(from(|r| r.pod_level_requests), Some(34));
        assert_eq!(from(|r| r.retries_conflicts), Some(34));
        assert_eq!(from(|r| r.caps_averages), Some(34));
        assert_eq!(from(|r| r.caps_totals), Some(35));
        assert_eq!(from(|r| r.names_object_first), Some(37));
        assert_eq!(from(|r| r.configurable_tolerance), Some(35));
        assert_eq!(from(|r| r.container_must_exist), Some(35));
        assert_eq!(from(|r| r.remembers_zero), Some(36));
        assert_eq!(from(|r| r.scale_to_zero), Some(37));
        assert_eq!(from(|r| r.ignore_succeeded), Some(38));
    }

    #[test]
    fn a_stored_spec_shows_which_gates_are_on() {
        let mut spec = AutoscalerSpec {
            scale_target_ref: TargetRef::default(),
            min_replicas: Some(1),
            max_replicas: 3,
            metrics: Vec::new(),
            behavior: None,
        };
        let old = VersionGates::of_minor(33);
        assert_eq!(old.shown_by(&spec), old);
        spec.behavior = Some(Behavior {
            scale_up: None,
            scale_down: Some(ScalingRules {
                tolerance: Some(0.0),
                ..ScalingRules::default()
            }),
        });
        assert!(old.shown_by(&spec).configurable_tolerance);
        spec.min_replicas = Some(0);
        assert!(!old.shown_by(&spec).scale_to_zero);
        assert!(VersionGates::of_minor(36).shown_by(&spec).scale_to_zero);
    }

    #[test]
    fn a_set_gate_overrides_the_version() {
        let newest = VersionGates::default();
        assert!(!newest.with_gates(None, Some(false)).scale_to_zero);
        assert!(newest.with_gates(Some(true), None).scale_to_zero);
        assert!(!newest.with_gates(Some(false), None).scale_to_zero);
        assert!(
            VersionGates::of_minor(34)
                .with_gates(Some(true), None)
                .configurable_tolerance
        );
    }
}
