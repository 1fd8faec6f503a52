//! Other tools that scale the same target or resize its pods.

use super::look::SnapshotView;
use super::writers::{managed, others};
use crate::findings::{Evidence, catalog};
use crate::keda::ScaledObject;
use crate::rules::rule::{Rule, Weight};
use crate::snapshot::{FieldOwner, Vpa};
use crate::spec::MetricSpec;

pub(crate) const RULES: &[Rule] = &[
    Rule::snapshot(&catalog::ANOTHER_SCALER, Weight::Cause, another_scaler),
    Rule::snapshot(&catalog::VPA_CHANGES_REQUESTS, Weight::Cause, vpa),
    Rule::snapshot(&catalog::VPA_OBSERVES, Weight::Cause, vpa_observes),
];

/// Scalers that are known by their field manager's name. One that scales workloads to zero on a schedule is not among
/// them: at zero the autoscaler is off too.
const SCALERS: [&str; 2] = ["keda", "cluster-proportional-autoscaler"];

fn another_scaler(look: &SnapshotView<'_>) -> Option<Evidence> {
    let target = look.view().reference();
    let own = look.scaler.owner.as_deref();
    // A paused one scales nothing, and some people pause it to use their own autoscaler.
    let scales = |other: &&ScaledObject| {
        other.target == target && own != Some(other.to_string().as_str()) && !other.is_paused()
    };
    if let Some(other) = look.space.scaled_objects.iter().find(scales) {
        return Some(Evidence::new(
            format!("{other} also scales {target}"),
            [format!("{other}: scaleTargetRef {target}")],
        ));
    }
    // What it wrote before there was the autoscaler is history: a migration from the one to the other.
    let since = |o: &&FieldOwner| {
        look.scaler
            .created
            .is_none_or(|made| o.writer.at > Some(made))
    };
    let by_name =
        |o: &&FieldOwner| SCALERS.iter().any(|s| o.writer.manager.contains(s)) && since(o);
    let owner = others(look, look.workload()?).find(by_name)?;
    let manager = &owner.writer.manager;
    Some(Evidence::new(
        format!("{manager} also scales {target}"),
        [managed(&target, owner)],
    ))
}

/// A metric measured against requests, and a VPA of the same target that may change them.
fn measured<'v>(look: &'v SnapshotView<'_>, active: bool) -> Option<(&'v Vpa, &'v str)> {
    let target = look.view().reference();
    let spec = look.view().spec()?;
    let metrics = spec.metrics.iter().filter(|m| m.utilization().is_some());
    let mut measured = metrics.filter_map(MetricSpec::resource);
    measured.find_map(|(resource, container)| {
        let changes = |v: &&Vpa| {
            v.target == target && v.is_active() == active && v.controls(resource, container)
        };
        Some((look.space.vpas.iter().find(changes)?, resource))
    })
}

fn vpa(look: &SnapshotView<'_>) -> Option<Evidence> {
    let (vpa, resource) = measured(look, true)?;
    let target = look.view().reference();
    let (name, mode) = (&vpa.name, &vpa.mode);
    let view = look.view();
    let living = view.living();
    let requests = living.iter().filter_map(|p| view.request(p.pod));
    let mut requests: Vec<i64> = requests.collect();
    requests.sort_unstable();
    requests.dedup();
    let differ = (requests.len() > 1).then(|| {
        let list: Vec<String> = requests.iter().map(|r| format!("{r}m")).collect();
        format!("pods of one target: requests.cpu {}", list.join(", "))
    });
    Some(Evidence::new(
        format!(
            "VerticalPodAutoscaler {name} in mode {mode} changes the {resource} requests of the same pods"
        ),
        [format!(
            "VerticalPodAutoscaler {name}: targetRef {target}, updateMode {mode}, controls {resource}"
        )]
        .into_iter()
        .chain(differ),
    ))
}

fn vpa_observes(look: &SnapshotView<'_>) -> Option<Evidence> {
    let (vpa, resource) = measured(look, false)?;
    let (name, mode) = (&vpa.name, &vpa.mode);
    let target = look.view().reference();
    let what = match mode.as_str() {
        "Initial" => "sets the requests of new pods only",
        _ => "only recommends",
    };
    Some(Evidence::new(
        format!("VerticalPodAutoscaler {name} in mode {mode} {what}, including {resource}"),
        [format!(
            "VerticalPodAutoscaler {name}: targetRef {target}, updateMode {mode}, controls {resource}"
        )],
    ))
}
