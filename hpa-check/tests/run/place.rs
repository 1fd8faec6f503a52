//! The setting of a run: an API server, a folder, and the program.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use hpa_check_core::observation::ControllerConfig;
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::api_server::cluster::{Cluster, Load, Periods};
use crate::api_server::{ApiServer, socket};

/// A server on a port, and a folder with a kubeconfig for it.
pub(crate) struct Place {
    pub(crate) server: ApiServer,
    pub(crate) folder: TempDir,
    pub(crate) address: SocketAddr,
    runtime: Runtime,
}

impl Place {
    pub(crate) fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let (server, address) = runtime.block_on(async {
            let server = ApiServer::new(Timestamp::now);
            let address = socket::listen(server.clone()).await;
            (server, address)
        });
        let folder = tempfile::tempdir().unwrap();
        socket::kubeconfig(folder.path(), address);
        Self {
            server,
            folder,
            address,
            runtime,
        }
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Starts something in parallel to the server.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(work);
    }

    /// Runs something in parallel to the server.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program, with all its output files in the folder.
    pub(crate) fn run(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hpa-check"));
        command
            .args(["run", "--external-load", "--ui", "line", "-o"])
            .arg(format!("json={}", self.file("result.json").display()))
            .arg("-o")
            .arg(format!("trace={}", self.file("trace.jsonl").display()))
            .args(flags)
            // Variables of the tester's machine that would affect the flags.
            .env_remove("KUBECONFIG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run_here(&self, flags: &[&str]) -> Command {
        let mut command = self.run(flags);
        command.arg("--kubeconfig").arg(self.kubeconfig());
        command
    }

    /// Runs it to an end that must come before the test begins: returns its one line, and checks that there is
    /// no file.
    #[track_caller]
    pub(crate) fn refusal(&self, command: &mut Command, code: i32) -> String {
        let output = command.output().unwrap();
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert_eq!(output.stdout, b"");
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        let names: Vec<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(names, ["kubeconfig"]);
        text
    }

    /// A cluster at rest; the test sets its load.
    pub(crate) fn cluster(&self) -> Load {
        let periods = Periods {
            controller: ControllerConfig {
                sync_period: Duration::from_secs(1),
                downscale_stabilization: Duration::from_secs(2),
                ..ControllerConfig::default()
            },
            resolution: Duration::from_secs(1),
            pod_start: Duration::from_millis(300),
            tick: Duration::from_millis(100),
        };
        let (cluster, load) = Cluster::new(&self.server, Timestamp::now, periods);
        load.set(30);
        self.runtime.spawn(cluster.run());
        load
    }

    pub(crate) fn result(&self) -> Value {
        let text = std::fs::read_to_string(self.file("result.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
