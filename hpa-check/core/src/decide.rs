//! `hpa-check decide`: the model behind a command line. It reads one JSON object per line and writes one per
//! line, in order.

mod input;
mod reconcile;

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::manifests;
use crate::model::metrics::resource;
use crate::model::normalize::{self, FullBehavior, Recommendation, ScaleEvent, ScaleEvents};
use crate::model::proposal::{ProposalInput, Readings};
use crate::model::{SelectorError, Tolerances};
use crate::nulls::without_nulls;
use crate::observation::ControllerConfig;
use crate::spec::Behavior;

/// Answers every line; returns `Ok(false)` if one of them was malformed. A sync without an autoscaler of its
/// own uses `autoscaler`, if that is given.
pub fn run(
    input: impl BufRead,
    mut output: impl Write,
    autoscaler: Option<&Value>,
) -> io::Result<bool> {
    let mut all = true;
    for line in input.split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        if line.trim().is_empty() {
            continue;
        }
        let (answer, good) = answer(&line, autoscaler);
        all &= good;
        writeln!(output, "{answer}")?;
    }
    output.flush()?;
    Ok(all)
}

/// Answers one line, and returns whether it was well-formed.
pub fn answer(line: &str, autoscaler: Option<&Value>) -> (Value, bool) {
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
    match decide(&case, autoscaler) {
        Ok(result) => (json!({"id": id, "result": result}), true),
        Err(error) => (json!({"id": id, "error": error.to_string()}), false),
    }
}

/// Why a case has no decision: what is wrong with it and what was expected.
#[derive(Debug, thiserror::Error)]
enum CaseError {
    #[error("\"kind\" is missing: set it to the decision to compute")]
    NoKind,
    #[error("\"input\" is missing: put the decision's data there")]
    NoInput,
    #[error(
        "kind {0:?} is not known: use resource_replicas, reconcile, convert_with_behavior_rate or \
         stabilize_with_behaviors"
    )]
    UnknownKind(String),
    #[error("{0:?} is missing: write [] if there are none")]
    NoList(&'static str),
    #[error("\"hpa\" {0}: use apiVersion autoscaling/v2")]
    NoAutoscaler(String),
    #[error("the input does not fit this kind: {0}")]
    Form(#[from] serde_json::Error),
    #[error("otherHpaSelectors: {0}")]
    Selector(#[from] SelectorError),
}

fn decide(case: &Value, autoscaler: Option<&Value>) -> Result<Value, CaseError> {
    let kind = case
        .get("kind")
        .and_then(Value::as_str)
        .ok_or(CaseError::NoKind)?;
    let input = case.get("input").ok_or(CaseError::NoInput)?;
    match kind {
        "resource_replicas" => {
            let case: input::ResourceReplicas = read(with_pods(input)?)?;
            let text = input.to_string();
            let knows_memory = ["memoryRequestMilli", "memoryUsageMilli"]
                .iter()
                .any(|member| text.contains(member));
            Ok(resource_replicas(
                &case.with_numbers_of_its_resource(knows_memory),
            ))
        }
        "reconcile" => {
            let mut input = with_pods(input)?.clone();
            if let (Value::Null, Some(autoscaler)) = (&input["hpa"], autoscaler) {
                input["hpa"] = autoscaler.clone();
            }
            as_manifest(&mut input["hpa"])?;
            Ok(reconcile::answer(read(&input)?)?)
        }
        "convert_with_behavior_rate" => Ok(convert(&read(input)?)),
        "stabilize_with_behaviors" => Ok(stabilize(&read(input)?)),
        other => Err(CaseError::UnknownKind(other.to_owned())),
    }
}

/// A list of pods may be empty or null, but a case without one is incomplete.
fn with_pods(input: &Value) -> Result<&Value, CaseError> {
    for list in ["pods", "podMetrics"] {
        input.get(list).ok_or(CaseError::NoList(list))?;
    }
    Ok(input)
}

/// Accepts a whole object, or a list with one, as `kubectl get hpa -o json` prints it, in place of a case's own
/// form.
fn as_manifest(hpa: &mut Value) -> Result<(), CaseError> {
    if hpa.get("kind").is_none() && hpa.get("items").is_none() {
        return Ok(());
    }
    let object =
        manifests::object(std::slice::from_ref(hpa), None).map_err(CaseError::NoAutoscaler)?;
    let mut own = object["spec"].clone();
    own["initialConditions"] = object["status"]["conditions"].clone();
    own["desiredReplicas"] = object["status"]["desiredReplicas"].clone();
    *hpa = own;
    Ok(())
}

fn read<T: DeserializeOwned>(input: &Value) -> Result<T, CaseError> {
    Ok(T::deserialize(without_nulls(input))?)
}

/// The namespace of every case, used in the controller's messages; the cases do not name one.
const NAMESPACE: &str = "test-namespace";

/// The instant that ages count back from; its value does not matter.
pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn resource_replicas(input: &input::ResourceReplicas) -> Value {
    let settings = input.controller.settings();
    let pods: Vec<_> = input
        .pods
        .iter()
        .map(|p| p.to_model(&BTreeMap::new()))
        .collect();
    let metrics: Vec<_> = input
        .pod_metrics
        .iter()
        .map(input::PodMetricInput::to_model)
        .collect();
    let gates = input.controller.gates();
    let scene = ProposalInput {
        now: NOW,
        namespace: NAMESPACE,
        settings: &settings,
        gates,
        pods: &pods,
        readings: Readings::of_resources(Ok(&metrics)),
        current: input.current_replicas,
        observed: input.current_replicas,
        tolerances: Tolerances {
            scale_up: input.tolerance.scale_up,
            scale_down: input.tolerance.scale_down,
            by_distance: !gates.tolerance_band,
        },
    };
    let container = input.container.as_deref().filter(|c| !c.is_empty());
    match resource::utilization(scene, &input.metric, container, input.target_utilization) {
        Ok(p) => {
            json!({"replicas": p.replicas, "utilization": p.utilization, "rawAverageMilli": p.raw_average})
        }
        Err(error) => json!({"error": error.to_string()}),
    }
}

fn convert(input: &input::Convert) -> Value {
    let behavior = Behavior {
        scale_up: input.scale_up.clone(),
        scale_down: input.scale_down.clone(),
    };
    let full = FullBehavior::of(&behavior, &ControllerConfig::default());
    let events = |list: &[input::EventInput]| -> Vec<ScaleEvent> {
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
        ScaleEvents {
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
        .map(input::RecommendationInput::to_model)
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
