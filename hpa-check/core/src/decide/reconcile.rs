//! The kind `reconcile`: one complete sync.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{NAMESPACE, NOW, input};
use crate::model::SelectorError;
use crate::model::pods::ModelPod;
use crate::model::proposal::Readings;
use crate::model::reconcile::{Controller, Decision, ScaleSubresource, Sync};
use crate::model::selector::Selector;
use crate::observation::{Condition, MetricAnswer, MetricReading};
use crate::spec::{AutoscalerSpec, CurrentMetric, MetricSpec, TargetRef};

/// The target of every case, used in the controller's messages; the cases do not name one.
const KIND: &str = "ReplicationController";
const NAME: &str = "test-rc";

/// Answers one case.
pub(super) fn answer(input: input::ReconcileInput) -> Result<Value, SelectorError> {
    let fault = input.fault.unwrap_or_default();
    let controller = &input.controller;
    let gate = |name: &str| input.feature_gates.get(name).copied();
    let gates = controller
        .gates()
        .with_gates(gate("HPAConfigurableTolerance"), gate("HPAScaleToZero"))
        .with_pod_level_resources(gate("PodLevelResources"));
    let mut autoscaler = Controller::new(controller.settings(), gates);
    autoscaler.recommendations = input.recommendations.map(|list| {
        list.iter()
            .map(input::RecommendationInput::to_model)
            .collect()
    });

    let own_selector = &input.scale.selector;
    let selector = fault.scale_status_selector.as_ref().unwrap_or(own_selector);
    let pods = selected(&input.pods, &labels(own_selector, &fault), selector);
    let metrics: Vec<_> = input
        .pod_metrics
        .iter()
        .map(input::PodMetricInput::to_model)
        .collect();
    let other_selectors = fault
        .other_hpa_selectors
        .iter()
        .map(|s| Selector::parse(s))
        .collect::<Result<Vec<_>, _>>()?;
    let conditions: Vec<Condition> = input
        .hpa
        .initial_conditions
        .into_iter()
        .map(Into::into)
        .collect();
    let specs = metrics_or_default(input.hpa.metrics);
    let unread = fault.external_metric_error.as_deref();
    let others = all_readings(&specs, input.other_metrics, unread);
    let replicas = input.scale.spec_replicas;
    let observed = input.scale.status_replicas.unwrap_or(replicas);
    let gives_up = fault.update_scale_conflict_once && !gates.retries_conflicts;
    let update_error = fault.update_scale_error.or_else(|| gives_up.then(conflict));
    let decision = autoscaler.sync(Sync {
        now: NOW,
        namespace: NAMESPACE,
        spec: &AutoscalerSpec {
            scale_target_ref: TargetRef {
                api_version: "v1".to_owned(),
                kind: KIND.to_owned(),
                name: NAME.to_owned(),
            },
            min_replicas: input.hpa.min_replicas,
            max_replicas: input.hpa.max_replicas,
            metrics: specs,
            behavior: input.hpa.behavior,
        },
        scale: or_error(
            ScaleSubresource {
                replicas,
                observed,
                selector,
            },
            fault.get_scale_error.as_deref(),
        ),
        pods: &pods,
        metrics: Readings {
            resources: or_error(&metrics, fault.pod_metrics_list_error.as_deref()),
            others: &others,
        },
        other_selectors: &other_selectors,
        update_error: update_error.as_deref(),
        conditions: &conditions,
        desired_before: input.hpa.desired_replicas.unwrap_or(replicas),
    });
    Ok(decision_json(&decision))
}

/// The API server's answer to a write based on an outdated version.
fn conflict() -> String {
    format!(
        "Operation cannot be fulfilled on replicationcontrollers \"{NAME}\": the object has been modified; \
         please apply your changes to the latest version and try again"
    )
}

fn or_error<T>(value: T, error: Option<&str>) -> Result<T, &str> {
    error.map_or(Ok(value), Err)
}

/// A reading for every custom and external metric. If the case does not give one, the reading is an error.
fn all_readings(
    specs: &[MetricSpec],
    mut given: Vec<MetricReading>,
    error: Option<&str>,
) -> Vec<MetricReading> {
    let error = error.unwrap_or("the case has no reading for it");
    for spec in specs.iter().filter(|spec| spec.resource().is_none()) {
        if !given.iter().any(|reading| reading.metric == spec.source) {
            given.push(MetricReading {
                metric: spec.source.clone(),
                answer: MetricAnswer::Error(error.to_owned()),
            });
        }
    }
    given
}

/// The metrics, or the default that the API fills in (`SetDefaults_HorizontalPodAutoscaler`).
fn metrics_or_default(given: Vec<MetricSpec>) -> Vec<MetricSpec> {
    if !given.is_empty() {
        return given;
    }
    vec![MetricSpec::cpu_utilization(80)]
}

/// The labels of the pods: those that the target's own selector requires, and more.
fn labels(own_selector: &str, fault: &input::FaultInput) -> BTreeMap<String, String> {
    let mut labels = Selector::parse(own_selector)
        .unwrap_or_default()
        .implied_labels();
    labels.extend(fault.extra_pod_labels.clone());
    labels
}

/// The pods with those labels, unless the case's selector matches none.
fn selected(
    pods: &[input::PodInput],
    labels: &BTreeMap<String, String>,
    selector: &str,
) -> Vec<ModelPod> {
    if Selector::parse(selector).is_ok_and(|selector| !selector.matches(labels)) {
        return Vec::new();
    }
    pods.iter().map(|p| p.to_model(labels)).collect()
}

/// What the status shows for each metric, except those that failed.
fn current_metrics(decision: &Decision) -> Vec<Value> {
    let of = |(spec, current): (&MetricSpec, CurrentMetric)| {
        let kind = (!current.is_empty()).then(|| spec.source.kind());
        json!({
            "type": kind.unwrap_or_default(),
            "averageUtilization": current.average_utilization,
            "averageValueMilli": current.average_value.map(|v| v.milli()),
            "valueMilli": current.value.map(|v| v.milli()),
        })
    };
    let specs = decision.metrics.iter().map(|(spec, _)| spec);
    specs.zip(decision.current_metrics()).map(of).collect()
}

fn decision_json(decision: &Decision) -> Value {
    // The cases show the utilization of `Resource` metrics only.
    let utilization = decision
        .metrics
        .iter()
        .filter(|(spec, _)| spec.resource() == Some(("cpu", None)))
        .find_map(|(_, outcome)| outcome.as_ref().ok()?.utilization);
    let conditions: Vec<_> = decision
        .conditions
        .iter()
        .map(|c| json!({"type": c.kind, "status": c.status, "reason": c.reason}))
        .collect();
    json!({
        "statusDesiredReplicas": decision.desired,
        "scaleUpdated": decision.scaled,
        "conditions": conditions,
        "utilization": utilization,
        "currentMetrics": current_metrics(decision),
        "error": decision.full_error(&format!("{KIND}/{NAMESPACE}/{NAME}")),
        "reason": decision.reason,
    })
}
