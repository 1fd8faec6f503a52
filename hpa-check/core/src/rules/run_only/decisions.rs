//! The controller's decisions compared with the model's.

use jiff::Timestamp;

use super::run::RunView;
use crate::expectation::ScaleDown;
use crate::findings::{Evidence, catalog};
use crate::model::after;
use crate::observation::Phase;
use crate::rules::rule::{Rule, Weight};
use crate::run::timeline::{Range, SyncRecord};

pub(crate) const RULES: &[Rule] = &[
    Rule::run(
        &catalog::DECISION_UNEXPLAINED,
        Weight::Cause,
        decision_unexplained,
    ),
    Rule::run(&catalog::SCALE_UP_MISSING, Weight::Cause, scale_up_missing),
    Rule::run(
        &catalog::SCALE_DOWN_TOO_EARLY,
        Weight::Cause,
        scale_down_too_early,
    ),
    Rule::run(
        &catalog::TOO_LITTLE_EXPLAINED,
        Weight::Cause,
        too_little_explained,
    ),
    Rule::run(
        &catalog::SCALE_UP_TOO_LATE,
        Weight::Symptom,
        scale_up_too_late,
    ),
    Rule::run(
        &catalog::SCALE_DOWN_MISSING,
        Weight::Symptom,
        scale_down_missing,
    ),
];

/// This many consecutive syncs against the model are not a race between observers.
const IN_A_ROW: usize = 3;

fn decision_unexplained(run: &RunView<'_>) -> Option<Evidence> {
    // Replicas that stay up too long are a finding of their own.
    let kept_up = scale_down_missing(run).is_some();
    let row = longest_row(run.state.syncs(), |s| {
        let kept = kept_up && s.desired == s.current;
        let other = |model: Range| s.desired < model.low || model.high < s.desired;
        !s.explained && s.certain && s.modeled.is_some_and(other) && !kept
    });
    (row.len() >= IN_A_ROW).then(|| {
        let count = row.len();
        Evidence::new(
            format!(
                "{count} decisions in a row differ from the model's for the same pods and metrics"
            ),
            row.iter().map(|s| told(run, s)),
        )
        .at(row.first().map(|s| s.at))
    })
}

fn scale_up_missing(run: &RunView<'_>) -> Option<Evidence> {
    let kept = |s: &SyncRecord| {
        let more = s.modeled.is_some_and(|model| model.low > s.current);
        !s.explained && s.certain && s.desired == s.current && more
    };
    let row = longest_row(run.state.syncs(), kept);
    let last = row.last().filter(|_| row.len() >= IN_A_ROW)?;
    let (kept, wanted) = (last.desired, last.modeled?);
    Some(
        Evidence::new(
            format!("the metric asked for {wanted} pods, and the controller kept {kept}"),
            row.iter().map(|s| told(run, s)),
        )
        .at(row.first().map(|s| s.at)),
    )
}

fn scale_down_too_early(run: &RunView<'_>) -> Option<Evidence> {
    run.state.setting.as_ref()?;
    let window = run.budget(|b| b.down_window()).as_secs();
    let max = run.spec()?.max_replicas;
    run.state.syncs().iter().find_map(|sync| {
            let held = sync
                .held
                .filter(|held| held.value.min(sync.current) > sync.desired)?;
            if sync.explained || sync.desired >= sync.current || sync.current > max {
                return None;
            }
            let (current, desired, value) = (sync.current, sync.desired, held.value);
            let age = sync.at.duration_since(held.at).as_secs();
            Some(Evidence::new(
                format!(
                    "scaled {current} → {desired} {age} s after a proposal of at least {value}, which \
                     the window of {window} s holds"
                ),
                [
                    told(run, sync),
                    format!("proposal of at least {value} {}", run.clock(held.at)),
                ],
            )
            .at(sync.at))
        })
}

fn too_little_explained(run: &RunView<'_>) -> Option<Evidence> {
    let all = run.state.syncs();
    let explained = all.iter().filter(|s| s.explained).count();
    (all.len() >= IN_A_ROW && explained * 2 < all.len()).then(|| {
        let open = all.iter().filter(|s| !s.explained);
        let first = open.clone().next().map(|s| s.at);
        Evidence::new(
            format!(
                "only {explained} of {} decisions can be explained",
                all.len()
            ),
            open.map(|s| told(run, s)),
        )
        .at(first)
    })
}

fn scale_up_too_late(run: &RunView<'_>) -> Option<Evidence> {
    let max = run.expectation.max_replicas;
    let decided =
        run.state.statuses.iter().any(|(_, s)| {
            s.desired_replicas >= max || s.current_replicas.is_some_and(|c| c >= max)
        });
    // Since when the metric has certainly and continuously asked for it.
    let proposed = run.state.proposals();
    let less = proposed.iter().rposition(|p| p.low < max || !p.certain);
    let asked = proposed.get(less.map_or(0, |less| less + 1))?;
    // The time left for scaling up once a sync has seen all of the load.
    let climb = run.budget(|b| b.up().saturating_sub(b.reaction()));
    let allowed = climb + run.expectation.patience;
    let down = run.state.entered(Phase::Down).unwrap_or(run.until);
    let due = after(run.state.at_work_since(asked.at), allowed);
    (!decided && !run.reached_max() && due <= down).then(|| {
            let seconds = allowed.as_secs();
            Evidence::new(
                format!("the metric asked for {max} pods, and the controller did not set them within {seconds} s"),
                [format!(
                    "proposal of {} {}",
                    asked.range(),
                    run.clock(asked.at)
                )],
            )
            .at(asked.at)
        })
}

fn scale_down_missing(run: &RunView<'_>) -> Option<Evidence> {
    let down = run.state.entered(Phase::Down)?;
    if run.came_back() || run.expectation.scale_down == ScaleDown::Skip {
        return None;
    }
    let allowed = run.budget(|b| b.down());
    let min = run.expectation.min_replicas;
    let (at, status) = run.state.statuses.last()?;
    let kept = status.desired_replicas;
    let due: Timestamp = after(run.state.at_work_since(down), allowed);
    // Every interpretation of the metrics asks for at most the minimum.
    let settled = after(down, run.budget(|b| b.reaction()));
    let mut proposals = run.state.proposals().iter().filter(|p| p.at >= settled);
    let asked_for_less =
        proposals.any(|p| p.certain && p.high <= min) || run.use_fits_since(min, settled);
    (due <= run.until && kept > min && asked_for_less).then(|| {
        let seconds = run.until.duration_since(down).as_secs();
        Evidence::new(
            format!(
                "{seconds} s after the load ended, the controller still sets {kept} pods, not {min}"
            ),
            [
                format!(
                    "status: desiredReplicas {kept}, first seen {}",
                    run.clock(*at)
                ),
                format!("a scale-down was due within {} s", allowed.as_secs()),
            ],
        )
        .at(*at)
    })
}

/// The longest run of consecutive syncs that all have a property.
fn longest_row(syncs: &[SyncRecord], has: impl Fn(&SyncRecord) -> bool) -> &[SyncRecord] {
    let rows = syncs.split(|s| !has(s));
    rows.max_by_key(|row| row.len()).unwrap_or_default()
}

fn told(run: &RunView<'_>, sync: &SyncRecord) -> String {
    let (current, desired) = (sync.current, sync.desired);
    format!(
        "{}: {current} → {desired}; {}",
        run.clock(sync.at),
        sync.sentence
    )
}
