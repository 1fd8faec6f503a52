//! Why requested pods are missing: events about pods, and the nodes being provisioned for them. Read only if
//! pods are missing, since a large cluster has many events.

use std::collections::BTreeMap;

use hpa_check_core::observation::Condition;
use hpa_check_core::snapshot::{EventSnapshot, Namespace, NodeClaim, Scaler};
use serde::Deserialize;

use super::super::convert::null_as_empty;
use super::super::trouble::TroubleKind;
use super::decode::EventObject;
use super::environment::sort;
use super::lists::{List, Lists};

/// The event reasons of node autoscalers, the scheduler, evictions and probes.
const REASONS: [&str; 11] = [
    "TriggeredScaleUp",
    "NotTriggerScaleUp",
    "FailedScaleUp",
    "Nominated",
    "FailedScheduling",
    "Preempted",
    "Evicted",
    "EvictedByVPA",
    "TaintManagerEviction",
    "ScaleDown",
    "Unhealthy",
];

/// Adds the events to the namespaces, and returns the nodes that Karpenter is provisioning, if it is active.
pub(super) async fn read(
    lists: &Lists<'_>,
    spaces: &mut BTreeMap<String, Namespace>,
) -> Vec<NodeClaim> {
    if !spaces.values().any(lacks_pods) {
        return Vec::new();
    }
    let path = lists.path("/api/v1", "events");
    let of_pods = "involvedObject.kind=Pod";
    let wanted = |event: EventObject| {
        let facts = event.facts()?;
        REASONS.contains(&facts.1.reason.as_str()).then_some(facts)
    };
    // A missing permission to list events was already reported.
    let events = lists.all(List::at(path).of(of_pods), wanted).await;
    let events: Vec<(String, EventSnapshot)> = events.unwrap_or_default();
    let nominated = events.iter().any(|(_, event)| event.reason == "Nominated");
    sort(spaces, events, |space, event| space.events.push(event));
    if nominated {
        node_claims(lists).await
    } else {
        Vec::new()
    }
}

fn lacks_pods(space: &Namespace) -> bool {
    let short = |scaler: &Scaler| {
        let target = scaler.workload().map(|w| &w.object);
        target.is_some_and(|t| t.ready_replicas < t.spec_replicas.max(t.replicas))
    };
    space.autoscalers.iter().any(short)
}

#[derive(Deserialize)]
struct Claim {
    metadata: Name,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default, deserialize_with = "null_as_empty")]
    conditions: Vec<Condition>,
}

async fn node_claims(lists: &Lists<'_>) -> Vec<NodeClaim> {
    let claim = |claim: Claim| {
        Some(NodeClaim {
            name: claim.metadata.name,
            conditions: claim.status.conditions,
        })
    };
    let read = lists
        .all(List::at("/apis/karpenter.sh/v1/nodeclaims"), claim)
        .await;
    read.unwrap_or_else(|trouble| {
        if trouble.kind != TroubleKind::NotFound {
            let consequence =
                "the progress of the nodes that Karpenter provisions can't be observed";
            lists
                .missing
                .note(&trouble, "list nodeclaims.karpenter.sh", consequence, false);
        }
        Vec::new()
    })
}
