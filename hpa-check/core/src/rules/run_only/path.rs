//! The replicas over the course of a run: whether bounds and minimum held, and who changed the replicas.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::run::RunView;
use crate::findings::{Evidence, catalog};
use crate::model::{after, before};
use crate::observation::{ScaleTarget, Watched};
use crate::rules::rule::{Rule, Weight};
use crate::rules::view::{ConflictingWrites, SizeView, Swings, View};
use crate::run::state::ReadinessLost;
use crate::run::timeline::{Range, Step, value_at};

pub(crate) const RULES: &[Rule] = &[
    Rule::run(&catalog::MINIMUM_NOT_HELD, Weight::Cause, minimum_not_held),
    Rule::run(
        &catalog::READINESS_WITHDRAWN,
        Weight::Cause,
        readiness_withdrawn,
    ),
    Rule::run(
        &catalog::ROLLOUT_BELOW_MINIMUM,
        Weight::Cause,
        rollout_below_minimum,
    ),
];

/// Two watches show the same instant at most this far apart.
const CLOCKS: Duration = Duration::from_secs(1);

fn minimum_not_held(run: &RunView<'_>) -> Option<Evidence> {
    let min = run.expectation.min_replicas;
    let Dip {
        ready, from, seen, ..
    } = longest_dip(run)?;
    let seconds = seen.as_secs_f64();
    Some(
        Evidence::new(
            format!("only {ready} pods were ready, below the minimum of {min}, for {seconds:.1} s"),
            [format!("{ready} ready {}", run.clock(from))],
        )
        .at(from),
    )
}

fn readiness_withdrawn(run: &RunView<'_>) -> Option<Evidence> {
    let dip = longest_dip(run)?;
    let losses = run.state.readiness_lost.iter();
    let during = losses.filter(|lost| !lost.by_itself && dip.overlaps(lost));
    let lost: Vec<_> = during.collect();
    let first = lost.first()?.at;
    Some(
        Evidence::new(
            format!(
                "{} pods stopped being ready, and not by themselves",
                lost.len()
            ),
            lost.iter().map(|lost| {
                let clock = run.clock(lost.at);
                format!(
                    "pod {}: Ready False, its containers aside, {clock}",
                    lost.pod
                )
            }),
        )
        .at(first),
    )
}

fn rollout_below_minimum(run: &RunView<'_>) -> Option<Evidence> {
    let Dip {
        ready, begin, end, ..
    } = longest_dip(run)?;
    let near = run.budget(|b| b.controller.sync_period);
    let from = before(begin, near);
    let is_deployment = run.spec()?.scale_target_ref.kind == "Deployment";
    let mut pairs = run.state.targets.windows(2);
    // A new template, or pods that still run the old one.
    let (at, _) = pairs.find_map(|pair| {
        let ((_, old), (at, new)) = (&pair[0], &pair[1]);
        let changed = old.uid == new.uid && old.spec_digest != new.spec_digest;
        let unfinished = is_deployment && new.updated_replicas < new.replicas;
        let during = from <= *at && *at <= end;
        (during && (changed || unfinished)).then_some((*at, new))
    })?;
    let clock = run.clock(at);
    Some(
        Evidence::new(
            format!("a rollout left {ready} ready pods, fewer than the minimum"),
            [format!(
                "rollout of {}: {clock}",
                (run as &dyn View).reference()
            )],
        )
        .at(at),
    )
}

/// A stretch with fewer ready pods than the minimum.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dip {
    /// The ready pods in its last part.
    ready: i32,
    /// The start of its last part.
    from: Timestamp,
    /// The start of the stretch.
    pub(super) begin: Timestamp,
    /// The end of the stretch.
    pub(super) end: Timestamp,
    /// How long of it was observed.
    seen: Duration,
}

impl Dip {
    /// Whether a pod was not ready at any time of the stretch, after it had been.
    pub(super) fn overlaps(&self, lost: &ReadinessLost) -> bool {
        lost.at <= self.end && lost.until.is_none_or(|until| self.begin <= until)
    }
}

/// The longest stretch with fewer ready pods than the minimum, if it lasted at least one sync period.
pub(super) fn longest_dip(run: &RunView<'_>) -> Option<Dip> {
    let baseline = run.state.baseline_at?;
    let min = run.expectation.min_replicas;
    let ready = &run.state.ready_steps;
    let allowed = run.budget(|b| b.controller.sync_period);
    let ends = ready.iter().skip(1).map(|s| s.at).chain([run.until]);
    let low = ready
        .iter()
        .zip(ends)
        .filter(|(s, end)| s.value < min && *end > baseline);
    let mut worst: Option<Dip> = None;
    let mut dip: Option<Dip> = None;
    for (s, end) in low {
        let from = s.at.max(baseline);
        let seen = end.duration_since(from) - unseen(run, from, end);
        let seen = Duration::try_from(seen).unwrap_or_default();
        let goes_on = dip.filter(|dip| dip.end == s.at);
        let now = Dip {
            ready: s.value,
            from,
            begin: goes_on.map_or(from, |dip| dip.begin),
            end,
            seen: seen + goes_on.map_or(Duration::ZERO, |dip| dip.seen),
        };
        dip = Some(now);
        if worst.is_none_or(|worst| now.seen > worst.seen) {
            worst = Some(now);
        }
    }
    worst.filter(|worst| worst.seen >= allowed)
}

/// How long of a span neither the pods nor the target were observed; either shows how many pods are ready.
fn unseen(run: &RunView<'_>, from: Timestamp, end: Timestamp) -> SignedDuration {
    let of = |resource: Watched| {
        let gaps = run.state.gaps();
        gaps.filter(move |gap| gap.resource == resource)
    };
    let both = of(Watched::Pods).flat_map(|pods| {
        of(Watched::Target)
            .map(move |target| (pods.from.max(target.from), pods.until.min(target.until)))
    });
    both.map(|(lost, back)| back.min(end).duration_since(lost.max(from)))
        .filter(|span| span.is_positive())
        .sum()
}

/// Changes of the replicas that no controller decision explains.
pub(super) fn conflicting_writes(run: &RunView<'_>) -> Option<ConflictingWrites> {
    let pairs = run.state.targets.windows(2);
    let moves: Vec<Move> = pairs.filter_map(|pair| foreign_move(run, pair)).collect();
    let first = moves.first()?;
    // If the target does not say who wrote, a single change may be a rescale by the controller that was not observed.
    let mut gaps = run.state.gaps_of_the_object();
    if moves.iter().all(|one| one.writer.is_none()) && (moves.len() < 2 || gaps.next().is_some()) {
        return None;
    }
    Some(ConflictingWrites {
        writer: moves.iter().find_map(|one| one.writer.clone()),
        times: moves.len(),
        at: Some(first.at),
        quotes: moves.into_iter().map(|one| one.quote).collect(),
    })
}

/// A change of the replicas by another writer.
struct Move {
    /// The field manager, if the target names one.
    writer: Option<String>,
    at: Timestamp,
    quote: String,
}

/// A change by another writer that no controller decision explains.
fn foreign_move(run: &RunView<'_>, pair: &[(Timestamp, ScaleTarget)]) -> Option<Move> {
    let [(_, old), (at, new)] = pair else {
        return None;
    };
    let writer = new.replicas_writer.as_ref().map(|w| w.manager.as_str());
    let view: &dyn View = run;
    if new.uid != old.uid
        || new.spec_replicas == old.spec_replicas
        || writer.is_some_and(|writer| view.is_own_writer(writer))
        || (writer.is_none() && run.state.baseline_at.is_none_or(|rest| *at < rest))
    {
        return None;
    }
    let near = run.budget(|b| b.controller.sync_period);
    let decided = run.state.statuses.iter().any(|(seen, status)| {
        status.desired_replicas == new.spec_replicas
            && status.current_replicas == Some(old.spec_replicas)
            && before(*at, near) <= *seen
            && *seen <= after(*at, near)
    });
    let manager = writer.unwrap_or("another writer");
    let (from, to) = (old.spec_replicas, new.spec_replicas);
    (!decided).then(|| Move {
        writer: writer.map(str::to_owned),
        at: *at,
        quote: format!("{manager} set {from} → {to} {}", run.clock(*at)),
    })
}

/// The replicas since the baseline.
pub(super) fn sizes(run: &RunView<'_>) -> Vec<SizeView> {
    let (Some(timeline), Some(baseline)) = (&run.state.timeline, run.state.baseline_at) else {
        return Vec::new();
    };
    // A controller applies new bounds at its next sync, and a gap may hide newer bounds.
    let syncs = run.budget(|b| b.controller.sync_period * 2);
    let in_force = |series: &[Step<i32>], at: Timestamp| {
        let from = before(at, syncs);
        let during = series
            .iter()
            .filter(|s| from <= s.at && s.at <= after(at, CLOCKS));
        let values = during.map(|s| s.value).chain(value_at(series, from));
        Range::of(values.chain(value_at(series, at)))
    };
    let size = |(at, target): &(Timestamp, ScaleTarget)| {
        let seen = !run
            .gaps_at(*at)
            .any(|gap| gap.resource == Watched::Autoscaler);
        let min = in_force(&timeline.min_replicas, *at)?.low;
        let max = in_force(&timeline.max_replicas, *at)?.high;
        (seen && *at >= baseline).then(|| SizeView {
            replicas: vec![target.spec_replicas],
            bounds: (min, max),
            at: *at,
        })
    };
    run.state.targets.iter().filter_map(size).collect()
}

/// The ups and downs of the replicas; the load of a run goes up once and down once.
pub(super) fn swings(run: &RunView<'_>) -> Swings {
    let mut swings = Swings::default();
    let mut direction = 0;
    let spec = run.state.timeline.iter().flat_map(|t| t.spec.windows(2));
    for pair in spec {
        let (from, to) = (pair[0].value, pair[1].value);
        let now = (to - from).signum();
        if now == direction {
            continue;
        }
        if direction != 0 {
            let clock = run.clock(pair[1].at);
            swings.at = swings.at.or(Some(pair[1].at));
            swings.quotes.push(format!("{from} → {to} {clock}"));
        }
        match now {
            1.. => swings.ups += 1,
            _ => swings.downs += 1,
        }
        direction = now;
    }
    swings
}
