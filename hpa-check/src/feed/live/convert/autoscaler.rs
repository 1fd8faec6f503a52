//! `autoscaling/v2` HorizontalPodAutoscaler.

use hpa_check_core::observation::{Autoscaler, AutoscalerStatus, Condition};
use hpa_check_core::quantity;
use hpa_check_core::spec::{
    AutoscalerSpec, Behavior, CurrentMetric, MetricSource, MetricSpec, MetricTarget, PolicyKind,
    ScalingPolicy, ScalingRules, SelectPolicy, TargetRef,
};
use k8s_openapi::api::autoscaling::v2;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;

/// The whole object.
pub(crate) fn autoscaler(object: v2::HorizontalPodAutoscaler) -> Autoscaler {
    let written = status_written(object.metadata.managed_fields.as_deref().unwrap_or(&[]));
    Autoscaler {
        uid: object.metadata.uid.unwrap_or_default(),
        status_written: written.and_then(|entry| entry.time.as_ref().map(|time| time.0)),
        status_writer: written.and_then(|entry| entry.manager.clone()),
        spec: object.spec.map_or_else(empty_spec, spec),
        status: object.status.and_then(status),
    }
}

fn empty_spec() -> AutoscalerSpec {
    spec(v2::HorizontalPodAutoscalerSpec::default())
}

fn spec(spec: v2::HorizontalPodAutoscalerSpec) -> AutoscalerSpec {
    AutoscalerSpec {
        scale_target_ref: target_ref(spec.scale_target_ref),
        min_replicas: spec.min_replicas,
        max_replicas: spec.max_replicas,
        metrics: spec
            .metrics
            .unwrap_or_default()
            .into_iter()
            .map(metric)
            .collect(),
        behavior: spec.behavior.map(|behavior| Behavior {
            scale_up: behavior.scale_up.map(rules),
            scale_down: behavior.scale_down.map(rules),
        }),
    }
}

pub(crate) fn target_ref(reference: v2::CrossVersionObjectReference) -> TargetRef {
    TargetRef {
        api_version: reference.api_version.unwrap_or_default(),
        kind: reference.kind,
        name: reference.name,
    }
}

/// The spec is read in the API's own form; a type without its source is unknown.
fn metric(metric: v2::MetricSpec) -> MetricSpec {
    let kind = metric.type_.clone();
    let read = serde_json::to_value(metric).and_then(serde_json::from_value);
    read.unwrap_or(MetricSpec {
        source: MetricSource::Unknown { kind },
        target: MetricTarget::Missing,
    })
}

fn rules(rules: v2::HPAScalingRules) -> ScalingRules {
    ScalingRules {
        stabilization_window_seconds: rules.stabilization_window_seconds,
        select_policy: rules.select_policy.as_deref().and_then(select_policy),
        policies: rules
            .policies
            .map(|policies| policies.iter().filter_map(policy).collect()),
        tolerance: rules
            .tolerance
            .as_ref()
            .and_then(|tolerance| quantity::approximate(&tolerance.0)),
    }
}

/// The words of a spec that this version does not know, with their places. A newer server may have more of them.
pub(crate) fn unknown_words(spec: &v2::HorizontalPodAutoscalerSpec) -> Vec<String> {
    let metrics = spec.metrics.iter().flatten();
    let metrics = metrics.filter(|m| !metric((*m).clone()).source.is_known());
    let metrics = metrics.map(|m| format!("metric type {:?}", m.type_));
    let behavior = spec.behavior.iter();
    let rules = behavior
        .flat_map(|b| [&b.scale_up, &b.scale_down])
        .flatten();
    let rules: Vec<&v2::HPAScalingRules> = rules.collect();
    let words = rules.iter().filter_map(|r| r.select_policy.as_deref());
    let selects = words.filter(|word| select_policy(word).is_none());
    let selects = selects.map(|word| format!("selectPolicy {word:?}"));
    let policies = rules.iter().flat_map(|r| r.policies.iter().flatten());
    let policies = policies.filter(|p| policy(p).is_none());
    let policies = policies.map(|p| format!("policy type {:?}", p.type_));
    metrics.chain(selects).chain(policies).collect()
}

fn select_policy(word: &str) -> Option<SelectPolicy> {
    match word {
        "Max" => Some(SelectPolicy::Max),
        "Min" => Some(SelectPolicy::Min),
        "Disabled" => Some(SelectPolicy::Disabled),
        _ => None,
    }
}

fn policy(policy: &v2::HPAScalingPolicy) -> Option<ScalingPolicy> {
    let kind = match policy.type_.as_str() {
        "Pods" => PolicyKind::Pods,
        "Percent" => PolicyKind::Percent,
        _ => return None,
    };
    Some(ScalingPolicy {
        kind,
        value: policy.value,
        period_seconds: policy.period_seconds,
    })
}

/// `None` before the first sync: the status is empty then, and only the missing conditions distinguish a
/// `desiredReplicas` of 0 from one that was never written.
fn status(status: v2::HorizontalPodAutoscalerStatus) -> Option<AutoscalerStatus> {
    let conditions: Vec<Condition> = status
        .conditions
        .unwrap_or_default()
        .into_iter()
        .map(|condition| Condition {
            kind: condition.type_.into(),
            status: condition.status.into(),
            reason: condition.reason.unwrap_or_default().into(),
            message: condition.message.unwrap_or_default().into(),
        })
        .collect();
    if conditions.is_empty() && status.desired_replicas == 0 {
        return None;
    }
    let current: &[v2::MetricStatus] = status.current_metrics.as_deref().unwrap_or(&[]);
    Some(AutoscalerStatus {
        current_replicas: status.current_replicas,
        desired_replicas: status.desired_replicas,
        cpu_utilization: current.iter().find_map(cpu_utilization),
        current_metrics: current.iter().map(current_metric).collect(),
        conditions,
        last_scale: status.last_scale_time.map(|time| time.0),
    })
}

fn cpu_utilization(metric: &v2::MetricStatus) -> Option<i32> {
    let resource = metric.resource.as_ref().filter(|r| r.name == "cpu");
    let container = metric
        .container_resource
        .as_ref()
        .filter(|r| r.name == "cpu");
    resource
        .map(|r| &r.current)
        .or(container.map(|r| &r.current))
        .and_then(|current| current.average_utilization)
}

/// The value of whichever source the entry has; empty for a failed metric.
fn current_metric(metric: &v2::MetricStatus) -> CurrentMetric {
    let of = |resource: &v2::ResourceMetricStatus| resource.current.clone();
    let current = (metric.resource.as_ref().map(of))
        .or_else(|| Some(metric.container_resource.as_ref()?.current.clone()))
        .or_else(|| Some(metric.pods.as_ref()?.current.clone()))
        .or_else(|| Some(metric.object.as_ref()?.current.clone()))
        .or_else(|| Some(metric.external.as_ref()?.current.clone()))
        .unwrap_or_default();
    let amount = |value: Option<Quantity>| value.and_then(|value| value.0.parse().ok());
    CurrentMetric {
        average_utilization: current.average_utilization,
        average_value: amount(current.average_value),
        value: amount(current.value),
    }
}

/// The last write of the status.
fn status_written(managers: &[ManagedFieldsEntry]) -> Option<&ManagedFieldsEntry> {
    let of_status = |entry: &&ManagedFieldsEntry| entry.subresource.as_deref() == Some("status");
    let writes = managers.iter().filter(of_status);
    writes.max_by_key(|entry| entry.time.as_ref().map(|time| time.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn convert(value: serde_json::Value) -> Autoscaler {
        autoscaler(serde_json::from_value(value).unwrap())
    }

    #[test]
    fn spec_and_status_are_converted_completely() {
        let seen = convert(json!({
            "metadata": {"uid": "u1", "managedFields": [
                {"manager": "kubectl", "operation": "Update", "time": "2026-01-01T00:00:00Z"},
                {"manager": "kube-controller-manager", "operation": "Update",
                 "subresource": "status", "time": "2026-01-01T00:05:00Z"}]},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "fib"},
                "minReplicas": 3, "maxReplicas": 10,
                "metrics": [{"type": "Resource", "resource": {"name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": 50}}}],
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60, "selectPolicy": "Min",
                    "tolerance": "50m",
                    "policies": [{"type": "Percent", "value": 50, "periodSeconds": 30}]}}},
            "status": {"currentReplicas": 3, "desiredReplicas": 6,
                "lastScaleTime": "2026-01-01T00:04:59Z",
                "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu",
                    "current": {"averageUtilization": 92, "averageValue": "92m"}}}],
                "conditions": [{"type": "AbleToScale", "status": "True",
                    "reason": "SucceededRescale", "message": "ok"}]}
        }));
        assert_eq!(seen.uid, "u1");
        assert_eq!(seen.status_written, "2026-01-01T00:05:00Z".parse().ok());
        assert_eq!(
            seen.status_writer.as_deref(),
            Some("kube-controller-manager")
        );
        assert_eq!(seen.spec.min_replicas, Some(3));
        assert_eq!(seen.spec.cpu_target_percent(), Some(50));
        let down = seen.spec.behavior.unwrap().scale_down.unwrap();
        assert_eq!(down.select_policy, Some(SelectPolicy::Min));
        assert_eq!(down.tolerance, Some(0.05));
        assert_eq!(down.policies.unwrap()[0].kind, PolicyKind::Percent);
        let status = seen.status.unwrap();
        assert_eq!(status.desired_replicas, 6);
        assert_eq!(status.cpu_utilization, Some(92));
        assert_eq!(status.conditions[0].reason, "SucceededRescale");
    }

    #[test]
    fn the_words_that_a_newer_server_may_write_are_named() {
        let words = |kind: &str, select: &str, policy: &str| {
            let spec = serde_json::from_value(json!({
                "scaleTargetRef": {"kind": "Deployment", "name": "x"}, "maxReplicas": 9,
                "metrics": [{"type": kind, "external": {"metric": {"name": "q"}, "target": {"type": "Value", "value": "5"}}}],
                "behavior": {"scaleUp": {"selectPolicy": select,
                    "policies": [{"type": policy, "value": 1, "periodSeconds": 15}]}}}));
            unknown_words(&spec.unwrap())
        };
        assert_eq!(words("External", "Min", "Pods"), Vec::<String>::new());
        assert_eq!(
            words("Forecast", "Average", "Cores"),
            [
                "metric type \"Forecast\"",
                "selectPolicy \"Average\"",
                "policy type \"Cores\""
            ]
        );
    }

    #[test]
    fn an_empty_status_is_no_status() {
        let seen = convert(json!({
            "metadata": {}, "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "x"}, "maxReplicas": 1},
            "status": {"desiredReplicas": 0, "currentMetrics": null, "conditions": null}
        }));
        assert_eq!(seen.status, None);
    }

    #[test]
    fn a_container_metric_gives_its_container_and_its_utilization() {
        let seen = convert(json!({
            "metadata": {},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "x"}, "maxReplicas": 1,
                "metrics": [{"type": "ContainerResource", "containerResource": {"name": "cpu",
                    "container": "app", "target": {"type": "Utilization", "averageUtilization": 70}}}]},
            "status": {"desiredReplicas": 1,
                "currentMetrics": [{"type": "ContainerResource", "containerResource": {"name": "cpu",
                    "container": "app", "current": {"averageUtilization": 31}}}]}
        }));
        assert_eq!(seen.spec.metrics[0].source.container(), Some("app"));
        assert_eq!(seen.status.unwrap().cpu_utilization, Some(31));
    }

    #[test]
    fn every_metric_is_converted_with_its_target_and_its_value() {
        let seen = convert(json!({
            "metadata": {},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "x"}, "maxReplicas": 9, "metrics": [
                {"type": "Resource", "resource": {"name": "memory",
                    "target": {"type": "AverageValue", "averageValue": "64Mi"}}},
                {"type": "External", "external": {"metric": {"name": "queue", "selector": {"matchLabels": {"topic": "jobs"}}},
                    "target": {"type": "AverageValue", "averageValue": "100"}}},
                {"type": "Object", "object": {"metric": {"name": "hits"},
                    "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "shop"},
                    "target": {"type": "Value", "value": "2k"}}}]},
            "status": {"desiredReplicas": 3, "currentMetrics": [
                {"type": "Resource", "resource": {"name": "memory", "current": {"averageValue": "44739242666m"}}},
                {"type": "External", "external": {"metric": {"name": "queue"}, "current": {"averageValue": "150"}}},
                {"type": "Object", "object": {"metric": {"name": "hits"},
                    "describedObject": {"kind": "Service", "name": "shop"}, "current": {"value": "1500"}}}]}
        }));
        let said: Vec<String> = seen
            .spec
            .metrics
            .iter()
            .map(|m| m.source.to_string())
            .collect();
        assert_eq!(
            said,
            [
                "memory",
                "external metric queue",
                "Service/shop metric hits"
            ]
        );
        let amount = |milli| Some(quantity::Quantity::from_milli(milli));
        let current = seen.status.unwrap().current_metrics;
        assert_eq!(current[0].average_value, amount(44_739_242_666));
        assert_eq!(current[1].average_value, amount(150_000));
        assert_eq!(current[2].value, amount(1_500_000));
    }

    #[test]
    fn a_failed_metric_has_no_utilization() {
        let seen = convert(json!({
            "metadata": {}, "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "x"}, "maxReplicas": 1},
            "status": {"desiredReplicas": 3, "currentMetrics": [{"type": ""}]}
        }));
        let status = seen.status.unwrap();
        assert_eq!(status.cpu_utilization, None);
        assert!(status.current_metrics[0].is_empty());
    }
}
