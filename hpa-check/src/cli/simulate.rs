//! `hpa-check simulate`: simulates how an autoscaler responds to a load, and searches for cheaper settings.

mod search;

use std::path::PathBuf;
use std::time::Duration;

use hpa_check_core::manifests::{PodRequest, Simulable};
use hpa_check_core::sim::fault::SimulatedFault;
use hpa_check_core::sim::{Bound, Ceiling, LoadProfile, PodShape, Scenario};
use hpa_check_core::spec::{AutoscalerSpec, MetricSpec, TargetRef};
use hpa_check_core::units::Millicores;
use program_common::quantity::{percentage, whole_percent};

use super::controller::ControllerArgs;
use super::file;
use super::load_from::{self, LoadFromArgs};
use super::manifest::ManifestArgs;
use super::rehearse::settings::CpuAmount;
use super::time::{duration, long_duration, positive};
use crate::failure::Failure;
use crate::notice::notice;
use crate::outputs::Files;
use crate::report::escape::Terminal;
use crate::simulation;
use search::SearchArgs;

/// The flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The load: points TIME:WORK such as `0s:100m 1m:1500m 5m:1.5`, in millicores or cores of CPU; or `1m:400/s` with --cost
    #[arg(help_heading = "Load", long, value_name = "PROFILE")]
    load: Option<String>,
    /// Read the load from a file
    #[arg(
        help_heading = "Load",
        long,
        value_name = "FILE",
        conflicts_with = "load"
    )]
    load_file: Option<PathBuf>,
    #[command(flatten)]
    measured: LoadFromArgs,
    /// CPU time per request, such as 3.5ms, for a load in requests per second
    #[arg(help_heading = "Load", long, value_name = "DURATION", value_parser = positive)]
    cost: Option<Duration>,
    /// Multiply the load by this factor
    #[arg(help_heading = "Load", long, value_name = "FACTOR", value_parser = load_from::factor)]
    load_scale: Option<f64>,
    /// Queue work that can't be done at once, instead of dropping it
    #[arg(help_heading = "Load", long)]
    backlog: bool,
    /// How long to simulate [default: to the end of the load, and for one that was not measured, of the scale-down]
    #[arg(help_heading = "Load", long = "for", value_name = "DURATION", value_parser = long_duration)]
    length: Option<Duration>,

    #[command(flatten)]
    manifest: ManifestArgs,
    /// Minimum number of replicas [default: the manifest's, else 3]
    #[arg(help_heading = "Autoscaler", long, value_name = "PODS")]
    min_replicas: Option<i32>,
    /// Maximum number of replicas [default: the manifest's, else 10]
    #[arg(help_heading = "Autoscaler", long, value_name = "PODS")]
    max_replicas: Option<i32>,
    /// CPU target in percent of the request [default: the manifest's, else 50]
    #[arg(help_heading = "Autoscaler", long, value_name = "PERCENT", value_parser = whole_percent)]
    cpu_target: Option<i32>,
    /// CPU request of a pod [default: the manifest's, else 100m]
    #[arg(help_heading = "Pods", long, value_name = "CPU")]
    cpu_request: Option<CpuAmount>,
    /// CPU limit of a pod; `none` removes the ceiling [default: the manifest's, else a ceiling of twice the request, or of twice a target above it]
    #[arg(help_heading = "Pods", long, value_name = "CPU")]
    cpu_limit: Option<CpuAmount>,
    /// Time from a pod's creation until it is ready
    #[arg(help_heading = "Pods", long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pod_start: Duration,
    /// Kubernetes version whose rules apply, such as 1.34 [default: the newest]
    #[arg(
        help_heading = "How the controller and the metrics server are set",
        long,
        value_name = "VERSION",
        value_parser = kubernetes_version
    )]
    kubernetes: Option<String>,
    #[command(flatten)]
    controller: ControllerArgs,

    /// Inject a fault: no-metrics=5m..7m, slow-start=DURATION, slow-nodes=PODS/DURATION, or one of rehearse's (repeatable)
    #[arg(help_heading = "Faults", long, value_name = "FAULT")]
    fault: Vec<SimulatedFault>,

    /// Maximum p95 utilization, in percent of the request
    #[arg(help_heading = "Bounds", long, value_name = "PERCENT", value_parser = percentage)]
    keep_utilization: Option<f64>,
    /// Maximum share of work not served on time, in percent
    #[arg(help_heading = "Bounds", long, value_name = "PERCENT", value_parser = percentage)]
    keep_unserved: Option<f64>,
    /// Maximum time to capacity
    #[arg(help_heading = "Bounds", long, value_name = "DURATION", value_parser = duration)]
    keep_time_to_capacity: Option<Duration>,
    #[command(flatten)]
    search: SearchArgs,
    #[command(flatten)]
    files: Files,
}

/// A pod's CPU request if nothing else is known.
const REQUEST: Millicores = Millicores(100);

/// Work and time have the units of Kubernetes and of every other flag.
const NO_LOAD: &str = "there is no load to simulate: give --load with points of CPU work such as '0s:100m 1m:900m 6m:900m' \
     (or of requests, 60s:400/s, with --cost 3.5ms), the same in a --load-file, or a measured one with --load-from";

/// The most replicas of a simulation.
const MOST_REPLICAS: i32 = 1_000;

/// Simulates, reports, and returns 0, or 99 if a threshold is not met.
pub(crate) fn execute(args: Args) -> Result<u8, Failure> {
    let scenario = scenario(&args)?;
    let bound = Bound {
        p95_utilization: args.keep_utilization,
        unserved_percent: args.keep_unserved,
        short_seconds: args.keep_time_to_capacity.map(|t| t.as_secs()),
    };
    let grid = args.search.grid()?;
    if grid.is_some() && bound == Bound::default() {
        return Err(Failure::usage(
            "without a bound the cheapest settings are always the smallest: give --keep-utilization, --keep-unserved or --keep-time-to-capacity",
        ));
    }
    simulation::simulate(scenario, bound, grid, &args.files)
}

/// A version as `1.34`, `v1.34` or `v1.34.2`.
fn kubernetes_version(text: &str) -> Result<String, String> {
    let version = text.strip_prefix('v').unwrap_or(text);
    let mut parts = version.split('.').map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(1)), Some(Ok(minor))) => Ok(format!("1.{minor}")),
        _ => Err(format!(
            "`{text}` is not a version of Kubernetes: write it like 1.34"
        )),
    }
}

fn check_replicas(most: i32) -> Result<(), Failure> {
    if most > MOST_REPLICAS {
        return Err(Failure::usage(format!(
            "at most {MOST_REPLICAS} replicas can be simulated"
        )));
    }
    Ok(())
}

fn scenario(args: &Args) -> Result<Scenario, Failure> {
    let load = load(args)?.times(args.load_scale.unwrap_or(1.0));
    let manifest = args.manifest.simulable(PodRequest {
        given: args.cpu_request.and_then(|amount| amount.0),
        otherwise: None,
    })?;
    let given = manifest.as_ref();
    let mut spec = given.map_or_else(without_manifest, |manifest| manifest.spec.clone());
    spec.min_replicas = args.min_replicas.or(spec.min_replicas);
    spec.max_replicas = args.max_replicas.unwrap_or(spec.max_replicas);
    if let Some(target) = args.cpu_target {
        spec.set_utilization(target);
    }
    let target = spec.cpu_target_percent();
    let (min, max) = (spec.effective_min(), spec.max_replicas);
    if min < 1 {
        return Err(Failure::usage(format!(
            "a minimum of {min} replicas can't be simulated: give --min-replicas of at least 1"
        )));
    }
    if max < min {
        return Err(Failure::usage(format!(
            "the maximum of {max} replicas is below the minimum of {min}: give another --max-replicas or --min-replicas"
        )));
    }
    if target.is_none_or(|target| target < 1) {
        return Err(Failure::usage(
            "the autoscaler needs a CPU target of at least 1 %: give --cpu-target",
        ));
    }
    check_replicas(spec.max_replicas)?;
    let request = if let Some(amount) = args.cpu_request {
        amount.0
    } else {
        let known = given.and_then(|m| m.request);
        if let (None, Some(manifest)) = (known, given) {
            assumed(manifest);
        }
        known.or(Some(REQUEST))
    };
    let Some(request) = request else {
        return Err(Failure::usage(
            "without a CPU request there is no utilization: give --cpu-request",
        ));
    };
    let broken = |fault: &&SimulatedFault| matches!(fault, SimulatedFault::Broken(_));
    if args.fault.iter().filter(broken).count() > 1 {
        return Err(Failure::usage(
            "only one fault can last for the whole simulation: give one of rehearse's --fault values",
        ));
    }
    let mut scenario = Scenario {
        spec,
        controller: args.controller.settings()?,
        kubernetes: args.kubernetes.clone(),
        resolution: args.controller.resolution(),
        pod: PodShape {
            request,
            limit: match args.cpu_limit {
                Some(amount) => amount.0,
                None => given.and_then(|m| m.limit),
            },
            ceiling: match args.cpu_limit {
                Some(CpuAmount(None)) => Ceiling::Unlimited,
                _ => without_limit(request, target.unwrap_or_default()),
            },
            start: args.pod_start,
        },
        load,
        replicas: None,
        backlog: args.backlog,
        length: Duration::ZERO,
        faults: args.fault.clone(),
        origin: manifest.map(|manifest| manifest.origin),
    };
    let natural = if scenario.load.source.is_some() {
        scenario.load.end()
    } else {
        scenario.natural_length()
    };
    let length = args.length.unwrap_or(natural);
    if length > load_from::MOST {
        return Err(Failure::usage(
            "at most 35 days can be simulated: give --for",
        ));
    }
    scenario.length = length;
    Ok(scenario)
}

/// Says that no request is known: every percentage of the result depends on it.
fn assumed(manifest: &Simulable) {
    let name = &manifest.origin.name;
    let target = &manifest.spec.scale_target_ref;
    let (kind, target) = (&target.kind, &target.name);
    let why = if manifest.workload.is_some() {
        format!(
            "pods that request {REQUEST} are simulated: set the requests of {kind}/{target}, or give --cpu-request"
        )
    } else {
        let printed = format!(
            "kubectl get hpa/{name} {}/{target} -o yaml",
            kind.to_lowercase()
        );
        format!(
            "{kind}/{target} is not in the input, so pods that request {REQUEST} are simulated: add it, as `{printed}` does, or give --cpu-request"
        )
    };
    notice(&Terminal(format!("hpa-check: {name}: {why}")).to_string());
}

/// The most work of a pod without a limit. A target above the request says that pods do more than they request: with
/// twice the request as the ceiling, a target of 250 % could never be reached.
fn without_limit(request: Millicores, target: i32) -> Ceiling {
    if target <= 100 {
        return Ceiling::TwiceRequest;
    }
    let at_target = request.0.saturating_mul(target.into()) / 100;
    Ceiling::At(Millicores(at_target.saturating_mul(2)))
}

/// The load from the flags or from a measurement.
fn load(args: &Args) -> Result<LoadProfile, Failure> {
    if let Some(measured) = args.measured.read(args.cost)? {
        if args.load.is_some() || args.load_file.is_some() {
            return Err(Failure::usage(
                "there is no load, or more than one: give --load, --load-file or --load-from",
            ));
        }
        return Ok(measured);
    }
    let text = match (&args.load, &args.load_file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) => file::text(
            path,
            &format!("the load `{}`", path.display()),
            "a file of points such as 0s:100m 1m:900m",
        )?,
        (None, None) => return Err(Failure::usage(NO_LOAD)),
    };
    LoadProfile::parse(&text, args.cost)
        .map_err(|e| Failure::usage(format!("the load can't be used: {e}")))
}

/// The autoscaler used without a manifest.
fn without_manifest() -> AutoscalerSpec {
    AutoscalerSpec {
        scale_target_ref: TargetRef::deployment("simulated"),
        min_replicas: Some(3),
        max_replicas: 10,
        metrics: vec![MetricSpec::cpu_utilization(50)],
        behavior: None,
    }
}

/// Also used by [`super::what_if`].
pub(super) fn request(amount: Option<CpuAmount>) -> Result<Option<Millicores>, Failure> {
    match amount {
        None => Ok(None),
        Some(CpuAmount(Some(request))) => Ok(Some(request)),
        Some(CpuAmount(None)) => Err(Failure::usage(
            "without a CPU request there is no utilization: give an amount",
        )),
    }
}
