//! Facts about the environment that are read once: quotas, other autoscalers, CPU capacity. All are optional: a
//! missing permission is reported, and a failure is retried.

use hpa_check_core::observation::{Fact, Seen};
use hpa_check_core::quota::{Quota, QuotaScope};
use hpa_check_core::spec::TargetRef;
use hpa_check_core::units::Millicores;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Node, ResourceQuota};
use kube::ResourceExt;
use kube::api::{Api, ListParams, ObjectList};
use serde::de::DeserializeOwned;

use super::backoff;
use super::capacity;
use super::connect::Cluster;
use super::convert;
use super::convert::pod::WatchedPod;
use super::reporter::Reporter;
use super::timing::Timing;
use super::trouble::{TroubleKind, within};

/// Resources of a quota that limit pods, besides those with a prefix of their own.
const BOUNDING: [&str; 7] = [
    "pods",
    "count/pods",
    "cpu",
    "limits.cpu",
    "memory",
    "limits.memory",
    "ephemeral-storage",
];

/// Whether a resource of a quota limits pods. Claims of storage are objects of their own.
fn limits_pods(resource: &str) -> bool {
    let requested = resource.starts_with("requests.") && resource != "requests.storage";
    requested || resource.starts_with("hugepages-") || BOUNDING.contains(&resource)
}

/// Reads all facts and reports them.
pub(super) async fn tell(cluster: &Cluster, autoscaler: &str, timing: Timing, reporter: &Reporter) {
    let asking = Asking { timing, reporter };
    let (client, namespace) = (&cluster.client, cluster.namespace.as_str());
    tokio::join!(
        asking.quotas(Api::namespaced(client.clone(), namespace)),
        asking.others(Api::namespaced(client.clone(), namespace), autoscaler),
        asking.capacity(
            Api::all(client.clone()),
            Api::all(client.clone()),
            namespace
        ),
    );
}

struct Asking<'a> {
    timing: Timing,
    reporter: &'a Reporter,
}

impl Asking<'_> {
    async fn quotas(&self, api: Api<ResourceQuota>) {
        let consequence = "a quota that stops new pods is only noticed once it does";
        let Some(list) = self.list(&api, "resourcequotas", consequence).await else {
            return;
        };
        for quota in list {
            for quota in quotas(&quota) {
                self.reporter.tell(Seen::Fact(Fact::Quota(quota)));
            }
        }
    }

    async fn others(&self, api: Api<HorizontalPodAutoscaler>, autoscaler: &str) {
        let consequence = "another autoscaler on the same target can't be observed";
        let rule = "horizontalpodautoscalers.autoscaling";
        let Some(list) = self.list(&api, rule, consequence).await else {
            return;
        };
        let reference = |one: &HorizontalPodAutoscaler| {
            let spec = one.spec.clone()?;
            Some(convert::autoscaler::target_ref(spec.scale_target_ref))
        };
        let own = list.iter().find(|one| one.name_any() == autoscaler);
        let own = own.and_then(reference);
        for other in list.iter().filter(|other| other.name_any() != autoscaler) {
            let target = reference(other);
            // Another group may have a kind of the same name.
            let group = |t: &TargetRef| t.group().to_owned();
            if own.is_some() && own.as_ref().map(group) != target.as_ref().map(group) {
                continue;
            }
            self.reporter.tell(Seen::Fact(Fact::OtherAutoscaler {
                name: other.name_any(),
                target: target.map_or_else(String::new, |t| format!("{}/{}", t.kind, t.name)),
            }));
        }
    }

    async fn capacity(&self, nodes: Api<Node>, pods: Api<WatchedPod>, namespace: &str) {
        let consequence = "whether maxReplicas pods fit is only noticed if they do not";
        let Some(nodes) = self.list(&nodes, "nodes", consequence).await else {
            return;
        };
        if !capacity::is_fixed(&nodes) {
            return;
        }
        // This only makes the bound tighter, so it does not justify a cluster-wide permission to read pods.
        let running = ListParams::default().fields("status.phase!=Succeeded,status.phase!=Failed");
        let pods = within(self.timing.call, pods.list(&running)).await.ok();
        let others = pods.map(|list| capacity::lasting(list.items, namespace));
        let (total, how) = capacity::left(&nodes, others.as_deref());
        self.reporter.tell(Seen::Fact(Fact::CpuCapacity {
            total: Millicores(total),
            how,
        }));
    }

    async fn list<K>(&self, api: &Api<K>, rule: &str, consequence: &str) -> Option<Vec<K>>
    where
        K: Clone + DeserializeOwned + std::fmt::Debug,
    {
        let all = ListParams::default();
        let mut failures = 0;
        loop {
            let result: Result<ObjectList<K>, _> = within(self.timing.call, api.list(&all)).await;
            let trouble = match result {
                Ok(list) => return Some(list.items),
                Err(trouble) => trouble,
            };
            if trouble.kind == TroubleKind::Forbidden {
                self.reporter.forbidden(format!("list {rule}"), consequence);
                return None;
            }
            failures += 1;
            tokio::time::sleep(backoff::delay(failures, trouble.kind.asked())).await;
        }
    }
}

/// The limits of a quota on pods and what they request, with the pods that it counts.
pub(super) fn quotas(quota: &ResourceQuota) -> Vec<Quota> {
    let Some(status) = &quota.status else {
        return Vec::new();
    };
    let scopes = scopes(quota);
    let used = |resource| status.used.as_ref()?.get(resource);
    let hard = status.hard.iter().flatten();
    let bounds = hard.filter(|(resource, _)| limits_pods(resource));
    let bounds = bounds.map(|(resource, hard)| Quota {
        name: quota.name_any(),
        resource: resource.clone(),
        hard: hard.0.clone(),
        used: used(resource).map_or_else(|| "0".to_owned(), |used| used.0.clone()),
        scopes: scopes.clone(),
    });
    bounds.collect()
}

/// `spec.scopes`, which has only names, and `spec.scopeSelector`.
fn scopes(quota: &ResourceQuota) -> Vec<QuotaScope> {
    let Some(spec) = &quota.spec else {
        return Vec::new();
    };
    let plain = spec.scopes.iter().flatten().map(|name| QuotaScope {
        name: name.clone(),
        operator: "Exists".to_owned(),
        values: Vec::new(),
    });
    let selector = spec.scope_selector.as_ref();
    let selected = selector.and_then(|s| s.match_expressions.as_ref());
    let selected = selected.into_iter().flatten().map(|r| QuotaScope {
        name: r.scope_name.clone(),
        operator: r.operator.clone(),
        values: r.values.clone().unwrap_or_default(),
    });
    plain.chain(selected).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_limits_of_a_quota_on_pods_or_on_what_they_request_are_reported() {
        let quota = serde_json::from_value(json!({
            "metadata": {"name": "small"},
            "status": {"hard": {"pods": "6", "requests.memory": "1Gi", "requests.cpu": "2",
                                "requests.nvidia.com/gpu": "4", "hugepages-2Mi": "8Mi",
                                "requests.storage": "9Gi", "count/secrets": "9",
                                "persistentvolumeclaims": "4"},
                       "used": {"pods": "3"}}
        }))
        .unwrap();
        let bounds = quotas(&quota);
        let bounds: Vec<_> = bounds
            .iter()
            .map(|q| (q.resource.as_str(), q.hard.as_str(), q.used.as_str()))
            .collect();
        let expected = [
            ("hugepages-2Mi", "8Mi", "0"),
            ("pods", "6", "3"),
            ("requests.cpu", "2", "0"),
            ("requests.memory", "1Gi", "0"),
            ("requests.nvidia.com/gpu", "4", "0"),
        ];
        assert_eq!(bounds, expected);
    }

    #[test]
    fn a_quota_says_which_pods_it_counts() {
        let quota = serde_json::from_value(json!({
            "metadata": {"name": "jobs"},
            "spec": {"scopes": ["Terminating"], "scopeSelector": {"matchExpressions": [
                {"scopeName": "PriorityClass", "operator": "In", "values": ["batch"]}]}},
            "status": {"hard": {"pods": "2"}}
        }))
        .unwrap();
        let scopes = &quotas(&quota)[0].scopes;
        let names: Vec<&str> = scopes.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["Terminating", "PriorityClass"]);
        assert_eq!(scopes[1].values, ["batch"]);
    }
}
