//! What prevents pods from being created or scheduled: quotas, admission, nodes.

use std::time::Duration;

use super::lasting::lasting;
use super::nodes;
use super::quota_room::falls_short;
use crate::findings::{Evidence, catalog};
use crate::observation::Pod;
use crate::rules::rule::{Rule, Weight};
use crate::rules::view::{QuotaView, View};

pub(crate) const RULES: &[Rule] = &[
    Rule::shared(&catalog::QUOTA_EXCEEDED, Weight::Blocker, quota),
    Rule::shared(&catalog::PODS_REFUSED, Weight::Cause, refused),
    Rule::shared(&catalog::CAPACITY_TOO_SMALL, Weight::Blocker, capacity),
];

const OVER_QUOTA: &str = "exceeded quota";

/// A controller retries a rejected request within its longest back-off of 1,000 s and renews its event
/// (`DefaultControllerRateLimiter` of client-go).
const RETRY: Duration = Duration::from_mins(17);

/// The API server's message when it rejects a pod, from a condition of the scale target or an event.
pub(crate) fn refusal(view: &dyn View) -> Option<String> {
    let target = view.target()?;
    if target.replicas >= target.spec_replicas || view.reached_max() {
        return None;
    }
    let conditions = target.conditions.iter();
    let condition = conditions
        .filter(|c| c.kind == "ReplicaFailure" && c.status == "True")
        .map(|c| format!("condition {} {}: {}", c.kind, c.reason, c.message))
        .next();
    // Only a Deployment has such a condition. The event is about the StatefulSet itself, or about a ReplicaSet or
    // ReplicationController that the target owns. A run watches all events and does not read owners, so there those
    // count that are named after the target.
    let (own, watched) = (view.reference(), view.is_watched());
    let owner = |about: &str| view.owners().and_then(|owners| owners.get(about));
    let is_own = |about: &str| about == own || owner(about).is_some_and(|owner| *owner == own);
    let event = || {
        let made = view
            .living()
            .iter()
            .filter_map(|p| p.pod.life.created)
            .max();
        let mut all = view.events().into_iter();
        all.find(|e| {
            // A pod created since then shows that pods are no longer rejected.
            let stands = made.is_none_or(|made| e.at.is_some_and(|at| at >= made));
            let recent = watched || (e.at.is_some() && !view.longer(e.at, RETRY));
            let concerns = is_own(e.about) || (watched && is_of(&own, e.about));
            e.reason == "FailedCreate" && concerns && stands && recent
        })
        .map(|e| format!("event {}: {}", e.reason, e.message))
    };
    condition.or_else(event)
}

/// Whether a ReplicaSet or a pod belongs to the target, by its name. A run also sees those of neighbors with longer names.
fn is_of(target: &str, about: &str) -> bool {
    match about.split_once('/') {
        Some(("Pod", pod)) => nodes::is_of(target, pod),
        Some((_, set)) => {
            let name = target.split_once('/').map_or(target, |(_, name)| name);
            let rest = set
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('-'));
            rest.is_some_and(|hash| !hash.contains('-'))
        }
        None => false,
    }
}

fn quota(view: &dyn View) -> Option<Evidence> {
    if let Some(says) = refusal(view).filter(|says| says.contains(OVER_QUOTA)) {
        let target = view.target()?;
        let (made, wanted) = (target.replicas, target.spec_replicas);
        let message = format!("{wanted} pods were requested, and a quota stopped them at {made}");
        return Some(Evidence::new(message, [says]));
    }
    if view.reached_max() {
        return None;
    }
    view.quotas()
        .iter()
        .find_map(|quota| too_small(view, quota))
}

/// The quota has not rejected a pod yet, but it will.
fn too_small(view: &dyn View, QuotaView { quota, own }: &QuotaView<'_>) -> Option<Evidence> {
    let living = view.living();
    let max = i64::from(view.max_replicas()?);
    // Until a pod is observed, its requests are unknown, so only a quota on the number of pods can be judged.
    let unseen = Pod::default();
    let seen: Vec<&Pod> = living.iter().map(|p| p.pod).collect();
    let like = match seen.as_slice() {
        [] if quota.scopes.is_empty() => vec![&unseen],
        seen => seen.to_vec(),
    };
    // Pods of several templates differ, so the quota must fall short for each.
    let fits = like.iter().map(|pod| falls_short(quota, pod, max, own));
    let fit = fits.collect::<Option<Vec<i64>>>()?.into_iter().max()?;
    (own.count() < max).then(|| {
        let (name, resource) = (&quota.name, &quota.resource);
        let (hard, used) = (&quota.hard, &quota.used);
        Evidence::new(
            format!(
                "quota {name} has room for {fit} pods of this target, but its maximum is {max}"
            ),
            [format!("quota {name}: {resource} hard {hard}, used {used}")],
        )
    })
}

/// Parts of errors that are about the way to an answer, and not the answer: a webhook or etcd that restarts.
const UNANSWERED: [&str; 6] = [
    "failed calling webhook",
    "failed to call webhook",
    "timeout",
    "timed out",
    "connection refused",
    "Internal error occurred",
];

fn refused(view: &dyn View) -> Option<Evidence> {
    let unanswered = |says: &str| UNANSWERED.iter().any(|part| says.contains(part));
    if refusal(view).is_some_and(|says| unanswered(&says)) {
        return lasting(view, rejected);
    }
    rejected(view)
}

/// The API server did not create pods.
pub(crate) fn rejected(view: &dyn View) -> Option<Evidence> {
    let says = refusal(view).filter(|says| !says.contains(OVER_QUOTA))?;
    let target = view.target()?;
    let (made, wanted) = (target.replicas, target.spec_replicas);
    Some(Evidence::new(
        format!("{wanted} pods were requested, and the API server rejected all but {made}"),
        [says],
    ))
}

fn capacity(view: &dyn View) -> Option<Evidence> {
    let (total, how) = view.capacity()?;
    let each = view.whole_request()?;
    let max = view.max_replicas()?;
    let needed = i64::from(max) * each.0;
    (needed > total.0 && !view.reached_max()).then(|| {
        Evidence::new(
            format!(
                "{max} pods at {each} each request {needed}m of CPU, but there are only {total}"
            ),
            [
                format!("capacity: {how}"),
                format!("pods: requests.cpu {each}"),
            ],
        )
    })
}

#[cfg(test)]
mod tests {
    use super::is_of;

    #[test]
    fn a_replica_set_of_a_neighbor_with_the_same_name_prefix_does_not_belong_to_the_target() {
        assert!(is_of("Deployment/cart", "ReplicaSet/cart-6d5f8c7b9"));
        assert!(!is_of("Deployment/cart", "ReplicaSet/cart-api-6d5f8c7b9"));
        assert!(!is_of("Deployment/cart", "Pod/cart-api-6d5f8c7b9-x7k2p"));
    }
}
