//! `hpa-check decide`: controller decisions as data, one JSON object per line.

use std::io;

use super::manifest::ManifestArgs;
use crate::failure::{Failure, exit};

/// The flags. Cases come from standard input; answers go to standard output.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    manifest: ManifestArgs,
}

/// Answers every line. The exit code is 2 if a line was invalid.
pub(crate) fn execute(args: &Args) -> Result<u8, Failure> {
    let autoscaler = args.manifest.object()?;
    let output = io::BufWriter::new(io::stdout().lock());
    let all = hpa_check_core::decide::run(io::stdin().lock(), output, autoscaler.as_ref());
    match all {
        Ok(true) => Ok(0),
        Ok(false) => Ok(exit::USAGE),
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(0),
        Err(e) => Err(Failure::internal(format!(
            "standard input or output failed: {e}"
        ))),
    }
}
