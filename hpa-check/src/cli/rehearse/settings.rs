//! Resolves the flags of a rehearsal.

use std::str::FromStr;
use std::time::Duration;

use hpa_check_core::expectation::Expectation;
use hpa_check_core::manifests::PodRequest;
use hpa_check_core::sim::fault::Fault;
use hpa_check_core::spec::{AutoscalerSpec, ContainerResources, MetricSpec, TargetRef};
use hpa_check_core::units::Millicores;
use program_common::quantity::{rate, whole_percent};

use super::super::manifest::ManifestArgs;
use super::super::time::within;
use crate::failure::Failure;
use crate::notice::notice;
use hpa_check_core::sim::sizing::Sizes;
use hpa_check_core::sim::timescale::Timescale;

/// The name of the rehearsed Deployment and of its autoscaler.
pub(super) const NAME: &str = "fib-server";

/// The flags of a rehearsal.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Flags {
    /// Asserted minimum number of replicas [default: the manifest's, else 3]
    #[arg(help_heading = "What to expect", long, value_name = "PODS")]
    pub(crate) expect_min: Option<i32>,
    /// Asserted maximum number of replicas [default: the manifest's, else 10]
    #[arg(help_heading = "What to expect", long, value_name = "PODS")]
    pub(crate) expect_max: Option<i32>,
    /// Asserted CPU target in percent of the request [default: the manifest's, else 50]
    #[arg(help_heading = "What to expect", long, value_name = "PERCENT", value_parser = whole_percent)]
    pub(crate) expect_cpu: Option<i32>,

    #[command(flatten)]
    pub(crate) manifest: ManifestArgs,
    /// The autoscaler's minimum [default: as asserted]
    #[arg(help_heading = "Autoscaler", long, value_name = "PODS")]
    pub(crate) min_replicas: Option<i32>,
    /// The autoscaler's maximum [default: as asserted]
    #[arg(help_heading = "Autoscaler", long, value_name = "PODS")]
    pub(crate) max_replicas: Option<i32>,
    /// The autoscaler's CPU target in percent of the request [default: as asserted]
    #[arg(help_heading = "Autoscaler", long, value_name = "PERCENT", value_parser = whole_percent)]
    pub(crate) cpu_target: Option<i32>,

    /// CPU request of a replica, such as 100m, or `none` [default: fitted to this machine]
    #[arg(help_heading = "Pods", long, value_name = "CPU")]
    pub(crate) cpu_request: Option<CpuAmount>,
    /// CPU limit of a replica, such as 200m, which caps its measured usage [default: none]
    #[arg(help_heading = "Pods", long, value_name = "CPU")]
    pub(crate) cpu_limit: Option<CpuAmount>,

    /// Number of users of the load generator
    #[arg(
        help_heading = "Load",
        long,
        value_name = "COUNT",
        default_value_t = 500
    )]
    pub(crate) users: u32,
    /// The Fibonacci number to request [default: one that costs a few milliseconds here]
    #[arg(help_heading = "Load", long, value_name = "N")]
    pub(crate) n: Option<u64>,
    /// Peak rate of requests, such as 400/s [default: measured, enough to need the maximum]
    #[arg(help_heading = "Load", long, value_name = "RATE", value_parser = rate)]
    pub(crate) rate: Option<f64>,

    /// Use a cluster's periods: 15 s between syncs, 5 min of stabilization; takes about ten minutes
    #[arg(help_heading = "Pace", long, conflicts_with = "short")]
    pub(crate) real_time: bool,
    /// Use even shorter periods, for CI
    #[arg(help_heading = "Pace", long)]
    pub(crate) short: bool,
    /// The autoscaler's sync period [default: 3s; 15s with --real-time]
    #[arg(help_heading = "Pace", long, value_name = "DURATION", value_parser = within(1..=60))]
    pub(crate) sync_period: Option<Duration>,
    /// The scale-down stabilization window [default: 8s; 5m with --real-time]
    #[arg(help_heading = "Pace", long, alias = "stabilization", value_name = "DURATION", value_parser = within(0..=3_600))]
    pub(crate) downscale_stabilization: Option<Duration>,

    /// Inject a fault: no-metrics, pods-not-ready, quota=PODS, sticky, conflicting-writer or crash
    #[arg(help_heading = "Faults", long, value_name = "FAULT")]
    pub(crate) fault: Option<Fault>,
}

/// An amount of CPU, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CpuAmount(pub(crate) Option<Millicores>);

impl FromStr for CpuAmount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        let wrong = || format!("`{text}` is no amount of CPU: write it as 100m, 0.5, 2 or none");
        let milli = match text.strip_suffix('m') {
            Some(milli) => milli.parse::<f64>(),
            None => text.parse::<f64>().map(|cores| cores * 1000.0),
        }
        .map_err(|_| wrong())?;
        if !(1.0..=1e6).contains(&milli) {
            return Err(wrong());
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the range is checked above"
        )]
        Ok(Self(Some(Millicores(milli.ceil() as i64))))
    }
}

/// The settings of a rehearsal, complete before anything starts.
#[derive(Debug, Clone)]
pub(crate) struct RehearsalSettings {
    /// The assertion.
    pub(crate) expectation: Expectation,
    /// The autoscaler's settings.
    pub(crate) spec: AutoscalerSpec,
    /// The periods.
    pub(crate) timescale: Timescale,
    /// The container of a replica.
    pub(crate) container: ContainerResources,
    /// The size of the load.
    pub(crate) sizes: Sizes,
}

impl Flags {
    /// Rejects impossible settings; reads the manifest, if there is one.
    pub(crate) fn resolve(&self, cpus: usize) -> Result<RehearsalSettings, Failure> {
        let timescale = self.timescale();
        let manifest = self.manifest.simulable(PodRequest::default())?;
        let manifest = manifest.map(|manifest| manifest.spec);
        let scaled = manifest.is_some();
        let spec = match manifest {
            Some(spec) => self.quickened(self.changed(spec), &timescale),
            None => self.changed(self.asserted_spec(&timescale)),
        };
        let spec = if scaled { fitted(spec) } else { spec };
        // A manifest asserts its own numbers, unless flags say otherwise.
        let expectation = if scaled {
            self.of_manifest(&spec)
        } else {
            self.asserted()
        };
        bounds(
            "--expect-min",
            expectation.min_replicas,
            "--expect-max",
            expectation.max_replicas,
        )?;
        percent("--expect-cpu", expectation.cpu_target_percent)?;
        bounds(
            "--min-replicas",
            spec.effective_min(),
            "--max-replicas",
            spec.max_replicas,
        )?;
        if let Some(target) = spec.cpu_target_percent() {
            percent("--cpu-target", target)?;
        }
        if self.users == 0 {
            return Err(Failure::usage("--users must be at least 1"));
        }
        if self
            .rate
            .is_some_and(|rate| !(1.0..=100_000.0).contains(&rate))
        {
            return Err(Failure::usage(
                "--rate must be between 1 and 100000 requests per second",
            ));
        }
        let sizes = Sizes::fit(cpus, &expectation);
        let container = ContainerResources::cpu(
            NAME,
            self.cpu_request
                .map_or(Some(sizes.request), |amount| amount.0),
            self.cpu_limit.and_then(|amount| amount.0),
        );
        Ok(RehearsalSettings {
            expectation,
            spec,
            timescale,
            container,
            sizes,
        })
    }

    fn timescale(&self) -> Timescale {
        let mut timescale = match (self.real_time, self.short) {
            (true, _) => Timescale::REAL,
            (_, true) => Timescale::SHORT,
            _ => Timescale::BRISK,
        };
        if let Some(time) = self.sync_period {
            timescale.sync_period = time;
        }
        if let Some(time) = self.downscale_stabilization {
            timescale.stabilization = time;
        }
        timescale
    }

    /// The assertion from the flags, else that of `fib-server`'s own autoscaler: 3 to 10 at 50 %.
    fn asserted(&self) -> Expectation {
        let default = Expectation::default();
        Expectation {
            min_replicas: self.expect_min.unwrap_or(default.min_replicas),
            max_replicas: self.expect_max.unwrap_or(default.max_replicas),
            cpu_target_percent: self.expect_cpu.unwrap_or(default.cpu_target_percent),
            patience: Duration::from_secs(if self.real_time { 60 } else { 10 }),
            ..default
        }
    }

    /// The assertion from the flags, else the autoscaler's settings.
    fn of_manifest(&self, spec: &AutoscalerSpec) -> Expectation {
        let own = self.asserted().of_spec(spec);
        Expectation {
            min_replicas: self.expect_min.unwrap_or(own.min_replicas),
            max_replicas: self.expect_max.unwrap_or(own.max_replicas),
            cpu_target_percent: self.expect_cpu.unwrap_or(own.cpu_target_percent),
            ..own
        }
    }

    /// The autoscaler if there is no manifest: set as asserted.
    fn asserted_spec(&self, timescale: &Timescale) -> AutoscalerSpec {
        let asserted = self.asserted();
        AutoscalerSpec {
            scale_target_ref: TargetRef::deployment(NAME),
            min_replicas: Some(asserted.min_replicas),
            max_replicas: asserted.max_replicas,
            metrics: vec![MetricSpec::cpu_utilization(asserted.cpu_target_percent)],
            behavior: Some(timescale.behavior()),
        }
    }

    /// The same with the changes from the flags.
    fn changed(&self, mut spec: AutoscalerSpec) -> AutoscalerSpec {
        spec.min_replicas = self.min_replicas.or(spec.min_replicas);
        spec.max_replicas = self.max_replicas.unwrap_or(spec.max_replicas);
        if let Some(target) = self.cpu_target {
            spec.set_utilization(target);
        }
        spec
    }

    /// A manifest's spec at the rehearsal's speed, for the pods that replace its target's.
    fn quickened(&self, mut spec: AutoscalerSpec, timescale: &Timescale) -> AutoscalerSpec {
        NAME.clone_into(&mut spec.scale_target_ref.name);
        if let Some(behavior) = &mut spec.behavior {
            timescale.quicken(behavior);
            if let (Some(rules), Some(window)) =
                (&mut behavior.scale_down, self.downscale_stabilization)
            {
                rules.stabilization_window_seconds = i32::try_from(window.as_secs()).ok();
            }
        }
        spec
    }
}

/// The most replicas that one machine can run, since each is a process.
const MOST: i32 = 50;

/// Scales down bounds that are too big for one machine, and prints that.
fn fitted(spec: AutoscalerSpec) -> AutoscalerSpec {
    let (min, max) = (spec.effective_min(), spec.max_replicas);
    let Some(fitted) = spec.scaled_down(MOST) else {
        return spec;
    };
    notice(&format!(
        "hpa-check: {min} to {max} replicas don't fit on one machine: rehearsing on a smaller scale, {} to {}; `simulate` uses them unchanged",
        fitted.effective_min(),
        fitted.max_replicas
    ));
    fitted
}

fn bounds(min_flag: &str, min: i32, max_flag: &str, max: i32) -> Result<(), Failure> {
    if (1..=max).contains(&min) && max <= MOST {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{min_flag} {min} and {max_flag} {max} don't fit: expected 1 <= min <= max <= {MOST}"
    )))
}

fn percent(flag: &str, value: i32) -> Result<(), Failure> {
    if (1..=1000).contains(&value) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{flag} {value} is not a percentage between 1 and 1000"
    )))
}

#[cfg(test)]
pub(super) mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        flags: Flags,
    }

    /// The flags, as if typed on a machine with two CPUs.
    pub(in super::super) fn typed(line: &str) -> (Flags, Result<RehearsalSettings, Failure>) {
        let words = std::iter::once("rehearse").chain(line.split_whitespace());
        let flags = Cli::try_parse_from(words).unwrap().flags;
        let settings = flags.resolve(2);
        (flags, settings)
    }

    #[test]
    fn without_flags_the_autoscaler_is_set_to_what_is_asserted() {
        let settings = typed("").1.unwrap();
        assert_eq!(settings.spec.min_replicas, Some(3));
        assert_eq!(settings.spec.max_replicas, 10);
        assert_eq!(settings.spec.cpu_target_percent(), Some(50));
        assert_eq!(settings.container.cpu_request, Some(Millicores(100)));
    }

    #[test]
    fn the_autoscalers_settings_do_not_change_the_assertion() {
        let settings = typed("--cpu-target 80 --max-replicas 5").1.unwrap();
        assert_eq!(settings.spec.cpu_target_percent(), Some(80));
        assert_eq!(settings.spec.max_replicas, 5);
        assert_eq!(settings.expectation.cpu_target_percent, 50);
        assert_eq!(settings.expectation.max_replicas, 10);
    }

    #[test]
    fn a_cpu_amount_is_written_as_in_a_manifest() {
        assert_eq!("100m".parse(), Ok(CpuAmount(Some(Millicores(100)))));
        assert_eq!("0.25".parse(), Ok(CpuAmount(Some(Millicores(250)))));
        assert_eq!("2".parse(), Ok(CpuAmount(Some(Millicores(2000)))));
        assert_eq!("none".parse(), Ok(CpuAmount(None)));
        for wrong in ["", "0", "-1", "1e9", "NaN", "inf", "m", "2x"] {
            let amount = wrong.parse::<CpuAmount>();
            assert!(amount.is_err(), "{wrong}: {amount:?}");
        }
    }

    #[test]
    fn impossible_bounds_are_refused_before_anything_starts() {
        for line in [
            "--expect-min 0",
            "--expect-min 11",
            "--max-replicas 2",
            "--max-replicas 51",
            "--expect-cpu 0",
            "--users 0",
            "--rate 0",
        ] {
            let failure = typed(line).1.unwrap_err();
            assert_eq!(failure.code, crate::failure::exit::USAGE, "{line}");
        }
    }

    #[test]
    fn a_manifest_is_sped_up_except_in_real_time() {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../k8s/base/hpa.yaml");
        let window = |line: &str| {
            let settings = typed(&format!("--hpa {manifest} {line}")).1.unwrap();
            let rules = settings.spec.behavior.unwrap().scale_down.unwrap();
            rules.stabilization_window_seconds
        };
        assert_eq!(window(""), Some(60));
        assert_eq!(window("--real-time"), Some(300));
        assert_eq!(window("--stabilization 7"), Some(7));
    }

    #[test]
    fn a_manifests_own_bounds_and_target_are_asserted_unless_flags_assert_others() {
        let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/charts/podinfo.yaml");
        let asserted = |line: &str| {
            let e = typed(&format!("--hpa {chart} {line}"))
                .1
                .unwrap()
                .expectation;
            (e.min_replicas, e.max_replicas, e.cpu_target_percent)
        };
        assert_eq!(asserted(""), (2, 20, 70));
        assert_eq!(asserted("--cpu-target 60"), (2, 20, 60));
        assert_eq!(asserted("--expect-max 10"), (2, 10, 70));
    }

    #[test]
    fn bounds_that_are_too_big_for_one_machine_are_rehearsed_on_a_smaller_scale() {
        let chart = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/charts/keda-generated.yaml"
        );
        let spec = typed(&format!("--hpa {chart} --min-replicas 4"))
            .1
            .unwrap()
            .spec;
        assert_eq!((spec.min_replicas, spec.max_replicas), (Some(2), 50));
    }
}
