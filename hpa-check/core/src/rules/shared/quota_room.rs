//! Whether a quota leaves room for the pods of a scale target.

use crate::model::counted::whole_request;
use crate::observation::Pod;
use crate::quantity::Quantity;
use crate::quota::Quota;
use crate::rules::view::OwnPods;

/// What one pod uses of a quota, in thousandths; `None` if the pod has no such amount.
fn taken_by(quota: &Quota, pod: &Pod) -> Option<i64> {
    match quota.resource.as_str() {
        "pods" | "count/pods" => Some(1000),
        resource => match resource.strip_prefix("limits.") {
            Some(resource) => limit(pod, resource),
            None => request(pod, resource.trim_start_matches("requests.")),
        },
    }
}

fn request(pod: &Pod, resource: &str) -> Option<i64> {
    let other = || Some(pod.other_requests.get(resource)?.milli());
    whole_request(pod, resource).or_else(other)
}

/// A pod's own limit, or the sum of its containers' if all have one.
fn limit(pod: &Pod, resource: &str) -> Option<i64> {
    let own = pod
        .resources
        .as_ref()
        .and_then(|r| r.limits.milli(resource));
    own.or_else(|| {
        let limits = pod.containers.iter().map(|c| c.limits().milli(resource));
        limits.sum::<Option<i64>>()
    })
}

/// How many pods like this one fit next to what others use, if fewer than `pods`. The use includes `own`; while
/// these pods are unknown, all of it may be theirs.
pub(super) fn falls_short(quota: &Quota, pod: &Pod, pods: i64, own: &OwnPods<'_>) -> Option<i64> {
    if !quota.counts(&pod.quota_class)? {
        return None;
    }
    let milli = |text: &str| Some(text.parse::<Quantity>().ok()?.milli());
    let each = taken_by(quota, pod).filter(|each| *each > 0)?;
    let used = milli(&quota.used)?;
    let others = match own {
        OwnPods::Count(None) => 0,
        OwnPods::Count(Some(count)) => used - i64::from(*count) * each,
        OwnPods::These(pods) => {
            let taken = pods.iter().map(|pod| taken_by(quota, pod));
            used - taken.sum::<Option<i64>>()?
        }
    };
    let others = others.max(0);
    let fit = (milli(&quota.hard)? - others).max(0) / each;
    (fit < pods).then_some(fit)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::quota::fixture::{quota, scoped};
    use crate::spec::ContainerResources;
    use crate::units::Millicores;

    /// How many pods of 100m and two GPUs fit, if fewer than ten. Three exist.
    fn fit(quota: &Quota) -> Option<i64> {
        let pod = Pod {
            containers: vec![ContainerResources::cpu("app", Some(Millicores(100)), None)],
            other_requests: BTreeMap::from([(
                "nvidia.com/gpu".to_owned(),
                Quantity::from_milli(2_000),
            )]),
            ..Pod::default()
        };
        falls_short(quota, &pod, 10, &OwnPods::Count(Some(3)))
    }

    #[test]
    fn a_quota_with_an_unknown_scope_never_falls_short() {
        assert_eq!(fit(&scoped("SomethingNew", "Exists", &[])), None);
        assert_eq!(fit(&scoped("NotTerminating", "Exists", &[])), Some(2));
    }

    #[test]
    fn the_use_of_other_pods_counts_against_the_quota_and_that_of_the_target_does_not() {
        for (resource, hard, used, expected) in [
            ("pods", "12", "3", None),
            ("pods", "12", "8", Some(7)),
            ("requests.cpu", "1", "300m", None),
            ("requests.cpu", "0.9", "300m", Some(9)),
            ("limits.cpu", "1", "0", None),
            ("requests.memory", "1", "0", None),
            ("requests.nvidia.com/gpu", "20", "6", None),
            ("requests.nvidia.com/gpu", "16", "8", Some(7)),
            ("requests.ephemeral-storage", "1Gi", "1Gi", None),
        ] {
            let found = fit(&quota(resource, hard, used));
            assert_eq!(found, expected, "{resource} {used} of {hard}");
        }
    }
}
