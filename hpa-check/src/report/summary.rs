//! What every report starts with: the headline, and the facts below it.

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::observation::Phase;
use hpa_check_core::run::timeline::SyncRecord;
use hpa_check_core::verdict::Outcome;
use jiff::Timestamp;

use super::words;

/// What the outcome means, in one sentence.
pub(crate) fn meaning(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "The autoscaler did what it is configured to do, and the run observed it.",
        Outcome::Wrong => "The autoscaler, its setup or the service under it is wrong.",
        Outcome::Environment => "The environment was the bottleneck, not the autoscaler.",
        Outcome::Inconclusive => "Too little was observed to tell whether it works.",
    }
}

/// The phase's name.
pub(crate) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Preflight => "Preflight",
        Phase::Baseline => "Baseline",
        Phase::Up => "Up",
        Phase::Hold => "Hold",
        Phase::Down => "Down",
        Phase::Done => "Done",
    }
}

/// The autoscaler and its namespace: `fib-server`, `fib-server in namespace web`.
pub(crate) fn subject(result: &RunResult) -> String {
    match &result.setting {
        None => "the autoscaler".to_owned(),
        Some(setting) if setting.namespace.is_empty() => setting.autoscaler.clone(),
        Some(setting) => format!("{} in namespace {}", setting.autoscaler, setting.namespace),
    }
}

/// The cause in one sentence: the heaviest reason.
pub(crate) fn cause(result: &RunResult) -> &str {
    result
        .verdict
        .reasons
        .first()
        .map_or_else(|| meaning(result.verdict.outcome), |r| r.message.as_str())
}

/// One step of the replicas' path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    /// When `spec.replicas` took the value.
    pub(crate) at: Timestamp,
    /// The value.
    pub(crate) replicas: i32,
}

/// The values of `spec.replicas` over time.
pub(crate) fn way(result: &RunResult) -> Vec<Stop> {
    let mut stops: Vec<Stop> = Vec::new();
    for point in &result.replicas.path {
        if stops.last().is_none_or(|last| last.replicas != point.spec) {
            stops.push(Stop {
                at: point.at,
                replicas: point.spec,
            });
        }
    }
    stops
}

/// The path as `3 → 7 → 10 → 3`; beyond twelve steps the middle is left out.
pub(crate) fn way_in_short(result: &RunResult) -> String {
    let stops: Vec<String> = way(result).iter().map(|s| s.replicas.to_string()).collect();
    match stops.len() {
        0 => "no replicas were observed".to_owned(),
        1..=12 => stops.join(" → "),
        n => format!(
            "{} → … → {}",
            stops[..6].join(" → "),
            stops[n - 5..].join(" → ")
        ),
    }
}

/// The path with the time of each change: `3 → 7 (0:25) → 10 (0:31)`.
pub(crate) fn way_with_times(result: &RunResult) -> String {
    let mut text = String::new();
    for (index, stop) in way(result).iter().enumerate() {
        if index == 0 {
            text = stop.replicas.to_string();
        } else {
            let time = words::clock(result.timeline.from, stop.at);
            text = format!("{text} → {} ({time})", stop.replicas);
        }
    }
    text
}

/// The facts below the verdict, each a name and a value.
pub(crate) fn facts(result: &RunResult) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("Replicas", way_in_short(result)),
        ("Ready pods", ready(result)),
        (
            "Syncs explained",
            format!("{} of {}", result.syncs.explained, result.syncs.observed),
        ),
        (
            "Longest time unobserved",
            words::milliseconds(result.longest_gap_ms),
        ),
    ];
    if let Some(load) = &result.load {
        facts.push(("Requests", words::count(load.requests)));
        // Somebody else's load generator verifies nothing that is known here.
        if load.verified > 0 {
            facts.push(("Verified", words::count(load.verified)));
        }
        facts.push((
            "Failed / wrong",
            format!(
                "{} / {}",
                words::count(load.failed),
                words::count(load.wrong)
            ),
        ));
        facts.push(("Load generator", load.generator.to_string()));
    }
    facts
}

fn ready(result: &RunResult) -> String {
    let replicas = &result.replicas;
    match (replicas.min_ready, replicas.max_ready) {
        (Some(least), Some(most)) => format!(
            "{least} to {most}, asked {} to {}",
            result.expectation.min_replicas, result.expectation.max_replicas
        ),
        _ => "none seen".to_owned(),
    }
}

/// The syncs with a row: those that changed something, and those that are not explained.
pub(crate) fn decisions(syncs: &[SyncRecord]) -> impl Iterator<Item = &SyncRecord> {
    syncs
        .iter()
        .filter(|s| s.current != s.desired || !s.explained)
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn the_path_names_each_value_once_with_its_time() {
        let run = fixture::passed();
        assert_eq!(way_in_short(&run), "3 → 7 → 10 → 3");
        assert_eq!(way_with_times(&run), "3 → 7 (0:25) → 10 (0:31) → 3 (1:49)");
    }

    #[test]
    fn a_flapping_path_is_cut_in_the_middle() {
        let mut run = fixture::passed();
        let first = run.replicas.path[0];
        run.replicas.path = (0..40)
            .map(|i| hpa_check_core::documents::result::PathPoint {
                spec: 3 + i % 2,
                ..first
            })
            .collect();
        assert_eq!(
            way_in_short(&run),
            "3 → 4 → 3 → 4 → 3 → 4 → … → 4 → 3 → 4 → 3 → 4"
        );
    }

    #[test]
    fn only_decisions_that_changed_something_or_are_unexplained_get_a_row() {
        let mut run = fixture::passed();
        assert_eq!(decisions(&run.timeline.syncs).count(), 3);
        run.timeline.syncs[0].explained = false;
        assert_eq!(decisions(&run.timeline.syncs).count(), 4);
    }

    #[test]
    fn a_result_without_reasons_still_explains_its_outcome() {
        let mut run = fixture::passed();
        run.verdict.reasons.clear();
        assert_eq!(cause(&run), meaning(Outcome::Pass));
    }
}
