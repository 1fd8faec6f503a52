//! `hpa-check decide`: the model's front door. One JSON object a line in, one a line out, in order.

mod input;

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::model::normalize::{self, Changes, FullBehavior, Recommendation, ScaleEvent};
use crate::model::pods::Pod;
use crate::model::proposal::{self, Ask, Scene};
use crate::model::reconcile::{Autoscaler, Decision, Scale, Sync};
use crate::model::selector::Selector;
use crate::model::{Settings, Tolerances};
use crate::observation::Condition;
use crate::spec::{AutoscalerSpec, Behavior, TargetRef};

/// Answers every line; `Ok(false)` when one of them was not of the form.
pub fn run(input: impl BufRead, mut output: impl Write) -> io::Result<bool> {
    let mut all = true;
    for line in input.split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        if line.trim().is_empty() {
            continue;
        }
        let (answer, good) = answer(&line);
        all &= good;
        writeln!(output, "{answer}")?;
    }
    output.flush()?;
    Ok(all)
}

/// Answers one line, and says whether it was of the form.
pub fn answer(line: &str) -> (Value, bool) {
    let case: Value = match serde_json::from_str(line) {
        Ok(case) => case,
        Err(e) => {
            return (
                json!({"id": null, "error": format!("this line is not a JSON object: {e}")}),
                false,
            );
        }
    };
    let id = case.get("id").cloned().unwrap_or(Value::Null);
    match decide(&case) {
        Ok(result) => (json!({"id": id, "result": result}), true),
        Err(error) => (json!({"id": id, "error": error}), false),
    }
}

fn decide(case: &Value) -> Result<Value, String> {
    let kind = case
        .get("kind")
        .and_then(Value::as_str)
        .ok_or("\"kind\" is missing: it says which decision is asked for")?;
    let input = case
        .get("input")
        .ok_or("\"input\" is missing: it holds the decision's data")?;
    match kind {
        "resource_replicas" => Ok(resource_replicas(&read(input)?)),
        "reconcile" => reconcile(read(input)?),
        "convert_with_behavior_rate" => Ok(convert(&read(input)?)),
        "stabilize_with_behaviors" => Ok(stabilize(&read(input)?)),
        other => Err(format!(
            "kind {other:?} is not known: use resource_replicas, reconcile, convert_with_behavior_rate or \
             stabilize_with_behaviors"
        )),
    }
}

fn read<'a, T: Deserialize<'a>>(input: &'a Value) -> Result<T, String> {
    T::deserialize(input).map_err(|e| format!("the input is not of this kind's form: {e}"))
}

/// The instant that ages are counted back from. Any will do.
pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn resource_replicas(input: &input::ResourceReplicas) -> Value {
    let settings = Settings {
        cpu_initialization_period: input.controller.cpu_initialization_period(),
        initial_readiness_delay: input.controller.initial_readiness_delay(),
        ..Settings::default()
    };
    let pods: Vec<_> = input
        .pods
        .iter()
        .map(|p| p.to_model(&BTreeMap::new()))
        .collect();
    let metrics: Vec<_> = input
        .pod_metrics
        .iter()
        .map(input::PodMetric::to_model)
        .collect();
    let scene = Scene {
        now: NOW,
        settings: &settings,
        rules: input.controller.rules(),
        pods: &pods,
        metrics: Ok(&metrics),
    };
    let ask = Ask {
        current: input.current_replicas,
        resource: &input.metric,
        container: input.container.as_deref().filter(|c| !c.is_empty()),
        tolerances: Tolerances {
            scale_up: input.tolerance.scale_up,
            scale_down: input.tolerance.scale_down,
        },
    };
    match proposal::utilization_replicas(scene, ask, input.target_utilization) {
        Ok(p) => {
            json!({"replicas": p.replicas, "utilization": p.utilization, "rawAverageMilli": p.raw_average})
        }
        Err(error) => json!({"error": error}),
    }
}

fn reconcile(input: input::Reconcile) -> Result<Value, String> {
    let fault = input.fault.unwrap_or_default();
    let controller = &input.controller;
    let gate = |name: &str| input.feature_gates.get(name).copied();
    let rules = controller
        .rules()
        .with_gates(gate("HPAConfigurableTolerance"), gate("HPAScaleToZero"));
    let mut autoscaler = Autoscaler::new(controller.settings(), rules);
    autoscaler.recommendations = input
        .recommendations
        .map(|list| list.iter().map(input::Recommendation::to_model).collect());
    let selector = fault
        .scale_status_selector
        .as_deref()
        .unwrap_or(&input.scale.selector);
    let pods = selected(
        &input.pods,
        &labels(&input.scale.selector, &fault),
        selector,
    );
    let metrics: Vec<_> = input
        .pod_metrics
        .iter()
        .map(input::PodMetric::to_model)
        .collect();
    let spec = AutoscalerSpec {
        scale_target_ref: TargetRef {
            api_version: String::new(),
            kind: String::new(),
            name: String::new(),
        },
        min_replicas: input.hpa.min_replicas,
        max_replicas: input.hpa.max_replicas,
        metrics: input.hpa.metrics,
        behavior: input.hpa.behavior,
    };
    let other_selectors = fault
        .other_hpa_selectors
        .iter()
        .map(|s| Selector::parse(s).map_err(|e| format!("otherHpaSelectors: {e}")))
        .collect::<Result<Vec<_>, _>>()?;
    let conditions: Vec<Condition> = input
        .hpa
        .initial_conditions
        .unwrap_or_default()
        .into_iter()
        .map(Into::into)
        .collect();
    let decision = autoscaler.sync(Sync {
        now: NOW,
        spec: &spec,
        scale: match &fault.get_scale_error {
            Some(e) => Err(e),
            None => Ok(Scale {
                replicas: input.scale.spec_replicas,
                selector,
            }),
        },
        pods: &pods,
        metrics: match &fault.pod_metrics_list_error {
            Some(e) => Err(e),
            None => Ok(&metrics),
        },
        other_metrics_error: fault
            .external_metric_error
            .as_deref()
            .unwrap_or("no metrics returned from external metrics API"),
        other_selectors: &other_selectors,
        update_error: fault.update_scale_error.as_deref(),
        conditions: &conditions,
        desired_before: input
            .hpa
            .desired_replicas
            .unwrap_or(input.scale.spec_replicas),
    });
    Ok(decision_json(&decision))
}

/// The labels of the pods: those that the target's own selector asks for, and more.
fn labels(own_selector: &str, fault: &input::Fault) -> BTreeMap<String, String> {
    let mut labels = Selector::parse(own_selector)
        .unwrap_or_default()
        .implied_labels();
    labels.extend(fault.extra_pod_labels.clone().unwrap_or_default());
    labels
}

/// The pods with those labels, if the selector matches them; it is checked later.
fn selected(pods: &[input::Pod], labels: &BTreeMap<String, String>, selector: &str) -> Vec<Pod> {
    if Selector::parse(selector).is_ok_and(|selector| !selector.matches(labels)) {
        return Vec::new();
    }
    pods.iter().map(|p| p.to_model(labels)).collect()
}

/// What is scaled, for the controller's messages: the cases do not say, and its own tests use this.
const TARGET: &str = "ReplicationController/test-namespace/test-rc";

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
        "error": decision.full_error(TARGET),
        "reason": decision.reason,
    })
}

fn convert(input: &input::Convert) -> Value {
    let behavior = Behavior {
        scale_up: input.scale_up.clone(),
        scale_down: input.scale_down.clone(),
    };
    let full = FullBehavior::of(&behavior, &Settings::default());
    let events = |list: &[input::Event]| -> Vec<ScaleEvent> {
        list.iter()
            .map(|e| ScaleEvent {
                change: e.replica_change,
                at: input::instant(e.ago_seconds),
            })
            .collect()
    };
    let (up, down) = (
        events(&input.scale_up_events),
        events(&input.scale_down_events),
    );
    let limited = normalize::limit(
        input.current_replicas,
        input.desired_replicas,
        (input.min_replicas, input.max_replicas),
        &full,
        Changes {
            up: &up,
            down: &down,
        },
        NOW,
    );
    json!({"replicas": limited.replicas, "reason": limited.reason})
}

fn stabilize(input: &input::Stabilize) -> Value {
    let history: Vec<Recommendation> = input
        .recommendations
        .iter()
        .map(input::Recommendation::to_model)
        .collect();
    let window = |seconds: u64| Duration::from_secs(seconds);
    let stabilized = normalize::stabilize(
        &history,
        input.current_replicas,
        input.desired_replicas,
        NOW,
        window(input.scale_up_stabilization_window_seconds),
        window(input.scale_down_stabilization_window_seconds),
    );
    json!({"stabilizedReplicas": stabilized})
}
