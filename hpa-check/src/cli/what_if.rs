//! `hpa-check what-if TRACE`: simulates a recorded run with other settings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hpa_check_core::compare::{Side, compare};
use hpa_check_core::manifests::PodRequest;
use hpa_check_core::run::evaluator::Evaluator;
use hpa_check_core::sim::Simulation;
use hpa_check_core::sim::what_if::{Changes, Recorded, recorded};
use hpa_check_core::spec::AutoscalerSpec;
use hpa_check_core::units::Millicores;
use program_common::quantity::{share, whole_percent};

use super::command_line::command_line;
use super::load_from::{LoadFromArgs, factor};
use super::manifest::{self, ManifestArgs};
use super::rehearse::settings::CpuAmount;
use super::simulate::request;
use super::time::duration;
use crate::drive::drive_through;
use crate::failure::Failure;
use crate::feed::replay::Replay;
use crate::notice::answer;
use crate::outputs::Files;
use crate::report::compared;
use crate::report::simulated::text::{OutcomeRow, table, way};
use crate::simulation::{document, watched};

/// The flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The recording, made with `record` or with `-o trace=FILE`
    trace: PathBuf,
    /// The controller's tolerance, such as 0.05 or 5%
    #[arg(help_heading = "What to change", long, value_name = "SHARE", value_parser = share)]
    tolerance: Option<f64>,
    /// The scale-down stabilization window
    #[arg(help_heading = "What to change", long, alias = "stabilization", value_name = "DURATION", value_parser = duration)]
    downscale_stabilization: Option<Duration>,
    #[command(flatten)]
    manifest: ManifestArgs,
    /// Another `behavior`: a file with the contents of that key, or with a whole autoscaler
    #[arg(help_heading = "What to change", long, value_name = "FILE")]
    behavior: Option<PathBuf>,
    /// Minimum number of replicas
    #[arg(help_heading = "What to change", long, value_name = "PODS")]
    min_replicas: Option<i32>,
    /// Maximum number of replicas
    #[arg(help_heading = "What to change", long, value_name = "PODS")]
    max_replicas: Option<i32>,
    /// CPU target in percent of the request
    #[arg(help_heading = "What to change", long, value_name = "PERCENT", value_parser = whole_percent)]
    cpu_target: Option<i32>,
    /// CPU request of a pod
    #[arg(help_heading = "What to change", long, value_name = "CPU")]
    cpu_request: Option<CpuAmount>,
    /// Multiply the load by this factor
    #[arg(help_heading = "What to change", long, value_name = "FACTOR", value_parser = factor)]
    load_scale: Option<f64>,
    /// Use another load instead of the recorded one
    #[command(flatten)]
    measured: LoadFromArgs,
    /// CPU time per request, such as 3.5ms, for a measured load in requests per second
    #[arg(help_heading = "What to change", long, value_name = "DURATION", value_parser = duration, requires = "load_from")]
    cost: Option<Duration>,
    #[command(flatten)]
    files: Files,
}

/// Smaller changes are not reported.
const TOLERANCE: f64 = 0.05;

/// Simulates the recorded work with the recorded settings and with the requested ones.
pub(crate) fn execute(args: &Args) -> Result<u8, Failure> {
    args.files.only(&compared::KINDS, "a what-if")?;
    let opened = args.files.open()?;
    let recorded = read(&args.trace)?;
    let changes = changes(args, recorded.scenario.pod.request)?;
    let same_document = document(recorded.scenario.clone());
    let same = &same_document.summary;
    let changed = changes.apply(recorded.scenario.clone());
    if changed.spec.effective_min() > changed.spec.max_replicas {
        return Err(Failure::usage("the minimum would be above the maximum"));
    }
    let other_document = document(changed);
    let other = &other_document.summary;
    let rows = [
        OutcomeRow {
            name: "as recorded",
            path: &recorded.path,
            pod_hours: recorded.pod_hours,
            summary: None,
        },
        OutcomeRow {
            name: "same settings, simulated",
            path: &same.path,
            pod_hours: same.pod_hours,
            summary: Some(same),
        },
        OutcomeRow {
            name: "what if",
            path: &other.path,
            pod_hours: other.pod_hours,
            summary: Some(other),
        },
    ];
    let mut text = table(&rows);
    text += "\n  The work is that of all recorded pods together, spread evenly over the simulated pods.\n  \
             The closer the first two lines are, the more you can trust the third.\n";
    for doubt in &recorded.doubts {
        text += &format!("  Caution: {doubt}.\n");
    }
    let side = |name, document: &Simulation| {
        let timeline = watched(&document.scenario)?;
        Ok::<_, Failure>(Side::of_simulation(name, document, timeline))
    };
    let a = side("as recorded, simulated", &same_document)?;
    let b = side("what if", &other_document)?;
    let mut comparison = compare(&a, &b, env!("CARGO_PKG_VERSION"), TOLERANCE);
    comparison.command = Some(command_line());
    comparison.notes = vec![format!(
        "As recorded: {}; {:.2} pod-hours. Both sides are simulated from the work of all recorded pods together.",
        way(&recorded.path),
        recorded.pod_hours
    )];
    let doubts = recorded.doubts.iter().map(|d| format!("Doubtful: {d}."));
    comparison.notes.extend(doubts);
    compared::write(&opened, &comparison, &a, &b)?;
    answer(text.trim_end(), opened.is_piped())?;
    Ok(0)
}

fn changes(args: &Args, recorded: Millicores) -> Result<Changes, Failure> {
    let positive = |name: &str, value: Option<i32>| match value {
        Some(value) if value < 1 => Err(Failure::usage(format!("{name} must be at least 1"))),
        value => Ok(value),
    };
    if args.tolerance.is_some_and(|t| !(0.0..10.0).contains(&t)) {
        return Err(Failure::usage("--tolerance is a fraction, such as 0.05"));
    }
    let given = request(args.cpu_request)?;
    let manifest = args.manifest.simulable(PodRequest {
        given,
        otherwise: Some(recorded),
    })?;
    let own = manifest.as_ref().map(|manifest| &manifest.spec);
    let changes = Changes {
        tolerance: args.tolerance,
        stabilization: args.downscale_stabilization,
        behavior: match &args.behavior {
            Some(path) => Some(manifest::behavior(path)?),
            None => own.and_then(|spec| spec.behavior.clone()),
        },
        min_replicas: positive("--min-replicas", args.min_replicas)?
            .or(own.map(AutoscalerSpec::effective_min)),
        max_replicas: positive("--max-replicas", args.max_replicas)?
            .or(own.map(|spec| spec.max_replicas)),
        target_percent: positive("--cpu-target", args.cpu_target)?
            .or(own.and_then(AutoscalerSpec::cpu_target_percent)),
        request: given.or(manifest.as_ref().and_then(|m| m.request)),
        load_scale: args.load_scale,
        load: args.measured.read(args.cost)?,
    };
    if changes == Changes::default() {
        return Err(Failure::usage(
            "nothing is changed: give --hpa, --tolerance, --downscale-stabilization, --behavior, --min-replicas, --max-replicas, --cpu-target, --cpu-request, --load-scale or --load-from",
        ));
    }
    Ok(changes)
}

fn read(path: &Path) -> Result<Recorded, Failure> {
    let trace = Replay::open(path)?;
    let mut evaluator = Evaluator::new(trace.expectation().clone());
    drive_through(trace, &mut evaluator)?;
    recorded(evaluator.timeline()).map_err(|e| {
        Failure::usage(format!(
            "`{}` can't be simulated: {e}; record a run with CPU metrics and load",
            path.display()
        ))
    })
}
