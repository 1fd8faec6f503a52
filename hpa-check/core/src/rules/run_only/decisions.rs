//! The controller's decisions compared with the model's.

use jiff::Timestamp;

use super::run::RunView;
use crate::expectation::ScaleDown;
use crate::findings::{Evidence, catalog};
use crate::model::after;
use crate::observation::{Fact, Phase, Watched};
use crate::rules::rule::{Rule, Weight};
use crate::rules::view::View;
use crate::run::explain::assumed::window_is_a_flag;
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
        &catalog::CONTROLLER_UNKNOWN,
        Weight::Cause,
        controller_unknown,
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
    let kept_up = kept_up(run).is_some();
    let row = longest_row(run.state.syncs(), |s| {
        let kept = kept_up && s.desired == s.current;
        let other = |model: Range| s.desired < model.low || model.high < s.desired;
        is_disputed(s) && s.modeled.is_some_and(other) && !kept
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

/// Whether neither what was observed nor another value of an assumed flag explains it.
fn is_disputed(sync: &SyncRecord) -> bool {
    !sync.explained && sync.certain && sync.doubt.is_none()
}

fn scale_up_missing(run: &RunView<'_>) -> Option<Evidence> {
    let kept = |s: &SyncRecord| {
        let more = s.modeled.is_some_and(|model| model.low > s.current);
        is_disputed(s) && s.desired == s.current && more
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
    let mut syncs = run.state.syncs().iter();
    let sync = syncs.find(|sync| sync.doubt.is_none() && is_too_early(sync, max))?;
    let (current, desired, held) = (sync.current, sync.desired, sync.held?);
    let (value, age) = (held.value, sync.at.duration_since(held.at).as_secs());
    Some(
        Evidence::new(
            format!(
                "scaled {current} → {desired} {age} s after a proposal of at least {value}, which \
                 the window of {window} s holds"
            ),
            [
                told(run, sync),
                format!("proposal of at least {value} {}", run.clock(held.at)),
            ],
        )
        .at(sync.at),
    )
}

/// Whether it scaled down below what the window certainly held.
fn is_too_early(sync: &SyncRecord, max: i32) -> bool {
    let held = sync.held.map(|held| held.value.min(sync.current));
    let below = held.is_some_and(|held| held > sync.desired);
    !sync.explained && below && sync.desired < sync.current && sync.current <= max
}

/// What would be a fault of the controller if its flags and its restarts were known.
fn controller_unknown(run: &RunView<'_>) -> Option<Evidence> {
    let doubted = |s: &SyncRecord| s.doubt.is_some();
    let max = run.spec()?.max_replicas;
    let syncs = run.state.syncs();
    let mut early = syncs.iter().filter(|s| doubted(s) && is_too_early(s, max));
    let row = longest_row(syncs, doubted);
    let row = early.next().map_or(row, std::slice::from_ref);
    let is_early = row.first().is_some_and(|sync| is_too_early(sync, max));
    if let Some(other) = row.last().and_then(|sync| sync.doubt.as_ref())
        && (is_early || row.len() >= IN_A_ROW)
    {
        let (first, last) = (row.first()?, row.last()?);
        let (current, desired) = (last.current, last.desired);
        let decided = if current == desired {
            format!("the controller kept {current} pods")
        } else {
            format!("the controller scaled {current} → {desired}")
        };
        let message = format!("{decided}, which {other} explains");
        return Some(Evidence::new(message, row.iter().map(|s| told(run, s))).at(first.at));
    }
    if let Some(found) = kept_up(run).filter(|_| window_is_unknown(run)) {
        let message = format!(
            "{}; it says that its window holds them, which a longer one than {} s or an unobserved restart explains",
            found.message,
            run.budget(|b| b.down_window()).as_secs()
        );
        return Some(Evidence { message, ..found });
    }
    let found = set_too_late(run).filter(|found| is_climbing(run, found))?;
    let period = run.budget(|b| b.controller.sync_period).as_secs();
    let message = format!(
        "{}, but it was scaling up; a longer sync period than the assumed {period} s explains that",
        found.message
    );
    Some(Evidence { message, ..found })
}

/// Whether the controller says that its window holds the replicas, and how long that may be is unknown.
fn window_is_unknown(run: &RunView<'_>) -> bool {
    let view: &dyn View = run;
    let assumed = is_assumed(run) && run.spec().is_some_and(window_is_a_flag);
    let unseen =
        |fact: &Fact| matches!(fact, Fact::Forbidden { rule, .. } if rule.contains(LEASES));
    let mut gaps = run.state.gaps();
    let unseen =
        run.state.facts.iter().any(unseen) || gaps.any(|gap| gap.resource == Watched::Controller);
    (assumed || unseen) && view.says("ScaleDownStabilized")
}

/// The lease of the controller shows when it restarts.
const LEASES: &str = "leases.coordination.k8s.io";

/// Whether the controller's flags are only assumed.
fn is_assumed(run: &RunView<'_>) -> bool {
    let setting = run.state.setting.as_ref();
    setting.is_some_and(|setting| !setting.controller_is_stated())
}

/// Whether a controller with unknown flags still set more replicas after that, and never synced as often as assumed.
fn is_climbing(run: &RunView<'_>, found: &Evidence) -> bool {
    let steps = run.state.timeline.iter().flat_map(|t| t.spec.windows(2));
    let mut rises = steps.filter(|pair| pair[1].value > pair[0].value);
    let often = run.budget(|b| b.controller.sync_period * 3 / 2);
    let mut pairs = run.state.syncs().windows(2);
    let slow = pairs.all(|pair| pair[1].at >= after(pair[0].at, often));
    is_assumed(run) && slow && rises.any(|pair| Some(pair[1].at) >= found.at)
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
    set_too_late(run).filter(|found| !is_climbing(run, found))
}

fn set_too_late(run: &RunView<'_>) -> Option<Evidence> {
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
    kept_up(run).filter(|_| !window_is_unknown(run))
}

/// Replicas that stay up after the load.
fn kept_up(run: &RunView<'_>) -> Option<Evidence> {
    let down = run.state.entered(Phase::Down)?;
    if run.came_back() || run.expectation.scale_down == ScaleDown::Skip {
        return None;
    }
    let allowed = run.budget(|b| b.down());
    let min = run.expectation.min_replicas;
    let (at, status) = run.state.statuses.last()?;
    let kept = status.desired_replicas;
    let settled = after(down, run.budget(|b| b.reaction()));
    // Without a proposal since then, or with one that may be another, the samples count.
    let asked = asked_for_no_more(run, min, settled);
    let asked = asked.or_else(|| run.use_fits_from(min, settled))?;
    let rest = run.budget(|b| b.down().saturating_sub(b.reaction()));
    let due: Timestamp = after(run.state.at_work_since(asked), rest);
    (due <= run.until && kept > min).then(|| {
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

/// Since when every interpretation of the metrics asks for at most so many pods; an instant is the earliest answer. New
/// pods without samples count as busy, so a rollout asks for more again.
fn asked_for_no_more(run: &RunView<'_>, pods: i32, settled: Timestamp) -> Option<Timestamp> {
    let proposals = run.state.proposals();
    let more = proposals.iter().rposition(|p| !p.certain || p.high > pods);
    let first = proposals.get(more.map_or(0, |more| more + 1))?;
    Some(first.at.max(settled))
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
