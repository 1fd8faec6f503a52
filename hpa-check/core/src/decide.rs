//! `hpa-check decide`: the model behind a command line. It reads one JSON object per line and writes one per
//! line, in order.

mod case;
mod input;
mod reconcile;

use std::borrow::Cow;
use std::io::{self, BufRead, Write};
use std::time::Duration;

use jiff::Timestamp;
use serde::de::{DeserializeSeed as _, IntoDeserializer as _, value};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::manifests;
use crate::model::metrics::resource;
use crate::model::normalize::{self, FullBehavior, Recommendation, ScaleEvent, ScaleEvents};
use crate::model::proposal::{ProposalInput, Readings};
use crate::model::{SelectorError, Tolerances};
use crate::nulls::without_nulls;
use crate::observation::ControllerConfig;
use crate::spec::Behavior;
use case::{Case, Input, Kind};

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
            input::Hpa::deserialize(without_nulls(&hpa)).ok()
        });
        Self { autoscaler, hpa }
    }

    fn answer(&self, line: &str) -> Answer {
        if let Some(answer) = self.decide_typed(line) {
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
        match self.read(&case).and_then(|input| decide(input, line)) {
            Ok(result) => Answer::Result { id, result },
            Err(error) => Answer::Error {
                id,
                error: error.to_string(),
            },
        }
    }

    /// Decides a case straight from its line; `None` if it has to be read the long way.
    fn decide_typed(&self, line: &str) -> Option<Answer> {
        let Case { id, mut input } = case::read(line)?;
        let in_full = match &mut input {
            Input::ResourceReplicas(input) => input.has_lists(),
            Input::Reconcile(input) => {
                if input.hpa.is_none() {
                    input.hpa.clone_from(&self.hpa);
                }
                input.has_lists() && input.hpa.as_ref().is_some_and(|hpa| !hpa.is_manifest())
            }
            Input::Convert(_) | Input::Stabilize(_) => true,
        };
        let result = in_full.then(|| decide(input, line))?.ok()?;
        Some(Answer::Result { id, result })
    }

    /// Reads a case by its members, of which those that are null count as missing, and an autoscaler may be a
    /// whole manifest. It is this that says what is wrong with a case.
    fn read(&self, case: &Value) -> Result<Input, CaseError> {
        let name = case
            .get("kind")
            .and_then(Value::as_str)
            .ok_or(CaseError::NoKind)?;
        let mut input = case.get("input").ok_or(CaseError::NoInput)?.clone();
        let kind: Result<Kind, value::Error> = Deserialize::deserialize(name.into_deserializer());
        let kind = kind.map_err(|_| CaseError::UnknownKind(name.to_owned()))?;
        if let Kind::ResourceReplicas | Kind::Reconcile = kind {
            // A list may be empty or null, but a case without one is incomplete.
            for list in ["pods", "podMetrics"] {
                input.get(list).ok_or(CaseError::NoList(list))?;
            }
        }
        if kind == Kind::Reconcile {
            if let (Value::Null, Some(autoscaler)) = (&input["hpa"], self.autoscaler) {
                input["hpa"] = autoscaler.clone();
            }
            as_manifest(&mut input["hpa"])?;
        }
        Ok(kind.deserialize(without_nulls(&input))?)
    }
}

fn decide(input: Input, line: &str) -> Result<Decided, CaseError> {
    Ok(match input {
        Input::ResourceReplicas(input) => {
            resource_replicas(input.with_numbers_of_its_resource(line))
        }
        Input::Reconcile(mut input) => {
            let hpa = input.hpa.take();
            let hpa = hpa.ok_or_else(|| {
                CaseError::NoAutoscaler("is missing: give one of autoscaling/v2".to_owned())
            })?;
            reconcile::answer(*input, hpa)?
        }
        Input::Convert(input) => convert(&input),
        Input::Stabilize(input) => stabilize(&input),
    })
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

/// The namespace of every case, used in the controller's messages; the cases do not name one.
const NAMESPACE: &str = "test-namespace";

/// The instant that ages count back from; its value does not matter.
pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn resource_replicas(input: input::ResourceReplicas) -> Decided {
    let settings = input.controller.settings();
    let gates = input.controller.gates();
    let pods: Vec<_> = input::all(input.pods)
        .map(input::PodInput::into_model)
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
