//! `--measure-cost`: a short load, and the CPU time that the server reports before and after it.

use std::sync::Arc;
use std::time::Duration;

use super::load::load;
use super::{runtime, say};
use crate::args::RunArgs;
use crate::calibration::{self, Measured};
use crate::exit::Failure;
use crate::live::Sinks;
use crate::outputs::{self, Ui};
use crate::settings::Settings;
use crate::stop::Stop;
use crate::target::Target;

/// The duration of the load.
const LOAD: Duration = Duration::from_secs(5);
/// Its users: enough to keep a server busy, too few to make it shed load.
const USERS: u32 = 2;
/// The time limit for a page.
const PATIENCE: Duration = Duration::from_secs(5);

/// The flags with a profile whose cost per request is known: given, or measured if the flags say where.
pub(super) fn calibrated(args: &RunArgs, stop: &Arc<Stop>) -> Result<RunArgs, Failure> {
    let mut args = args.clone();
    let Some(profile) = args.profile.clone() else {
        return Ok(args);
    };
    if args.measure_cost.is_empty() || !profile.lacks_cost {
        return Ok(args);
    }
    let cost = measure(&args, stop)?;
    say(&format!(
        "a request costs the server {:.3} ms of CPU time",
        cost.as_secs_f64() * 1e3
    ));
    args.profile = Some(profile.with_cost(cost).map_err(Failure::usage)?);
    Ok(args)
}

fn measure(args: &RunArgs, stop: &Arc<Stop>) -> Result<Duration, Failure> {
    let short = RunArgs {
        profile: None,
        rate: None,
        stage: Vec::new(),
        users: Some(USERS),
        run_time: Some(LOAD),
        ramp_up: Some(Duration::ZERO),
        ramp_down: Duration::ZERO,
        warmup: Duration::ZERO,
        requests: None,
        think: None,
        shard: None,
        start_at: None,
        threshold: Vec::new(),
        ..args.clone()
    };
    let settings = Arc::new(Settings::new(&short, Vec::new())?);
    let kept = outputs::claim_stdout()
        .map_err(|error| Failure::internal(format!("standard output can't be kept ({error})")))?;
    let runtime = runtime(settings.workers)?;
    let measured = runtime.block_on(async {
        let before = cpu_seconds(args).await?;
        let sinks = Sinks {
            ui: Ui::None,
            ..Sinks::default()
        };
        let (document, _) = load(&settings, stop, sinks).await?;
        let after = cpu_seconds(args).await?;
        Ok(Measured {
            cpu_s: (before, after),
            answers: document.totals.ok,
            failed: document.totals.failed,
            pods: document.pods.len(),
            pages: args.measure_cost.len(),
        })
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    outputs::give_stdout_back(&kept)
        .map_err(|error| Failure::internal(format!("standard output can't be kept ({error})")))?;
    calibration::cost(&measured?).map_err(|why| Failure::target(format!("--measure-cost: {why}")))
}

/// The CPU time on all pages together.
async fn cpu_seconds(args: &RunArgs) -> Result<f64, Failure> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .map_err(|error| Failure::internal(format!("no client can be made ({error})")))?;
    let mut sum = 0.0;
    for url in &args.measure_cost {
        let target = Target::parse(url.as_str(), &args.target.allow_host)?;
        target.resolve().await?;
        let page = async {
            client
                .get(url.clone())
                .send()
                .await?
                .error_for_status()?
                .text()
                .await
        };
        let page = page.await.map_err(|error| {
            Failure::target(format!(
                "--measure-cost: {} can't be read ({}): give the server's Prometheus page",
                target.base,
                crate::outcome::described(&error.without_url())
            ))
        })?;
        sum += calibration::cpu_seconds(&page).ok_or_else(|| {
            Failure::target(format!(
                "--measure-cost: the page of {} has no process_cpu_seconds_total: give cost=… in the profile",
                target.base
            ))
        })?;
    }
    Ok(sum)
}
