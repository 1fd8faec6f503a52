//! Notes about the moment of the snapshot.

use std::time::Duration;

use super::look::SnapshotView;
use super::writers::{applies_again, foreign_write, managed};
use crate::findings::{Evidence, catalog};
use crate::metrics_server::RESOURCE;
use crate::model::after;
use crate::model::selector::Selector;
use crate::rules::rule::{Rule, Weight};
use crate::rules::shared::bounds::pinned;
use crate::rules::shared::metrics::{about_server, newest};
use crate::rules::shared::nodes::on_their_way;
use crate::rules::shared::pods::unfinished_rollout;
use crate::rules::shared::wiring::switched_off;
use crate::rules::view::quoted;
use crate::snapshot::DisruptionBudget;

pub(crate) const RULES: &[Rule] = &[
    Rule::snapshot(&catalog::PDB_BLOCKS_DRAINS, Weight::Cause, blocks_drains),
    Rule::snapshot(&catalog::AT_THE_MAXIMUM, Weight::Cause, at_maximum),
    Rule::snapshot(&catalog::SCALE_DOWN_HELD, Weight::Cause, held),
    Rule::snapshot(&catalog::REPLICAS_PINNED, Weight::Cause, |look| {
        pinned(look.view())
    }),
    Rule::snapshot(&catalog::ROLLOUT_PAUSED, Weight::Cause, rollout_paused),
    Rule::snapshot(&catalog::SCALED_TO_ZERO, Weight::Cause, |look| {
        switched_off(look.view())
    }),
    Rule::snapshot(&catalog::REPLICAS_SET_ONCE, Weight::Cause, set_once),
    Rule::snapshot(
        &catalog::ROLLOUT_IN_PROGRESS,
        Weight::Cause,
        rollout_in_progress,
    ),
    Rule::snapshot(&catalog::NODES_ON_THEIR_WAY, Weight::Cause, |look| {
        on_their_way(look.view())
    }),
    Rule::snapshot(&catalog::JUST_SCALED, Weight::Symptom, just_scaled),
    Rule::snapshot(&catalog::METRICS_COARSE, Weight::Cause, coarse),
];

/// A sample window from this length on makes the autoscaler react late.
const COARSE: Duration = Duration::from_secs(45);

fn at_maximum(look: &SnapshotView<'_>) -> Option<Evidence> {
    let max = look.view().spec()?.max_replicas;
    let current = look.view().target()?.spec_replicas;
    let wanted = look.decision.as_ref()?.proposed?;
    (current == max && wanted > max).then(|| {
        Evidence::new(
            format!("the metric asks for {wanted} pods, but the maximum is {max}"),
            look.explanation(),
        )
    })
}

fn held(look: &SnapshotView<'_>) -> Option<Evidence> {
    let status = look.view().status()?;
    let condition = look.stabilization()?;
    let current = look.view().target()?.spec_replicas;
    (current > look.view().spec()?.effective_min()).then(|| {
        let window = look.down_window();
        let due = status.last_scale.map(|at| after(at, window)).filter(|due| *due > look.cluster.at);
        let seconds = window.as_secs();
        let message = match due {
            Some(due) => format!("the scale-down from {current} is due no earlier than {due:.0}, {seconds} s after the last scaling"),
            None => format!("the scale-down from {current} waits for the highest recommendation of the last {seconds} s to pass"),
        };
        Evidence::new(message, [quoted(&condition.reason, &condition.message)])
    })
}

fn just_scaled(look: &SnapshotView<'_>) -> Option<Evidence> {
    let last = look.view().status()?.last_scale?;
    let target = look.view().target()?;
    let settle = look.view().warm_up() + look.cluster.controller.sync_period;
    let recent = !look.view().longer(Some(last), settle);
    let (ready, wanted) = (target.ready_replicas, target.spec_replicas);
    (recent && ready != wanted).then(|| {
        let seconds = look.seconds(last);
        Evidence::new(
            format!(
                "the replicas were set to {wanted} {seconds} s ago, and {ready} pods are ready"
            ),
            [format!(
                "status.lastScaleTime {last:.0}, status.readyReplicas {ready}"
            )],
        )
    })
}

fn rollout_paused(look: &SnapshotView<'_>) -> Option<Evidence> {
    let view = look.view();
    view.rollout_is_paused().then(|| {
        let unfinished = unfinished_rollout(view);
        let message = match unfinished {
            Some(_) => "a rollout is paused halfway, and the autoscaler scales both templates",
            None => "rollouts are paused, and the autoscaler still scales",
        };
        let paused = format!("{}: spec.paused true", view.reference());
        Evidence::new(message, [paused].into_iter().chain(unfinished))
    })
}

fn set_once(look: &SnapshotView<'_>) -> Option<Evidence> {
    let owner = foreign_write(look).filter(|owner| !applies_again(owner))?;
    let (manager, replicas) = (&owner.writer.manager, look.view().target()?.spec_replicas);
    Some(Evidence::new(
        format!("{manager} set {replicas} replicas since the autoscaler last scaled"),
        [managed(&look.view().reference(), owner)],
    ))
}

fn rollout_in_progress(look: &SnapshotView<'_>) -> Option<Evidence> {
    let pods = unfinished_rollout(look.view())?;
    Some(Evidence::new(
        "a rollout is in progress, and its surge pods count",
        [pods],
    ))
}

fn blocks_drains(look: &SnapshotView<'_>) -> Option<Evidence> {
    // Of no pods, none can be drained.
    let min = look.view().spec()?.effective_min().max(1);
    let labels = look.labels()?;
    let selects = |b: &&DisruptionBudget| {
        let selector = Selector::parse(&b.selector);
        selector.is_ok_and(|s| s.matches(labels))
    };
    let budgets: Vec<&DisruptionBudget> = look.space.budgets.iter().filter(selects).collect();
    if let [first, second, ..] = budgets.as_slice() {
        let quote = |b: &DisruptionBudget| {
            let selector = Some(b.selector.as_str()).filter(|text| !text.is_empty());
            let selector = selector.unwrap_or("every pod");
            format!("PodDisruptionBudget {}: selects {selector}", b.name)
        };
        return Some(Evidence::new(
            format!(
                "PodDisruptionBudgets {} and {} select the same pods, which the eviction API refuses to evict",
                first.name, second.name
            ),
            budgets.iter().map(|b| quote(b)),
        )
        .advising(Some("Keep one budget for these pods.".to_owned())));
    }
    budgets
        .into_iter()
        .filter_map(|b| Some((b, bound(b, min)?)))
        .map(|(b, bound)| {
            Evidence::new(
                format!(
                    "PodDisruptionBudget {} allows no disruption of {min} pods, as few as the minimum allows",
                    b.name
                ),
                [format!("PodDisruptionBudget {}: {bound}", b.name)],
            )
        })
        .next()
}

/// The field that allows no disruptions with `min` pods. Both kinds of percentages round up.
fn bound(budget: &DisruptionBudget, min: i32) -> Option<String> {
    if let Some(available) = &budget.min_available {
        let pods = match available.strip_suffix('%') {
            Some(percent) => (percent.parse::<i32>().ok()? * min + 99) / 100,
            None => available.parse().ok()?,
        };
        return (pods >= min).then(|| format!("minAvailable {available}"));
    }
    let unavailable = budget.max_unavailable.as_deref()?;
    matches!(unavailable, "0" | "0%").then(|| format!("maxUnavailable {unavailable}"))
}

fn coarse(look: &SnapshotView<'_>) -> Option<Evidence> {
    let (_, window) = newest(look.view())?;
    let coarse = window >= COARSE && look.view().needs_resource_metrics();
    coarse.then(|| {
        let seconds = window.as_secs();
        Evidence::new(
            format!("each CPU sample covers {seconds} s, so load shows up that much later"),
            [format!("PodMetrics: window {seconds} s")],
        )
        .advising(about_server(look.view(), RESOURCE))
    })
}
