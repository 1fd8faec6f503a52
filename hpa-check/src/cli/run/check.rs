//! A check on a cluster, from the flags to the exit code.

use hpa_check_core::observation::RunContext;
use hpa_check_core::run::conductor::{Conductor, LoadSchedule};
use hpa_check_core::verdict::Verdict;

use super::Args;
use super::load::Load;
use crate::cli::command_line::command_line;
use crate::drive::drive;
use crate::drive::session::Session;
use crate::failure::{Failure, exit};
use crate::feed::live::{LiveCluster, LiveFeed, Timing};
use crate::load::generator::Generator;
use crate::notice::notice;
use crate::outputs::{Opened, Ui};
use crate::report::escape::Terminal;
use crate::signals::Signals;
use crate::sinks::page::Listening;

/// Checks; returns the verdict's exit code.
pub(super) async fn check(args: &Args) -> Result<u8, Failure> {
    let controller = args.controller.settings()?;
    let load = args.load.load()?;
    // An unwritable output is found before the cluster is queried.
    let opened = args.outputs.files.open()?;
    let listening = args.serve.open()?;
    let mut signals = Signals::catch()?;
    let timing = Timing::of(&controller, args.controller.resolution());
    let live = tokio::select! {
        found = LiveCluster::find(&args.cluster, args.autoscaler.name(), timing) => found?,
        () = signals.next() => return Err(Failure {
            code: exit::INTERRUPTED,
            message: "interrupted before the autoscaler was found; nothing was tested".to_owned(),
        }),
    };
    let (generator, _folder) = match load {
        Some(Load::Here { generator, folder }) => (Some(generator), folder),
        Some(Load::InCluster(job)) => (Some(Generator::Job(Box::new(live.job(job)))), None),
        None => (None, None),
    };
    let context = live.context(
        (controller, args.controller.is_stated()),
        args.controller.resolution(),
    );
    let verdict = judge(
        args,
        (live, context),
        (opened, listening),
        generator,
        &mut signals,
    )
    .await?;
    Ok(verdict.exit_code)
}

/// Watches and loads until enough was observed, then judges.
async fn judge(
    args: &Args,
    (live, context): (LiveCluster, RunContext),
    (opened, listening): (Opened, Option<Listening>),
    generator: Option<Generator>,
    signals: &mut Signals,
) -> Result<Verdict, Failure> {
    let expectation = args.asserted.of(live.spec())?;
    if args.outputs.ui != Ui::None {
        let name = format!("{}/{}", context.namespace, context.autoscaler);
        let told = args.asserted.told(&name, &expectation, live.spec());
        notice(&Terminal(format!("hpa-check: {told}")).to_string());
    }
    let conductor =
        Conductor::new(expectation.clone(), LoadSchedule::Adaptive).holding(args.load.hold);
    let conductor = match &generator {
        Some(generator) if generator.is_steady() => conductor.steady(),
        _ => conductor,
    };
    let mut session = Session::start(
        opened,
        args.outputs.ui,
        expectation,
        command_line(),
        Some(conductor),
    )?
    .served(listening)?;
    let feed = LiveFeed::new(live, context, generator, signals);
    let end = drive(feed, &mut session).await?;
    session.finish(end)
}

#[cfg(test)]
mod tests;
