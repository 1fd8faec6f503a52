//! How a run ends: the exit codes, and which one applies if several could.

use std::process::ExitCode;

/// Why a run ended as it did, in order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// Something in the generator itself failed.
    Internal,
    /// The command line is invalid.
    Usage,
    /// The target could not be used, so nothing was tested.
    Target,
    /// An answer was wrong.
    Wrong,
    /// A threshold was not met.
    Threshold,
    /// The generator was the bottleneck, and that was set to fail.
    Saturated,
    /// Less was sent than planned, and that was set to fail.
    NotAchieved,
    /// Stopped by a signal or by the end of standard input; the result was written.
    Interrupted,
}

impl Ending {
    /// The exit code. It matches k6 where k6 has the same case; 90 to 92 are unused there.
    pub fn code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Target => 90,
            Self::Wrong => 91,
            Self::Saturated | Self::NotAchieved => 92,
            Self::Threshold => 99,
            Self::Interrupted => 105,
        }
    }

    /// A stable word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Internal => "internal-error",
            Self::Usage => "usage",
            Self::Target => "target-not-usable",
            Self::Wrong => "wrong-answer",
            Self::Saturated => "generator-saturated",
            Self::NotAchieved => "load-not-achieved",
            Self::Threshold => "threshold-failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// The exit code of everything that happened: 0 for nothing, else that of the first in precedence.
pub fn code_of(endings: &[Ending]) -> u8 {
    endings.iter().min().map_or(0, |ending| ending.code())
}

/// A failure that ends the program, in one sentence.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The kind, which sets the exit code.
    pub ending: Ending,
    /// What was wrong, what was expected, and what to do.
    pub message: String,
}

impl Failure {
    /// The command line can't be carried out.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            ending: Ending::Usage,
            message: message.into(),
        }
    }

    /// The target can't be used.
    pub fn target(message: impl Into<String>) -> Self {
        Self {
            ending: Ending::Target,
            message: message.into(),
        }
    }

    /// Interrupted before there was anything to write.
    pub fn interrupted() -> Self {
        Self {
            ending: Ending::Interrupted,
            message: "interrupted before the load began: nothing was written".to_owned(),
        }
    }

    /// Something failed here.
    pub fn internal(message: impl Into<String>) -> Self {
        Self {
            ending: Ending::Internal,
            message: message.into(),
        }
    }

    /// The code to exit with.
    pub fn exit_code(&self) -> ExitCode {
        self.ending.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_rank_wrong_answers_thresholds_saturation_interruption() {
        use Ending::{Interrupted, Saturated, Threshold, Wrong};
        assert_eq!(code_of(&[]), 0);
        assert_eq!(code_of(&[Interrupted]), 105);
        assert_eq!(code_of(&[Interrupted, Saturated]), 92);
        assert_eq!(code_of(&[Interrupted, Saturated, Threshold]), 99);
        assert_eq!(code_of(&[Interrupted, Saturated, Threshold, Wrong]), 91);
    }
}
