//! `plan`: shows what a run would do.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use drawing::escape::Terminal;

use super::{calibrate, print};
use crate::args::PlanArgs;
use crate::exit::Failure;
use crate::plan::profile::{self, Autoscaler, Replicas};
use crate::plan::{FOREVER, Model, Shape};
use crate::report::plot::plot;
use crate::report::{clock, levels};
use crate::request::Source;
use crate::settings::Settings;
use crate::stop::{self, Stop};

pub(super) fn plan(args: &PlanArgs) -> Result<u8, Failure> {
    if args.profiles {
        return print(profile::help().trim_end());
    }
    let stop = Arc::new(Stop::default());
    if !args.run.measure_cost.is_empty() {
        stop::on_signals(&stop)
            .map_err(|error| Failure::internal(format!("signals can't be caught ({error})")))?;
    }
    let run = calibrate::calibrated(&args.run, &stop)?;
    let settings = Settings::new(&run, Vec::new())?;
    if args.json {
        print(&json(&settings))
    } else {
        print(table(&settings).trim_end())
    }
}

fn requests(settings: &Settings) -> Option<f64> {
    let plan = &settings.plan;
    #[expect(clippy::cast_precision_loss, reason = "a count of requests")]
    let limit = plan.requests.map(|limit| limit as f64);
    match plan.model {
        Model::Open { .. } => {
            // The first is due at once, so a fraction at the end is one more.
            let due = (plan.shape.area(plan.shape.end()) - 1e-6).ceil();
            Some(limit.map_or(due, |limit| limit.min(due)))
        }
        Model::Closed { .. } => limit,
    }
}

fn json(settings: &Settings) -> String {
    let plan = &settings.plan;
    let open = matches!(plan.model, Model::Open { .. });
    let level = if open { "rate" } else { "users" };
    let phases: Vec<_> = plan
        .phases()
        .iter()
        .map(|phase| {
            let last = phase.end.saturating_sub(Duration::from_nanos(1));
            serde_json::json!({
                "name": phase.name,
                "start_ms": phase.start.as_millis(),
                "end_ms": phase.end.as_millis(),
                "judged": phase.judged,
                level: [plan.shape.at(phase.start), plan.shape.at(last)],
            })
        })
        .collect();
    let document = serde_json::json!({
        "target": settings.client.target.base.as_str(),
        "model": if open { "open" } else { "closed" },
        "users": plan.users(),
        "duration_ms": plan.shape.end().as_millis(),
        "requests": requests(settings),
        "n_spec": settings.n_spec,
        "sends": sends(settings),
        "seed": settings.seed,
        "phases": phases,
        "replicas": replicas(settings).map(|(replicas, _)| {
            let steps = replicas.iter();
            steps.map(|step| serde_json::json!({"at_ms": step.at.as_millis(), "count": step.count})).collect::<Vec<_>>()
        }),
    });
    format!("{document:#}")
}

/// The requests of a file, or null.
fn sends(settings: &Settings) -> Option<Vec<serde_json::Value>> {
    let Source::Requests(requests) = &settings.source else {
        return None;
    };
    let listed = requests.listed(settings.seed);
    let sends = listed.map(|(share, method, path)| {
        serde_json::json!({"share": share, "method": method.as_str(), "path": path})
    });
    Some(sends.collect())
}

fn table(settings: &Settings) -> String {
    let plan = &settings.plan;
    let open = matches!(plan.model, Model::Open { .. });
    let end = plan.shape.end();
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "{}  {} users  n {}  seed {}",
        settings.client.target.base,
        plan.users(),
        settings.n_spec,
        settings.seed
    );
    let _ = writeln!(
        text,
        "{:<14}{:>8}{:>8}{:>16}",
        "phase",
        "from",
        "to",
        if open { "requests/s" } else { "users" }
    );
    for phase in plan.phases() {
        let last = phase.end.saturating_sub(Duration::from_nanos(1));
        let level = levels([phase.start, last].map(|at| plan.shape.at(at)), " > ");
        let _ = writeln!(
            text,
            "{:<14}{:>8}{:>8}{level:>16}",
            phase.name,
            clock(phase.start),
            end_of(phase.end)
        );
    }
    // Nobody waits for all requests of a plan that runs until it is stopped.
    let total = requests(settings).filter(|_| end < FOREVER || plan.requests.is_some());
    if let Some(requests) = total {
        let s = if requests > 1.0 { "s" } else { "" };
        let _ = writeln!(text, "{requests:.0} request{s}");
    }
    if let Source::Requests(requests) = &settings.source {
        let listed: Vec<_> = requests.listed(settings.seed).collect();
        for (share, method, path) in listed.iter().take(MOST_LISTED) {
            let share = share * 100.0;
            let (method, path) = (method.as_str(), Terminal(path));
            let _ = writeln!(text, "{share:>5.1} %  {method:<7} {path}");
        }
        if listed.len() > MOST_LISTED {
            let _ = writeln!(text, "and {} more", listed.len() - MOST_LISTED);
        }
    }
    let title = if open { "requests/s" } else { "users" };
    if end <= LONG {
        text += "\n";
        text += &plot(title, end, |at| plan.shape.at(at));
    }
    if let Some((steps, autoscaler)) = replicas(settings) {
        text += "\n";
        text += &plot("replicas that should be", end, |at| {
            f64::from(count_at(&steps, at))
        });
        text += &explained(&plan.whole, &steps, &autoscaler);
    }
    text
}

/// When a phase ends; a plan without an end has none to show.
fn end_of(end: Duration) -> String {
    if end < FOREVER {
        clock(end)
    } else {
        "stopped".to_owned()
    }
}

/// The most requests of a file that are listed.
const MOST_LISTED: usize = 20;

/// A longer plan has no end worth showing.
const LONG: Duration = Duration::from_hours(720);

/// What the profile's autoscaler should do under the load of all shards together.
fn replicas(settings: &Settings) -> Option<(Vec<Replicas>, Autoscaler)> {
    let autoscaler = settings.autoscaler?;
    let steps = profile::expected(&settings.plan.whole, &autoscaler);
    Some((steps, autoscaler))
}

fn count_at(steps: &[Replicas], at: Duration) -> u32 {
    let step = steps.iter().rfind(|step| step.at <= at);
    step.map_or(0, |step| step.count)
}

/// The steps as text, with the load in pods that causes them.
fn explained(load: &Shape, steps: &[Replicas], autoscaler: &Autoscaler) -> String {
    let mut text = String::new();
    for step in steps {
        let pods = autoscaler.pods_for(load.at(step.at.saturating_sub(Duration::from_nanos(1))));
        let _ = writeln!(
            text,
            "{:>8}  {:>3} replicas  (load for {pods:.2} pods at {} %)",
            clock(step.at),
            step.count,
            autoscaler.target
        );
    }
    text + "This assumes that pods are ready immediately and CPU time is proportional to requests.\n"
}
