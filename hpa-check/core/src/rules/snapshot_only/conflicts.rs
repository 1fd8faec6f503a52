//! Other tools that scale the same target, resize its pods, or will put its replicas back.

use super::look::SnapshotView;
use super::writers::{managed, others};
use crate::findings::{Evidence, catalog};
use crate::keda::ScaledObject;
use crate::rules::rule::{Rule, Weight};
use crate::snapshot::{FieldOwner, Vpa};

pub(crate) const RULES: &[Rule] = &[
    Rule::snapshot(&catalog::ANOTHER_SCALER, Weight::Cause, another_scaler),
    Rule::snapshot(&catalog::VPA_CHANGES_REQUESTS, Weight::Cause, vpa),
    Rule::snapshot(&catalog::REPLICAS_IN_MANIFEST, Weight::Cause, in_manifest),
];

/// Scalers that are known by the name they write under.
const SCALERS: [&str; 3] = ["keda", "cluster-proportional-autoscaler", "kube-downscaler"];

fn another_scaler(look: &SnapshotView<'_>) -> Option<Evidence> {
    let target = look.view().reference();
    let own = look.scaler.owner.as_deref();
    // One that is paused scales nothing, and some pause it for an autoscaler of their own.
    let scales = |other: &&ScaledObject| {
        other.target == target && own != Some(other.to_string().as_str()) && !other.is_paused()
    };
    if let Some(other) = look.space.scaled_objects.iter().find(scales) {
        return Some(Evidence::new(
            format!("{other} scales {target} too"),
            [format!("{other}: scaleTargetRef {target}")],
        ));
    }
    let by_name = |o: &&FieldOwner| SCALERS.iter().any(|s| o.writer.manager.contains(s));
    let owner = others(look, look.workload()?).find(by_name)?;
    let manager = &owner.writer.manager;
    Some(Evidence::new(
        format!("{manager} scales {target} too"),
        [managed(&target, owner)],
    ))
}

fn in_manifest(look: &SnapshotView<'_>) -> Option<Evidence> {
    let workload = look.workload()?;
    let target = look.view().reference();
    let applier = others(look, workload).find(|o| o.applies);
    let stored = workload.replicas_in_manifest.then(|| {
        format!("{target}: annotation kubectl.kubernetes.io/last-applied-configuration has spec.replicas")
    });
    let evidence: Vec<String> = applier
        .map(|o| managed(&target, o))
        .into_iter()
        .chain(stored)
        .collect();
    let who = applier.map_or("kubectl apply", |o| o.writer.manager.as_str());
    (!evidence.is_empty()).then(|| {
        let message =
            format!("{who} applies a manifest that sets replicas, so each apply moves the target");
        Evidence::new(message, evidence)
    })
}

fn vpa(look: &SnapshotView<'_>) -> Option<Evidence> {
    look.view().cpu()?;
    let target = look.view().reference();
    let resizes = |v: &&Vpa| v.target == target && v.controls_cpu && v.mode != "Off";
    let vpa = look.space.vpas.iter().find(resizes)?;
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
            "VerticalPodAutoscaler {name} in mode {mode} changes the CPU requests of the same pods"
        ),
        [format!(
            "VerticalPodAutoscaler {name}: targetRef {target}, updateMode {mode}, controls cpu"
        )]
        .into_iter()
        .chain(differ),
    ))
}
