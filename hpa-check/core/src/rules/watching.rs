//! What was not seen, and what that leaves open.

use std::time::Duration;

use jiff::Timestamp;

use super::{Case, Found, Rule, Weight};
use crate::findings::Finding;
use crate::model::{after, before};
use crate::observation::{Phase, Target};
use crate::run::evaluator::value_at;
use crate::run::state::RunState;
use crate::run::timeline::Gap;
use crate::verdict::Outcome;

pub(super) const INTERRUPTED: Rule = Rule {
    finding: Finding {
        id: "interrupted",
        outcome: Outcome::Inconclusive,
        meaning: "The run was told to stop before its end; the exit code is 105.",
        fix: "Let it run to its end.",
    },
    weight: Weight::Cause,
    find: |case| {
        let at = case.state.interrupted_at?;
        let phase = case.state.phase;
        Some(Found::new(
            format!("told to stop {}", case.clock(at)),
            phase.map(|p| format!("phase {:?}, entered {}", p.value, case.clock(p.at))),
        ))
    },
};

pub(super) const WATCH_GAP: Rule = Rule {
    finding: Finding {
        id: "watch-gap",
        outcome: Outcome::Inconclusive,
        meaning: "Something changed unseen, or may have: the replicas, the ready pods, the rest before the load. So what was asserted can't be said to have held.",
        fix: "Run again, nearer to the API server or with a steadier connection.",
    },
    weight: Weight::Cause,
    find: |case| {
        let unseen: Vec<String> = case
            .state
            .targets
            .windows(2)
            .filter_map(|pair| hidden_changes(case, &pair[0], &pair[1]))
            .chain(gaps(case.state).filter_map(|gap| open_gap(case, gap)))
            .chain(no_rest(case))
            .chain(hidden_unreadiness(case))
            .chain(other_pods(case))
            .chain(low_beside_a_gap(case))
            .collect();
        let first = unseen.first()?.clone();
        Some(Found::new(format!("not all was seen: {first}"), unseen))
    },
};

/// The Deployment's generation counts every change of its spec. Those that neither the two states
/// nor the decisions seen between them account for were not seen.
fn hidden_changes(
    case: &Case<'_>,
    (from, old): &(Timestamp, Target),
    (until, new): &(Timestamp, Target),
) -> Option<String> {
    if Some(*until) < case.state.baseline_at || old.uid != new.uid {
        return None;
    }
    let changes = new.generation? - old.generation?;
    let seen = i64::from(new.spec_replicas != old.spec_replicas);
    let near = case.budget(|b| b.controller.sync_period);
    let syncs = case.state.timeline.iter().flat_map(|t| &t.syncs);
    let decided = syncs
        .filter(|s| {
            s.current != s.desired && before(*from, near) <= s.at && s.at <= after(*until, near)
        })
        .count();
    let accounted = seen.max(i64::try_from(decided).unwrap_or(i64::MAX));
    (changes > accounted).then(|| {
        format!(
            "the target changed {changes} times between {} and {}, of which {accounted} are accounted for",
            case.clock(*from),
            case.clock(*until)
        )
    })
}

/// What came before the load is the measure of what came under it.
fn no_rest(case: &Case<'_>) -> Option<String> {
    let (baseline, loaded) = (case.state.baseline_at?, case.state.entered(Phase::Up)?);
    (baseline > loaded).then(|| {
        format!(
            "the run was first seen at rest {}, and the load began {}",
            case.clock(baseline),
            case.clock(loaded)
        )
    })
}

/// A pod that is ready anew, and was not seen to lose its readiness, was not ready for a while. Where as many did
/// so at about one time as the minimum can't spare, nobody knows whether it was held.
fn hidden_unreadiness(case: &Case<'_>) -> Option<String> {
    let near = case.budget(|b| b.controller.sync_period);
    let anew = &case.state.ready_anew;
    let at = anew.iter().copied().find(|at| {
        let together = anew
            .iter()
            .filter(|other| before(*at, near) <= **other && **other <= after(*at, near));
        let ready = value_at(&case.state.ready_steps, *at).unwrap_or_default();
        let fewest = ready - i32::try_from(together.count()).unwrap_or(i32::MAX);
        Some(*at) >= case.state.baseline_at && fewest < case.expectation.min_replicas
    })?;
    Some(format!(
        "pods were not ready for a time before {}, which was not seen",
        case.clock(at)
    ))
}

/// Fewer pods than the minimum at the edge of a gap: nobody saw for how long.
fn low_beside_a_gap(case: &Case<'_>) -> Option<String> {
    let min = case.expectation.min_replicas;
    let edges = case.state.gaps().flat_map(|gap| [gap.from, gap.until]);
    let after_rest = edges.filter(|at| Some(*at) >= case.state.baseline_at);
    after_rest
        .filter_map(|at| Some((at, value_at(&case.state.ready_steps, at)?)))
        .find(|(_, ready)| *ready < min)
        .map(|(at, ready)| {
            let clock = case.clock(at);
            format!("{ready} pods were ready {clock}, at the edge of a gap in the watch, and nobody saw for how long")
        })
}

/// The target counts its ready pods as well. Where the counts go on differing, some change was not seen.
fn other_pods(case: &Case<'_>) -> Option<String> {
    let since = case.state.counts_differ_since?;
    let target = case.state.target.as_ref()?;
    let long = after(since, case.budget(|b| b.controller.sync_period)) <= case.until;
    long.then(|| {
        format!(
            "{} pods are seen ready since {}, and the target counts {}",
            case.state.ready_pods(),
            case.clock(since),
            target.ready_replicas
        )
    })
}

/// A gap in the watch of the target that generations can't close.
fn open_gap(case: &Case<'_>, gap: &Gap) -> Option<String> {
    let counted =
        |edge: Option<&(Timestamp, Target)>| edge.is_some_and(|(_, t)| t.generation.is_some());
    let last_before = case.state.targets.iter().rfind(|(at, _)| *at <= gap.from);
    let first_after = case.state.targets.iter().find(|(at, _)| *at >= gap.until);
    let length = length(gap);
    let to_the_end = gap.until >= case.until && !case.came_back();
    let closed =
        gap.resource != "target" || (counted(last_before) && (counted(first_after) || !to_the_end));
    let allowed = case.budget(|b| b.controller.sync_period);
    let during = Some(gap.until) >= case.state.baseline_at;
    let open = length > allowed && during && (!closed || to_the_end);
    open.then(|| {
        let error = gap.error.as_deref().unwrap_or("no error was given");
        format!(
            "the {} was not seen for {:.1} s from {} ({error})",
            gap.resource,
            length.as_secs_f64(),
            case.clock(gap.from)
        )
    })
}

/// The longest time for which the target or the autoscaler was not seen, in milliseconds.
pub(crate) fn longest_gap_ms(state: &RunState) -> u64 {
    let longest = gaps(state).map(length).max().unwrap_or_default();
    u64::try_from(longest.as_millis()).unwrap_or(u64::MAX)
}

fn gaps(state: &RunState) -> impl Iterator<Item = &Gap> {
    let all = state.gaps();
    all.filter(|g| g.resource == "target" || g.resource == "autoscaler")
}

fn length(gap: &Gap) -> Duration {
    Duration::try_from(gap.until.duration_since(gap.from)).unwrap_or_default()
}

pub(super) const NO_SYNCS_SEEN: Rule = Rule {
    finding: Finding {
        id: "no-syncs-seen",
        outcome: Outcome::Inconclusive,
        meaning: "The autoscaler's controller wrote no status while it was watched.",
        fix: "Check that kube-controller-manager runs, and that the right autoscaler is watched.",
    },
    weight: Weight::Cause,
    find: |case| {
        let timeline = case.state.timeline.as_ref()?;
        let watched = case.until.duration_since(timeline.from);
        let patience = case.budget(|b| b.controller.sync_period * 3);
        let long = Duration::try_from(watched).unwrap_or_default() >= patience;
        (long && timeline.syncs.is_empty() && case.state.autoscaler.is_some()).then(|| {
            let seconds = watched.as_secs();
            let status = case.state.status();
            let status = status.map_or("none", |_| "as it was when the watch began");
            Found::new(
                format!("the controller wrote no status in {seconds} s"),
                [format!("status: {status}")],
            )
        })
    },
};

pub(super) const WINDOW_TOO_SHORT: Rule = Rule {
    finding: Finding {
        id: "window-too-short",
        outcome: Outcome::Inconclusive,
        meaning: "The run ended before the way up and down was seen to its end, and nothing was found that stopped it.",
        fix: "Give it more time (--patience), or ask for less (--scale-down one-step).",
    },
    weight: Weight::Symptom,
    find: |case| {
        let synced = case
            .state
            .timeline
            .as_ref()
            .is_some_and(|t| !t.syncs.is_empty());
        // A load that was told of as it went has an account at its end, and nothing is known of its answers before.
        let timeline = case.state.timeline.as_ref();
        let accounted =
            timeline.is_none_or(|t| t.load.is_empty()) || case.state.load_result.is_some();
        if case.complete() && synced && accounted {
            return None;
        }
        let (min, max) = (case.expectation.min_replicas, case.expectation.max_replicas);
        let lacking = if case.state.baseline_at.is_none() {
            format!("{min} ready pods at rest, with a utilization, were never seen")
        } else if !case.reached_max() {
            format!(
                "{max} ready pods were never seen, {} were",
                case.state.most_ready
            )
        } else if !case.came_back() {
            format!(
                "the way back to {min} was not seen to its end; {}",
                due(case)
            )
        } else if synced {
            "the load's own account of its answers was not seen".to_owned()
        } else {
            "no decision of the controller was seen".to_owned()
        };
        let replicas = case.state.target.as_ref().map(|t| {
            format!(
                "target: spec.replicas {}, ready {}",
                t.spec_replicas, t.ready_replicas
            )
        });
        Some(Found::new(lacking, replicas))
    },
};

/// When the scale-down has to have happened.
fn due(case: &Case<'_>) -> String {
    let Some(down) = case.state.entered(Phase::Down) else {
        return "the load never ended".to_owned();
    };
    let due = after(case.state.at_work_since(down), case.budget(|b| b.down()));
    format!("it was due within {} of the run", case.clock(due))
}
