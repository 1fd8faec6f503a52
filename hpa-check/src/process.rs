//! A program started by this one: it can't outlive it, and it says at its end what was wrong.

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

/// As many of the last lines of a program's output are kept.
pub(crate) const KEPT_LINES: usize = 20;

/// What a program wrote before its end is read within this time after it.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(1);

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
    /// The programs end when this does, so that they end with us even after a `kill -9`.
    _leash: Option<ChildStdin>,
}

impl Child {
    /// Starts it. It has a process group of its own, so that Ctrl-C at the terminal reaches
    /// this program alone, which then ends everything in order.
    pub(crate) fn start(program: &Path, args: &[String]) -> Result<Self, String> {
        let mut command = Command::new(program);
        command.args(args);
        // All is said by flags; what is set for the user's own server is not for these.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("FIB_") {
                command.env_remove(name);
            }
        }
        Self::spawn(command, &program.display().to_string())
    }

    /// Starts a command line of the user's, in the shell and with the user's environment.
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
        // The process is not reaped yet, so the number is still its own; one that has just ended is
        // the only error, and no harm.
        if self.process.id().is_some()
            && let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw)
        {
            let _ = kill_process(pid, signal);
        }
    }

    /// Signals it and all that it has started itself.
    pub(crate) fn signal_group(&self, signal: Signal) {
        if self.process.id().is_some()
            && let Some(group) = i32::try_from(self.pid).ok().and_then(Pid::from_raw)
        {
            let _ = kill_process_group(group, signal);
        }
    }

    /// The last lines that it wrote to standard error.
    pub(crate) fn last_words(&self) -> Vec<String> {
        let words = self.last_words.lock();
        let words = words.unwrap_or_else(PoisonError::into_inner);
        words.iter().cloned().collect()
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.start_kill();
    }

    /// Waits for its end, and for what it wrote last.
    pub(crate) async fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.process.wait().await.ok();
        if let Some(listener) = &mut self.listener {
            // What it has started itself may keep standard error open.
            let _ = tokio::time::timeout(LAST_WORDS_WITHIN, listener).await;
            self.listener = None;
        }
        status
    }

    /// How it ended, with the last line that it wrote to standard error.
    pub(crate) fn obituary(&self, status: Option<ExitStatus>) -> String {
        let how = status.map_or_else(|| "it is gone".to_owned(), |status| status.to_string());
        match self.last_words().last() {
            None => how,
            Some(word) => format!("{how}, last word: {word}"),
        }
    }
}

/// Reads on to the end, so that the program never waits for a full pipe.
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

/// The program that was named, or the one beside this program.
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
        "`{}` is not there: install {name} beside hpa-check (in a checkout: cargo install --locked --path {name}), or say where it is with --{name}",
        path.display()
    )))
}
