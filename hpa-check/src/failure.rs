//! Why a command could not do its work at all, and the exit code that says so.

use std::fmt;

/// Exit codes that are not a verdict. A verdict's own: [`hpa_check_core::verdict::Outcome::exit_code`].
pub mod exit {
    /// A fault of this program.
    pub const INTERNAL: u8 = 1;
    /// The command line, a file given on it, or an output that can't be written.
    pub const USAGE: u8 = 2;
    /// The target can't be used, and nothing was tested.
    pub const TARGET: u8 = 90;
    /// A bound that was asked for is not kept.
    pub const THRESHOLD: u8 = 99;
    /// Stopped by a signal; the result was written.
    pub const INTERRUPTED: u8 = 105;
}

/// A failure, in one sentence for the user.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// What was wrong, what was expected, what to do.
    pub message: String,
}

impl Failure {
    /// A fault of the command line or of a file that it names.
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

    /// A fault of this program or of the machine under it.
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

impl std::error::Error for Failure {}
