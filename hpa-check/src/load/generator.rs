//! The load of a run: `fib-loadgen`, with the user's flags or sized to what the autoscaler needs, or the user's
//! own command or Job.

use std::path::PathBuf;

use hpa_check_core::observation::{LoadResult, LoadSecond};
use hpa_check_core::run::demand::Demand;
use tokio_util::sync::CancellationToken;

use super::command::LoadCommand;
use super::has;
use super::sized::Sized;
use crate::feed::live::job::JobLoad;

/// How to generate the load.
#[derive(Debug, Clone)]
pub(crate) enum Generator {
    /// This project's load generator.
    Loadgen(Loadgen),
    /// Any command.
    Command(LoadCommand),
    /// A Job in the cluster.
    Job(Box<JobLoad>),
}

impl Generator {
    /// Generates load until stopped. A load that is not sized ends when it would be lowered.
    pub(super) async fn attack(
        self,
        demand: Option<Demand>,
        lower: CancellationToken,
        stop: CancellationToken,
        emit: impl FnMut(LoadSecond),
    ) -> Result<LoadResult, String> {
        match self {
            Self::Loadgen(loadgen) if !loadgen.sets_the_load() => {
                loadgen.sized(demand)?.attack(lower, stop, emit).await
            }
            Self::Loadgen(loadgen) => {
                let (args, result) = (loadgen.args(), &loadgen.result);
                super::attack(&loadgen.program, &args, result, lower, emit).await
            }
            Self::Command(command) => command.attack(lower, emit).await,
            Self::Job(job) => job.attack(lower, emit).await,
        }
    }

    /// Whether its load stays constant once it is up: only stages change it, and the load of a command or a Job
    /// is unknown.
    pub(crate) fn is_steady(&self) -> bool {
        match self {
            Self::Loadgen(loadgen) => !loadgen.flags.iter().any(|arg| arg.starts_with("--stage")),
            Self::Command(_) | Self::Job(_) => false,
        }
    }

    /// The load's URL, if known.
    pub(crate) fn url(&self) -> Option<&str> {
        match self {
            Self::Loadgen(loadgen) => Some(&loadgen.url),
            Self::Command(_) => None,
            Self::Job(job) => job.url(),
        }
    }
}

/// The flags of `fib-loadgen` that say what or how much to send.
const SET_THE_LOAD: [&str; 14] = [
    "--rate",
    "--users",
    "-u",
    "--run-time",
    "-t",
    "--ramp-up",
    "--stage",
    "--profile",
    "--requests",
    "--n",
    "-n",
    "--from",
    "--curl",
    "--shard",
];

/// `fib-loadgen`.
#[derive(Debug, Clone)]
pub(crate) struct Loadgen {
    pub(crate) program: PathBuf,
    /// The URL of the service.
    pub(crate) url: String,
    /// The user's own flags; unless one sets the load, it is sized to fit the autoscaler.
    pub(crate) flags: Vec<String>,
    /// How often a sized load retries a refused connection.
    pub(crate) retry_refused: u32,
    /// Where its result goes.
    pub(crate) result: PathBuf,
}

impl Loadgen {
    /// Whether the user's flags say what or how much to send.
    fn sets_the_load(&self) -> bool {
        has(&self.flags, &SET_THE_LOAD)
    }

    /// The load that fits the `demand`, for a user who did not set one.
    fn sized(self, demand: Option<Demand>) -> Result<Sized, String> {
        Ok(Sized {
            program: self.program,
            target: self.url,
            demand: demand.ok_or(
                "the load can't be sized without the pods' CPU request: give it after `--`",
            )?,
            flags: self.flags,
            retry_refused: self.retry_refused,
            result: self.result,
        })
    }

    /// The arguments of a load with the user's flags.
    fn args(&self) -> Vec<String> {
        let own = [&self.url].into_iter().chain(&self.flags).cloned();
        own.chain(super::reporting(&self.result)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loadgen(flags: &[&str]) -> Loadgen {
        Loadgen {
            program: PathBuf::new(),
            url: "http://cart/items".to_owned(),
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            retry_refused: 0,
            result: PathBuf::new(),
        }
    }

    #[test]
    fn only_flags_that_set_the_load_replace_the_sized_one() {
        for flags in [
            &["--rate", "400/s"][..],
            &["--rate=400/s"],
            &["-H", "A: b", "-u5"],
            &["--stage", "1m@5"],
        ] {
            assert!(loadgen(flags).sets_the_load(), "{flags:?}");
        }
        for flags in [
            &[][..],
            &["--allow-host", "cart.example.com"],
            &["-H", "Authorization: Bearer x", "--check=status=200"],
        ] {
            assert!(!loadgen(flags).sets_the_load(), "{flags:?}");
        }
    }
}
