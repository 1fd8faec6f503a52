//! `hpa-check`: see the library for what it does.

use std::process::ExitCode;

fn main() -> ExitCode {
    hpa_check::main()
}
