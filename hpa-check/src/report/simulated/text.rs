//! A simulation on a terminal.

use std::fmt::Write as _;

use hpa_check_core::sim::{
    Candidate, ReplicaStep, ScaleUpPolicy, Scenario, Search, Simulation, Summary,
};
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
    if let Some(needed) = needed(&simulation.scenario) {
        let _ = writeln!(text, "  peak of the load  {needed}");
    }
    if !simulation.kept {
        text.push_str("\n  These settings do not keep the requested bounds.\n");
    }
    if let Some(search) = &simulation.search {
        let _ = write!(text, "\n  {}\n\n{}", found(search), tried(search));
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
        let noun = if step.replicas == 1 {
            "replica"
        } else {
            "replicas"
        };
        format!("  {at:>9}  {:>4} {noun}\n", step.replicas)
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

/// The highest load, and how many replicas keep the target then, whatever the maximum is.
pub(crate) fn needed(scenario: &Scenario) -> Option<String> {
    let target = scenario.spec.cpu_target_percent()?;
    let most = scenario.spec.max_replicas;
    let points = scenario.load.points.iter();
    let peak = points.map(|point| point.millicores).fold(0.0, f64::max);
    let cores = peak / 1000.0;
    let each = f64::from(target) / 100.0 * scenario.pod.request.cores();
    // Less than a thousandth of a pod is the noise of binary fractions.
    let pods = (cores / each - 1e-3).ceil().max(1.0);
    let replicas = if pods > 1.0 { "replicas" } else { "replica" };
    let limit = if pods > f64::from(most) {
        format!("; the maximum is {most}")
    } else {
        String::new()
    };
    Some(format!(
        "{cores:.2} cores: {pods} {replicas} at {target} %{limit}"
    ))
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
/// The same in a terminal of 80 columns.
const SHORT: [&str; 12] = [
    "min", "max", "target", "window", "policy", "request", "core-h", "most", "p95", "unserved",
    "capacity", "steps",
];
/// Settings that are left out if they are the same in every row: the maximum, the policy and the request.
const OFTEN_THE_SAME: [usize; 3] = [1, 4, 5];

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

/// The table of a search for a terminal.
fn tried(search: &Search) -> String {
    let now = if search.current.kept {
        "now"
    } else {
        "now, missed"
    };
    let best = search.best.iter().map(|one| (cells(one), ""));
    let missed = search.nearest.iter().map(|one| (cells(one), "missed"));
    let rows: Vec<([String; 12], &str)> = best
        .chain([(cells(&search.current), now)])
        .chain(missed)
        .collect();
    let same = |column: usize| {
        rows.iter()
            .all(|(cells, _)| cells[column] == rows[0].0[column])
    };
    let columns: Vec<(usize, usize)> = (0..SHORT.len())
        .filter(|column| !(OFTEN_THE_SAME.contains(column) && same(*column)))
        .map(|column| {
            let cells = rows.iter().map(|(cells, _)| cells[column].chars().count());
            (column, cells.max().unwrap_or(0).max(SHORT[column].len()))
        })
        .collect();
    let line = |cell: &dyn Fn(usize) -> String| {
        let cells = columns
            .iter()
            .map(|(column, width)| format!("{:>width$}", cell(*column)));
        cells.collect::<Vec<_>>().join("  ")
    };
    let mut text = line(&|column| SHORT[column].to_owned()) + "\n";
    for (cells, mark) in &rows {
        let row = format!("{}  {mark}", line(&|column| cells[column].clone()));
        let _ = writeln!(text, "{}", row.trim_end());
    }
    text
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
