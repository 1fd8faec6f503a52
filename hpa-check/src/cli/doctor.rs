//! `hpa-check doctor`: finds what is wrong with autoscalers from one or two snapshots of the API.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hpa_check_core::doctor::{Ignore, ReportPolicy, diagnose};
use hpa_check_core::documents::doctor::{FailOn, Report, SCHEMA, Scope, is_readable};
use hpa_check_core::snapshot::Assertions;
use program_common::quantity::whole_percent;

use super::command_line::command_line;
use super::controller::ControllerArgs;
use super::file;
use super::name::autoscaler;
use super::time::within;
use crate::failure::{Failure, exit};
use crate::feed::live::{Assumed, ClusterArgs, Surveyor, did_you_mean};
use crate::notice::answer;
use crate::outputs::Files;
use crate::report;
use crate::report::fleet::{self, KINDS};
use crate::runtime::runtime;
use crate::signals::Signals;
use crate::sinks::screen::{columns, columns_of};

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
    let wanted = "a file that doctor wrote with -o json=FILE";
    let text = file::text(path, &format!("the baseline `{place}`"), wanted)?;
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

/// Takes the snapshots, reports, and returns the exit code of the most severe finding.
pub(crate) fn execute(args: Args) -> Result<u8, Failure> {
    let baseline = args.baseline.as_deref().map(read).transpose()?;
    args.files.only(&KINDS, "doctor")?;
    let opened = args.files.open()?;
    let report = runtime()?.block_on(async {
        let mut signals = Signals::catch()?;
        tokio::select! {
            report = look(args, baseline) => report,
            () = signals.next() => Err(Failure {
                code: exit::INTERRUPTED,
                message: "interrupted before everything was read; nothing is reported".to_owned(),
            }),
        }
    })?;
    let failed = report::write_each(&opened, |kind| fleet::render(kind, &report));
    let piped = opened.is_piped();
    let columns = if piped {
        columns()
    } else {
        columns_of(&std::io::stdout())
    };
    answer(&fleet::terminal(&report, columns), piped)?;
    report::settle(failed, report.exit_code)?;
    Ok(report.exit_code)
}

async fn look(args: Args, baseline: Option<Report>) -> Result<Report, Failure> {
    let asserted = Assertions {
        autoscaler: args.name.or(args.autoscaler),
        min_replicas: args.expect_min,
        max_replicas: args.expect_max,
        cpu_target_percent: args.expect_cpu,
    };
    let assumed = Assumed {
        controller: args.controller.settings()?,
        metrics_resolution: args.controller.resolution(),
        owner_labels: args.owner_label.clone(),
    };
    let surveyor = Surveyor::connect(&args.cluster, args.all_namespaces).await?;
    let first = Box::pin(surveyor.look(&assumed)).await?;
    let report = if let Some(pause) = args.again {
        tokio::time::sleep(pause).await;
        let second = Box::pin(surveyor.look(&assumed)).await?;
        diagnose(&second, Some(&first), &asserted)
    } else {
        diagnose(&first, None, &asserted)
    };
    if let (Some(name), Some(space)) = (&asserted.autoscaler, surveyor.namespace())
        && report.autoscalers.is_empty()
    {
        let there = first.namespaces.values().flat_map(|s| &s.autoscalers);
        let hint = did_you_mean(name, there.map(|scaler| scaler.name.as_str()));
        return Err(Failure::target(format!(
            "the namespace {space} has no HorizontalPodAutoscaler {name}{hint}; omit the name to see all"
        )));
    }
    let policy = ReportPolicy {
        scope: Scope {
            namespace: surveyor.namespace().map(str::to_owned),
            autoscaler: asserted.autoscaler,
        },
        owner_labels: args.owner_label,
        ignore: args.ignore,
        baseline,
        fail_on: args.fail_on.into(),
    };
    let mut report = policy.apply(report);
    if let Some(settings) = &mut report.settings {
        settings.command = Some(command_line());
    }
    Ok(report)
}
