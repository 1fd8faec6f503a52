//! Messages for people, on standard error.

use std::io::{self, Write as _};

use crate::failure::Failure;

/// Prints a message. If that fails, there is nobody to report it to.
pub(crate) fn notice(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints an answer on standard output, or on standard error if a report already goes to standard output.
pub(crate) fn answer(text: &str, piped: bool) -> Result<(), Failure> {
    if piped {
        notice(text);
        return Ok(());
    }
    print(format!("{text}\n").as_bytes())
}

/// Prints to standard output. A reader that stops early, such as `head`, has read enough.
pub(crate) fn print(text: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    unless_gone(out.write_all(text).and_then(|()| out.flush()))
        .map_err(|e| Failure::usage(format!("standard output can't be written: {e}")))
}

/// Ignores the error of a reader that is gone.
pub(crate) fn unless_gone(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
