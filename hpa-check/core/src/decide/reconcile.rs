//! The kind `reconcile`: one whole sync.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{NOW, input};
use crate::model::pods::Pod;
use crate::model::reconcile::{Controller, Decision, Scale, Sync};
use crate::model::selector::Selector;
use crate::observation::Condition;
use crate::spec::{AutoscalerSpec, MetricSpec, TargetRef};

/// The target of every case, for the controller's messages: the cases do not name one.
const KIND: &str = "ReplicationController";
const NAMESPACE: &str = "test-namespace";
const NAME: &str = "test-rc";

/// Answers one case.
pub(super) fn answer(input: input::Reconcile) -> Result<Value, String> {
    let fault = input.fault.unwrap_or_default();
    let controller = &input.controller;
    let gate = |name: &str| input.feature_gates.get(name).copied();
    let gates = controller
        .gates()
        .with_gates(gate("HPAConfigurableTolerance"), gate("HPAScaleToZero"));
    let mut autoscaler = Controller::new(controller.settings(), gates);
    autoscaler.recommendations = input
        .recommendations
        .map(|list| list.iter().map(input::Recommendation::to_model).collect());

    let own_selector = &input.scale.selector;
    let selector = fault.scale_status_selector.as_ref().unwrap_or(own_selector);
    let pods = selected(&input.pods, &labels(own_selector, &fault), selector);
    let metrics: Vec<_> = input
        .pod_metrics
        .iter()
        .map(input::PodMetric::to_model)
        .collect();
    let other_selectors = fault
        .other_hpa_selectors
        .iter()
        .map(|s| Selector::parse(s).map_err(|e| format!("otherHpaSelectors: {e}")))
        .collect::<Result<Vec<_>, _>>()?;
    let conditions: Vec<Condition> = input
        .hpa
        .initial_conditions
        .into_iter()
        .map(Into::into)
        .collect();
    let replicas = input.scale.spec_replicas;
    let decision = autoscaler.sync(Sync {
        now: NOW,
        spec: &AutoscalerSpec {
            scale_target_ref: TargetRef {
                api_version: "v1".to_owned(),
                kind: KIND.to_owned(),
                name: NAME.to_owned(),
            },
            min_replicas: input.hpa.min_replicas,
            max_replicas: input.hpa.max_replicas,
            metrics: metrics_or_default(input.hpa.metrics),
            behavior: input.hpa.behavior,
        },
        scale: or_error(
            Scale { replicas, selector },
            fault.get_scale_error.as_deref(),
        ),
        pods: &pods,
        metrics: or_error(&metrics, fault.pod_metrics_list_error.as_deref()),
        other_metrics_error: fault
            .external_metric_error
            .as_deref()
            .unwrap_or("no metrics returned from external metrics API"),
        other_selectors: &other_selectors,
        update_error: fault.update_scale_error.as_deref(),
        conditions: &conditions,
        desired_before: input.hpa.desired_replicas.unwrap_or(replicas),
    });
    Ok(decision_json(&decision))
}

fn or_error<T>(value: T, error: Option<&str>) -> Result<T, &str> {
    error.map_or(Ok(value), Err)
}

/// The metrics, or what the API fills in where there is none (`SetDefaults_HorizontalPodAutoscaler`).
fn metrics_or_default(given: Vec<MetricSpec>) -> Vec<MetricSpec> {
    if !given.is_empty() {
        return given;
    }
    vec![MetricSpec {
        kind: "Resource".to_owned(),
        name: "cpu".to_owned(),
        container: None,
        average_utilization: Some(80),
        average_value_milli: None,
        value_milli: None,
    }]
}

/// The labels of the pods: those that the target's own selector asks for, and more.
fn labels(own_selector: &str, fault: &input::Fault) -> BTreeMap<String, String> {
    let mut labels = Selector::parse(own_selector)
        .unwrap_or_default()
        .implied_labels();
    labels.extend(fault.extra_pod_labels.clone());
    labels
}

/// The pods with those labels, unless the selector is one that does not match them.
fn selected(pods: &[input::Pod], labels: &BTreeMap<String, String>, selector: &str) -> Vec<Pod> {
    if Selector::parse(selector).is_ok_and(|selector| !selector.matches(labels)) {
        return Vec::new();
    }
    pods.iter().map(|p| p.to_model(labels)).collect()
}

fn decision_json(decision: &Decision) -> Value {
    // The cases show the utilization of a `Resource` metric only.
    let utilization = decision
        .metrics
        .iter()
        .filter(|(spec, _)| spec.kind == "Resource" && spec.name == "cpu")
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
        "error": decision.full_error(&format!("{KIND}/{NAMESPACE}/{NAME}")),
        "reason": decision.reason,
    })
}
