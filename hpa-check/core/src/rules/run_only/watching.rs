//! What was not observed, and which questions that leaves open.

use jiff::Timestamp;

use super::run::RunView;
use crate::findings::{Evidence, catalog};
use crate::model::{after, before};
use crate::observation::{Phase, ScaleTarget, Watched};
use crate::rules::rule::{Rule, Weight};
use crate::run::timeline::Gap;
use crate::run::timeline::SyncRecord;
use crate::run::timeline::value_at;

pub(crate) const RULES: &[Rule] = &[
    Rule::run(&catalog::SPEC_CHANGED, Weight::Blocker, spec_changed),
    Rule::run(&catalog::INTERRUPTED, Weight::Cause, interrupted),
    Rule::run(&catalog::WATCH_GAP, Weight::Cause, watch_gap),
    Rule::run(
        &catalog::WINDOW_TOO_SHORT,
        Weight::Symptom,
        window_too_short,
    ),
];

/// Numbers that the run took from the spec when it began, and that have changed since.
fn spec_changed(run: &RunView<'_>) -> Option<Evidence> {
    let (spec, expected) = (run.state.spec()?, run.expectation);
    let own = expected.own;
    let target = spec.cpu_target_percent();
    let numbers = [
        (
            own.min_replicas,
            "minReplicas",
            expected.min_replicas,
            spec.effective_min(),
        ),
        (
            own.max_replicas,
            "maxReplicas",
            expected.max_replicas,
            spec.max_replicas,
        ),
        (
            own.cpu_target_percent,
            "the CPU target in percent",
            expected.cpu_target_percent,
            target.unwrap_or(expected.cpu_target_percent),
        ),
    ];
    let changes: Vec<String> = numbers
        .into_iter()
        .filter(|(own, _, was, is)| *own && was != is)
        .map(|(_, name, was, is)| format!("{name} was {was} when the run began and is {is}"))
        .collect();
    let first = changes.first()?.clone();
    Some(Evidence::new(first, changes))
}

fn interrupted(run: &RunView<'_>) -> Option<Evidence> {
    let at = run.state.interrupted_at?;
    let phase = run.state.phase;
    Some(
        Evidence::new(
            format!("interrupted {}", run.clock(at)),
            phase.map(|p| format!("phase {:?}, entered {}", p.value, run.clock(p.at))),
        )
        .at(at),
    )
}

fn watch_gap(run: &RunView<'_>) -> Option<Evidence> {
    let unseen: Vec<Unseen> = run
        .state
        .targets
        .windows(2)
        .filter_map(|pair| hidden_changes(run, &pair[0], &pair[1]))
        .chain(
            run.state
                .gaps_of_the_object()
                .filter_map(|gap| open_gap(run, gap)),
        )
        .chain(no_rest(run))
        .chain(hidden_unreadiness(run))
        .chain(other_pods(run))
        .chain(low_beside_a_gap(run))
        .collect();
    let Unseen { at, told } = unseen.first()?;
    let (at, message) = (*at, format!("the run is incomplete: {told}"));
    Some(Evidence::new(message, unseen.into_iter().map(|one| one.told)).at(at))
}

/// Something that was not observed, and from when.
struct Unseen {
    at: Timestamp,
    told: String,
}

/// The Deployment's generation counts every change of its spec. Changes that neither the two observed states
/// nor the decisions between them explain were not observed.
fn hidden_changes(
    run: &RunView<'_>,
    (from, old): &(Timestamp, ScaleTarget),
    (until, new): &(Timestamp, ScaleTarget),
) -> Option<Unseen> {
    if Some(*until) < run.state.baseline_at || old.uid != new.uid {
        return None;
    }
    let changes = new.generation? - old.generation?;
    let seen = i64::from(new.spec_replicas != old.spec_replicas);
    let near = run.budget(|b| b.controller.sync_period);
    // Before the first decision, the status has 0.
    let least = run.spec().map_or(1, |spec| spec.effective_min().min(1));
    let scaled = |s: &&SyncRecord| {
        let during = before(*from, near) <= s.at && s.at <= after(*until, near);
        during && s.current != s.desired && s.desired >= least
    };
    let decided = run.state.syncs().iter().filter(scaled).count();
    let decided = i64::try_from(decided).unwrap_or(i64::MAX);
    // A rollout or a pause is one more change, which was observed.
    let other = i64::from(new.spec_digest != old.spec_digest);
    let accounted = seen.max(decided).saturating_add(other);
    (changes > accounted).then(|| Unseen {
        at: *from,
        told: format!(
            "the target changed {changes} times between {} and {}, and {accounted} of these changes are accounted for",
            run.clock(*from),
            run.clock(*until)
        ),
    })
}

/// The state before the load is the reference for the state under load.
fn no_rest(run: &RunView<'_>) -> Option<Unseen> {
    let (baseline, loaded) = (run.state.baseline_at?, run.state.entered(Phase::Up)?);
    (baseline > loaded).then(|| Unseen {
        at: baseline,
        told: format!(
            "the run was first idle {}, and the load began {}",
            run.clock(baseline),
            run.clock(loaded)
        ),
    })
}

/// A pod that becomes ready again, and was not seen to lose its readiness, was unready for a while. If more
/// pods did so at about the same time than the minimum can spare, it is unknown whether the minimum was kept.
fn hidden_unreadiness(run: &RunView<'_>) -> Option<Unseen> {
    let near = run.budget(|b| b.controller.sync_period);
    let anew = &run.state.ready_anew;
    let at = anew.iter().copied().find(|at| {
        let together = anew
            .iter()
            .filter(|other| before(*at, near) <= **other && **other <= after(*at, near));
        let ready = value_at(&run.state.ready_steps, *at).unwrap_or_default();
        let fewest = ready - i32::try_from(together.count()).unwrap_or(i32::MAX);
        Some(*at) >= run.state.baseline_at && fewest < run.expectation.min_replicas
    })?;
    let clock = run.clock(at);
    Some(Unseen {
        at,
        told: format!("pods became ready again {clock}, and the watch missed when they stopped"),
    })
}

/// Fewer pods than the minimum at the edge of a gap: it is unknown for how long.
fn low_beside_a_gap(run: &RunView<'_>) -> Option<Unseen> {
    let min = run.expectation.min_replicas;
    let edges = run.state.gaps().flat_map(|gap| [gap.from, gap.until]);
    let after_rest = edges.filter(|at| Some(*at) >= run.state.baseline_at);
    after_rest
        .filter_map(|at| Some((at, value_at(&run.state.ready_steps, at)?)))
        .find(|(_, ready)| *ready < min)
        .map(|(at, ready)| {
            let clock = run.clock(at);
            let told = format!("{ready} pods were ready {clock}, at the edge of a gap in the watch, so for how long is unknown");
            Unseen { at, told }
        })
}

/// The target counts its ready pods as well. If the two counts stay different, a change was missed.
fn other_pods(run: &RunView<'_>) -> Option<Unseen> {
    let since = run.state.counts_differ_since?;
    let target = run.state.target.as_ref()?;
    let long = after(since, run.budget(|b| b.controller.sync_period)) <= run.until;
    long.then(|| Unseen {
        at: since,
        told: format!(
            "{} pods are ready but the target counts {}, a difference that began {}",
            run.state.ready_pods(),
            target.ready_replicas,
            run.clock(since)
        ),
    })
}

/// A gap in the watch of the target that generations can't close.
fn open_gap(run: &RunView<'_>, gap: &Gap) -> Option<Unseen> {
    let counted =
        |edge: Option<&(Timestamp, ScaleTarget)>| edge.is_some_and(|(_, t)| t.generation.is_some());
    let last_before = run.state.targets.iter().rfind(|(at, _)| *at <= gap.from);
    let first_after = run.state.targets.iter().find(|(at, _)| *at >= gap.until);
    let length = gap.length();
    let to_the_end = gap.until >= run.until && !run.came_back();
    let closed = gap.resource != Watched::Target
        || (counted(last_before) && (counted(first_after) || !to_the_end));
    let allowed = run.budget(|b| b.controller.sync_period);
    let during = Some(gap.until) >= run.state.baseline_at;
    let open = length > allowed && during && (!closed || to_the_end);
    open.then(|| {
        let error = gap.error.as_deref().unwrap_or("no error was given");
        let (resource, seconds) = (gap.resource.name(), length.as_secs_f64());
        let clock = run.clock(gap.from);
        Unseen {
            at: gap.from,
            told: format!(
                "the {resource} was not observed for {seconds:.1} s, starting {clock} ({error})"
            ),
        }
    })
}

fn window_too_short(run: &RunView<'_>) -> Option<Evidence> {
    let synced = run
        .state
        .timeline
        .as_ref()
        .is_some_and(|t| !t.syncs.is_empty());
    // A load that was reported as it ran has a result at its end; without the result, its answers are
    // unknown.
    let timeline = run.state.timeline.as_ref();
    let accounted = timeline.is_none_or(|t| t.load.is_empty()) || run.state.load_result.is_some();
    if run.complete() && synced && accounted {
        return None;
    }
    let (min, max) = (run.expectation.min_replicas, run.expectation.max_replicas);
    let lacking = if run.state.baseline_at.is_none() {
        format!("{min} idle ready pods with a utilization were never observed")
    } else if !run.reached_max() {
        format!(
            "{max} ready pods were never observed, at most {} were",
            run.state.most_ready
        )
    } else if !run.came_back() {
        format!(
            "the scale-down to {min} was not observed to its end; {}",
            due(run)
        )
    } else if synced {
        "the load's result was not observed".to_owned()
    } else {
        "no decision of the controller was observed".to_owned()
    };
    let replicas = run.state.target.as_ref().map(|t| {
        format!(
            "target: spec.replicas {}, ready {}",
            t.spec_replicas, t.ready_replicas
        )
    });
    // The controller's last decision, as far as it can be explained.
    let newest = run.state.syncs().last();
    let at = newest.map(|sync| sync.at);
    let newest = newest.map(|sync| {
        let (current, desired) = (sync.current, sync.desired);
        format!(
            "{}: {current} → {desired}; {}",
            run.clock(sync.at),
            sync.sentence
        )
    });
    Some(Evidence::new(lacking, replicas.into_iter().chain(newest)).at(at))
}

/// When the scale-down was due.
fn due(run: &RunView<'_>) -> String {
    let Some(down) = run.state.entered(Phase::Down) else {
        return "the load never ended".to_owned();
    };
    let due = after(run.state.at_work_since(down), run.budget(|b| b.down()));
    format!("it was due {}", run.clock(due))
}
