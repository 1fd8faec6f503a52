//! `hpa-check doctor`: takes one or two snapshots of the cluster, diagnoses, and reports.

use std::time::Duration;

use hpa_check_core::doctor::{ReportPolicy, diagnose};
use hpa_check_core::documents::doctor::{Report, Scope};
use hpa_check_core::snapshot::Assertions;

use crate::cli::command_line::command_line;
use crate::failure::{Failure, exit};
use crate::feed::live::{Assumed, ClusterArgs, Surveyor, did_you_mean};
use crate::notice::answer;
use crate::outputs::Files;
use crate::report;
use crate::report::fleet::{self, KINDS};
use crate::runtime::runtime;
use crate::signals::Signals;
use crate::sinks::screen::{columns, columns_of};

/// What to examine, and what is known beforehand.
pub(crate) struct Visit {
    pub(crate) cluster: ClusterArgs,
    pub(crate) all_namespaces: bool,
    /// The time between two snapshots.
    pub(crate) again: Option<Duration>,
    pub(crate) asked: Assertions,
    pub(crate) assumed: Assumed,
    /// Which findings count.
    pub(crate) policy: ReportPolicy,
    pub(crate) files: Files,
}

/// Returns the exit code of the most severe finding.
pub(crate) fn visit(visit: Visit) -> Result<u8, Failure> {
    visit.files.only(&KINDS, "doctor")?;
    let opened = visit.files.open()?;
    let runtime = runtime()?;
    let report = runtime.block_on(async {
        let mut signals = Signals::catch()
            .map_err(|e| Failure::internal(format!("signals can't be caught: {e}")))?;
        tokio::select! {
            report = look(visit) => report,
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

async fn look(visit: Visit) -> Result<Report, Failure> {
    let surveyor = Surveyor::connect(&visit.cluster, visit.all_namespaces).await?;
    let first = Box::pin(surveyor.look(&visit.assumed)).await?;
    let report = if let Some(pause) = visit.again {
        tokio::time::sleep(pause).await;
        let second = Box::pin(surveyor.look(&visit.assumed)).await?;
        diagnose(&second, Some(&first), &visit.asked)
    } else {
        diagnose(&first, None, &visit.asked)
    };
    if let (Some(name), Some(space)) = (&visit.asked.autoscaler, surveyor.namespace())
        && report.autoscalers.is_empty()
    {
        let there = first.namespaces.values().flat_map(|s| &s.autoscalers);
        let hint = did_you_mean(name, there.map(|scaler| scaler.name.as_str()));
        return Err(Failure::target(format!(
            "the namespace {space} has no HorizontalPodAutoscaler {name}{hint}; omit the name to see all"
        )));
    }
    let scope = Scope {
        namespace: surveyor.namespace().map(str::to_owned),
        autoscaler: visit.asked.autoscaler,
    };
    let mut report = ReportPolicy {
        scope,
        ..visit.policy
    }
    .apply(report);
    if let Some(settings) = &mut report.settings {
        settings.command = Some(command_line());
    }
    Ok(report)
}
