//! The controller's decisions, against the model's.

use jiff::Timestamp;

use super::{Case, Found, Rule, Weight};
use crate::expectation::ScaleDown;
use crate::findings::Finding;
use crate::model::{after, before};
use crate::observation::Phase;
use crate::run::timeline::SyncRecord;
use crate::verdict::Outcome;

/// Syncs in a row against the model's word that are no longer a race between observers.
const IN_A_ROW: usize = 3;

pub(super) const UNEXPLAINED: Rule = Rule {
    finding: Finding {
        id: "decision-unexplained",
        outcome: Outcome::Wrong,
        meaning: "The controller's decisions disagree with the model's on the same pods and metrics, several times in a row.",
        fix: "Check that the controller's flags and the Kubernetes version are the ones given to this tool.",
    },
    weight: Weight::Cause,
    find: |case| {
        let row = longest_row(syncs(case), |s| {
            !s.explained && s.model.is_some_and(|m| m != s.desired)
        });
        (row.len() >= IN_A_ROW).then(|| {
            let count = row.len();
            Found::new(
                format!(
                    "{count} decisions in a row are not what the same pods and metrics lead to"
                ),
                row.iter().map(|s| told(case, s)),
            )
        })
    },
};

pub(super) const SCALE_UP_MISSING: Rule = Rule {
    finding: Finding {
        id: "scale-up-missing",
        outcome: Outcome::Wrong,
        meaning: "The metric asked for more pods in one sync after the other, and the controller did not scale.",
        fix: "Read the autoscaler's conditions and events: `kubectl describe hpa NAME`.",
    },
    weight: Weight::Cause,
    find: |case| {
        let kept = |s: &SyncRecord| {
            !s.explained && s.desired == s.current && s.model.is_some_and(|m| m > s.current)
        };
        let row = longest_row(syncs(case), kept);
        let last = row.last().filter(|_| row.len() >= IN_A_ROW)?;
        let (kept, wanted) = (last.desired, last.model?);
        Some(Found::new(
            format!("the metric asked for {wanted} pods, and the controller kept {kept}"),
            row.iter().map(|s| told(case, s)),
        ))
    },
};

pub(super) const SCALE_DOWN_TOO_EARLY: Rule = Rule {
    finding: Finding {
        id: "scale-down-too-early",
        outcome: Outcome::Wrong,
        meaning: "The replicas fell below a proposal that the stabilization window still held.",
        fix: "Check that the controller's --horizontal-pod-autoscaler-downscale-stabilization is the one given to this tool.",
    },
    weight: Weight::Cause,
    find: |case| {
        case.state.setting.as_ref()?;
        let window = case.budget(|b| b.down_window());
        let proposed = &case.state.proposals;
        let max = case.spec()?.max_replicas;
        syncs(case).iter().find_map(|sync| {
            if sync.explained || sync.desired >= sync.current || sync.current > max {
                return None;
            }
            // A second for the clocks: the controller reads its own.
            let from = after(before(sync.at, window), std::time::Duration::from_secs(1));
            let held = proposed
                .iter()
                .filter(|p| p.at > from && p.at < sync.at)
                // What a gap hid is shown at its end, and is older than that.
                .filter(|p| case.gaps_at(p.at).next().is_none())
                .max_by_key(|p| p.value)
                .filter(|p| p.value.min(sync.current) > sync.desired)?;
            let (current, desired, seconds) = (sync.current, sync.desired, window.as_secs());
            let age = sync.at.duration_since(held.at).as_secs();
            Some(Found::new(
                format!(
                    "scaled {current} → {desired} {age} s after a proposal of {}, which the window \
                     of {seconds} s holds",
                    held.value
                ),
                [
                    told(case, sync),
                    format!("proposal of {} {}", held.value, case.clock(held.at)),
                ],
            ))
        })
    },
};

pub(super) const TOO_LITTLE_EXPLAINED: Rule = Rule {
    finding: Finding {
        id: "too-little-explained",
        outcome: Outcome::Inconclusive,
        meaning: "Most decisions can't be followed from what was seen, so they can't be called right.",
        fix: "See the decisions' sentences for what was missing; a metric other than CPU can't be followed.",
    },
    weight: Weight::Cause,
    find: |case| {
        let all = syncs(case);
        let explained = all.iter().filter(|s| s.explained).count();
        (all.len() >= IN_A_ROW && explained * 2 < all.len()).then(|| {
            let open = all.iter().filter(|s| !s.explained).map(|s| told(case, s));
            Found::new(
                format!(
                    "only {explained} of {} decisions can be followed",
                    all.len()
                ),
                open,
            )
        })
    },
};

pub(super) const SCALE_UP_TOO_LATE: Rule = Rule {
    finding: Finding {
        id: "scale-up-too-late",
        outcome: Outcome::Wrong,
        meaning: "The metric asked for the maximum, and the controller did not ask the target for it in the computed time.",
        fix: "Read the autoscaler's conditions and events; a policy or a stabilization window for scale-up may be too slow.",
    },
    weight: Weight::Symptom,
    find: |case| {
        let max = case.expectation.max_replicas;
        let decided = case.state.statuses.iter().any(|(_, s)| {
            s.desired_replicas >= max || s.current_replicas.is_some_and(|c| c >= max)
        });
        // Since when the metric has asked for it without a break.
        let proposed = &case.state.timeline.as_ref()?.proposed;
        let less = proposed.iter().rposition(|s| s.value < max);
        let asked = proposed.get(less.map_or(0, |less| less + 1))?;
        // What is left of the way up once a sync has seen all of the load.
        let climb = case.budget(|b| b.up().saturating_sub(b.reaction()));
        let allowed = climb + case.expectation.patience;
        let down = case.state.entered(Phase::Down).unwrap_or(case.until);
        let due = after(case.state.at_work_since(asked.at), allowed);
        (!decided && !case.reached_max() && due <= down).then(|| {
            let seconds = allowed.as_secs();
            Found::new(
                format!("{max} pods were asked for, and not decided on in {seconds} s"),
                [format!(
                    "proposal of {} {}",
                    asked.value,
                    case.clock(asked.at)
                )],
            )
        })
    },
};

pub(super) const SCALE_DOWN_MISSING: Rule = Rule {
    finding: Finding {
        id: "scale-down-missing",
        outcome: Outcome::Wrong,
        meaning: "The load was over for longer than the computed time, and the controller kept the replicas up.",
        fix: "Read the autoscaler's conditions and events: `kubectl describe hpa NAME`.",
    },
    weight: Weight::Symptom,
    find: |case| {
        let down = case.state.entered(Phase::Down)?;
        if case.came_back() || case.expectation.scale_down == ScaleDown::Skip {
            return None;
        }
        let allowed = case.budget(|b| b.down());
        let min = case.expectation.min_replicas;
        let (at, status) = case.state.statuses.last()?;
        let kept = status.desired_replicas;
        let due: Timestamp = after(case.state.at_work_since(down), allowed);
        (due <= case.until && kept > min).then(|| {
            let seconds = case.until.duration_since(down).as_secs();
            Found::new(
                format!("{seconds} s after the load's end the controller still wants {kept} pods, not {min}"),
                [
                    format!("status: desiredReplicas {kept} since {}", case.clock(*at)),
                    format!("a scale-down was due within {} s", allowed.as_secs()),
                ],
            )
        })
    },
};

fn syncs<'a>(case: &Case<'a>) -> &'a [SyncRecord] {
    case.state
        .timeline
        .as_ref()
        .map_or(&[], |t| t.syncs.as_slice())
}

/// The longest run of neighbours that all have a property.
fn longest_row(syncs: &[SyncRecord], has: impl Fn(&SyncRecord) -> bool) -> &[SyncRecord] {
    let rows = syncs.split(|s| !has(s));
    rows.max_by_key(|row| row.len()).unwrap_or_default()
}

fn told(case: &Case<'_>, sync: &SyncRecord) -> String {
    let (current, desired) = (sync.current, sync.desired);
    format!(
        "{}: {current} → {desired}; {}",
        case.clock(sync.at),
        sync.sentence
    )
}
