//! `hpa-check`; the library does the work.

use std::process::ExitCode;

fn main() -> ExitCode {
    hpa_check::main()
}
