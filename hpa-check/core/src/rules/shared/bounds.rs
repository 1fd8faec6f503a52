//! Checks the autoscaler's spec, by itself and against the assertions.

use crate::expectation::AssertedMetric;
use crate::findings::{Evidence, catalog};
use crate::keda::ScaledObject;
use crate::rules::rule::{Rule, Weight};
use crate::rules::view::View;
use crate::spec::{MetricSpec, ScalingRules, SelectPolicy};

pub(crate) const RULES: &[Rule] = &[
    Rule::shared(&catalog::NO_CPU_METRIC, Weight::Blocker, no_cpu_metric),
    Rule::shared(&catalog::BOUNDS_LEAVE_NO_ROOM, Weight::Blocker, no_room),
    Rule::shared(&catalog::SPEC_BOUNDS_DIFFER, Weight::Blocker, differ),
    Rule::shared(
        &catalog::SPEC_TARGET_DIFFERS,
        Weight::Blocker,
        target_differs,
    ),
    Rule::shared(&catalog::SCALE_UP_DISABLED, Weight::Blocker, up_disabled),
    Rule::shared(
        &catalog::SCALE_DOWN_DISABLED,
        Weight::Blocker,
        down_disabled,
    ),
];

fn bounds(view: &dyn View) -> Option<(i32, i32)> {
    let spec = view.spec()?;
    Some((spec.effective_min(), spec.max_replicas))
}

/// A fault only if CPU is asserted by name; otherwise other metrics are fine.
fn no_cpu_metric(view: &dyn View) -> Option<Evidence> {
    let asserted = view.asserted();
    if asserted.metrics.iter().any(AssertedMetric::is_cpu) {
        return absent(view, AssertedMetric::is_cpu);
    }
    let metrics = &view.spec()?.metrics;
    (asserted.has_cpu && view.cpu().is_none()).then(|| {
        let count = metrics.len();
        Evidence::new(
            format!("none of the spec's {count} metrics is a CPU utilization target"),
            listed(metrics),
        )
    })
}

/// The first asserted metric, among those that `concerns` selects, that the spec lacks.
pub(crate) fn absent(view: &dyn View, concerns: fn(&AssertedMetric) -> bool) -> Option<Evidence> {
    let metrics = &view.spec()?.metrics;
    let asserted = view.asserted().metrics;
    let mut asserted = asserted.iter().filter(|a| concerns(a));
    let missing = asserted.find(|a| !metrics.iter().any(|m| a.names(m)))?;
    let container = missing.container.as_ref();
    let of = container.map_or_else(String::new, |name| format!(" of container {name}"));
    Some(Evidence::new(
        format!(
            "none of the spec's {} metrics is on {}{of}",
            metrics.len(),
            missing.name
        ),
        listed(metrics),
    ))
}

fn listed(metrics: &[MetricSpec]) -> impl Iterator<Item = String> {
    metrics
        .iter()
        .map(|m| format!("metric: {} {}", m.source.kind(), m.source.name()))
}

/// The asserted bounds, and the spec's own where none are asserted.
fn wanted(view: &dyn View) -> Option<(i32, i32)> {
    let ((min, max), asserted) = (bounds(view)?, view.asserted());
    Some((
        asserted.min_replicas.unwrap_or(min),
        asserted.max_replicas.unwrap_or(max),
    ))
}

/// Equal bounds, unless KEDA scales from zero and back within them.
fn equal_bounds(view: &dyn View) -> Option<i32> {
    let (min, max) = bounds(view)?;
    let idles = view.scaled_object().is_some_and(ScaledObject::idles);
    (min >= max && !idles).then_some(max)
}

/// Many pin the replicas on purpose, so equal bounds are a fault only if other bounds are asserted.
fn no_room(view: &dyn View) -> Option<Evidence> {
    let replicas = equal_bounds(view)?;
    let (min, max) = wanted(view).filter(|(min, max)| min < max)?;
    Some(Evidence::new(
        format!(
            "the bounds are {replicas}..{replicas}, which leaves no room to scale {min}..{max}"
        ),
        [written(view)?],
    ))
}

/// The same where nobody asserts that there is room.
pub(crate) fn pinned(view: &dyn View) -> Option<Evidence> {
    let replicas = equal_bounds(view)?;
    let (min, max) = wanted(view)?;
    let quote = written(view)?;
    (min >= max).then(|| {
        Evidence::new(
            format!("the bounds pin the replicas at {replicas}"),
            [quote],
        )
    })
}

/// The spec's bounds, as a quote.
fn written(view: &dyn View) -> Option<String> {
    let (min, max) = bounds(view)?;
    Some(format!("spec: minReplicas {min}, maxReplicas {max}"))
}

fn differ(view: &dyn View) -> Option<Evidence> {
    let (min, max) = bounds(view)?;
    let (want_min, want_max) = wanted(view)?;
    let quote = written(view)?;
    ((min, max) != (want_min, want_max)).then(|| {
        Evidence::new(
            format!("the bounds are {min}..{max}, not {want_min}..{want_max}"),
            [quote],
        )
    })
}

fn target_differs(view: &dyn View) -> Option<Evidence> {
    let cpu = || {
        let target = view.target_percent()?;
        let want = view.asserted().cpu_target_percent.map(i64::from)?;
        (target != want).then(|| {
            Evidence::new(
                format!("the CPU target is {target} %, not {want} %"),
                [format!("spec: averageUtilization {target}")],
            )
        })
    };
    cpu().or_else(|| named_target_differs(view))
}

/// The same for metrics that are asserted by name.
fn named_target_differs(view: &dyn View) -> Option<Evidence> {
    let metrics = &view.spec()?.metrics;
    view.asserted().metrics.iter().find_map(|asserted| {
        let named: Vec<&MetricSpec> = metrics.iter().filter(|m| asserted.names(m)).collect();
        let differs = !named.is_empty() && !named.iter().any(|m| asserted.accepts(m.target));
        differs.then(|| {
            Evidence::new(
                format!("{asserted} is asserted, but the spec has another target"),
                named
                    .iter()
                    .map(|m| format!("target of {}: {}", m.source, m.target)),
            )
        })
    })
}

/// KEDA writes `selectPolicy: Disabled` to pause one direction.
fn up_disabled(view: &dyn View) -> Option<Evidence> {
    if view.pause().is_some() {
        return None;
    }
    let behavior = view.spec()?.behavior.as_ref()?;
    disabled(behavior.scale_up.as_ref()?, "scaleUp")
}

/// It may be on purpose, so it is a fault only if a scale-down is asserted.
fn down_disabled(view: &dyn View) -> Option<Evidence> {
    if view.pause().is_some() {
        return None;
    }
    let behavior = view.spec()?.behavior.as_ref()?;
    let rules = behavior.scale_down.as_ref()?;
    view.asserted()
        .scale_down
        .then(|| disabled(rules, "scaleDown"))?
}

fn disabled(rules: &ScalingRules, direction: &str) -> Option<Evidence> {
    (rules.select_policy == Some(SelectPolicy::Disabled)).then(|| {
        Evidence::new(
            format!("behavior.{direction} is disabled, so the replicas can't follow the load"),
            [format!("spec: behavior.{direction}.selectPolicy Disabled")],
        )
    })
}
