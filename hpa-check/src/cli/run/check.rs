//! A check on a cluster, from the resolved flags to the exit code.

use std::path::PathBuf;
use std::time::Duration;

use hpa_check_core::observation::ControllerConfig;
use hpa_check_core::run::conductor::{Conductor, LoadSchedule};
use hpa_check_core::verdict::Verdict;

use super::asserted::AssertedArgs;
use crate::cli::command_line::command_line;
use crate::cli::name::NameArgs;
use crate::drive::drive;
use crate::drive::session::Session;
use crate::failure::{Failure, exit};
use crate::feed::live::{ClusterArgs, LiveCluster, LiveFeed, Timing};
use crate::load::command::LoadCommand;
use crate::load::generator::{Generator, Loadgen};
use crate::load::job::LoadJob;
use crate::notice::notice;
use crate::outputs::{Opened, Outputs, Ui};
use crate::process;
use crate::report::escape::Terminal;
use crate::runtime::runtime;
use crate::signals::Signals;
use crate::sinks::page::{Listening, ServeArgs};

/// What to check, and how.
pub(crate) struct Run {
    pub(crate) cluster: ClusterArgs,
    pub(crate) autoscaler: NameArgs,
    pub(crate) asserted: AssertedArgs,
    pub(crate) controller: ControllerConfig,
    /// Whether they were stated; the defaults are assumed otherwise.
    pub(crate) controller_stated: bool,
    pub(crate) metrics_resolution: Duration,
    /// How long the load stays up at the maximum; `None` means a few syncs.
    pub(crate) hold: Option<Duration>,
    /// `None` if the load comes from elsewhere.
    pub(crate) load: Option<Load>,
    pub(crate) outputs: Outputs,
    pub(crate) serve: ServeArgs,
}

/// The load to start.
pub(crate) enum Load {
    /// The load generator of this project.
    Loadgen(LoadgenArgs),
    /// The user's own command.
    Command(LoadCommand),
    /// A Job in the cluster.
    Job(LoadJob),
}

/// How to start the load generator.
pub(crate) struct LoadgenArgs {
    /// `None` means the generator next to this program.
    pub(crate) program: Option<PathBuf>,
    pub(crate) url: String,
    /// The generator's own flags; without any, the load is sized to fit the autoscaler.
    pub(crate) args: Vec<String>,
    /// How often a sized load retries a refused connection.
    pub(crate) retry_refused: u32,
    pub(crate) result: Option<PathBuf>,
}

/// Checks; returns the verdict's exit code.
pub(crate) fn run(run: Run) -> Result<u8, Failure> {
    let runtime = runtime()?;
    runtime.block_on(check(run))
}

async fn check(mut run: Run) -> Result<u8, Failure> {
    // An unwritable output is found before the cluster is queried.
    let opened = run.outputs.files.open()?;
    let listening = run.serve.open()?;
    let scratch = tempfile::tempdir()
        .map_err(|e| Failure::internal(format!("no temporary folder can be made: {e}")))?;
    let prepared = run
        .load
        .take()
        .map(|load| prepared(load, scratch.path().join("load.json")))
        .transpose()?;
    let mut signals =
        Signals::catch().map_err(|e| Failure::internal(format!("signals can't be caught: {e}")))?;
    let timing = Timing::of(&run.controller, run.metrics_resolution);
    let live = tokio::select! {
        found = LiveCluster::find(&run.cluster, run.autoscaler.name(), timing) => found?,
        () = signals.next() => return Err(Failure {
            code: exit::INTERRUPTED,
            message: "interrupted before the autoscaler was found; nothing was tested".to_owned(),
        }),
    };
    let generator = prepared.map(|prepared| match prepared {
        Prepared::Here(generator) => *generator,
        Prepared::InCluster(job) => Generator::Job(Box::new(live.job(job))),
    });
    let verdict = judge(run, live, (opened, listening), generator, &mut signals).await?;
    Ok(verdict.exit_code)
}

/// Watches and loads until enough was observed, then judges.
async fn judge(
    run: Run,
    live: LiveCluster,
    (opened, listening): (Opened, Option<Listening>),
    generator: Option<Generator>,
    signals: &mut Signals,
) -> Result<Verdict, Failure> {
    let expectation = run.asserted.of(live.spec())?;
    let context = live.context(
        (run.controller, run.controller_stated),
        run.metrics_resolution,
    );
    if run.outputs.ui != Ui::None {
        let name = format!("{}/{}", context.namespace, context.autoscaler);
        let told = run.asserted.told(&name, &expectation, live.spec());
        notice(&Terminal(format!("hpa-check: {told}")).to_string());
    }
    let conductor = Conductor::new(expectation.clone(), LoadSchedule::Adaptive).holding(run.hold);
    let conductor = match &generator {
        Some(generator) if generator.is_steady() => conductor.steady(),
        _ => conductor,
    };
    let mut session = Session::start(
        opened,
        run.outputs.ui,
        expectation,
        command_line(),
        Some(conductor),
    )?
    .served(listening)?;
    let feed = LiveFeed::new(live, context, generator, signals);
    let end = drive(feed, &mut session).await?;
    session.finish(end)
}

/// A load that can start, here or on the cluster once that is found.
enum Prepared {
    Here(Box<Generator>),
    InCluster(LoadJob),
}

fn prepared(load: Load, scratch: PathBuf) -> Result<Prepared, Failure> {
    Ok(match load {
        Load::Job(job) => Prepared::InCluster(job),
        Load::Command(command) => Prepared::Here(Box::new(Generator::Command(command))),
        Load::Loadgen(load) => Prepared::Here(Box::new(Generator::Loadgen(Loadgen {
            program: process::program(load.program, "fib-loadgen")?,
            url: load.url,
            flags: load.args,
            retry_refused: load.retry_refused,
            result: load.result.unwrap_or(scratch),
        }))),
    })
}

#[cfg(test)]
mod tests;
