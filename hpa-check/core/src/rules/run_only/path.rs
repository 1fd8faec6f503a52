//! The path of the replicas: bounds, the minimum, rivals, flapping.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::run::RunView;
use crate::findings::{Evidence, catalog};
use crate::model::{after, before};
use crate::observation::Target;
use crate::rules::rule::{Find, Rule, Weight};
use crate::run::timeline::value_at;

pub(crate) const RULES: &[Rule] = &[
    REPLICAS_MOVED_BY_ANOTHER,
    LEFT_BOUNDS,
    MINIMUM_NOT_HELD,
    FLAPPING,
];

/// The controller's name as a writer.
const CONTROLLER: &str = "kube-controller-manager";

/// Turns of direction in one run that are no longer the load's doing: up and down is one.
const TURNS: usize = 5;

const REPLICAS_MOVED_BY_ANOTHER: Rule = Rule {
    finding: &catalog::REPLICAS_MOVED_BY_ANOTHER,
    weight: Weight::Cause,
    find: Find::Run(|run| {
        let moves = run
            .state
            .targets
            .windows(2)
            .filter_map(|pair| foreign_move(run, pair));
        let moves: Vec<(String, String)> = moves.collect();
        let (manager, _) = moves.first()?;
        let count = moves.len();
        let times = if count == 1 { "once" } else { "more than once" };
        Some(Evidence::new(
            format!("{manager} changed the replicas {times} ({count}×), against the autoscaler"),
            moves.iter().map(|(_, evidence)| evidence.clone()),
        ))
    }),
};

/// A change in another's name that no decision of the controller stands behind.
fn foreign_move(run: &RunView<'_>, pair: &[(Timestamp, Target)]) -> Option<(String, String)> {
    let [(_, old), (at, new)] = pair else {
        return None;
    };
    let writer = new.replicas_writer.as_ref()?;
    if new.uid != old.uid || new.spec_replicas == old.spec_replicas || writer.manager == CONTROLLER
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
    let manager = &writer.manager;
    let (from, to) = (old.spec_replicas, new.spec_replicas);
    (!decided).then(|| {
        (
            manager.clone(),
            format!("{manager} set {from} → {to} {}", run.clock(*at)),
        )
    })
}

const LEFT_BOUNDS: Rule = Rule {
    finding: &catalog::LEFT_BOUNDS,
    weight: Weight::Cause,
    find: Find::Run(|run| {
        let timeline = run.state.timeline.as_ref()?;
        let baseline = run.state.baseline_at?;
        let later = run.state.targets.iter().filter(|(at, _)| *at >= baseline);
        let outside: Vec<String> = later
            .filter_map(|(at, target)| {
                let min = value_at(&timeline.min_replicas, *at)?;
                let max = value_at(&timeline.max_replicas, *at)?;
                let spec = target.spec_replicas;
                (spec < min || spec > max).then(|| {
                    format!(
                        "spec.replicas {spec} {} (bounds {min}..{max})",
                        run.clock(*at)
                    )
                })
            })
            .collect();
        let first = outside.first()?.clone();
        Some(Evidence::new(
            format!("the replicas left the bounds: {first}"),
            outside,
        ))
    }),
};

const MINIMUM_NOT_HELD: Rule = Rule {
    finding: &catalog::MINIMUM_NOT_HELD,
    weight: Weight::Cause,
    find: Find::Run(|run| {
        let baseline = run.state.baseline_at?;
        let min = run.expectation.min_replicas;
        let ready = &run.state.ready_steps;
        let allowed = run.budget(|b| b.controller.sync_period);
        let ends = ready.iter().skip(1).map(|s| s.at).chain([run.until]);
        let dips = ready
            .iter()
            .zip(ends)
            .filter(|(s, end)| s.value < min && *end > baseline);
        let mut low = Duration::ZERO;
        let mut worst: Option<(i32, Timestamp, Duration)> = None;
        let mut last_end = None;
        for (s, end) in dips {
            let from = s.at.max(baseline);
            let seen = end.duration_since(from) - unseen(run, from, end);
            let span = Duration::try_from(seen).unwrap_or_default();
            low = if last_end == Some(s.at) {
                low + span
            } else {
                span
            };
            last_end = Some(end);
            if worst.is_none_or(|(_, _, longest)| low > longest) {
                worst = Some((s.value, from, low));
            }
        }
        let (value, from, span) = worst.filter(|(_, _, span)| *span >= allowed)?;
        let seconds = span.as_secs_f64();
        Some(Evidence::new(
            format!("only {value} pods were ready, below the minimum of {min}, for {seconds:.1} s"),
            [format!("{value} ready {}", run.clock(from))],
        ))
    }),
};

/// How long of a span neither the pods nor the target were seen: either of them tells how many are ready.
fn unseen(run: &RunView<'_>, from: Timestamp, end: Timestamp) -> SignedDuration {
    let of = |resource: &'static str| {
        let gaps = run.state.gaps();
        gaps.filter(move |gap| gap.resource == resource)
    };
    let both = of("pods").flat_map(|pods| {
        of("target").map(move |target| (pods.from.max(target.from), pods.until.min(target.until)))
    });
    both.map(|(lost, back)| back.min(end).duration_since(lost.max(from)))
        .filter(|span| span.is_positive())
        .sum()
}

const FLAPPING: Rule = Rule {
    finding: &catalog::FLAPPING,
    weight: Weight::Cause,
    find: Find::Run(|run| {
        let timeline = run.state.timeline.as_ref()?;
        let mut turns = Vec::new();
        let mut direction = 0;
        for pair in timeline.spec.windows(2) {
            let now = (pair[1].value - pair[0].value).signum();
            if direction != 0 && now != direction {
                let (from, to) = (pair[0].value, pair[1].value);
                turns.push(format!("{from} → {to} {}", run.clock(pair[1].at)));
            }
            direction = now;
        }
        let count = turns.len();
        (count >= TURNS).then(|| {
            Evidence::new(
                format!("the replicas changed direction {count} times"),
                turns,
            )
        })
    }),
};
