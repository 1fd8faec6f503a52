//! The replicas over the course of a run: whether bounds and minimum held, and who changed the replicas.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::run::RunView;
use crate::findings::{Evidence, catalog};
use crate::model::{after, before};
use crate::observation::{ScaleTarget, Watched};
use crate::rules::rule::{Rule, Weight};
use crate::rules::shared::replicas::{CYCLES, is_quick};
use crate::rules::view::{ConflictingWrites, SizeView, Swings, View, Writer};
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
    let stopped = match lost.len() {
        1 => "1 pod stopped being ready, and not by itself".to_owned(),
        count => format!("{count} pods stopped being ready, and not by themselves"),
    };
    Some(
        Evidence::new(
            stopped,
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
    let dip = longest_dip(run)?;
    let at = rollout_during(run, &dip)?;
    let (ready, clock) = (dip.ready, run.clock(at));
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

/// When a rollout was observed that replaced pods during the dip: a new template, or pods that still run the old one.
/// Rollouts that replace one pod after the other make one dip for each.
fn rollout_during(run: &RunView<'_>, dip: &Dip) -> Option<Timestamp> {
    let targets = &run.state.targets;
    let near = run.budget(|b| b.controller.sync_period);
    let from = before(dip.begin, near);
    let in_force = targets.partition_point(|(at, _)| *at <= from);
    let around = targets.iter().skip(in_force.saturating_sub(1));
    let around = around.take_while(|(at, _)| *at <= dip.end);
    let mut pairs = targets.windows(2).rev();
    let changed = pairs.find_map(|pair| {
        let ((_, old), (at, new)) = (&pair[0], &pair[1]);
        let changed = old.uid == new.uid && old.spec_digest != new.spec_digest;
        (changed && *at <= dip.end).then_some(*at)
    });
    if changed.is_some_and(|at| from <= at) {
        return changed;
    }
    let is_deployment = run.spec()?.scale_target_ref.kind == "Deployment";
    let counts: Vec<i32> = around.clone().map(|(_, t)| t.updated_replicas).collect();
    // A StatefulSet may keep pods of the old template on purpose.
    let goes_on = is_deployment || counts.iter().any(|count| *count != counts[0]);
    let unfinished = around
        .clone()
        .find(|(_, target)| target.updated_replicas < target.replicas);
    if let Some((at, _)) = unfinished.filter(|_| goes_on) {
        return Some((*at).max(from));
    }
    // Other kinds do not count them.
    changed.filter(|at| !is_deployment && replaces_pods(run, *at, dip))
}

/// Whether pods from before an instant have been deleted since, and others were left when the dip began.
fn replaces_pods(run: &RunView<'_>, since: Timestamp, dip: &Dip) -> bool {
    let old = || run.state.pods.values().filter(|p| p.first_seen <= since);
    let gone = |at: Timestamp| since <= at && at <= dip.end;
    let left = |gone: Option<Timestamp>| gone.is_none_or(|gone| gone >= dip.begin);
    old().any(|p| p.gone_at.is_some_and(gone)) && old().any(|p| left(p.gone_at))
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
    let mut moves: Vec<Move> = pairs.filter_map(|pair| foreign_move(run, pair)).collect();
    // Somebody may set the replicas once before the run is at rest: a deployment that begins the test.
    let rest = run.state.baseline_at;
    if moves.iter().filter(|one| Some(one.at) < rest).count() == 1 {
        moves.retain(|one| Some(one.at) >= rest);
    }
    let first = moves.first()?;
    // If the target does not say who wrote, a single change may be a rescale by the controller that was not observed.
    let mut gaps = run.state.gaps_of_the_object();
    if moves.iter().all(|one| one.writer.is_none()) && (moves.len() < 2 || gaps.next().is_some()) {
        return None;
    }
    Some(ConflictingWrites {
        writer: moves
            .iter()
            .find_map(|one| one.writer.clone())
            .map(Writer::Manager)
            .or_else(|| may_be_owned(run).then_some(Writer::Owner)),
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

/// Whether the target may belong to another object, which sets its replicas.
fn may_be_owned(run: &RunView<'_>) -> bool {
    let kind = run.spec().map(|spec| spec.scale_target_ref.kind.as_str());
    matches!(kind, Some("ReplicaSet" | "ReplicationController"))
}

/// A change by another writer that no controller decision explains.
fn foreign_move(run: &RunView<'_>, pair: &[(Timestamp, ScaleTarget)]) -> Option<Move> {
    let [(_, old), (at, new)] = pair else {
        return None;
    };
    let view: &dyn View = run;
    let writer = new.changed_by(old).map(|w| w.manager.as_str());
    // The Deployment that owns a ReplicaSet is controlled by the same program as the autoscaler.
    let is_own = writer.is_some_and(|writer| view.is_own_writer(writer));
    let writer = writer.filter(|_| !is_own);
    let may_be_own = is_own && !may_be_owned(run);
    if new.uid != old.uid
        || new.spec_replicas == old.spec_replicas
        || may_be_own
        || (writer.is_none() && !is_reverted(run, pair))
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

/// Whether the controller moved the replicas back at its next sync. Otherwise the change may be its own, in a sync whose
/// status was rejected.
fn is_reverted(run: &RunView<'_>, pair: &[(Timestamp, ScaleTarget)]) -> bool {
    let [(_, old), (at, new)] = pair else {
        return false;
    };
    let mut later = run.state.statuses.iter().filter(|(seen, _)| seen >= at);
    let next = later.find(|(_, status)| status.current_replicas == Some(new.spec_replicas));
    let back = (old.spec_replicas - new.spec_replicas).signum();
    let at_rest = run.state.baseline_at.is_some_and(|rest| rest <= *at);
    at_rest && next.is_some_and(|(_, s)| (s.desired_replicas - new.spec_replicas).signum() == back)
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
    // A target that was created again starts with its manifest's number.
    let is_new = |at: Timestamp, target: &ScaleTarget| {
        let mut targets = run.state.targets.iter();
        let born = targets.position(|(_, other)| other.uid == target.uid);
        let born = born
            .filter(|first| *first > 0)
            .map(|i| run.state.targets[i].0);
        born.is_some_and(|born| at < after(born, syncs))
    };
    let size = |(at, target): &(Timestamp, ScaleTarget)| {
        let seen = !run
            .gaps_at(*at)
            .any(|gap| gap.resource == Watched::Autoscaler);
        let min = in_force(&timeline.min_replicas, *at)?.low;
        let max = in_force(&timeline.max_replicas, *at)?.high;
        (seen && *at >= baseline && !is_new(*at, target)).then(|| SizeView {
            replicas: vec![target.spec_replicas],
            bounds: (min, max),
            at: *at,
        })
    };
    run.state.targets.iter().filter_map(size).collect()
}

/// The ups and downs of the replicas. A real load rises and falls over hours; only quick ones count, and the quickest
/// are told.
pub(super) fn swings(run: &RunView<'_>) -> Swings {
    let turns = turns(run);
    let span = |turns: &[Turn]| {
        let (first, last) = (turns.first()?.at, turns.last()?.at);
        Duration::try_from(last.duration_since(first)).ok()
    };
    let all = told(run, &turns);
    if is_quick(all.cycles(), span(&turns)) {
        return all;
    }
    let rows = turns.windows(CYCLES * 2);
    let quickest = rows.min_by_key(|row| span(row));
    quickest.map_or(all, |row| Swings {
        within: span(row),
        ..told(run, row)
    })
}

/// A change of the replicas in the other direction than the one before.
struct Turn {
    at: Timestamp,
    from: i32,
    to: i32,
}

fn turns(run: &RunView<'_>) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    let spec = run.state.timeline.iter().flat_map(|t| t.spec.windows(2));
    for pair in spec {
        let (from, to) = (pair[0].value, pair[1].value);
        let last = turns.last().map(|turn| (turn.to - turn.from).signum());
        if last != Some((to - from).signum()) {
            let at = pair[1].at;
            turns.push(Turn { at, from, to });
        }
    }
    turns
}

/// The first of them is no change of direction.
fn told(run: &RunView<'_>, turns: &[Turn]) -> Swings {
    let ups = turns.iter().filter(|turn| turn.to > turn.from).count();
    let changes = turns.iter().skip(1);
    let quote = |turn: &Turn| format!("{} → {} {}", turn.from, turn.to, run.clock(turn.at));
    Swings {
        ups,
        downs: turns.len() - ups,
        within: None,
        at: changes.clone().next().map(|turn| turn.at),
        quotes: changes.map(quote).collect(),
    }
}
