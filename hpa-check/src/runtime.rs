//! The runtime of a command: a single thread.

use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;

/// Starts it.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::internal(format!("the runtime can't be started: {e}")))
}
