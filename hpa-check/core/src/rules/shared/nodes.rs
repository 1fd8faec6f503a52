//! Pods that wait for a node or lose theirs, from events of the scheduler and of node autoscalers.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::failing::failing;
use crate::findings::{Evidence, catalog};
use crate::model::{after, before};
use crate::rules::rule::{Rule, Weight};
use crate::rules::view::{EventView, PodView, View};

pub(crate) const RULES: &[Rule] = &[
    Rule::shared(&catalog::NODES_UNKNOWN, Weight::Cause, unknown),
    Rule::shared(&catalog::PODS_EVICTED, Weight::Cause, evicted),
];

/// A node that has not arrived by then never will: cluster-autoscaler's `--max-node-provision-time` and
/// Karpenter's registration timeout are both 15 minutes.
pub(super) const PROVISION: Duration = Duration::from_mins(15);

/// Three scans of cluster-autoscaler (`--scan-interval`); Karpenter's batches are shorter.
const SCANS: Duration = Duration::from_secs(30);

/// Pods that replace evicted ones should be ready within this time.
const BEFORE: Duration = Duration::from_mins(2);

/// cluster-autoscaler's reasons for a pod that it adds a node for, and for one that it can't help
/// (`processors/status/eventing_scale_up_processor.go`).
const TRIGGERED: &str = "TriggeredScaleUp";
const NOT_TRIGGERED: &str = "NotTriggerScaleUp";
const FAILED: &str = "FailedScaleUp";

/// Karpenter's reasons for the same (`pkg/controllers/provisioning/scheduling/events.go`).
const NOMINATED: &str = "Nominated";
const FAILED_SCHEDULING: &str = "FailedScheduling";
const BY_KARPENTER: &str = "Failed to schedule pod";

/// Event reasons for pods that are removed from their nodes.
const LOST: [&str; 5] = [
    "Preempted",
    "Evicted",
    "EvictedByVPA",
    "TaintManagerEviction",
    "ScaleDown",
];

fn is_refusal(event: &EventView<'_>) -> bool {
    match event.reason {
        NOT_TRIGGERED | FAILED => true,
        FAILED_SCHEDULING => event.message.starts_with(BY_KARPENTER),
        _ => false,
    }
}

fn about(event: &EventView<'_>, pod: &str) -> bool {
    event.about.strip_prefix("Pod/") == Some(pod)
}

/// The events that say what a node autoscaler did about an unschedulable pod.
pub(crate) fn tried<'e, 'a>(
    events: &'e [EventView<'a>],
    pod: &'e str,
) -> impl Iterator<Item = &'e EventView<'a>> {
    events.iter().filter(move |event| {
        about(event, pod) && (is_refusal(event) || [TRIGGERED, NOMINATED].contains(&event.reason))
    })
}

/// The event showing that a node is being provisioned for a pod and may still arrive. There may be two node
/// autoscalers, so a refusal by one does not decide for the other.
pub(crate) fn comes<'e, 'a>(
    view: &dyn View,
    events: &'e [EventView<'a>],
    pod: &str,
) -> Option<&'e EventView<'a>> {
    let newest = |reasons: &[&str], refuses: bool| {
        let of_pod = events.iter().filter(|e| about(e, pod));
        let named = of_pod.filter(|e| reasons.contains(&e.reason) && is_refusal(e) == refuses);
        named.max_by_key(|e| e.at)
    };
    let held = |promise: &'e EventView<'a>, refusal: Option<&EventView<'_>>| {
        let recent = promise
            .at
            .is_some_and(|at| view.now() < after(at, PROVISION));
        (recent && refusal.is_none_or(|refusal| refusal.at <= promise.at)).then_some(promise)
    };
    let by_karpenter = newest(&[NOMINATED], false)
        .and_then(|promise| held(promise, newest(&[FAILED_SCHEDULING], true)));
    by_karpenter.or_else(|| {
        let promise = newest(&[TRIGGERED], false)?;
        held(promise, newest(&[NOT_TRIGGERED, FAILED], true))
    })
}

/// Whether lower-priority pods are making room for this one, which may take a while.
pub(crate) fn is_nominated(view: &dyn View, pod: &PodView<'_>) -> bool {
    let made = pod.made();
    pod.pod.life.nominated_node.is_some() && made.is_some() && !view.longer(made, PROVISION)
}

/// Whether nodes may be on their way unseen: events are not readable, and the set of nodes is not known to be
/// fixed.
pub(crate) fn are_unknown(view: &dyn View) -> bool {
    !view.events_are_seen() && view.capacity().is_none()
}

/// Whether the pods may be too young for a node autoscaler to have reacted. Applies only to a snapshot: a run
/// lasts longer than that.
pub(crate) fn were_not_asked_for_yet(view: &dyn View, events: &[EventView<'_>]) -> bool {
    let scaled = view.status().and_then(|status| status.last_scale);
    let recent = |at: Option<Timestamp>| at.is_some() && !view.longer(at, SCANS);
    let living = view.living();
    let waiting = || living.iter().filter(|p| p.pod.unschedulable.is_some());
    // They may come from a scaling, a rollout or a drained node.
    let young = recent(scaled) || waiting().all(|p| recent(p.pod.life.created));
    let silent = waiting().all(|p| tried(events, p.name()).next().is_none());
    !view.is_watched() && view.capacity().is_none() && young && silent
}

fn unknown(view: &dyn View) -> Option<Evidence> {
    if !are_unknown(view) {
        return None;
    }
    let fits_nowhere = |p: &PodView<'_>| {
        let message = p.pod.unschedulable.as_ref();
        message.map(|m| format!("PodScheduled False: {m}"))
    };
    failing(
        view,
        fits_nowhere,
        "fit on no node now, and whether nodes are being provisioned is unknown",
    )
}

/// The pods that wait for nodes being provisioned, with the events that say so.
pub(crate) fn on_their_way(view: &dyn View) -> Option<Evidence> {
    let events = view.events();
    let waits = |p: &PodView<'_>| {
        p.pod.unschedulable.as_ref()?;
        let Some(event) = comes(view, &events, p.name()) else {
            let node = p.pod.life.nominated_node.as_ref()?;
            return is_nominated(view, p).then(|| {
                format!("nominated to {node}, where lower-priority pods are making room")
            });
        };
        Some(format!(
            "event {}: {}{}",
            event.reason,
            event.message,
            claim(view, event)
        ))
    };
    failing(view, waits, "wait for nodes that are being provisioned")
}

/// The provisioning state of the node that an event names.
fn claim(view: &dyn View, event: &EventView<'_>) -> String {
    let named = event
        .message
        .rsplit_once("nodeclaim/")
        .map(|(_, rest)| rest);
    let name = named.map(|rest| rest.split([',', ' ']).next().unwrap_or_default());
    let mut claims = view.node_claims().iter();
    let claim = claims.find(|claim| Some(claim.name.as_str()) == name);
    let open = claim.and_then(|claim| claim.conditions.iter().find(|c| c.status != "True"));
    open.map_or_else(String::new, |c| {
        format!(
            "; its NodeClaim: {} {}, {}: {}",
            c.kind, c.status, c.reason, c.message
        )
    })
}

fn evicted(view: &dyn View) -> Option<Evidence> {
    let (begin, end) = view.deficit()?;
    let from = if view.is_watched() {
        before(begin, BEFORE)
    } else {
        before(begin, BEFORE * 5)
    };
    let reference = view.reference();
    let own = |event: &EventView<'_>| {
        let pod = event.about.strip_prefix("Pod/");
        pod.is_some_and(|pod| is_of(&reference, pod))
    };
    let then = |at: Timestamp| from <= at && at <= end;
    let lost = |event: &&EventView<'_>| {
        LOST.contains(&event.reason)
            && !event.message.starts_with("Cancelling")
            && own(event)
            && event.at.is_some_and(then)
    };
    let (events, disruptions) = (view.events(), view.disruptions());
    let disrupted = disruptions.iter().filter(|d| d.at.is_some_and(then));
    let disrupted: Vec<&EventView<'_>> = disrupted.collect();
    let lost: Vec<&EventView<'_>> = events.iter().filter(lost).collect();
    let reason = lost.iter().chain(&disrupted).next()?.reason;
    let how = match reason {
        "Preempted" | "PreemptionByScheduler" => "preempted by higher-priority pods",
        "EvictedByVPA" => "evicted by a VerticalPodAutoscaler",
        _ => "evicted from their nodes",
    };
    // A pod may have both an event and the condition.
    let of_events = lost.iter().filter_map(|e| e.about.strip_prefix("Pod/"));
    let pods: BTreeSet<&str> = of_events.chain(disrupted.iter().map(|d| d.about)).collect();
    let were = match pods.len() {
        1 => "1 pod was".to_owned(),
        count => format!("{count} pods were"),
    };
    let class = priority(view);
    let conditions = disrupted.iter().map(|d| {
        let (pod, reason, message) = (d.about, d.reason, d.message);
        format!("pod {pod}: condition DisruptionTarget {reason}: {message}")
    });
    Some(Evidence::new(
        format!("{were} {how}{class}, and too few ready pods were left"),
        lost.iter().map(|event| event.quote()).chain(conditions),
    ))
}

/// Whether a pod that may no longer exist belonged to the target, by its name: `cart-6d5f8c7b9-x7k2p` belongs to
/// `Deployment/cart`, and `cart-api-6d5f8c7b9-x7k2p` does not.
pub(super) fn is_of(target: &str, pod: &str) -> bool {
    let (kind, name) = target.split_once('/').unwrap_or(("", target));
    let rest = pod
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('-'));
    let Some(rest) = rest else {
        return false;
    };
    match (kind, rest.split_once('-')) {
        ("Deployment", Some((_, suffix))) => !suffix.contains('-'),
        ("Deployment", None) => false,
        ("StatefulSet", _) => rest.bytes().all(|b| b.is_ascii_digit()),
        _ => true,
    }
}

/// The priority class of the pods, if they have one.
fn priority(view: &dyn View) -> String {
    let living = view.living();
    let mut classes = living
        .iter()
        .map(|p| p.pod.quota_class.priority_class.as_ref());
    match classes.next().flatten() {
        Some(class) => format!(" (their priority class is {class})"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::is_of;

    #[test]
    fn pods_of_a_neighbor_with_the_same_name_prefix_do_not_belong_to_the_target() {
        assert!(is_of("Deployment/cart", "cart-6d5f8c7b9-x7k2p"));
        assert!(!is_of("Deployment/cart", "cart-api-6d5f8c7b9-x7k2p"));
        assert!(!is_of("Deployment/cart", "cart-0") && is_of("StatefulSet/cart", "cart-0"));
        assert!(
            !is_of("StatefulSet/cart", "cart-api-0")
                && !is_of("Deployment/cart", "cartwheel-6d-x7k2p")
        );
    }
}
