//! What a pass proves.

use super::run::RunView;
use crate::expectation::ScaleDown;
use crate::findings::{Evidence, catalog};
use crate::verdict::Reason;

/// The proofs, with the run's own numbers.
pub(crate) fn proofs(run: &RunView<'_>) -> Vec<Reason> {
    let mut reasons = vec![
        catalog::PATH_PROVEN.reason(path(run)),
        catalog::BOUNDS_HELD.reason(bounds(run)),
        catalog::DECISIONS_EXPLAINED.reason(decisions(run)),
    ];
    // Somebody else's load generator verifies nothing that is known here.
    let load = run.state.load_result.as_ref();
    if let Some(load) = load.filter(|load| load.verified > 0) {
        let (requests, verified) = (load.requests, load.verified);
        let found = Evidence::new(
            format!("{verified} of {requests} answers were verified, 0 failed, 0 were wrong"),
            [],
        );
        reasons.push(catalog::ANSWERS_VERIFIED.reason(found));
    }
    reasons
}

fn path(run: &RunView<'_>) -> Evidence {
    let (min, max) = (run.expectation.min_replicas, run.expectation.max_replicas);
    let back = match run.expectation.scale_down {
        ScaleDown::Full => format!(" → {min}"),
        ScaleDown::OneStep => ", and down again by one step".to_owned(),
        ScaleDown::Skip => String::new(),
    };
    let steps = run.state.timeline.iter().flat_map(|t| &t.ready);
    let ends = steps.filter(|s| [min, max].contains(&s.value));
    let first = ends.clone().next().map(|s| s.at);
    Evidence::new(
        format!("ready pods went {min} → {max}{back}"),
        ends.map(|s| format!("{} ready {}", s.value, run.clock(s.at))),
    )
    .at(first)
}

fn bounds(run: &RunView<'_>) -> Evidence {
    let (min, max) = (run.expectation.min_replicas, run.expectation.max_replicas);
    let gap = run.state.longest_gap_ms();
    let strength = if gap == 0 {
        "the watch had no gap".to_owned()
    } else {
        format!("the longest gap in the watch was {gap} ms, closed by the target's generation")
    };
    Evidence::new(
        format!("the replicas stayed within {min}..{max}; {strength}"),
        [],
    )
}

fn decisions(run: &RunView<'_>) -> Evidence {
    let syncs = run
        .state
        .timeline
        .as_ref()
        .map_or(&[][..], |t| t.syncs.as_slice());
    let explained = syncs.iter().filter(|s| s.explained).count();
    let steps = syncs
        .iter()
        .filter(|s| s.current != s.desired && s.utilization.is_some());
    let first = steps.clone().next().map(|s| s.at);
    Evidence::new(
        format!(
            "{explained} of {} decisions are explained to the replica",
            syncs.len()
        ),
        steps.map(|s| format!("{}: {}", run.clock(s.at), s.sentence)),
    )
    .at(first)
}
