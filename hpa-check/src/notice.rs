//! Messages for people, on standard error.

use std::io::{self, Write as _};

use crate::failure::Failure;

/// Prints a message. A failure to print has nobody to be reported to.
pub(crate) fn notice(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints an answer on standard output, or on standard error when a report already goes to standard
/// output.
pub(crate) fn answer(text: &str, piped: bool) -> Result<(), Failure> {
    if piped {
        notice(text);
        return Ok(());
    }
    print(format!("{text}\n").as_bytes())
}

/// Prints what was asked for on standard output. Whoever reads no further, as `head` does, has seen enough.
pub(crate) fn print(text: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    unless_gone(out.write_all(text).and_then(|()| out.flush()))
        .map_err(|e| Failure::usage(format!("standard output can't be written: {e}")))
}

/// The same, with a reader that is gone for no failure.
pub(crate) fn unless_gone(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
