//! Why a command could not run at all, with its exit code.

use std::error::Error;
use std::fmt;

/// Exit codes that are not a verdict. For a verdict's, see [`hpa_check_core::verdict::Outcome::exit_code`].
pub mod exit {
    /// An error in this program.
    pub const INTERNAL: u8 = 1;
    /// A wrong command line, a bad file named on it, or an output that can't be written.
    pub const USAGE: u8 = 2;
    /// The target can't be used, and nothing was tested.
    pub const TARGET: u8 = 90;
    /// A requested bound is not kept.
    pub const THRESHOLD: u8 = 99;
    /// Interrupted by a signal; the result was written.
    pub const INTERRUPTED: u8 = 105;
}

/// A failure, in one sentence for the user.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// What was wrong, what was expected and what to do.
    pub message: String,
}

impl Failure {
    /// A mistake on the command line or in a file named there.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            code: exit::USAGE,
            message: message.into(),
        }
    }

    /// The target can't be used.
    pub fn target(message: impl Into<String>) -> Self {
        Self {
            code: exit::TARGET,
            message: message.into(),
        }
    }

    /// An error in this program or its machine.
    pub fn internal(message: impl Into<String>) -> Self {
        Self {
            code: exit::INTERNAL,
            message: message.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {}

/// The innermost cause of an error: "client error (Connect)" alone explains nothing.
pub(crate) fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
