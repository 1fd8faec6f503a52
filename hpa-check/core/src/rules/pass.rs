//! What a pass has proved.

use super::{Case, Found, reason, watching};
use crate::expectation::ScaleDown;
use crate::findings::Finding;
use crate::verdict::{Outcome, Reason};

const PATH: Finding = proof(
    "path-proven",
    "The ready pods went from the minimum to the maximum under load, and back as far as asked.",
);

const BOUNDS: Finding = proof(
    "bounds-held",
    "The replicas never left the bounds; the longest gap in the watch says how strong that is.",
);

const DECISIONS: Finding = proof(
    "decisions-explained",
    "The model follows the controller's decisions to the replica.",
);

const ANSWERS: Finding = proof(
    "answers-verified",
    "Every answer that the load got was proved right, and no request failed.",
);

/// All of them.
pub(crate) const PROOFS: &[&Finding] = &[&PATH, &BOUNDS, &DECISIONS, &ANSWERS];

const fn proof(id: &'static str, meaning: &'static str) -> Finding {
    Finding {
        id,
        outcome: Outcome::Pass,
        meaning,
        fix: "",
    }
}

/// What was proved, in the run's own numbers.
pub(super) fn proofs(case: &Case<'_>) -> Vec<Reason> {
    let mut reasons = vec![
        reason(&PATH, path(case)),
        reason(&BOUNDS, bounds(case)),
        reason(&DECISIONS, decisions(case)),
    ];
    if let Some(load) = &case.state.load_result {
        let (requests, verified) = (load.requests, load.verified);
        let found = Found::new(
            format!("{verified} of {requests} answers were proved right, 0 failed, 0 were wrong"),
            [],
        );
        reasons.push(reason(&ANSWERS, found));
    }
    reasons
}

fn path(case: &Case<'_>) -> Found {
    let (min, max) = (case.expectation.min_replicas, case.expectation.max_replicas);
    let back = match case.expectation.scale_down {
        ScaleDown::Full => format!(" → {min}"),
        ScaleDown::OneStep => ", and down again by a step".to_owned(),
        ScaleDown::Skip => String::new(),
    };
    let steps = case.state.timeline.iter().flat_map(|t| &t.ready);
    Found::new(
        format!("ready pods went {min} → {max}{back}"),
        steps
            .filter(|s| [min, max].contains(&s.value))
            .map(|s| format!("{} ready {}", s.value, case.clock(s.at))),
    )
}

fn bounds(case: &Case<'_>) -> Found {
    let (min, max) = (case.expectation.min_replicas, case.expectation.max_replicas);
    let gap = watching::longest_gap_ms(case.state);
    let strength = if gap == 0 {
        "the watch had no gap".to_owned()
    } else {
        format!("the longest gap in the watch was {gap} ms, closed by the target's generation")
    };
    Found::new(
        format!("the replicas stayed within {min}..{max}; {strength}"),
        [],
    )
}

fn decisions(case: &Case<'_>) -> Found {
    let syncs = case
        .state
        .timeline
        .as_ref()
        .map_or(&[][..], |t| t.syncs.as_slice());
    let explained = syncs.iter().filter(|s| s.explained).count();
    let steps = syncs
        .iter()
        .filter(|s| s.current != s.desired && s.utilization.is_some());
    Found::new(
        format!(
            "{explained} of {} decisions are explained to the replica",
            syncs.len()
        ),
        steps.map(|s| format!("{}: {}", case.clock(s.at), s.sentence)),
    )
}
