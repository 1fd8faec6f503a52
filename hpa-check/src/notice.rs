//! Messages for people, on standard error.

use std::io::{self, Write as _};

/// Prints a message. A failure to print has nobody to be reported to.
pub(crate) fn notice(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints an answer on standard output, or on standard error when a report already goes to standard
/// output.
pub(crate) fn answer(text: &str, piped: bool) -> Result<(), crate::failure::Failure> {
    if piped {
        notice(text);
        return Ok(());
    }
    writeln!(io::stdout().lock(), "{text}").map_err(|e| {
        crate::failure::Failure::usage(format!("standard output can't be written: {e}"))
    })
}
