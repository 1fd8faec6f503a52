//! What the autoscaler's spec says, against what is asserted.

use super::rule::{Find, Rule, Weight};
use super::run_only::run::RunView;
use crate::expectation::ScaleDown;
use crate::findings::{Evidence, catalog};
use crate::spec::{ScalingRules, SelectPolicy};

pub(super) const RULES: &[Rule] = &[
    NO_CPU_METRIC,
    BOUNDS_LEAVE_NO_ROOM,
    SPEC_BOUNDS_DIFFER,
    SPEC_TARGET_DIFFERS,
    SCALE_UP_DISABLED,
    SCALE_DOWN_DISABLED,
];

const NO_CPU_METRIC: Rule = Rule {
    finding: &catalog::NO_CPU_METRIC,
    weight: Weight::Blocker,
    find: Find::Run(|run| {
        let spec = run.spec()?;
        let names = spec
            .metrics
            .iter()
            .map(|m| format!("metric: {} {}", m.source.kind(), m.source.name()));
        spec.cpu_target_percent().is_none().then(|| {
            let count = spec.metrics.len();
            Evidence::new(
                format!("none of the spec's {count} metrics is a CPU utilization target"),
                names,
            )
        })
    }),
};

const BOUNDS_LEAVE_NO_ROOM: Rule = Rule {
    finding: &catalog::BOUNDS_LEAVE_NO_ROOM,
    weight: Weight::Blocker,
    find: Find::Run(|run| {
        let spec = run.spec()?;
        let (min, max) = (spec.effective_min(), spec.max_replicas);
        (min >= max).then(|| {
            Evidence::new(
                format!("the bounds are {min}..{max}, which leaves no room to scale"),
                [format!("spec: minReplicas {min}, maxReplicas {max}")],
            )
        })
    }),
};

const SPEC_BOUNDS_DIFFER: Rule = Rule {
    finding: &catalog::SPEC_BOUNDS_DIFFER,
    weight: Weight::Blocker,
    find: Find::Run(|run| {
        let spec = run.spec()?;
        let (min, max) = (spec.effective_min(), spec.max_replicas);
        let (want_min, want_max) = (run.expectation.min_replicas, run.expectation.max_replicas);
        ((min, max) != (want_min, want_max)).then(|| {
            Evidence::new(
                format!("the bounds are {min}..{max}, not {want_min}..{want_max}"),
                [format!("spec: minReplicas {min}, maxReplicas {max}")],
            )
        })
    }),
};

const SPEC_TARGET_DIFFERS: Rule = Rule {
    finding: &catalog::SPEC_TARGET_DIFFERS,
    weight: Weight::Blocker,
    find: Find::Run(|run| {
        let target = run.spec()?.cpu_target_percent()?;
        let want = run.expectation.cpu_target_percent;
        (target != want).then(|| {
            Evidence::new(
                format!("the CPU target is {target} %, not {want} %"),
                [format!("spec: averageUtilization {target}")],
            )
        })
    }),
};

const SCALE_UP_DISABLED: Rule = Rule {
    finding: &catalog::SCALE_UP_DISABLED,
    weight: Weight::Blocker,
    find: Find::Run(|run| {
        let rules = run.spec()?.behavior.as_ref()?.scale_up.as_ref()?;
        disabled(rules, "scaleUp")
    }),
};

const SCALE_DOWN_DISABLED: Rule = Rule {
    finding: &catalog::SCALE_DOWN_DISABLED,
    weight: Weight::Blocker,
    find: Find::Run(|run: &RunView<'_>| {
        if run.expectation.scale_down == ScaleDown::Skip {
            return None;
        }
        let rules = run.spec()?.behavior.as_ref()?.scale_down.as_ref()?;
        disabled(rules, "scaleDown")
    }),
};

fn disabled(rules: &ScalingRules, direction: &str) -> Option<Evidence> {
    (rules.select_policy == Some(SelectPolicy::Disabled)).then(|| {
        Evidence::new(
            format!("behavior.{direction} is switched off, so the replicas can't follow the load"),
            [format!("spec: behavior.{direction}.selectPolicy Disabled")],
        )
    })
}
