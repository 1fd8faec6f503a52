//! Files named on the command line.

use std::path::Path;

use crate::failure::Failure;

/// Reads a file. The error says what it is, such as "the baseline `old.json`", and what to give instead.
pub(super) fn text(path: &Path, shown: &str, wanted: &str) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|e| Failure::usage(format!("{shown} can't be read ({e}): give {wanted}")))
}
