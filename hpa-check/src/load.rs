//! The load: a `fib-loadgen` process that reports each second while it runs and writes a result at its end.

mod account;
pub(crate) mod command;
pub(crate) mod foreign;
pub(crate) mod generator;
pub(crate) mod job;
pub(crate) mod running;
pub(crate) mod second;
pub(crate) mod sized;

use std::path::Path;
use std::time::Duration;

use hpa_check_core::observation::{LoadResult, LoadSecond};
use rustix::process::Signal;
use tokio_util::sync::CancellationToken;

use self::account::read_result;
use crate::process::Child;

/// A generator that was asked to stop finishes its requests and writes its result within this time.
const STOPS_WITHIN: Duration = Duration::from_secs(12);

/// Flags that a run needs to follow the generator and to stop it reliably.
pub(crate) fn reporting(result: &Path) -> Vec<String> {
    let fixed = ["--ui", "none", "--exit-with-stdin", "-o", "ndjson=-", "-o"];
    let mut args: Vec<String> = fixed.map(str::to_owned).into();
    args.push(format!("json={}", result.display()));
    args
}

/// A rate for the generator's command line: an integer, or with a decimal if it is small.
pub(crate) fn in_short(rate: f64) -> String {
    if rate < 10.0 {
        format!("{:.1}", rate.max(0.1))
    } else {
        format!("{rate:.0}")
    }
}

/// Runs the generator until it ends or is stopped, and returns its result.
pub(crate) async fn attack(
    program: &Path,
    args: &[String],
    result: &Path,
    stop: CancellationToken,
    mut tell: impl FnMut(LoadSecond),
) -> Result<LoadResult, String> {
    let mut child = Child::start(program, args)?;
    let mut stopping = false;
    loop {
        tokio::select! {
            line = child.lines.next_line() => match line {
                // Other lines are not ours.
                Ok(Some(line)) => second::read(&line).into_iter().for_each(&mut tell),
                Ok(None) | Err(_) => break,
            },
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                child.signal(Signal::INT);
            }
        }
    }
    if tokio::time::timeout(STOPS_WITHIN, child.ended())
        .await
        .is_err()
    {
        child.kill();
    }
    let status = child.ended().await;
    let code = status.and_then(|status| status.code());
    account::read(result, code).map_err(|e| {
        format!(
            "the load generator wrote no result ({}): {e}",
            child.obituary(status)
        )
    })
}

/// Whether one of these flags is given, alone or with its value.
fn has(given: &[String], flags: &[&str]) -> bool {
    given.iter().any(|word| {
        let name = word.split('=').next().unwrap_or_default();
        flags.contains(&name)
            // A short flag may have its value right behind it.
            || flags
                .iter()
                .any(|flag| !flag.starts_with("--") && !word.starts_with("--") && word.starts_with(flag))
    })
}
