//! The checks, ranked: what explains the rest comes first, a note last.

mod bounds;
mod load;
mod metrics;
mod notes;
mod pods;
mod requests;
mod rivals;
mod rollout;
mod room;
mod selectors;
mod target;

use super::patient::Patient;
use crate::findings::Evidence;

/// When a check is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// Always.
    Cause,
    /// If nothing was found that would explain it.
    Symptom,
}

/// One check.
pub(super) struct Check {
    /// The finding's name.
    pub(super) id: &'static str,
    /// When it is asked.
    pub(super) weight: Weight,
    /// The judgement.
    pub(super) find: fn(&Patient<'_>) -> Option<Evidence>,
}

const fn cause(id: &'static str, find: fn(&Patient<'_>) -> Option<Evidence>) -> Check {
    Check {
        id,
        weight: Weight::Cause,
        find,
    }
}

const fn symptom(id: &'static str, find: fn(&Patient<'_>) -> Option<Evidence>) -> Check {
    Check {
        id,
        weight: Weight::Symptom,
        find,
    }
}

/// All checks, the weightiest first.
pub(super) const CHECKS: &[Check] = &[
    cause("target-api-version", target::api_version),
    cause("target-not-found", target::not_found),
    cause("target-not-scalable", target::not_scalable),
    cause("scaling-disabled", target::disabled),
    cause("no-cpu-metric", bounds::no_cpu_metric),
    cause(
        "injected-container-without-request",
        requests::injected_without,
    ),
    cause("missing-cpu-request", requests::missing),
    cause("bounds-leave-no-room", bounds::no_room),
    cause("spec-bounds-differ", bounds::differ),
    cause("spec-target-differs", bounds::target_differs),
    cause("scale-up-disabled", bounds::up_disabled),
    cause("scale-down-disabled", bounds::down_disabled),
    cause("limit-caps-utilization", requests::limit_caps),
    cause("another-scaler", rivals::another_scaler),
    cause("ambiguous-selector", selectors::ambiguous),
    cause("invalid-selector", selectors::invalid),
    cause("completed-pods-counted", selectors::completed),
    cause("selector-matches-others", selectors::foreign),
    cause("no-metrics-api", metrics::no_api),
    cause("rescale-failed", target::rescale_failed),
    cause("quota-exceeded", room::quota),
    cause("pods-refused", room::refused),
    cause("capacity-too-small", room::capacity),
    cause("replicas-moved-by-another", rivals::moved),
    cause("vpa-changes-requests", rivals::vertical),
    cause("image-missing", pods::image),
    cause("unschedulable", pods::unschedulable),
    cause("pods-crash", pods::crash),
    cause("readiness-fails-under-load", pods::fail_under_load),
    cause("unready-pods-hold-scaling", pods::hold_scaling),
    cause("every-pod-unready", pods::none_counts),
    cause("pods-not-ready", pods::not_ready),
    cause("rollout-stuck", rollout::stuck),
    cause("metrics-api-unavailable", metrics::unavailable),
    cause("metrics-incomplete", metrics::incomplete),
    cause("metrics-stale", metrics::stale),
    symptom("metric-failed", metrics::failed),
    cause("load-not-spread", load::not_spread),
    cause("sidecar-dilutes-utilization", requests::diluted),
    cause("startup-counts-as-load", load::startup),
    cause("left-bounds", bounds::left),
    cause("flapping", load::flapping),
    cause("replicas-in-manifest", rivals::in_manifest),
    cause("pdb-blocks-drains", rollout::blocks_drains),
    symptom("no-syncs-seen", target::never_synced),
    symptom("metrics-not-yet", metrics::not_yet),
    cause("at-the-maximum", notes::at_maximum),
    cause("scale-down-held", notes::held),
    cause("rollout-in-progress", rollout::in_progress),
    symptom("just-scaled", notes::just_scaled),
    cause("metrics-coarse", metrics::coarse),
];

/// A condition, quoted.
fn quoted(reason: &str, message: &str) -> String {
    format!("condition {reason}: {message}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::catalog;

    #[test]
    fn every_check_has_a_finding() {
        let known = |id: &str| catalog::ALL.iter().any(|f| f.id == id);
        assert!(CHECKS.iter().all(|c| known(c.id)));
    }
}
