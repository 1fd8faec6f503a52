//! A child process: it can't outlive this program, and its last output explains a failure.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child as Process, ChildStdin, ChildStdout, Command};

use tokio::task::JoinHandle;

use crate::failure::Failure;

/// How many of the last lines of a program's output are kept.
pub(crate) const KEPT_LINES: usize = 20;

/// A program's last output is read within this time after its exit.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(1);

/// A temporary folder for what a child process writes.
pub(crate) fn scratch() -> Result<tempfile::TempDir, Failure> {
    tempfile::tempdir().map_err(|error| {
        Failure::internal(format!(
            "no temporary folder can be made ({error}): make /tmp writable, in a pod with an emptyDir there, or name another folder in TMPDIR"
        ))
    })
}

/// A running program.
pub(crate) struct Child {
    process: Process,
    /// Its process number.
    pub(crate) pid: u32,
    /// What it prints.
    pub(crate) lines: Lines<BufReader<ChildStdout>>,
    last_words: Arc<Mutex<VecDeque<String>>>,
    /// Reads standard error.
    listener: Option<JoinHandle<()>>,
    /// The children exit when this pipe closes, so they end with this program even after a `kill -9`.
    _leash: Option<ChildStdin>,
}

impl Child {
    /// Starts it in a process group of its own, so that Ctrl-C on the terminal reaches only this program, which
    /// then ends everything in order.
    pub(crate) fn start(program: &Path, args: &[String]) -> Result<Self, String> {
        let mut command = Command::new(program);
        command.args(args);
        // Flags set everything; environment variables for the user's own server must not apply.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("FIB_") {
                command.env_remove(name);
            }
        }
        Self::spawn(command, &program.display().to_string())
    }

    /// Starts the user's command line in a shell, with the user's environment.
    pub(crate) fn shell(line: &str) -> Result<Self, String> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", line]);
        Self::spawn(command, line)
    }

    fn spawn(mut command: Command, name: &str) -> Result<Self, String> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut process = command
            .spawn()
            .map_err(|e| format!("`{name}` can't be started: {e}"))?;
        let (Some(pid), Some(stdout), Some(stderr)) =
            (process.id(), process.stdout.take(), process.stderr.take())
        else {
            return Err(format!("`{name}` started without its pipes"));
        };
        let last_words = Arc::new(Mutex::new(VecDeque::new()));
        let listener = tokio::spawn(listen(
            BufReader::new(stderr).lines(),
            Arc::clone(&last_words),
        ));
        Ok(Self {
            pid,
            lines: BufReader::new(stdout).lines(),
            last_words,
            listener: Some(listener),
            _leash: process.stdin.take(),
            process,
        })
    }

    /// Asks it to end.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(pid) = self.alive() {
            let _ = kill_process(pid, signal);
        }
    }

    /// Signals it and its children.
    pub(crate) fn signal_group(&self, signal: Signal) {
        if let Some(group) = self.alive() {
            let _ = kill_process_group(group, signal);
        }
    }

    /// Its number, which is still its own until it is reaped. A signal fails only if it has just exited, which is
    /// harmless.
    fn alive(&self) -> Option<Pid> {
        let pid = self.process.id()?;
        i32::try_from(pid).ok().and_then(Pid::from_raw)
    }

    /// The last lines that it wrote to standard error.
    pub(crate) fn last_words(&self) -> Vec<String> {
        let words = self.last_words.lock();
        let words = words.unwrap_or_else(PoisonError::into_inner);
        words.iter().cloned().collect()
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.start_kill();
    }

    /// Waits for its exit, and for its last output.
    pub(crate) async fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.process.wait().await.ok();
        if let Some(listener) = &mut self.listener {
            // Its own children may keep standard error open.
            let _ = tokio::time::timeout(LAST_WORDS_WITHIN, listener).await;
            self.listener = None;
        }
        status
    }

    /// How it exited, with the last line it wrote to standard error.
    pub(crate) fn obituary(&self, status: Option<ExitStatus>) -> String {
        let how = status.map_or_else(|| "it is gone".to_owned(), |status| status.to_string());
        match self.last_words().last() {
            None => how,
            Some(word) => format!("{how}, last output: {word}"),
        }
    }
}

/// Reads to the end, so that the program never waits for a full pipe.
async fn listen(
    mut lines: Lines<BufReader<tokio::process::ChildStderr>>,
    last_words: Arc<Mutex<VecDeque<String>>>,
) {
    while let Ok(Some(line)) = lines.next_line().await {
        if !line.trim().is_empty() {
            let mut kept = last_words.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == KEPT_LINES {
                kept.pop_front();
            }
            kept.push_back(line);
        }
    }
}

/// The named program, or the one next to this program.
pub(crate) fn program(named: Option<PathBuf>, name: &str) -> Result<PathBuf, Failure> {
    let path = match named {
        Some(path) => path,
        None => std::env::current_exe()
            .ok()
            .and_then(|own| Some(own.parent()?.join(name)))
            .unwrap_or_else(|| PathBuf::from(name)),
    };
    if path.is_file() {
        return Ok(path);
    }
    Err(Failure::usage(format!(
        "`{}` does not exist: install {name} next to hpa-check (in a checkout: cargo install --locked --path {name}), or name it with --{name}",
        path.display()
    )))
}
