//! `hpa-check decide`: the model behind a command line. It reads one JSON object per line and writes one per
//! line, in order.

mod case;
mod input;
mod reconcile;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::manifests;
use crate::model::metrics::resource;
use crate::model::normalize::{self, FullBehavior, Recommendation, ScaleEvent, ScaleEvents};
use crate::model::proposal::{ProposalInput, Readings};
use crate::model::{SelectorError, Tolerances};
use crate::nulls::without_nulls;
use crate::observation::ControllerConfig;
use crate::spec::Behavior;
use case::{Case, Input};

/// Answers every line; returns `Ok(false)` if one of them was malformed. A sync without an autoscaler of its
/// own uses `autoscaler`, if that is given.
pub fn run(
    mut input: impl BufRead,
    mut output: impl Write,
    autoscaler: Option<&Value>,
) -> io::Result<bool> {
    let decider = Decider::new(autoscaler);
    let (mut all, mut line) = (true, Vec::new());
    while input.read_until(b'\n', &mut line)? > 0 {
        let bytes = line.strip_suffix(b"\n").unwrap_or(&line);
        // Looking for what is not UTF-8 takes several times as long as finding that nothing is.
        let text =
            str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
        if !text.trim().is_empty() {
            let answer = decider.answer(&text);
            all &= answer.is_good();
            serde_json::to_writer(&mut output, &answer)?;
            output.write_all(b"\n")?;
        }
        line.clear();
    }
    output.flush()?;
    Ok(all)
}

/// Answers one line, and returns whether it was well-formed.
pub fn answer(line: &str, autoscaler: Option<&Value>) -> (Value, bool) {
    let answer = Decider::new(autoscaler).answer(line);
    let good = answer.is_good();
    (serde_json::to_value(answer).unwrap_or_default(), good)
}

/// What is the same for every line.
struct Decider<'a> {
    /// The autoscaler of the cases that have none.
    autoscaler: Option<&'a Value>,
    /// The same in the cases' own form, unless it is not of that form.
    hpa: Option<input::Hpa>,
}

impl<'a> Decider<'a> {
    fn new(autoscaler: Option<&'a Value>) -> Self {
        let hpa = autoscaler.cloned().and_then(|mut hpa| {
            as_manifest(&mut hpa).ok()?;
            read(&hpa).ok()
        });
        Self { autoscaler, hpa }
    }

    fn answer(&self, line: &str) -> Answer {
        if let Some(case) = case::read(line)
            && let Some(answer) = self.decide_typed(case, line)
        {
            return answer;
        }
        let case: Value = match serde_json::from_str(line) {
            Ok(case) => case,
            Err(e) => {
                return Answer::Error {
                    id: Value::Null,
                    error: format!("this line is not a JSON object: {e}"),
                };
            }
        };
        let id = case.get("id").cloned().unwrap_or(Value::Null);
        match self.decide(&case, line) {
            Ok(result) => Answer::Result { id, result },
            Err(error) => Answer::Error {
                id,
                error: error.to_string(),
            },
        }
    }

    /// Decides a case that was read straight from its line; `None` if it has to be read the long way.
    fn decide_typed(&self, case: Case, line: &str) -> Option<Answer> {
        let result = match case.input {
            Input::ResourceReplicas(input) if input.has_lists() => {
                resource_replicas(input.with_numbers_of_its_resource(line))
            }
            Input::Reconcile(mut input) if input.has_lists() => {
                if input.hpa.is_none() {
                    input.hpa.clone_from(&self.hpa);
                }
                let hpa = input.hpa.take().filter(|hpa| !hpa.is_manifest())?;
                reconcile::answer(*input, hpa).ok()?
            }
            Input::Convert(input) => convert(&input),
            Input::Stabilize(input) => stabilize(&input),
            Input::ResourceReplicas(_) | Input::Reconcile(_) => return None,
        };
        Some(Answer::Result {
            id: case.id,
            result,
        })
    }

    /// Decides a case by its members, of which those that are null count as missing, and an autoscaler may be a
    /// whole manifest. It is this that says what is wrong with a case.
    fn decide(&self, case: &Value, line: &str) -> Result<Decided, CaseError> {
        let kind = case
            .get("kind")
            .and_then(Value::as_str)
            .ok_or(CaseError::NoKind)?;
        let input = case.get("input").ok_or(CaseError::NoInput)?;
        match kind {
            "resource_replicas" => {
                let case: input::ResourceReplicas = read(with_pods(input)?)?;
                Ok(resource_replicas(case.with_numbers_of_its_resource(line)))
            }
            "reconcile" => {
                let mut input = with_pods(input)?.clone();
                if let (Value::Null, Some(autoscaler)) = (&input["hpa"], self.autoscaler) {
                    input["hpa"] = autoscaler.clone();
                }
                as_manifest(&mut input["hpa"])?;
                let mut input: input::ReconcileInput = read(&input)?;
                let hpa = input.hpa.take();
                let hpa = hpa.ok_or_else(|| {
                    CaseError::NoAutoscaler("is missing: give one of autoscaling/v2".to_owned())
                })?;
                Ok(reconcile::answer(input, hpa)?)
            }
            "convert_with_behavior_rate" => Ok(convert(&read(input)?)),
            "stabilize_with_behaviors" => Ok(stabilize(&read(input)?)),
            other => Err(CaseError::UnknownKind(other.to_owned())),
        }
    }
}

/// The answer to one line.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    /// Of a case that is of the form.
    Result { id: Value, result: Decided },
    /// Of any other line.
    Error { id: Value, error: String },
}

impl Answer {
    fn is_good(&self) -> bool {
        matches!(self, Self::Result { .. })
    }
}

/// What a case's kind asks for.
#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum Decided {
    Replicas {
        replicas: i32,
        utilization: Option<i32>,
        raw_average_milli: i64,
    },
    /// The controller's own error.
    Refused {
        error: String,
    },
    Sync(Box<reconcile::Synced>),
    Limited {
        replicas: i32,
        reason: &'static str,
    },
    Stabilized {
        stabilized_replicas: i32,
    },
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
    #[error("\"hpa\" {0}")]
    NoAutoscaler(String),
    #[error("the input does not fit this kind: {0}")]
    Form(#[from] serde_json::Error),
    #[error("otherHpaSelectors: {0}")]
    Selector(#[from] SelectorError),
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

fn resource_replicas(input: input::ResourceReplicas) -> Decided {
    let settings = input.controller.settings();
    let gates = input.controller.gates();
    let pods: Vec<_> = input::all(input.pods)
        .map(|pod| pod.into_model(BTreeMap::new()))
        .collect();
    let metrics: Vec<_> = input::all(input.pod_metrics)
        .map(input::PodMetricInput::into_model)
        .collect();
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
        Ok(p) => Decided::Replicas {
            replicas: p.replicas,
            utilization: p.utilization,
            raw_average_milli: p.raw_average,
        },
        Err(error) => Decided::Refused {
            error: error.to_string(),
        },
    }
}

fn convert(input: &input::Convert) -> Decided {
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
    Decided::Limited {
        replicas: limited.replicas,
        reason: limited.reason,
    }
}

fn stabilize(input: &input::Stabilize) -> Decided {
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
    Decided::Stabilized {
        stabilized_replicas: stabilized,
    }
}
