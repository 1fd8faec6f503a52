//! Which pods the selector matches, and who owns them.

use crate::findings::{Evidence, catalog};
use crate::rules::rule::{Rule, Weight};
use crate::rules::view::{PodView, View, quoted};

pub(crate) const RULES: &[Rule] = &[
    Rule::shared(&catalog::AMBIGUOUS_SELECTOR, Weight::Blocker, ambiguous),
    Rule::shared(&catalog::INVALID_SELECTOR, Weight::Blocker, invalid),
    Rule::shared(&catalog::COMPLETED_PODS_COUNTED, Weight::Blocker, completed),
    Rule::shared(&catalog::SELECTOR_MATCHES_OTHERS, Weight::Blocker, foreign),
];

fn ambiguous(view: &dyn View) -> Option<Evidence> {
    if let Some(other) = view.other_autoscaler() {
        let target = view.reference();
        return Some(Evidence::new(
            format!("autoscaler {other} also scales {target}"),
            [format!("autoscaler {other}: scaleTargetRef {target}")],
        ));
    }
    let shared = view.shared_pods();
    if let Some((other, pod)) = shared.first() {
        return Some(Evidence::new(
            format!("autoscaler {other} also counts pod {pod}, so the controller stops both"),
            shared.iter().map(|(other, pod)| {
                format!("pod {pod}: also matched by the selector of {other}'s target")
            }),
        ));
    }
    match view.standing_refusal("ScalingActive") {
        Some((reason @ "AmbiguousSelector", message)) => Some(Evidence::new(
            "another autoscaler counts the same pods, so the controller stopped both",
            [quoted(reason, message)],
        )),
        _ => None,
    }
}

fn invalid(view: &dyn View) -> Option<Evidence> {
    let message = "the target's scale subresource reports no usable selector";
    if let Some((reason @ ("InvalidSelector" | "SelectorRequired"), text)) =
        view.standing_refusal("ScalingActive")
    {
        return Some(Evidence::new(message, [quoted(reason, text)]));
    }
    // An operator writes the selector a moment after the object was created.
    let syncs = view.controller().sync_period * 2;
    let since = view.target_since();
    let lasts = since.is_none() || view.longer(since, syncs);
    (view.target()?.selector.is_empty() && lasts).then(|| {
        let quote = format!("{}: status.selector of /scale is empty", view.reference());
        Evidence::new(message, [quote])
    })
}

fn completed(view: &dyn View) -> Option<Evidence> {
    // If no metric averages over pods, a pod without a value does no harm.
    if view.gates().ignore_succeeded || !view.averages_pods() {
        return None;
    }
    let pods = view.pods()?.into_iter();
    // A pod that terminates cleanly is briefly `Succeeded`; the controller ignores terminating pods.
    let done = pods.filter(|p| p.pod.phase == "Succeeded" && !p.pod.deleting);
    let done: Vec<PodView<'_>> = done.collect();
    let of_jobs = done.iter().any(|p| foreign_owner(view, p).is_some());
    (!done.is_empty()).then(|| {
        let count = done.len();
        Evidence::new(
            format!(
                "{count} pods that have succeeded match the selector, and this version of Kubernetes \
                 counts them as pods without metrics"
            ),
            done.iter()
                .map(|p| format!("pod {}: status.phase Succeeded", p.name())),
        )
        .advising((!of_jobs).then(|| LEFTOVERS.to_owned()))
    })
}

/// Advice about the target's own completed pods: its pods never complete by themselves.
const LEFTOVERS: &str = "Delete them, as in `kubectl delete pod --field-selector=status.phase=Succeeded`: a node that shut down or evicted them left them behind.";

fn foreign(view: &dyn View) -> Option<Evidence> {
    if !view.counts_pods() {
        return None;
    }
    let living = view.living();
    let foreign: Vec<(&PodView<'_>, &str)> = living
        .iter()
        .filter_map(|p| Some((p, foreign_owner(view, p)?)))
        .collect();
    let own = living.len() - foreign.len();
    // An operator may name what it makes in its own way. Only where the target has pods that are known for its own are
    // the others known for strangers.
    let known = own > 0 || view.spec()?.scale_target_ref.group() == "apps";
    (!foreign.is_empty() && known).then(|| {
        let count = foreign.len();
        let selector = view.target().map_or("", |t| &t.selector);
        Evidence::new(
            format!(
                "the selector {selector} matches {count} pods that do not belong to {}, besides {own} that do",
                view.reference()
            ),
            foreign
                .iter()
                .map(|(p, owner)| format!("pod {}: owned by {owner}", p.name())),
        )
    })
}

/// The owner of a pod, if it is not the scale target. A pod without an owner may still be adopted.
fn foreign_owner<'a>(view: &'a dyn View, pod: &PodView<'a>) -> Option<&'a str> {
    let reference = &view.spec()?.scale_target_ref;
    let target = view.reference();
    let mut owner = pod.pod.owner.as_deref()?;
    // For example pod → ReplicaSet → Rollout → its owner; longer chains are unknown.
    for _ in 0..4 {
        if owner == target {
            return None;
        }
        match view.owners().and_then(|owners| owners.get(owner)) {
            Some(next) => owner = next,
            None => break,
        }
    }
    // If an owner's own owner was not read, its name still helps: it may be newer than what was read.
    let (kind, name) = owner.split_once('/').unwrap_or(("", owner));
    let rest = name.strip_prefix(reference.name.as_str());
    let named_after = rest.is_some_and(|r| r.is_empty() || r.starts_with('-'));
    let mentions = name.contains(reference.name.as_str());
    let foreign = match (reference.group(), reference.kind.as_str()) {
        ("apps", "Deployment") => kind != "ReplicaSet" || !named_after,
        ("apps", "StatefulSet" | "ReplicaSet") => true,
        // Operators create objects for their own kinds in unknown ways; a workload created by someone else is
        // known.
        _ => WORKLOADS.contains(&kind) && !mentions,
    };
    foreign.then_some(owner)
}

/// Kinds that own pods without being owned themselves, unless by an operator.
const WORKLOADS: [&str; 6] = [
    "Deployment",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
    "DaemonSet",
    "Job",
];
