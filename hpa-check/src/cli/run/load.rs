//! The ways to load the application: the user's own first, then this project's load generator.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::cli::manifest;
use crate::cli::time::duration;
use crate::failure::Failure;
use crate::feed::live::is_loopback;
use crate::load::command::LoadCommand;
use crate::load::generator::{Generator, Loadgen};
use crate::load::job::{self, LoadJob};
use crate::process::{program, scratch};

/// The flags; `#[command(flatten)]` them.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Load (one of the first four)")]
pub(super) struct LoadArgs {
    /// Load with your own generator, such as 'k6 run x.js'; it gets SIGTERM at the end of the load
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["target", "external_load", "generator_flags", "fib_loadgen", "retry_refused", "load_result"])]
    load_command: Option<String>,
    /// Load with a Job in the cluster: FILE is its manifest, with its ConfigMaps; for a URL, a Job with fib-loadgen's image loads it
    #[arg(long, value_name = "FILE|URL", conflicts_with_all = ["target", "load_command", "external_load", "fib_loadgen", "retry_refused", "load_result"])]
    load_job: Option<String>,
    /// Start no load; your own traffic or another generator brings it
    #[arg(long, conflicts_with_all = ["target", "generator_flags"])]
    external_load: bool,
    /// Load this URL with fib-loadgen, at a rate that fits the autoscaler
    #[arg(long, value_name = "URL", value_parser = url)]
    target: Option<String>,
    /// How long to hold the load once the maximum is ready [default: three syncs]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) hold: Option<Duration>,
    /// The image for --load-job URL
    #[arg(long, value_name = "IMAGE", default_value = job::IMAGE, requires = "load_job")]
    load_image: String,
    /// The program for --target [default: fib-loadgen next to this program]
    #[arg(long, value_name = "PROGRAM")]
    fib_loadgen: Option<PathBuf>,
    /// With --target, retry a refused connection this many times, 50 ms apart, as a gateway would when a pod crashes
    #[arg(long, value_name = "COUNT", default_value_t = 0, conflicts_with_all = ["external_load", "generator_flags"])]
    retry_refused: u32,
    /// With --target, keep fib-loadgen's own result in this file; that of the low load after the peak gets the suffix -rest
    #[arg(long, value_name = "FILE")]
    load_result: Option<PathBuf>,
    /// Flags for fib-loadgen, such as -H 'Authorization: Bearer …' or --rate 400/s; unless one sets the load, it is 500 users at a rate that needs the maximum, then a tenth of it until the end
    #[arg(index = 2, last = true, value_name = "LOAD FLAGS")]
    generator_flags: Vec<String>,
}

/// A load that can start, here or on the cluster once that is found.
pub(super) enum Load {
    Here {
        generator: Generator,
        /// The folder of a result that nobody named. A pod may have nowhere to write, so the others make none.
        folder: Option<TempDir>,
    },
    InCluster(LoadJob),
}

impl LoadArgs {
    /// The load to start; `None` if it comes from elsewhere.
    pub(super) fn load(&self) -> Result<Option<Load>, Failure> {
        if let Some(line) = self.load_command.clone() {
            return Ok(Some(Load::Here {
                generator: Generator::Command(LoadCommand { line }),
                folder: None,
            }));
        }
        if let Some(what) = &self.load_job {
            let job = load_job(what, &self.load_image, &self.generator_flags)?;
            return Ok(Some(Load::InCluster(job)));
        }
        if let Some(url) = self.target.clone() {
            let program = program(self.fib_loadgen.clone(), "fib-loadgen")?;
            let (result, folder) = if let Some(file) = &self.load_result {
                (file.clone(), None)
            } else {
                let folder = scratch()?;
                (folder.path().join("load.json"), Some(folder))
            };
            let generator = Generator::Loadgen(Loadgen {
                program,
                url,
                flags: self.generator_flags.clone(),
                retry_refused: self.retry_refused,
                result,
            });
            return Ok(Some(Load::Here { generator, folder }));
        }
        if self.external_load {
            return Ok(None);
        }
        Err(Failure::usage(
            "nothing loads the application: give --load-command 'k6 run x.js' for your own load generator, --load-job FILE for a Job in the cluster, --external-load if your own traffic does it, or --target URL for fib-loadgen",
        ))
    }
}

fn url(text: &str) -> Result<String, String> {
    let url = job::is_url(text).then(|| text.to_owned());
    url.ok_or_else(|| {
        format!("`{text}` is not an http or https URL: write it like http://HOST:PORT")
    })
}

/// The Job in a manifest, or a Job that loads a URL.
fn load_job(what: &str, image: &str, flags: &[String]) -> Result<LoadJob, Failure> {
    if job::is_url(what) {
        if is_loopback(what) {
            return Err(Failure::usage(format!(
                "inside the cluster, {what} is the Job's own pod: give --load-job the address of the Service, such as http://NAME.NAMESPACE.svc"
            )));
        }
        return Ok(LoadJob::loading(what, image, flags));
    }
    if !flags.is_empty() {
        return Err(Failure::usage(
            "flags after `--` are fib-loadgen's, and the Job of a manifest has its own: write them in the manifest, or give --load-job a URL",
        ));
    }
    manifest::of(Path::new(what), LoadJob::of)
}
