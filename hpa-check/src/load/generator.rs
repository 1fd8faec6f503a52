//! The generator of a run: `fib-loadgen`, with the user's flags or sized to what the autoscaler needs,
//! or a command or a Job of the user's own.

use std::path::PathBuf;

use hpa_check_core::observation::{LoadResult, LoadSecond};
use hpa_check_core::run::demand::Demand;
use tokio_util::sync::CancellationToken;

use super::command::LoadCommand;
use super::sized::Sized;
use crate::feed::live::job::JobLoad;

/// How to load.
#[derive(Debug, Clone)]
pub(crate) enum Generator {
    /// The load generator of this project.
    Loadgen(Loadgen),
    /// Any command.
    Command(LoadCommand),
    /// A Job in the cluster.
    Job(Box<JobLoad>),
}

impl Generator {
    /// Loads until told to stop. A load that is not sized ends where it would be lowered.
    pub(super) async fn attack(
        self,
        demand: Option<Demand>,
        lower: CancellationToken,
        stop: CancellationToken,
        emit: impl FnMut(LoadSecond),
    ) -> Result<LoadResult, String> {
        match self {
            Self::Loadgen(loadgen) => loadgen.attack(demand, lower, stop, emit).await,
            Self::Command(command) => command.attack(lower, emit).await,
            Self::Job(job) => job.attack(lower, emit).await,
        }
    }

    /// Whether its load, once it is up, stays what it is: only a plan of stages changes it, and
    /// nobody knows what a command or a Job does.
    pub(crate) fn is_steady(&self) -> bool {
        match self {
            Self::Loadgen(loadgen) => !loadgen.flags.iter().any(|arg| arg.starts_with("--stage")),
            Self::Command(_) | Self::Job(_) => false,
        }
    }

    /// Where the load goes, if it is known.
    pub(crate) fn url(&self) -> Option<&str> {
        match self {
            Self::Loadgen(loadgen) => Some(&loadgen.url),
            Self::Command(_) => None,
            Self::Job(job) => job.url(),
        }
    }
}

/// `fib-loadgen`.
#[derive(Debug, Clone)]
pub(crate) struct Loadgen {
    pub(crate) program: PathBuf,
    /// The URL of the service.
    pub(crate) url: String,
    /// The user's own flags; with none the load is sized to fit the autoscaler.
    pub(crate) flags: Vec<String>,
    /// How often a load that is sized tries a refused connection again.
    pub(crate) retry_refused: u32,
    /// Where its result goes.
    pub(crate) result: PathBuf,
}

impl Loadgen {
    /// Without flags of the user's, the load is sized to the `demand`.
    async fn attack(
        self,
        demand: Option<Demand>,
        lower: CancellationToken,
        stop: CancellationToken,
        emit: impl FnMut(LoadSecond),
    ) -> Result<LoadResult, String> {
        if self.flags.is_empty() {
            let sized = Sized {
                program: self.program,
                target: self.url,
                demand: demand.ok_or(
                    "the load can't be sized without the pods' CPU request: give it after `--`",
                )?,
                retry_refused: self.retry_refused,
                result: self.result,
            };
            return sized.attack(lower, stop, emit).await;
        }
        let mut args = vec![self.url];
        args.extend(self.flags);
        args.extend(super::reporting(&self.result));
        super::attack(&self.program, &args, &self.result, lower, emit).await
    }
}
