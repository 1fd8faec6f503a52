//! A simulation on a terminal.

use std::fmt::Write as _;

use hpa_check_core::sim::{Candidate, ReplicaStep, ScaleUpPolicy, Search, Simulation, Summary};
use hpa_check_core::spec::{PolicyKind, ScalingPolicy};

use crate::report::words;

/// A row of the table of results.
pub(crate) struct OutcomeRow<'a> {
    pub(crate) name: &'a str,
    pub(crate) path: &'a [ReplicaStep],
    pub(crate) pod_hours: f64,
    /// What only a simulation has.
    pub(crate) summary: Option<&'a Summary>,
}

/// Replica changes on one line; the middle of a longer path is left out.
const STEPS: usize = 9;

/// Replica changes on separate lines.
const LINES: usize = 16;

/// The whole text, without a trailing newline.
pub(crate) fn terminal(simulation: &Simulation) -> String {
    let summary = &simulation.summary;
    let spec = &simulation.scenario.spec;
    let mut text = format!(
        "{}..{} at {} %, pods of {}, {} simulated\n\n",
        spec.effective_min(),
        spec.max_replicas,
        spec.cpu_target_percent().unwrap_or_default(),
        simulation.scenario.pod.request,
        words::clock_seconds(i64::try_from(summary.seconds).unwrap_or(i64::MAX)),
    );
    text.push_str(&lines(&summary.path));
    let _ = write!(text, "\n{}", facts(summary));
    if !simulation.kept {
        text.push_str("\n  These settings do not keep the requested bounds.\n");
    }
    if let Some(search) = &simulation.search {
        let _ = write!(
            text,
            "\n  {}\n\n  {}\n",
            found(search),
            padded(&HEAD.map(str::to_owned))
        );
        for candidate in &search.best {
            let _ = writeln!(text, "  {}", padded(&cells(candidate)));
        }
        let now = if search.current.kept {
            "now"
        } else {
            "now, does not keep them"
        };
        let _ = writeln!(text, "  {}   ({now})", padded(&cells(&search.current)));
        for candidate in &search.nearest {
            let _ = writeln!(text, "  {}   (missed)", padded(&cells(candidate)));
        }
        if let Some(winner) = super::winner(simulation) {
            let _ = write!(text, "\n{}\n{}\n", winner.manifest, winner.patch);
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// The sizes below one another. A week of traffic has hundreds: the middle of such a path is counted, and is in the
/// page.
fn lines(path: &[ReplicaStep]) -> String {
    let line = |step: &ReplicaStep| {
        let at = words::clock_seconds(i64::try_from(step.second).unwrap_or(i64::MAX));
        format!("  {at:>9}  {:>4} replicas\n", step.replicas)
    };
    if path.len() <= LINES {
        return path.iter().map(line).collect();
    }
    let (head, tail) = (&path[..LINES / 2], &path[path.len() - LINES / 4..]);
    let between = path.len() - head.len() - tail.len();
    let (head, tail): (String, String) = (
        head.iter().map(line).collect(),
        tail.iter().map(line).collect(),
    );
    format!("{head}          …  {between} more changes; -o html=FILE draws them all\n{tail}")
}

fn facts(summary: &Summary) -> String {
    let mut text = format!(
        "  utilization       mean {:.0} %, p95 {:.0} %, max {:.0} %\n  \
         time to capacity  {}\n  pod-hours         {:.2} ({:.2} core-hours requested)\n  \
         unserved          {:.2} % of the work was not done on time\n",
        summary.mean_utilization,
        summary.p95_utilization,
        summary.max_utilization,
        words::milliseconds(summary.longest_short_seconds * 1000),
        summary.pod_hours,
        summary.core_hours,
        summary.unserved_percent,
    );
    if summary.most_waiting > 0.0 {
        let _ = writeln!(
            text,
            "  waiting           {:.1} core-seconds at most",
            summary.most_waiting
        );
    }
    text
}

/// The result in a sentence, for reports.
pub(crate) fn sentence(summary: &Summary) -> String {
    format!(
        "Simulated: {}; p95 utilization {:.0} %, {} to capacity, {:.2} pod-hours.",
        way(&summary.path),
        summary.p95_utilization,
        words::milliseconds(summary.longest_short_seconds * 1000),
        summary.pod_hours
    )
}

/// The table of a search.
pub(crate) const HEAD: [&str; 12] = [
    "min",
    "max",
    "target",
    "window",
    "policy",
    "request",
    "core-hours",
    "most",
    "p95 util",
    "unserved",
    "to capacity",
    "scalings",
];
const WIDTHS: [usize; 12] = [3, 4, 6, 6, 14, 7, 10, 4, 9, 9, 11, 8];

/// A row of it.
pub(crate) fn cells(candidate: &Candidate) -> [String; 12] {
    let summary = &candidate.summary;
    let or = |value: Option<i32>, unit: &str| {
        value.map_or_else(|| "–".to_owned(), |v| format!("{v}{unit}"))
    };
    [
        candidate.min_replicas.to_string(),
        candidate.max_replicas.to_string(),
        or(candidate.target_percent, " %"),
        or(candidate.window_seconds, " s"),
        policy(candidate.policy),
        candidate.request.to_string(),
        format!("{:.2}", summary.core_hours),
        summary.most.to_string(),
        format!("{:.0} %", summary.p95_utilization),
        format!("{:.2} %", summary.unserved_percent),
        words::milliseconds(summary.longest_short_seconds * 1000),
        summary.scalings.to_string(),
    ]
}

fn padded(cells: &[String]) -> String {
    let cells = cells.iter().zip(WIDTHS);
    let cells: Vec<String> = cells
        .map(|(cell, width)| format!("{cell:>width$}"))
        .collect();
    cells.join("  ")
}

/// What a search found, in a sentence.
pub(crate) fn found(search: &Search) -> String {
    let (tried, kept) = (words::count(search.tried), words::count(search.kept));
    match (search.best.is_empty(), search.nearest.is_empty()) {
        (true, true) => format!("{tried} combinations tried, none keeps the bounds."),
        (true, false) => {
            format!("{tried} combinations tried, none keeps the bounds; the nearest misses:")
        }
        (false, true) => {
            format!("{tried} combinations tried, {kept} keep the bounds; the cheapest:")
        }
        (false, false) => {
            format!(
                "{tried} combinations tried, {kept} keep the bounds; the cheapest, and cheaper ones that just miss:"
            )
        }
    }
}

fn policy(policy: Option<ScaleUpPolicy>) -> String {
    match policy {
        None => "as it is".to_owned(),
        Some(ScaleUpPolicy::Legacy) => "legacy".to_owned(),
        Some(ScaleUpPolicy::Default) => "default".to_owned(),
        Some(ScaleUpPolicy::Only(ScalingPolicy {
            kind,
            value,
            period_seconds,
        })) => {
            let kind = match kind {
                PolicyKind::Pods => "pods",
                PolicyKind::Percent => "percent",
            };
            format!("{kind}={value}/{period_seconds}s")
        }
    }
}

/// A table of results.
pub(crate) fn table(rows: &[OutcomeRow<'_>]) -> String {
    let width = rows
        .iter()
        .map(|r| r.name.chars().count())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for row in rows {
        let _ = write!(
            text,
            "  {:<width$}  {}; {:.2} pod-hours",
            row.name,
            way(row.path),
            row.pod_hours
        );
        if let Some(summary) = row.summary {
            let _ = write!(
                text,
                ", p95 utilization {:.0} %, {} to capacity",
                summary.p95_utilization,
                words::milliseconds(summary.longest_short_seconds * 1000)
            );
        }
        text.push('\n');
    }
    text
}

/// The path of the replicas, such as `3 → 7 → 10 (1:05) → 3`, with the time at which the most was reached.
pub(crate) fn way(path: &[ReplicaStep]) -> String {
    let most = path.iter().map(|p| p.replicas).max();
    let first_most = path.iter().position(|p| Some(p.replicas) == most);
    let step = |(index, point): (usize, &ReplicaStep)| {
        let at = words::clock_seconds(i64::try_from(point.second).unwrap_or(i64::MAX));
        if Some(index) == first_most && index > 0 {
            format!("{} ({at})", point.replicas)
        } else {
            point.replicas.to_string()
        }
    };
    let steps: Vec<String> = path.iter().enumerate().map(step).collect();
    if steps.len() <= STEPS {
        return steps.join(" → ");
    }
    let (head, tail) = (&steps[..=STEPS / 2], &steps[steps.len() - STEPS / 2..]);
    format!("{} → … → {}", head.join(" → "), tail.join(" → "))
}
