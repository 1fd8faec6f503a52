//! Facts about a run that several reports show.

use crate::result::{Document, PodResult, Totals};

use super::{clock, level, thousands};

/// A pod whose first answer came this soon was there from the start.
const FROM_THE_START_S: f64 = 5.0;

/// The target and what was requested: a run's name for people.
pub(crate) fn subject(document: &Document) -> String {
    format!("{}, {}", target(document), load(document))
}

/// The URL that was asked for, with its path if there is one for all requests.
fn target(document: &Document) -> String {
    let (url, path) = (&document.target.url, &document.target.path);
    let path = path.as_deref().unwrap_or_default();
    format!(
        "{}{}",
        url.trim_end_matches('/'),
        path.trim_end_matches('/')
    )
}

/// The load: `500 users` or `up to 430 requests/s`.
pub(crate) fn load(document: &Document) -> String {
    let peak = |level: fn(&crate::result::Step) -> Option<f64>| {
        let levels = document.plan.steps.iter().filter_map(level);
        levels.fold(0.0, f64::max)
    };
    if document.plan.model == "open" {
        format!("up to {} requests/s", level(peak(|step| step.rate)))
    } else {
        format!("up to {:.0} users", peak(|step| step.users))
    }
}

/// `PASS`, or the problem.
pub(crate) fn badge(document: &Document) -> &'static str {
    match document.exit.code {
        0 if document.run.unfinished => "UNFINISHED",
        0 => "PASS",
        105 => "INTERRUPTED",
        _ => "FAIL",
    }
}

/// Why the run ended as it did, in one sentence.
pub(crate) fn cause(document: &Document) -> String {
    let totals = &document.totals;
    let broken: Vec<&str> = document
        .thresholds
        .iter()
        .filter(|rule| !rule.passed)
        .map(|rule| rule.rule.as_str())
        .collect();
    let mut causes = Vec::new();
    if document.run.unfinished {
        causes.push("the run did not end; this is its last checkpoint".to_owned());
    }
    for reason in &document.exit.reasons {
        causes.push(match reason.as_ref() {
            "wrong-answer" if totals.wrong == 1 => "one answer was wrong".to_owned(),
            "wrong-answer" => format!("{} answers were wrong", thousands(totals.wrong)),
            "target-not-usable" => "no request was answered correctly".to_owned(),
            "threshold-failed" if broken.len() == 1 => {
                format!("the threshold {} is not met", broken[0])
            }
            "threshold-failed" => format!("the thresholds {} are not met", broken.join(", ")),
            "generator-saturated" => "the generator was the bottleneck".to_owned(),
            "load-not-achieved" => "less was sent than planned".to_owned(),
            "interrupted" => "it was stopped before its end".to_owned(),
            other => other.to_owned(),
        });
    }
    if causes.is_empty() {
        let rules = match document.thresholds.len() {
            0 => "No threshold was set.".to_owned(),
            1 => "The threshold is met.".to_owned(),
            count => format!("All {count} thresholds are met."),
        };
        return format!("{} {rules}", answers(totals));
    }
    let mut text = causes.join("; ");
    if let Some(first) = text.get(..1) {
        text = first.to_uppercase() + &text[1..];
    }
    text + "."
}

/// What became of the requests of a run that met its rules: failures and requests that were never sent are no
/// reason to fail, but never hidden.
fn answers(totals: &Totals) -> String {
    let lost: Vec<String> = some([
        (totals.failed, "failed"),
        (totals.unsent, "were due but never sent"),
        (totals.unfinished, "were given up"),
    ])
    .collect();
    if lost.is_empty() {
        return "Every answer is right.".to_owned();
    }
    let due = thousands(totals.sent + totals.unsent);
    format!(
        "No answer is wrong, but of {due} requests {}.",
        lost.join(", ")
    )
}

/// Requests that no failure covers, which every report shows next to the failures: `, 279 never sent, 3 given up`.
pub(crate) fn lost(totals: &Totals) -> String {
    some([
        (totals.unsent, "never sent"),
        (totals.unfinished, "given up"),
    ])
    .fold(String::new(), |text, one| text + ", " + &one)
}

/// The counts that are not zero, each with what it counts.
fn some<const N: usize>(counts: [(u64, &str); N]) -> impl Iterator<Item = String> {
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    counts.map(|(count, what)| format!("{} {what}", thousands(count)))
}

/// How many pods were there from the start, and when the others first answered.
pub(crate) fn pods(document: &Document) -> Option<String> {
    let pods = &document.pods;
    if pods.is_empty() {
        return None;
    }
    let later: Vec<&PodResult> = pods
        .iter()
        .filter(|pod| pod.first_s > FROM_THE_START_S)
        .collect();
    let mut text = format!(
        "{} seen, {} from the start",
        pods.len(),
        pods.len() - later.len()
    );
    let waits: Vec<f64> = later.iter().filter_map(|pod| pod.after_rise_s).collect();
    let first = waits.iter().copied().fold(f64::INFINITY, f64::min);
    let last = waits.iter().copied().fold(0.0, f64::max);
    let who = if waits.len() == 1 { "one" } else { "ones" };
    if !waits.is_empty() && last - first < 1.0 {
        text += &format!("; the new {who} first answered {last:.0} s after the load rose");
    } else if !waits.is_empty() {
        text += &format!(
            "; the new {who} first answered {first:.0} to {last:.0} s after the load rose"
        );
    }
    Some(text)
}

/// The settings of a run, as names and values.
pub(crate) fn settings(document: &Document) -> Vec<(&'static str, String)> {
    let plan = &document.plan;
    let mut rows = vec![
        ("Command", document.run.argv.join(" ")),
        ("Run", document.run.id.clone()),
        ("Version", document.run.version.to_string()),
        ("Seed", document.run.seed.to_string()),
        (
            "Model",
            match plan.arrival.as_deref() {
                Some(arrival) => format!("{}, {arrival} arrivals", plan.model),
                None => plan.model.to_string(),
            },
        ),
        ("Users", thousands(plan.users.into())),
        ("n", plan.n_spec.clone()),
        ("Verify", plan.verify.clone()),
        ("Connections", plan.conn.to_string()),
        ("Warm-up", format!("{} s", plan.warmup_ms / 1000)),
        ("Started", document.run.started_utc.clone()),
        ("Ended", document.run.ended_utc.clone()),
        ("Target", target(document)),
        ("Resolved", document.target.resolved.join(", ")),
        ("Protocol", document.target.http.to_string()),
        ("Machine", document.run.host.clone().unwrap_or_default()),
    ];
    if let Some(shard) = &document.run.shard {
        rows.push(("Shard", shard.clone()));
    }
    let merged = &document.run.merged;
    if !merged.is_empty() {
        let names: Vec<String> = merged
            .iter()
            .map(|shard| {
                let name = shard.shard.as_deref().unwrap_or(&shard.id);
                format!("{name} ({} requests)", thousands(shard.sent))
            })
            .collect();
        rows.push(("Merged from", names.join(", ")));
    }
    rows.push(("Warnings", document.warnings.join("; ")));
    rows.retain(|(_, value)| !value.is_empty());
    rows
}

/// The length of a run: `02:14`.
pub(crate) fn length(document: &Document) -> String {
    clock(std::time::Duration::from_secs_f64(
        document.totals.elapsed_s.max(0.0),
    ))
}

/// The phase that a time falls into, in seconds since the start.
pub(crate) fn phase_at(document: &Document, seconds: f64) -> &str {
    let mut phases = document.phases.iter();
    phases
        .rfind(|phase| phase.start_s <= seconds)
        .map_or("", |phase| phase.name.as_str())
}
