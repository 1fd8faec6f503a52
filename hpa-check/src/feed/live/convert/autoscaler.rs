//! `autoscaling/v2` HorizontalPodAutoscaler.

use hpa_check_core::observation::{Autoscaler, AutoscalerStatus, Condition};
use hpa_check_core::spec::{
    AutoscalerSpec, Behavior, MetricSpec, PolicyKind, ScalingPolicy, ScalingRules, SelectPolicy,
    TargetRef,
};
use jiff::Timestamp;
use k8s_openapi::api::autoscaling::v2;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;

use super::quantity_milli;

/// The whole object.
pub(in crate::feed::live) fn autoscaler(object: v2::HorizontalPodAutoscaler) -> Autoscaler {
    Autoscaler {
        uid: object.metadata.uid.unwrap_or_default(),
        status_written: status_written(object.metadata.managed_fields.as_deref().unwrap_or(&[])),
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

fn target_ref(reference: v2::CrossVersionObjectReference) -> TargetRef {
    TargetRef {
        api_version: reference.api_version.unwrap_or_default(),
        kind: reference.kind,
        name: reference.name,
    }
}

/// The name, the container and the target of whichever source the entry has.
fn metric(metric: v2::MetricSpec) -> MetricSpec {
    let (name, container, target) = if let Some(source) = metric.resource {
        (source.name, None, Some(source.target))
    } else if let Some(source) = metric.container_resource {
        (source.name, Some(source.container), Some(source.target))
    } else if let Some(source) = metric.pods {
        (source.metric.name, None, Some(source.target))
    } else if let Some(source) = metric.object {
        (source.metric.name, None, Some(source.target))
    } else if let Some(source) = metric.external {
        (source.metric.name, None, Some(source.target))
    } else {
        (String::new(), None, None)
    };
    let target = target.unwrap_or_default();
    MetricSpec {
        kind: metric.type_,
        name,
        container,
        average_utilization: target.average_utilization,
        average_value_milli: target.average_value.as_ref().and_then(quantity_milli),
        value_milli: target.value.as_ref().and_then(quantity_milli),
    }
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
            .and_then(quantity_milli)
            .map(fraction),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a tolerance in thousandths is far below 2^52"
)]
fn fraction(milli: i64) -> f64 {
    milli as f64 / 1000.0
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

/// `None` before the first sync: the API gives an empty status then, and only its lack of
/// conditions tells a `desiredReplicas` of 0 from one never written.
fn status(status: v2::HorizontalPodAutoscalerStatus) -> Option<AutoscalerStatus> {
    let conditions: Vec<Condition> = status
        .conditions
        .unwrap_or_default()
        .into_iter()
        .map(|condition| Condition {
            kind: condition.type_,
            status: condition.status,
            reason: condition.reason.unwrap_or_default(),
            message: condition.message.unwrap_or_default(),
        })
        .collect();
    if conditions.is_empty() && status.desired_replicas == 0 {
        return None;
    }
    Some(AutoscalerStatus {
        current_replicas: status.current_replicas,
        desired_replicas: status.desired_replicas,
        cpu_utilization: status
            .current_metrics
            .unwrap_or_default()
            .iter()
            .find_map(cpu_utilization),
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

fn status_written(managers: &[ManagedFieldsEntry]) -> Option<Timestamp> {
    managers
        .iter()
        .filter(|entry| entry.subresource.as_deref() == Some("status"))
        .filter_map(|entry| entry.time.as_ref().map(|time| time.0))
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn convert(value: serde_json::Value) -> Autoscaler {
        autoscaler(serde_json::from_value(value).unwrap())
    }

    #[test]
    fn spec_and_status_come_over_whole() {
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
        assert_eq!(seen.spec.metrics[0].container.as_deref(), Some("app"));
        assert_eq!(seen.status.unwrap().cpu_utilization, Some(31));
    }

    #[test]
    fn a_failed_metric_has_no_utilization() {
        let seen = convert(json!({
            "metadata": {}, "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "x"}, "maxReplicas": 1},
            "status": {"desiredReplicas": 3, "currentMetrics": [{"type": ""}]}
        }));
        assert_eq!(seen.status.unwrap().cpu_utilization, None);
    }
}
