//! The kind `reconcile`: one complete sync.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::{Decided, NAMESPACE, NOW, input};
use crate::model::decision::Decision;
use crate::model::pods::ModelPod;
use crate::model::proposal::{Proposal, Readings};
use crate::model::reconcile::{Controller, ScaleSubresource, Sync};
use crate::model::selector::{Selector, TargetSelector};
use crate::model::{MetricError, SelectorError};
use crate::observation::{Condition, MetricAnswer, MetricReading};
use crate::spec::{AutoscalerSpec, MetricSpec, TargetRef};

/// The target of every case, used in the controller's messages; the cases do not name one.
const KIND: &str = "ReplicationController";
const NAME: &str = "test-rc";

/// Answers one case.
pub(super) fn answer(
    input: input::ReconcileInput,
    hpa: input::Hpa,
) -> Result<Decided, SelectorError> {
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

    let own_selector = TargetSelector::new(input.scale.selector);
    let reported = fault.scale_status_selector.as_deref();
    let reported = reported.map(TargetSelector::new);
    let selector = reported.as_ref().unwrap_or(&own_selector);
    let labels = labels(&own_selector, &fault);
    let pods = selected(input.pods, &labels, selector);
    let metrics: Vec<_> = input::all(input.pod_metrics)
        .map(input::PodMetricInput::into_model)
        .collect();
    let other_selectors = fault
        .other_hpa_selectors
        .iter()
        .map(|s| Selector::parse(s))
        .collect::<Result<Vec<_>, _>>()?;
    let is_other = |other: &Selector| other.matches(&labels);
    let shares_pods = !pods.is_empty() && other_selectors.iter().any(is_other);
    let conditions: Vec<Condition> = hpa.initial_conditions.into_iter().map(Into::into).collect();
    let specs = metrics_or_default(hpa.metrics);
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
            min_replicas: hpa.min_replicas,
            max_replicas: hpa.max_replicas,
            metrics: specs,
            behavior: hpa.behavior,
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
        shares_pods,
        update_error: update_error.as_deref(),
        conditions: &conditions,
        desired_before: hpa.desired_replicas.unwrap_or(replicas),
    });
    Ok(Decided::Sync(Box::new(Synced::from(decision))))
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
fn labels(own: &TargetSelector, fault: &input::FaultInput) -> BTreeMap<String, String> {
    let implied = own.parsed().map(Selector::implied_labels);
    let mut labels = implied.unwrap_or_default();
    labels.extend(fault.extra_pod_labels.clone());
    labels
}

/// The pods with those labels, unless the case's selector matches none.
fn selected(
    pods: Option<Vec<input::PodInput>>,
    labels: &BTreeMap<String, String>,
    selector: &TargetSelector,
) -> Vec<ModelPod> {
    let parsed = selector.parsed();
    if parsed.is_some_and(|selector| !selector.matches(labels)) {
        return Vec::new();
    }
    input::all(pods).map(input::PodInput::into_model).collect()
}

/// What a sync decided, in the members that the cases compare.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Synced {
    status_desired_replicas: i32,
    scale_updated: bool,
    conditions: Vec<Shown>,
    utilization: Option<i32>,
    current_metrics: Vec<ShownMetric>,
    error: Option<String>,
    reason: Cow<'static, str>,
}

/// A condition without its message.
#[derive(Serialize)]
struct Shown {
    #[serde(rename = "type")]
    kind: Cow<'static, str>,
    status: Cow<'static, str>,
    reason: Cow<'static, str>,
}

/// What the status shows of a metric; nothing of one that failed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownMetric {
    #[serde(rename = "type")]
    kind: String,
    average_utilization: Option<i32>,
    average_value_milli: Option<i64>,
    value_milli: Option<i64>,
}

impl ShownMetric {
    fn of((spec, outcome): &(MetricSpec, Result<Proposal, MetricError>)) -> Self {
        let current = outcome.as_ref().map(Proposal::current).unwrap_or_default();
        let kind = (!current.is_empty()).then(|| spec.source.kind());
        Self {
            kind: kind.unwrap_or_default().to_owned(),
            average_utilization: current.average_utilization,
            average_value_milli: current.average_value.map(|v| v.milli()),
            value_milli: current.value.map(|v| v.milli()),
        }
    }
}

impl From<Decision> for Synced {
    fn from(decision: Decision) -> Self {
        // The cases show the utilization of a `Resource` metric only.
        let utilization = decision
            .metrics
            .iter()
            .filter(|(spec, _)| spec.resource() == Some(("cpu", None)))
            .find_map(|(_, outcome)| outcome.as_ref().ok()?.utilization);
        let error = decision.full_error(&format!("{KIND}/{NAMESPACE}/{NAME}"));
        Self {
            status_desired_replicas: decision.desired,
            scale_updated: decision.scaled,
            conditions: decision
                .conditions
                .into_iter()
                .map(|c| Shown {
                    kind: c.kind,
                    status: c.status,
                    reason: c.reason,
                })
                .collect(),
            utilization,
            current_metrics: decision.metrics.iter().map(ShownMetric::of).collect(),
            error,
            reason: decision.reason,
        }
    }
}
