//! The controller's decisions, against the model's.

use jiff::Timestamp;

use super::{Case, Found, Rule, Weight};
use crate::expectation::ScaleDown;
use crate::findings::Finding;
use crate::model::after;
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
        // Replicas that are kept up too long have a name of their own.
        let kept_up = scale_down_missing(case).is_some();
        let row = longest_row(syncs(case), |s| {
            let kept = kept_up && s.desired == s.current;
            !s.explained && s.certain && s.modeled.is_some() && !kept
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
            let more = s.modeled.is_some_and(|model| model.low > s.current);
            !s.explained && s.certain && s.desired == s.current && more
        };
        let row = longest_row(syncs(case), kept);
        let last = row.last().filter(|_| row.len() >= IN_A_ROW)?;
        let (kept, wanted) = (last.desired, last.modeled?);
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
        let window = case.budget(|b| b.down_window()).as_secs();
        let max = case.spec()?.max_replicas;
        syncs(case).iter().find_map(|sync| {
            let held = sync.held.filter(|held| held.value.min(sync.current) > sync.desired)?;
            if sync.explained || sync.desired >= sync.current || sync.current > max {
                return None;
            }
            let (current, desired) = (sync.current, sync.desired);
            let age = sync.at.duration_since(held.at).as_secs();
            let value = held.value;
            Some(Found::new(
                format!(
                    "scaled {current} → {desired} {age} s after a proposal of {value} at least, which the \
                     window of {window} s holds"
                ),
                [
                    told(case, sync),
                    format!("proposal of {value} at least {}", case.clock(held.at)),
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
        // Since when the metric has certainly asked for it, without a break.
        let proposed = case.state.proposals();
        let less = proposed.iter().rposition(|p| p.low < max || !p.certain);
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
                    asked.range(),
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
    find: scale_down_missing,
};

fn scale_down_missing(case: &Case<'_>) -> Option<Found> {
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
            format!(
                "{seconds} s after the load's end the controller still wants {kept} pods, not {min}"
            ),
            [
                format!("status: desiredReplicas {kept} since {}", case.clock(*at)),
                format!("a scale-down was due within {} s", allowed.as_secs()),
            ],
        )
    })
}

fn syncs<'a>(case: &Case<'a>) -> &'a [SyncRecord] {
    case.state.syncs()
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
