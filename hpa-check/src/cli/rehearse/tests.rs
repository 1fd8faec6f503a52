//! Whole rehearsals on modeled pods: the healthy one passes, and every broken one fails with its own finding.
//! The engine, the model, the conductor and the verdict are the real ones.

use std::time::Duration;

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::expectation::Expectation;
use hpa_check_core::observation::Observation;
use hpa_check_core::run::conductor::{Action, Conductor};
use hpa_check_core::run::evaluator::Evaluator;
use hpa_check_core::sim::engine::Engine;
use hpa_check_core::sim::modeled::{ModeledWorld, PodModel};
use hpa_check_core::sim::world::{Happening, World};
use jiff::Timestamp;

use super::scene::{load, scene};
use super::settings::tests::typed;
use crate::drive::{Audience, drive_through};
use crate::failure::Failure;
use hpa_check_core::sim::intensity::Intensity;

/// The cost of a modeled request.
const COST: Duration = Duration::from_millis(4);

/// Judges without reports.
struct Fold {
    evaluator: Evaluator,
    conductor: Conductor,
}

impl Audience for Fold {
    fn observe(&mut self, observation: Observation) -> Result<(), Failure> {
        self.evaluator.observe(&observation);
        Ok(())
    }

    fn decide(&mut self, now: Timestamp) -> Option<Action> {
        self.conductor.next(now, self.evaluator.timeline())
    }
}

/// A world in which the service returns wrong answers, or the user interrupts.
struct Disturbed {
    world: ModeledWorld,
    lies: bool,
    interrupted_at: Option<Timestamp>,
}

impl Disturbed {
    fn lying(self) -> Self {
        Self { lies: true, ..self }
    }

    fn interrupted_at(self, second: i64) -> Self {
        let at = Timestamp::from_second(second).unwrap();
        Self {
            interrupted_at: Some(at),
            ..self
        }
    }
}

impl World for Disturbed {
    fn now(&self) -> Timestamp {
        self.world.now()
    }

    fn wait(&mut self, until: Timestamp) -> Option<Happening> {
        if self.interrupted_at.is_some_and(|at| at <= self.now()) {
            self.interrupted_at = None;
            return Some(Happening::Interrupted);
        }
        let mut happening = self.world.wait(until)?;
        if self.lies {
            match &mut happening {
                Happening::Load(second) => {
                    second.wrong = second.verified / 100;
                    second.verified -= second.wrong;
                }
                Happening::LoadEnded(Ok(account)) => {
                    account.wrong = account.requests / 100;
                    account.verified -= account.wrong;
                    account.exit_code = 91;
                }
                _ => {}
            }
        }
        Some(happening)
    }

    fn start_pod(&mut self, name: &str) {
        self.world.start_pod(name);
    }

    fn adopt_pod(&mut self, name: &str, worked: Duration) {
        self.world.adopt_pod(name, worked);
    }

    fn stop_pod(&mut self, name: &str) {
        self.world.stop_pod(name);
    }

    fn cpu_times(&mut self) -> Vec<(String, Duration)> {
        self.world.cpu_times()
    }

    fn start_load(&mut self) -> Duration {
        self.world.start_load()
    }

    fn stop_load(&mut self) {
        self.world.stop_load();
    }
}

/// The result of a rehearsal.
struct Rehearsed {
    result: RunResult,
    took: Duration,
}

impl Rehearsed {
    fn ending(&self) -> (u8, &str) {
        let verdict = &self.result.verdict;
        let first = verdict.reasons.first().map_or("", |reason| &reason.id);
        (verdict.exit_code, first)
    }
}

/// Rehearses with these flags on a machine with two CPUs, in a world that `change` modifies first.
fn rehearse_in(line: &str, change: impl FnOnce(Disturbed) -> Disturbed) -> Rehearsed {
    rehearse_on(2, line, change)
}

fn rehearse_on(cpus: usize, line: &str, change: impl FnOnce(Disturbed) -> Disturbed) -> Rehearsed {
    let (flags, settings) = typed(line);
    let settings = settings.unwrap();
    let measured = Intensity::of(settings.sizes.load, 200_000, COST);
    let intensity = Intensity {
        rate: flags.rate.unwrap_or(measured.rate),
        ..measured
    };
    let load = load(&flags, &settings, intensity);
    let model = PodModel {
        runs_after: Duration::from_millis(300),
        ready_after: Duration::from_millis(600),
        drains: Duration::from_millis(2500),
        // The service computes on one thread.
        most: 1000.0,
        warms_up: 0.0,
        nodes: None,
        fault: flags.fault,
    };
    let world = ModeledWorld::new(Timestamp::UNIX_EPOCH, model, load.profile(COST));
    let world = change(Disturbed {
        world,
        lies: false,
        interrupted_at: None,
    });
    let mut fold = Fold {
        evaluator: Evaluator::new(settings.expectation.clone()),
        conductor: Conductor::new(settings.expectation.clone(), load.schedule()),
    };
    let end = drive_through(
        Engine::new(scene(&flags, &settings, cpus), world),
        &mut fold,
    )
    .unwrap();
    Rehearsed {
        result: fold.evaluator.finish(end),
        took: Duration::try_from(end.duration_since(Timestamp::UNIX_EPOCH)).unwrap(),
    }
}

fn rehearse(line: &str) -> Rehearsed {
    rehearse_in(line, |world| world)
}

/// A rehearsal that must not pass.
fn ending(line: &str) -> (u8, String) {
    let rehearsed = rehearse(line);
    let (code, id) = rehearsed.ending();
    (code, id.to_owned())
}

fn expected(code: u8, id: &str) -> (u8, String) {
    (code, id.to_owned())
}

#[test]
fn the_healthy_rehearsal_goes_from_three_to_ten_and_back_and_passes() {
    let rehearsed = rehearse("");
    let result = &rehearsed.result;
    assert_eq!(result.verdict.exit_code, 0, "{:#?}", result.verdict);
    let r = &result.replicas;
    assert_eq!(
        (r.first_ready, r.max_ready, r.last_ready, r.min_ready),
        (Some(3), Some(10), Some(3), Some(3))
    );
    assert_eq!(result.syncs.observed, result.syncs.explained);
    assert!(result.syncs.observed > 10);
    let load = result.load.as_ref().unwrap();
    assert_eq!((load.failed, load.wrong), (0, 0));
    assert!(load.verified > 0 && load.verified == load.requests);
}

#[test]
fn the_demo_takes_less_than_eighty_seconds_and_the_short_one_less_than_a_minute() {
    assert!(rehearse("").took < Duration::from_secs(80));
    assert!(rehearse("--short").took < Duration::from_mins(1));
}

#[test]
fn every_pace_passes() {
    for line in [
        "--short",
        "--real-time",
        "--sync-period 5",
        "--stabilization 20",
    ] {
        let rehearsed = rehearse(line);
        assert_eq!(
            rehearsed.result.verdict.exit_code, 0,
            "{line}: {:#?}",
            rehearsed.result.verdict
        );
        let warned = rehearsed
            .result
            .timeline
            .marks
            .iter()
            .find(|m| m.kind != "Normal");
        assert_eq!(warned, None, "{line}");
    }
}

#[test]
fn other_bounds_and_another_target_pass_if_they_are_asserted() {
    let rehearsed = rehearse("--expect-min 2 --expect-max 5 --expect-cpu 70");
    assert_eq!(
        rehearsed.result.verdict.exit_code, 0,
        "{:#?}",
        rehearsed.result.verdict
    );
    assert_eq!(rehearsed.result.replicas.max_ready, Some(5));
}

#[test]
fn this_repositorys_own_manifest_passes() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../k8s/base/hpa.yaml");
    let rehearsed = rehearse(&format!("--hpa {manifest}"));
    assert_eq!(
        rehearsed.result.verdict.exit_code, 0,
        "{:#?}",
        rehearsed.result.verdict
    );
}

/// Every chart, with the name of its autoscaler if it has several.
fn charts() -> Vec<(std::path::PathBuf, &'static str)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/charts");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 10);
    let name = |file: &std::path::Path| match file.file_stem().unwrap().to_str() {
        Some("istio") => "istio-ingress",
        _ => "",
    };
    files
        .into_iter()
        .map(|file| (file.clone(), name(&file)))
        .collect()
}

#[test]
fn every_chart_passes_with_any_target_name_bounds_and_cpu_target() {
    for (file, name) in charts() {
        let rehearsed = rehearse(&format!("--hpa {} {name}", file.display()));
        let verdict = &rehearsed.result.verdict;
        assert_eq!(verdict.exit_code, 0, "{}: {verdict:#?}", file.display());
    }
}

#[test]
fn the_idle_load_calls_for_no_more_than_the_minimum() {
    for line in [
        "--expect-min 2 --expect-max 20 --expect-cpu 70",
        "--expect-min 1 --expect-max 50 --expect-cpu 80",
    ] {
        let rehearsed = rehearse(line);
        let verdict = &rehearsed.result.verdict;
        assert_eq!(verdict.exit_code, 0, "{line}: {verdict:#?}");
    }
}

#[test]
fn every_broken_rehearsal_in_the_docs_ends_as_documented() {
    let page = include_str!("../../../../docs/rehearsal.md");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| `--"))
        .map(|line| line.split('`').collect())
        .collect();
    assert_eq!(rows.len(), 12);
    for row in rows {
        let [_, flags, code, first, _] = row[..] else {
            panic!("not a row: {row:?}")
        };
        let code = code.trim_matches(['|', ' ']).parse().unwrap();
        assert_eq!(ending(flags), expected(code, first), "{flags}");
    }
}

#[test]
fn a_request_too_big_for_this_machine_ends_the_run_before_any_load() {
    let rehearsed = rehearse("--cpu-request 2000m");
    assert_eq!(rehearsed.ending(), (93, "cpu-request-too-high"));
    assert!(rehearsed.result.load.is_none());
    assert!(rehearsed.took < Duration::from_secs(5));
}

/// The load uses 650m, and may use up to 812m: nine pods at half of 180m use 810m.
#[test]
fn a_request_too_big_for_the_rehearsals_load_ends_the_run_on_any_machine() {
    for (request, ending, loaded) in [
        ("120m", (0, "path-proven"), true),
        ("150m", (93, "load-too-weak"), true),
        ("180m", (93, "load-too-weak"), true),
        ("181m", (93, "cpu-request-too-high"), false),
        ("2000m", (93, "cpu-request-too-high"), false),
    ] {
        let rehearsed = rehearse_on(64, &format!("--cpu-request {request}"), |world| world);
        assert_eq!(rehearsed.ending(), ending, "{request}");
        assert_eq!(rehearsed.result.load.is_some(), loaded, "{request}");
    }
}

#[test]
fn a_lower_request_than_the_fitted_one_passes() {
    let verdict = rehearse("--cpu-request 50m").result.verdict;
    assert_eq!(verdict.exit_code, 0, "{verdict:#?}");
}

#[test]
fn bounds_other_than_the_asserted_ones_are_reported() {
    assert_eq!(
        ending("--max-replicas 8"),
        expected(91, "spec-bounds-differ")
    );
    assert_eq!(
        ending("--min-replicas 1"),
        expected(91, "spec-bounds-differ")
    );
}

#[test]
fn an_autoscaler_that_may_not_scale_down_is_reported() {
    let disabled = include_str!("../../../../k8s/base/hpa.yaml").replace(
        "stabilizationWindowSeconds: 300\n      selectPolicy: Max",
        "selectPolicy: Disabled",
    );
    assert!(disabled.contains("Disabled"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hpa.yaml");
    std::fs::write(&file, disabled).unwrap();
    let line = format!("--hpa {}", file.display());
    assert_eq!(ending(&line), expected(91, "scale-down-disabled"));
}

#[test]
fn a_service_with_wrong_answers_does_not_pass() {
    let rehearsed = rehearse_in("", Disturbed::lying);
    assert_eq!(rehearsed.ending(), (91, "wrong-answers"));
}

#[test]
fn an_interrupted_rehearsal_says_so_and_stops_its_load() {
    let rehearsed = rehearse_in("", |world| world.interrupted_at(20));
    assert_eq!(rehearsed.result.verdict.exit_code, 105);
    assert!(rehearsed.result.load.is_some());
    assert!(rehearsed.took < Duration::from_secs(21));
}

#[test]
fn the_expect_flags_set_the_assertion() {
    let expectation = rehearse("--expect-max 8").result.expectation;
    let wanted = Expectation {
        max_replicas: 8,
        patience: expectation.patience,
        ..Expectation::default()
    };
    assert_eq!(expectation, wanted);
}
