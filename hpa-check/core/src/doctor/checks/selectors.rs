//! Which pods the selector matches, and whose they are.

use super::super::facts::PodFacts;
use super::super::patient::Patient;
use super::quoted;
use crate::findings::Evidence;

pub(super) fn ambiguous(patient: &Patient<'_>) -> Option<Evidence> {
    let target = patient.reference();
    let same = patient.space.autoscalers.iter().find(|other| {
        let reference = &other.object.spec.scale_target_ref;
        other.name != patient.scaler.name
            && format!("{}/{}", reference.kind, reference.name) == target
    });
    if let Some(other) = same {
        return Some(Evidence::new(
            format!("the autoscaler {} scales {target} too", other.name),
            [format!(
                "autoscaler {}: scaleTargetRef {target}",
                other.name
            )],
        ));
    }
    if let Some((other, pod)) = patient.rivals.first() {
        let evidence = patient.rivals.iter();
        return Some(Evidence::new(
            format!(
                "the autoscalers {} and {other} both count pod {pod}, and the controller stops both",
                patient.scaler.name
            ),
            evidence.map(|(other, pod)| {
                format!("pod {pod}: matched by the selector of {other}'s target too")
            }),
        ));
    }
    match patient.refusal("ScalingActive") {
        Some((reason @ "AmbiguousSelector", message)) => Some(Evidence::new(
            "another autoscaler counts the same pods, and the controller stopped both",
            [quoted(reason, message)],
        )),
        _ => None,
    }
}

pub(super) fn invalid(patient: &Patient<'_>) -> Option<Evidence> {
    let message = "the target's scale subresource reports no usable selector";
    match patient.refusal("ScalingActive") {
        Some((reason @ ("InvalidSelector" | "SelectorRequired"), text)) => {
            Some(Evidence::new(message, [quoted(reason, text)]))
        }
        _ => patient.target()?.selector.is_empty().then(|| {
            let evidence = format!(
                "{}: status.selector of /scale is empty",
                patient.reference()
            );
            Evidence::new(message, [evidence])
        }),
    }
}

pub(super) fn completed(patient: &Patient<'_>) -> Option<Evidence> {
    if patient.gates().ignore_succeeded {
        return None;
    }
    let done = patient.pods.iter().filter(|p| p.pod.phase == "Succeeded");
    let names: Vec<String> = done
        .map(|p| format!("pod {}: status.phase Succeeded", p.pod.name))
        .collect();
    (!names.is_empty()).then(|| {
        let count = names.len();
        let version = patient.facts.kubernetes.as_deref().unwrap_or("?");
        Evidence::new(
            format!("{count} pods that have succeeded match the selector and damp all scaling (Kubernetes {version})"),
            names,
        )
    })
}

pub(super) fn foreign(patient: &Patient<'_>) -> Option<Evidence> {
    let foreign: Vec<(&PodFacts, String)> = patient
        .living()
        .filter_map(|p| Some((p, foreign_owner(patient, p)?)))
        .collect();
    let own = patient.living().count() - foreign.len();
    (!foreign.is_empty()).then(|| {
        let count = foreign.len();
        let selector = patient.target().map_or("", |t| &t.selector);
        Evidence::new(
            format!(
                "the selector {selector} matches {count} pods that do not belong to {}, beside {own} that do",
                patient.reference()
            ),
            foreign
                .iter()
                .map(|(p, owner)| format!("pod {}: owned by {owner}", p.pod.name)),
        )
    })
}

/// The owner of a pod, if it is not the target. A pod without an owner may be adopted yet.
fn foreign_owner(patient: &Patient<'_>, pod: &PodFacts) -> Option<String> {
    let target = patient.reference();
    let mut owner = pod.pod.owner.as_deref()?;
    // ReplicaSet → Rollout → …; longer chains than this are not known.
    for _ in 0..4 {
        if owner == target {
            return None;
        }
        match patient.space.owners.get(owner) {
            Some(next) => owner = next,
            None => break,
        }
    }
    // An owner whose own owner could not be read still tells by its name.
    let name = &patient.spec().scale_target_ref.name;
    let (kind, owner_name) = owner.split_once('/').unwrap_or(("", owner));
    let hidden = kind == "ReplicaSet" && patient.space.owners.is_empty();
    let rest = owner_name.strip_prefix(name.as_str());
    let named_after = hidden && rest.is_some_and(|r| r.starts_with('-'));
    (!named_after).then(|| owner.to_owned())
}
