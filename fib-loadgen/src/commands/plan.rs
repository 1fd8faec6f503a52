//! `plan`: what a run would do, without doing it.

use std::fmt::Write;

use super::print;
use crate::args::PlanArgs;
use crate::exit::Failure;
use crate::plan::Model;
use crate::report::clock;
use crate::settings::Settings;

pub(super) fn plan(args: &PlanArgs) -> Result<u8, Failure> {
    let settings = Settings::new(&args.run, Vec::new())?;
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
            let due = plan.shape.area(plan.shape.end());
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
            let last = phase.end.saturating_sub(std::time::Duration::from_nanos(1));
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
        "seed": settings.seed,
        "phases": phases,
    });
    format!("{document:#}")
}

fn table(settings: &Settings) -> String {
    let plan = &settings.plan;
    let open = matches!(plan.model, Model::Open { .. });
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
        let last = phase.end.saturating_sub(std::time::Duration::from_nanos(1));
        let (from, to) = (plan.shape.at(phase.start), plan.shape.at(last));
        let level = if (from - to).abs() < 0.5 {
            format!("{to:.0}")
        } else {
            format!("{from:.0} > {to:.0}")
        };
        let _ = writeln!(
            text,
            "{:<14}{:>8}{:>8}{level:>16}",
            phase.name,
            clock(phase.start),
            clock(phase.end)
        );
    }
    if let Some(requests) = requests(settings) {
        let _ = writeln!(text, "{requests:.0} requests");
    }
    text
}
