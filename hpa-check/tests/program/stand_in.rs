//! Rehearsals with stand-ins for the service: fast, and able to tell when a process has died.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Far more than anything here takes; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Leaves the test time to act: nothing happens before the first sync.
pub(crate) const STANDING_STILL: [&str; 2] = ["--sync-period", "60"];

/// Is told of every pod's start and end.
pub(crate) struct Pods(pub(crate) TcpListener);

impl Pods {
    pub(crate) fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// The next pods that start.
    pub(crate) fn born(&self, count: usize) -> Vec<TcpStream> {
        let alive: Vec<_> = (0..count).map(|_| self.0.accept().unwrap().0).collect();
        for pod in &alive {
            pod.set_read_timeout(Some(PATIENCE)).unwrap();
        }
        alive
    }

    pub(crate) fn none_was_born(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        self.0.accept().is_err()
    }
}

/// Waits for the end of each.
pub(crate) fn all_die(pods: Vec<TcpStream>) {
    for mut pod in pods {
        let mut byte = [0];
        match pod.read(&mut byte) {
            Ok(0) => {}
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => {}
            other => panic!("a pod outlived its rehearsal: {other:?}"),
        }
    }
}

fn stand_in() -> PathBuf {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_hpa-check"));
    program.parent().unwrap().join("examples/stand_in")
}

/// A rehearsal with stand-ins and without metrics. The generator starts only once the replicas are at rest,
/// which never happens in these tests.
pub(crate) fn rehearse(pods: &Pods, flags: &[&str]) -> Command {
    rehearse_with(pods, &stand_in(), flags)
}

pub(crate) fn rehearse_with(pods: &Pods, fib_loadgen: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hpa-check"));
    command
        .args([
            "rehearse",
            "--n",
            "10",
            "--rate",
            "10",
            "--ui",
            "none",
            "--fib-server",
        ])
        .arg(stand_in())
        .arg("--fib-loadgen")
        .arg(fib_loadgen)
        .args(flags)
        .env(
            "STAND_IN_REPORTS_TO",
            pods.0.local_addr().unwrap().to_string(),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}
