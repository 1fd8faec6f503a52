//! `hpa-check doctor`: finds what is wrong with autoscalers from one or two snapshots of the API.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hpa_check_core::doctor::{Ignore, ReportPolicy};
use hpa_check_core::documents::doctor::{FailOn, Report, SCHEMA, is_readable};
use hpa_check_core::snapshot::Assertions;
use program_common::quantity::whole_percent;

use super::controller::ControllerArgs;
use super::name::autoscaler;
use super::time::within;
use crate::doctor::{self, Visit};
use crate::failure::Failure;
use crate::feed::live::{Assumed, ClusterArgs};
use crate::outputs::Files;

/// The flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Check every namespace
    #[arg(
        help_heading = "Cluster",
        short = 'A',
        long,
        conflicts_with = "namespace"
    )]
    all_namespaces: bool,
    /// The autoscaler to check [default: all in the namespace]
    #[arg(value_name = "NAME", conflicts_with_all = ["all_namespaces", "autoscaler"], value_parser = autoscaler)]
    name: Option<String>,
    /// The autoscaler, as a flag
    #[arg(help_heading = "Cluster", long, value_name = "NAME", conflicts_with = "all_namespaces", value_parser = autoscaler)]
    autoscaler: Option<String>,
    /// Take a second snapshot after this long, for faults that only show over time
    #[arg(help_heading = "Cluster", long, value_name = "DURATION", value_parser = within(1..=600))]
    again: Option<Duration>,

    /// The lowest severity that fails the command (99 if there are only notes)
    #[arg(help_heading = "What counts", long, value_enum, value_name = "SEVERITY", default_value_t = Lightest::Symptom)]
    fail_on: Lightest,
    /// Suppress a finding; the report keeps it with the reason (repeatable)
    #[arg(help_heading = "What counts", long, value_name = "ID=REASON")]
    ignore: Vec<Ignore>,
    /// Count only findings that are not in this earlier result of doctor
    #[arg(help_heading = "What counts", long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// The label that names an autoscaler's owner (repeatable; the first one present counts)
    #[arg(help_heading = "What counts", long, value_name = "KEY", default_values = ["team", "app.kubernetes.io/part-of"])]
    owner_label: Vec<String>,

    /// Asserted minimum number of replicas [default: any]
    #[arg(
        help_heading = "What to expect",
        long,
        alias = "min",
        value_name = "PODS"
    )]
    expect_min: Option<i32>,
    /// Asserted maximum number of replicas [default: any]
    #[arg(
        help_heading = "What to expect",
        long,
        alias = "max",
        value_name = "PODS"
    )]
    expect_max: Option<i32>,
    /// Asserted CPU target in percent of the request [default: any]
    #[arg(help_heading = "What to expect", long, alias = "cpu", value_name = "PERCENT", value_parser = whole_percent)]
    expect_cpu: Option<i32>,

    #[command(flatten)]
    controller: ControllerArgs,
    #[command(flatten)]
    files: Files,
}

/// The findings that affect the exit code.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Lightest {
    /// Findings that keep an autoscaler from working
    Blocker,
    /// Also findings that explain the problem on their own
    Cause,
    /// Every fault, including symptoms
    Symptom,
    /// Also notes
    Note,
    /// Nothing; always exit with 0
    None,
}

impl From<Lightest> for FailOn {
    fn from(lightest: Lightest) -> Self {
        match lightest {
            Lightest::Blocker => Self::Blocker,
            Lightest::Cause => Self::Cause,
            Lightest::Symptom => Self::Symptom,
            Lightest::Note => Self::Note,
            Lightest::None => Self::None,
        }
    }
}

/// Reads an earlier result.
fn read(path: &Path) -> Result<Report, Failure> {
    let place = path.display();
    let text = std::fs::read_to_string(path).map_err(|e| {
        Failure::usage(format!(
            "the baseline `{place}` can't be read ({e}): give a file that doctor wrote with -o json=FILE"
        ))
    })?;
    let report: Report = serde_json::from_str(&text).map_err(|e| {
        Failure::usage(format!(
            "the baseline `{place}` is not a result of doctor ({e}): give a file that it wrote with -o json=FILE"
        ))
    })?;
    if is_readable(&report.schema) {
        return Ok(report);
    }
    Err(Failure::usage(format!(
        "the baseline `{place}` has the schema `{}`, and this program reads {SCHEMA} and earlier",
        report.schema
    )))
}

/// Takes the snapshot, reports it, and returns the exit code of the most severe finding.
pub(crate) fn execute(args: Args) -> Result<u8, Failure> {
    let baseline = args.baseline.as_deref().map(read).transpose()?;
    doctor::visit(Visit {
        cluster: args.cluster,
        all_namespaces: args.all_namespaces,
        again: args.again,
        asked: Assertions {
            autoscaler: args.name.or(args.autoscaler),
            min_replicas: args.expect_min,
            max_replicas: args.expect_max,
            cpu_target_percent: args.expect_cpu,
        },
        assumed: Assumed {
            controller: args.controller.settings()?,
            metrics_resolution: args.controller.resolution(),
            owner_labels: args.owner_label.clone(),
        },
        policy: ReportPolicy {
            owner_labels: args.owner_label,
            ignore: args.ignore,
            baseline,
            fail_on: args.fail_on.into(),
            ..ReportPolicy::default()
        },
        files: args.files,
    })
}
