//! Simulates a recorded run with other settings.
//!
//! A recording shows what the pods used, which depends on how many there were. The simulation keeps the work:
//! the CPU of all pods together, which a load needs however many pods share it. The modeled pods of
//! [`crate::sim`] share this work. If the recorded pods were at their limit, more work was requested than done,
//! so the result is too low; it says so.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{after, before};
use crate::observation::{GeneratorVerdict, PodSample};
use crate::run::state::{Poll, RunState};
use crate::sim::{Ceiling, LoadProfile, PodShape, Point, ReplicaStep, Scenario};
use crate::spec::Behavior;
use crate::units::Millicores;

/// The changed settings; `None` keeps a setting as recorded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// The tolerance in both directions, as a fraction.
    pub tolerance: Option<f64>,
    /// The scale-down stabilization.
    pub stabilization: Option<Duration>,
    /// The complete `behavior`.
    pub behavior: Option<Behavior>,
    /// The lower bound.
    pub min_replicas: Option<i32>,
    /// The upper bound.
    pub max_replicas: Option<i32>,
    /// The CPU target in percent.
    pub target_percent: Option<i32>,
    /// The pods' CPU request.
    pub request: Option<Millicores>,
    /// The factor of the load.
    pub load_scale: Option<f64>,
    /// Another load, which also sets the length of the simulation.
    pub load: Option<LoadProfile>,
}

impl Changes {
    /// The scenario with these changes.
    #[must_use]
    pub fn apply(&self, mut scenario: Scenario) -> Scenario {
        let spec = &mut scenario.spec;
        if let Some(behavior) = &self.behavior {
            spec.behavior = Some(behavior.clone());
        }
        if let Some(tolerance) = self.tolerance {
            scenario.controller.tolerance = tolerance;
            let directions = spec
                .behavior
                .iter_mut()
                .flat_map(|b| [&mut b.scale_up, &mut b.scale_down]);
            for rules in directions.flatten() {
                rules.tolerance = None;
            }
        }
        if let Some(window) = self.stabilization {
            scenario.controller.downscale_stabilization = window;
            let down = spec.behavior.as_mut().and_then(|b| b.scale_down.as_mut());
            if let Some(rules) = down {
                rules.stabilization_window_seconds = None;
            }
        }
        spec.min_replicas = self.min_replicas.or(spec.min_replicas);
        spec.max_replicas = self.max_replicas.unwrap_or(spec.max_replicas);
        if let Some(target) = self.target_percent {
            spec.set_utilization(target);
        }
        scenario.pod.request = self.request.unwrap_or(scenario.pod.request);
        if let Some(load) = &self.load {
            scenario.load = load.clone();
            scenario.length = load.end();
        }
        scenario.load = scenario.load.times(self.load_scale.unwrap_or(1.0));
        scenario
    }
}

/// A run taken from a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The same settings and the same work, ready to simulate.
    pub scenario: Scenario,
    /// Every number of replicas that was set.
    pub path: Vec<ReplicaStep>,
    /// The recorded replicas over time, in pod-hours.
    pub pod_hours: f64,
    /// Why the work may differ from what the samples show.
    pub doubts: Vec<String>,
}

/// Extracts what a simulation needs from a recording; the error says what is missing.
pub fn recorded(state: &RunState) -> Result<Recorded, String> {
    let timeline = state.timeline.as_ref().ok_or("the trace is empty")?;
    let setting = state
        .setting
        .as_ref()
        .ok_or("the trace does not contain the controller's settings")?;
    let spec = state.spec().ok_or("the trace has no autoscaler")?.clone();
    if spec.cpu_target_percent().is_none() {
        return Err("the autoscaler in the trace has no CPU utilization target".to_owned());
    }
    let requests = state.pods.values().filter_map(|p| p.request_milli());
    let request = requests
        .max()
        .filter(|r| *r > 0)
        .ok_or("the trace has no pod with a CPU request")?;
    let limits = state.pods.values().filter_map(|p| p.pod.cpu_limit());
    let limit = limits.max();
    let from = timeline.from;
    let points: Vec<Point> = state
        .polls
        .iter()
        .filter_map(|poll| work(state, poll, from))
        .collect();
    let mut load: Vec<Point> = Vec::new();
    for point in points {
        // The same samples come in several answers.
        if load.last().is_none_or(|last| last.second < point.second) {
            load.push(point);
        }
    }
    if load.is_empty() {
        return Err("the trace has no CPU sample".to_owned());
    }
    let path: Vec<ReplicaStep> = timeline
        .spec
        .iter()
        .map(|step| ReplicaStep {
            second: whole_seconds(from, step.at),
            replicas: step.value,
        })
        .collect();
    let length = whole_seconds(from, timeline.until);
    Ok(Recorded {
        scenario: Scenario {
            spec,
            controller: setting.controller.clone(),
            kubernetes: setting.kubernetes.clone(),
            resolution: setting.metrics_resolution.max(Duration::from_secs(1)),
            pod: PodShape {
                request: Millicores(request),
                limit,
                ceiling: ceiling(state, Millicores(request)),
                start: start(state),
            },
            load: LoadProfile {
                points: load,
                cost_us: None,
                source: None,
            },
            replicas: path.first().map(|p| p.replicas),
            backlog: false,
            length: Duration::from_secs(length),
            faults: Vec::new(),
            origin: None,
        },
        pod_hours: pod_hours(&path, length),
        path,
        doubts: doubts(state, limit),
    })
}

/// The CPU of all pods together, in the middle of the samples' window. Ready pods without a sample are assumed
/// to use as much as the others.
#[expect(
    clippy::cast_precision_loss,
    reason = "pods and millicores are far below 2^52"
)]
fn work(state: &RunState, poll: &Poll, from: Timestamp) -> Option<Point> {
    let samples = poll.answer.as_ref().ok()?;
    let newest = samples.iter().max_by_key(|s| s.timestamp)?;
    let middle = before(newest.timestamp, newest.window / 2);
    let serves = |ready: Option<Timestamp>, gone: Option<Timestamp>| {
        ready.is_some_and(|at| at <= middle) && gone.is_none_or(|at| at > newest.timestamp)
    };
    let serving = state
        .pods
        .iter()
        .filter(|(_, p)| serves(p.ready_at, p.gone_at));
    let (mut known, mut all) = (0, 0);
    for (name, _) in serving {
        all += 1;
        known += usize::from(samples.iter().any(|s| s.pod == *name));
    }
    let total: i64 = samples.iter().map(used).sum();
    let share = if known > 0 {
        f64::from(all) / known as f64
    } else {
        1.0
    };
    let second = middle.duration_since(from).as_secs_f64().max(0.0);
    Some(Point {
        second,
        millicores: total as f64 * share,
    })
}

/// The most that a pod without a limit uses: the highest use recorded, or twice its request if that is more.
fn ceiling(state: &RunState, request: Millicores) -> Ceiling {
    let answers = state.polls.iter().filter_map(|p| p.answer.as_ref().ok());
    let most = answers.flatten().map(used).max().unwrap_or(0);
    if most > request.0.saturating_mul(2) {
        Ceiling::At(Millicores(most))
    } else {
        Ceiling::TwiceRequest
    }
}

fn used(sample: &PodSample) -> i64 {
    sample.cpu().0
}

/// The median time from observation to readiness of the pods created during the recording.
fn start(state: &RunState) -> Duration {
    let begun = state
        .timeline
        .as_ref()
        .map_or(Timestamp::MIN, |t| after(t.from, Duration::from_secs(2)));
    let made = state.pods.values().filter(|p| p.first_seen > begun);
    let mut took: Vec<Duration> = made
        .filter_map(|p| Duration::try_from(p.ready_at?.duration_since(p.first_seen)).ok())
        .collect();
    took.sort_unstable();
    let median = took
        .get(took.len() / 2)
        .copied()
        .unwrap_or(Duration::from_secs(5));
    // Simulated time advances in whole seconds.
    Duration::from_secs(median.as_secs() + u64::from(median.subsec_millis() >= 500))
}

fn doubts(state: &RunState, limit: Option<Millicores>) -> Vec<String> {
    let mut doubts = Vec::new();
    let samples = || {
        state
            .polls
            .iter()
            .filter_map(|p| p.answer.as_ref().ok())
            .flatten()
    };
    if let Some(limit) = limit
        && samples().any(|s| used(s) * 100 >= limit.0 * 95)
    {
        doubts.push(format!(
            "pods were at their CPU limit of {limit}, so more work was requested than the samples show"
        ));
    }
    let result = state.load_result.as_ref();
    if result.is_some_and(|load| load.generator != GeneratorVerdict::Ok) {
        doubts.push("the load generator was the bottleneck".to_owned());
    }
    let failed = state.load.as_ref().map_or(0, |load| load.failed);
    if failed > 0 {
        doubts.push(format!(
            "{failed} requests failed, and their work is not in the samples"
        ));
    }
    if state.polls.iter().any(|p| p.answer.is_err()) {
        doubts.push(
            "the metrics API did not always answer, so part of the work is estimated".to_owned(),
        );
    }
    doubts
}

#[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^52")]
fn pod_hours(path: &[ReplicaStep], length: u64) -> f64 {
    let ends = path.iter().skip(1).map(|p| p.second).chain([length]);
    let seconds = path
        .iter()
        .zip(ends)
        .map(|(p, end)| f64::from(p.replicas) * end.saturating_sub(p.second) as f64);
    seconds.sum::<f64>() / 3600.0
}

fn whole_seconds(from: Timestamp, at: Timestamp) -> u64 {
    u64::try_from(at.duration_since(from).as_secs()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expectation::Expectation;
    use crate::observation::Observation;
    use crate::run::evaluator::Evaluator;
    use crate::sim::tests::scenario;

    /// A recording made by the simulation itself: 3..10 at 50 %, one cycle up and down.
    fn recording() -> (Scenario, Vec<Observation>) {
        let mut scenario = scenario("0s:60m 60s:60m 60s:450m 6m:450m 6m:60m");
        scenario.pod.start = Duration::from_secs(6);
        scenario.length = scenario.natural_length();
        let mut seen = Vec::new();
        scenario.watch(|o| seen.push(o));
        (scenario, seen)
    }

    fn read(seen: &[Observation]) -> Recorded {
        let mut evaluator = Evaluator::new(Expectation::default());
        for observation in seen {
            evaluator.observe(observation);
        }
        recorded(evaluator.timeline()).unwrap()
    }

    fn sizes(path: &[ReplicaStep]) -> Vec<i32> {
        path.iter().map(|p| p.replicas).collect()
    }

    #[test]
    fn the_same_settings_lead_to_the_recorded_replicas() {
        let (original, seen) = recording();
        let recorded = read(&seen);
        assert_eq!(recorded.scenario.pod.limit, original.pod.limit);
        assert_eq!(recorded.scenario.pod.start, original.pod.start);
        // 450m on the initial three pods, in a sample of which half is from before the rise.
        assert!(matches!(
            recorded.scenario.pod.ceiling,
            Ceiling::TwiceRequest | Ceiling::At(_)
        ));
        assert_eq!(recorded.doubts, Vec::<String>::new());
        let again = recorded.scenario.run();
        assert_eq!(
            sizes(&recorded.path).iter().max(),
            sizes(&again.path).iter().max()
        );
        assert_eq!(sizes(&again.path).last(), Some(&3));
        assert!(
            (again.pod_hours - recorded.pod_hours).abs() < recorded.pod_hours * 0.05,
            "{} {}",
            again.pod_hours,
            recorded.pod_hours
        );
    }

    #[test]
    fn each_change_has_its_effect() {
        let (_, seen) = recording();
        let recorded = read(&seen);
        let most = |changes: Changes| changes.apply(recorded.scenario.clone()).run().most;
        assert_eq!(most(Changes::default()), 9);
        assert_eq!(
            most(Changes {
                max_replicas: Some(6),
                ..Changes::default()
            }),
            6
        );
        assert_eq!(
            most(Changes {
                target_percent: Some(90),
                ..Changes::default()
            }),
            5
        );
        assert_eq!(
            most(Changes {
                request: Some(Millicores(200)),
                ..Changes::default()
            }),
            5
        );
        assert_eq!(
            most(Changes {
                load_scale: Some(0.5),
                ..Changes::default()
            }),
            5
        );
        assert_eq!(
            most(Changes {
                tolerance: Some(20.0),
                ..Changes::default()
            }),
            3
        );
        let quick = Changes {
            stabilization: Some(Duration::from_mins(1)),
            ..Changes::default()
        };
        assert!(quick.apply(recorded.scenario.clone()).run().pod_hours < recorded.pod_hours * 0.9);
    }

    #[test]
    fn pods_at_their_limit_raise_a_doubt() {
        let (mut scenario, _) = recording();
        scenario.pod.limit = Some(Millicores(110));
        let mut seen = Vec::new();
        scenario.watch(|o| seen.push(o));
        assert!(read(&seen).doubts[0].contains("limit of 110m"));
    }
}
