//! A rehearsal on this machine, from the resolved flags to the exit code.

use std::time::Duration;

use hpa_check_core::run::conductor::Conductor;
use hpa_check_core::sim::engine::Engine;

use super::settings::{Flags, RehearsalSettings};
use super::{Args, scene};
use crate::cli::command_line::command_line;
use crate::drive::drive;
use crate::drive::session::Session;
use crate::failure::Failure;
use crate::feed::rehearsal::Rehearsal;
use crate::feed::rehearsal::machine::{Machine, Parts};
use crate::notice::notice;
use crate::outputs::Ui;
use crate::process::{program, scratch};
use crate::report::words;
use crate::sinks::screen;
use hpa_check_core::sim::intensity::Intensity;

/// Time from the signal to the kill, in addition to the drain.
const GRACE: Duration = Duration::from_secs(15);

/// Rehearses; returns the verdict's exit code.
pub(super) async fn rehearse(args: Args) -> Result<u8, Failure> {
    let (flags, outputs) = (&args.flags, &args.outputs);
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let settings = flags.resolve(cpus)?;
    let fib_server = program(args.fib_server, "fib-server")?;
    let fib_loadgen = program(args.fib_loadgen, "fib-loadgen")?;
    // An unwritable output is found before a process starts.
    let opened = outputs.files.open()?;
    let listening = args.serve.open()?;
    let scratch = scratch()?;
    let machine = Machine::new(Parts {
        fib_server,
        fib_loadgen,
        load_result: args
            .load_result
            .unwrap_or_else(|| scratch.path().join("load.json")),
        pre_stop: settings.timescale.pre_stop,
        drain_delay: settings.timescale.drain_delay,
        grace: settings.timescale.drain_delay + GRACE,
        fault: flags.fault,
        exit_with_parent: args.exit_with_parent,
    })?;
    let (intensity, cost) = intensity(flags, &settings, &machine).await?;
    if outputs.ui != Ui::None {
        let introduction = introduction(&settings, intensity, cost, cpus);
        let columns = screen::columns().unwrap_or(usize::MAX);
        notice(&words::wrapped(&introduction, columns).join("\n"));
    }
    let load = scene::load(flags, &settings, intensity);
    let scene = scene::scene(flags, &settings, cpus);
    let conductor = Conductor::new(settings.expectation.clone(), load.schedule());
    let mut session = Session::start(
        opened,
        outputs.ui,
        settings.expectation,
        command_line(),
        Some(conductor),
    )?
    .served(listening)?;
    let feed = Rehearsal(Engine::new(scene, machine.loaded(load)));
    let end = drive(feed, &mut session).await?;
    Ok(session.finish(end)?.exit_code)
}

/// Measures the cost of a request, unless the flags leave nothing to measure.
async fn intensity(
    flags: &Flags,
    settings: &RehearsalSettings,
    machine: &Machine,
) -> Result<(Intensity, Option<Duration>), Failure> {
    if let (Some(n), Some(rate)) = (flags.n, flags.rate) {
        return Ok((Intensity { n, rate }, None));
    }
    let (n, cost) = machine.cost(flags.n).await?;
    let measured = Intensity::of(settings.sizes.load, n, cost);
    let rate = flags.rate.unwrap_or(measured.rate);
    Ok((Intensity { n, rate }, Some(cost)))
}

/// How the rehearsal was sized for this machine, and what it is.
fn introduction(
    settings: &RehearsalSettings,
    intensity: Intensity,
    cost: Option<Duration>,
    cpus: usize,
) -> String {
    let request = settings
        .container
        .cpu_request
        .map_or_else(|| "no CPU".to_owned(), |request| request.to_string());
    let Intensity { n, rate } = intensity;
    let cost = cost.map_or_else(String::new, |cost| {
        format!(", {:.1} ms of CPU each", cost.as_secs_f64() * 1000.0)
    });
    format!(
        "Rehearsal on {cpus} CPUs: fib-server processes as pods that request {request} each, up to \
         {rate:.0} requests a second for F({n}){cost}; the autoscaler is the controller's arithmetic, \
         not a cluster."
    )
}
