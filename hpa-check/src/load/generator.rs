//! The generator of a run: `fib-loadgen`, with the user's flags or sized to what the autoscaler needs.

use std::path::PathBuf;

use hpa_check_core::observation::{LoadResult, LoadSecond};
use hpa_check_core::units::Millicores;
use tokio_util::sync::CancellationToken;

use super::sized::Sized;

/// How to load.
pub(crate) struct Generator {
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

impl Generator {
    /// Loads until told to stop. Without flags of the user's, the load is sized to the `demand`.
    pub(super) async fn attack(
        self,
        demand: Option<Millicores>,
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

    /// Whether its load, once it is up, stays what it is: only a plan of stages changes it.
    pub(crate) fn is_steady(&self) -> bool {
        !self.flags.iter().any(|arg| arg.starts_with("--stage"))
    }
}
