//! The user's own load: any command, from the start of the load to its end.

use std::collections::VecDeque;
use std::time::Duration;

use hpa_check_core::observation::{LoadResult, LoadSecond};
use program_common::secrets::without_secrets;
use rustix::process::Signal;
use tokio_util::sync::CancellationToken;

use super::foreign::{self, Counts};
use super::second;
use crate::process::{Child, KEPT_LINES};

/// Time from SIGTERM to SIGKILL: as long as a pod has by default.
const STOPS_WITHIN: Duration = Duration::from_secs(30);

/// A load that fails this early generated no load.
const BARELY_RAN: Duration = Duration::from_secs(5);

/// So did one that reported no request and fails this early: resolving a name can take ten seconds.
const SILENT: Duration = Duration::from_secs(30);

/// Whether a load that failed by itself after this time generated no load.
pub(crate) fn loaded_nothing(ran: Duration, reported: bool) -> bool {
    ran < BARELY_RAN || (!reported && ran < SILENT)
}

/// The most output that a summary may have; a tool that prints more prints its summary last.
const KEPT_BYTES: usize = 1 << 20;

/// A command line for the shell.
#[derive(Debug, Clone)]
pub(crate) struct LoadCommand {
    pub(crate) line: String,
}

impl LoadCommand {
    /// Runs it until it ends or is stopped. Its output is searched for the seconds and the summary of known
    /// tools.
    pub(super) async fn attack(
        self,
        stop: CancellationToken,
        mut emit: impl FnMut(LoadSecond),
    ) -> Result<LoadResult, String> {
        let began = tokio::time::Instant::now();
        let mut child = Child::shell(&self.line)?;
        let mut printed = Printed::default();
        let mut last: Option<LoadSecond> = None;
        let mut kill_at = None;
        loop {
            let killing = async {
                match kill_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                line = child.lines.next_line() => match line {
                    Ok(Some(line)) => {
                        if let Some(second) = second::read(&line) {
                            last = Some(second.clone());
                            emit(second);
                        }
                        printed.take(line);
                    }
                    Ok(None) | Err(_) => break,
                },
                () = stop.cancelled(), if kill_at.is_none() => {
                    kill_at = Some(tokio::time::Instant::now() + STOPS_WITHIN);
                    child.signal_group(Signal::TERM);
                }
                () = killing => {
                    child.signal_group(Signal::KILL);
                    break;
                }
            }
        }
        let status = child.ended().await;
        let code = status.and_then(|status| status.code());
        let failed = code != Some(0) && kill_at.is_none();
        let summary = foreign::read(&printed.text());
        if failed && loaded_nothing(began.elapsed(), last.is_some() || summary.is_some()) {
            return Err(format!(
                "the load command `{}` generated no load ({}): run it by hand to see why",
                without_secrets(&self.line),
                child.obituary(status)
            ));
        }
        let mut output: Vec<String> = printed.lines.into_iter().collect();
        output.extend(child.last_words());
        let output = output.split_off(output.len().saturating_sub(KEPT_LINES));
        let counts = summary
            .or_else(|| last.as_ref().map(Counts::of))
            .unwrap_or_default();
        Ok(LoadResult {
            requests: counts.requests,
            failed: counts.failed,
            wrong: counts.wrong,
            verified: counts.verified,
            generator: counts.generator.unwrap_or_default(),
            exit_code: code.unwrap_or(-1),
            command: Some(without_secrets(&self.line)),
            output,
            ..LoadResult::default()
        })
    }
}

/// The end of a load's output.
#[derive(Default)]
pub(crate) struct Printed {
    lines: VecDeque<String>,
    bytes: usize,
}

impl Printed {
    pub(crate) fn take(&mut self, line: String) {
        self.bytes += line.len() + 1;
        self.lines.push_back(line);
        while self.bytes > KEPT_BYTES && self.lines.len() > 1 {
            let gone = self.lines.pop_front().unwrap_or_default();
            self.bytes -= gone.len() + 1;
        }
    }

    pub(crate) fn text(&self) -> String {
        let lines = self.lines.iter().map(String::as_str);
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The last lines.
    pub(crate) fn tail(&self) -> Vec<String> {
        let skipped = self.lines.len().saturating_sub(KEPT_LINES);
        self.lines.iter().skip(skipped).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(line: &str) -> Result<LoadResult, String> {
        let stop = CancellationToken::new();
        let command = LoadCommand { line: line.into() };
        // The first second of load that it reports is its last.
        let stopping = stop.clone();
        command.attack(stop, |_| stopping.cancel()).await
    }

    const SECOND: &str =
        r#"echo '{"users":1,"offered_rps":null,"rps":1,"failed":0,"wrong":0,"verified":1}'"#;

    #[tokio::test]
    async fn the_summary_of_a_command_that_ends_is_read_and_its_last_lines_are_kept() {
        let summary = r#"{"latencies":{"mean":1},"requests":10,"rate":5,"success":0.9}"#;
        let result = run(&format!("echo '{summary}'; echo warned >&2"))
            .await
            .unwrap();
        assert_eq!(
            (result.requests, result.failed, result.exit_code),
            (10, 1, 0)
        );
        assert!(
            result.output.iter().any(|line| line == "warned"),
            "{result:?}"
        );
        assert!(result.command.is_some());
    }

    #[tokio::test]
    async fn at_the_end_of_the_load_the_command_and_its_children_get_sigterm() {
        let line = format!("trap 'echo over; exit 7' TERM; {SECOND}; while :; do sleep 0.05; done");
        let result = run(&line).await.unwrap();
        assert_eq!(result.exit_code, 7);
        // The shell may also report that its child was terminated.
        assert!(
            result.output.iter().any(|line| line == "over"),
            "{result:?}"
        );
        // The shell waits for its child, which must get the signal as well.
        let result = run(&format!("{SECOND}; sleep 600; true")).await.unwrap();
        assert_ne!(result.exit_code, 0);
    }

    #[tokio::test]
    async fn a_command_that_cannot_generate_load_is_named_with_its_output() {
        let error = run("no-such-load-tool --fast").await.unwrap_err();
        assert!(error.contains("no-such-load-tool --fast"), "{error}");
        assert!(error.contains("not found"), "{error}");
    }

    #[test]
    fn a_load_that_fails_at_once_or_without_a_report_generated_no_load() {
        let seconds = Duration::from_secs;
        assert!(loaded_nothing(seconds(1), true) && loaded_nothing(seconds(10), false));
        assert!(!loaded_nothing(seconds(10), true) && !loaded_nothing(seconds(60), false));
    }

    #[tokio::test]
    async fn the_end_of_a_long_output_is_kept() {
        let result = run("seq 1 100000").await.unwrap();
        assert_eq!(result.output.len(), KEPT_LINES);
        assert_eq!(result.output.last().map(String::as_str), Some("100000"));
    }
}
