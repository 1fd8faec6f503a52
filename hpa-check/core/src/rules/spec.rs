//! What the autoscaler's spec says, against what is asserted.

use super::{Case, Found, Rule, Weight};
use crate::expectation::ScaleDown;
use crate::findings::Finding;
use crate::spec::{ScalingRules, SelectPolicy};
use crate::verdict::Outcome;

pub(super) const NO_CPU_METRIC: Rule = Rule {
    finding: Finding {
        id: "no-cpu-metric",
        outcome: Outcome::Wrong,
        meaning: "The autoscaler's spec has no CPU utilization target.",
        fix: "Add a metric of type Resource, name cpu, with a target of type Utilization.",
    },
    weight: Weight::Blocker,
    find: |case| {
        let spec = case.spec()?;
        let names = spec
            .metrics
            .iter()
            .map(|m| format!("metric: {} {}", m.source.kind(), m.source.name()));
        spec.cpu_target_percent().is_none().then(|| {
            let count = spec.metrics.len();
            Found::new(
                format!("none of the spec's {count} metrics is a CPU utilization target"),
                names,
            )
        })
    },
};

pub(super) const BOUNDS_LEAVE_NO_ROOM: Rule = Rule {
    finding: Finding {
        id: "bounds-leave-no-room",
        outcome: Outcome::Wrong,
        meaning: "The spec's bounds are equal, so nothing can ever scale.",
        fix: "Set maxReplicas above minReplicas.",
    },
    weight: Weight::Blocker,
    find: |case| {
        let spec = case.spec()?;
        let (min, max) = (spec.effective_min(), spec.max_replicas);
        (min >= max).then(|| {
            Found::new(
                format!("the bounds are {min}..{max}, which leaves no room to scale"),
                [format!("spec: minReplicas {min}, maxReplicas {max}")],
            )
        })
    },
};

pub(super) const BOUNDS_DIFFER: Rule = Rule {
    finding: Finding {
        id: "spec-bounds-differ",
        outcome: Outcome::Wrong,
        meaning: "The spec's bounds are not the asserted ones.",
        fix: "Set minReplicas and maxReplicas as asserted, or assert what is meant.",
    },
    weight: Weight::Blocker,
    find: |case| {
        let spec = case.spec()?;
        let (min, max) = (spec.effective_min(), spec.max_replicas);
        let (want_min, want_max) = (case.expectation.min_replicas, case.expectation.max_replicas);
        ((min, max) != (want_min, want_max)).then(|| {
            Found::new(
                format!("the bounds are {min}..{max}, not {want_min}..{want_max}"),
                [format!("spec: minReplicas {min}, maxReplicas {max}")],
            )
        })
    },
};

pub(super) const TARGET_DIFFERS: Rule = Rule {
    finding: Finding {
        id: "spec-target-differs",
        outcome: Outcome::Wrong,
        meaning: "The spec's CPU target is not the asserted one.",
        fix: "Set averageUtilization as asserted, or assert what is meant.",
    },
    weight: Weight::Blocker,
    find: |case| {
        let target = case.spec()?.cpu_target_percent()?;
        let want = case.expectation.cpu_target_percent;
        (target != want).then(|| {
            Found::new(
                format!("the CPU target is {target} %, not {want} %"),
                [format!("spec: averageUtilization {target}")],
            )
        })
    },
};

pub(super) const SCALE_UP_DISABLED: Rule = Rule {
    finding: Finding {
        id: "scale-up-disabled",
        outcome: Outcome::Wrong,
        meaning: "The spec's behavior forbids every step up.",
        fix: "Remove `selectPolicy: Disabled` from behavior.scaleUp.",
    },
    weight: Weight::Blocker,
    find: |case| {
        let rules = case.spec()?.behavior.as_ref()?.scale_up.as_ref()?;
        disabled(rules, "scaleUp")
    },
};

pub(super) const SCALE_DOWN_DISABLED: Rule = Rule {
    finding: Finding {
        id: "scale-down-disabled",
        outcome: Outcome::Wrong,
        meaning: "The spec's behavior forbids every step down.",
        fix: "Remove `selectPolicy: Disabled` from behavior.scaleDown, or run with --scale-down skip.",
    },
    weight: Weight::Blocker,
    find: |case: &Case<'_>| {
        if case.expectation.scale_down == ScaleDown::Skip {
            return None;
        }
        let rules = case.spec()?.behavior.as_ref()?.scale_down.as_ref()?;
        disabled(rules, "scaleDown")
    },
};

fn disabled(rules: &ScalingRules, direction: &str) -> Option<Found> {
    (rules.select_policy == Some(SelectPolicy::Disabled)).then(|| {
        Found::new(
            format!("behavior.{direction} is switched off, so the replicas can't follow the load"),
            [format!("spec: behavior.{direction}.selectPolicy Disabled")],
        )
    })
}
