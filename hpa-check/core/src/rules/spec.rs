//! What the autoscaler's spec says, against what is asserted.

use super::rule::{Find, Rule, Weight};
use super::run_only::run::RunView;
use crate::expectation::{AssertedMetric, ScaleDown};
use crate::findings::{Evidence, catalog};
use crate::spec::{ScalingRules, SelectPolicy};

pub(super) const RULES: &[Rule] = &[
    NO_CPU_METRIC,
    NO_SUCH_METRIC,
    BOUNDS_LEAVE_NO_ROOM,
    SPEC_BOUNDS_DIFFER,
    SPEC_TARGET_DIFFERS,
    SCALE_UP_DISABLED,
    SCALE_DOWN_DISABLED,
];

const NO_CPU_METRIC: Rule = Rule {
    finding: &catalog::NO_CPU_METRIC,
    weight: Weight::Blocker,
    find: Find::Run(|run| absent(run, AssertedMetric::is_cpu)),
};

const NO_SUCH_METRIC: Rule = Rule {
    finding: &catalog::NO_SUCH_METRIC,
    weight: Weight::Blocker,
    find: Find::Run(|run| absent(run, |asserted| !asserted.is_cpu())),
};

/// The first asserted metric, of those that `concerns` picks, that the spec does not have.
fn absent(run: &RunView<'_>, concerns: fn(&AssertedMetric) -> bool) -> Option<Evidence> {
    let metrics = &run.spec()?.metrics;
    let mut asserted = run.expectation.metrics.iter().filter(|a| concerns(a));
    let missing = asserted.find(|a| !metrics.iter().any(|m| a.names(m)))?;
    let container = missing.container.as_ref();
    let of = container.map_or_else(String::new, |name| format!(" of container {name}"));
    Some(Evidence::new(
        format!(
            "none of the spec's {} metrics is on {}{of}",
            metrics.len(),
            missing.name
        ),
        metrics
            .iter()
            .map(|m| format!("metric: {} {}", m.source.kind(), m.source.name())),
    ))
}

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
    find: Find::Run(|run| cpu_target_differs(run).or_else(|| asserted_target_differs(run))),
};

/// The CPU utilization target, unless the CPU metric is asserted by name, and so by its own target.
fn cpu_target_differs(run: &RunView<'_>) -> Option<Evidence> {
    let target = run.spec()?.cpu_target_percent()?;
    let want = run.expectation.cpu_target_percent;
    let by_name = run.expectation.metrics.iter().any(|a| a.is_cpu());
    (!by_name && target != want).then(|| {
        Evidence::new(
            format!("the CPU target is {target} %, not {want} %"),
            [format!("spec: averageUtilization {target}")],
        )
    })
}

fn asserted_target_differs(run: &RunView<'_>) -> Option<Evidence> {
    let metrics = &run.spec()?.metrics;
    run.expectation.metrics.iter().find_map(|asserted| {
        let mut named = metrics.iter().filter(|m| asserted.names(m)).peekable();
        named.peek()?;
        let targets: Vec<String> = named
            .clone()
            .map(|m| format!("target of {}: {}", m.source, m.target))
            .collect();
        let differs = !named.any(|m| asserted.accepts(m.target));
        differs.then(|| {
            Evidence::new(
                format!("{asserted} is asserted, and the spec has another target"),
                targets,
            )
        })
    })
}

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
