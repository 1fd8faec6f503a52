//! Unready pods that distort the average, and missing metrics, at the moment of the snapshot.

use std::time::Duration;

use super::look::SnapshotView;
use crate::findings::{Evidence, catalog};
use crate::model::proposal::Proposal;
use crate::rules::rule::{Rule, Weight};
use crate::rules::shared::lasting::lasting;
use crate::rules::shared::metrics::{settled, silent};
use crate::rules::shared::room::refusal;
use crate::rules::shared::uncomputed::awaits_pods;
use crate::rules::view::{PodView, View, quoted};

pub(crate) const RULES: &[Rule] = &[
    Rule::snapshot(
        &catalog::UNREADY_PODS_HOLD_SCALING,
        Weight::Cause,
        hold_scaling,
    ),
    Rule::snapshot(&catalog::PODS_NOT_CREATED, Weight::Cause, |look| {
        lasting(look.view(), uncreated)
    }),
    Rule::snapshot(&catalog::RESIZE_NOT_DONE, Weight::Cause, not_resized),
    Rule::snapshot(&catalog::METRICS_API_SILENT, Weight::Cause, |look| {
        silent(look.view())
    }),
    Rule::snapshot(&catalog::METRICS_NOT_YET, Weight::Symptom, not_yet),
    Rule::snapshot(&catalog::SYNC_FAILED, Weight::Symptom, sync_failed),
];

/// A StatefulSet waits for one pod before it creates the next, and `minReadySeconds` may make that wait longer.
const BETWEEN_PODS: Duration = Duration::from_mins(10);

/// Fewer pods than were requested, of which none is starting, long after the last change that is known. What the API
/// server refused has a finding of its own.
pub(crate) fn uncreated(view: &dyn View) -> Option<Evidence> {
    let target = view.target()?;
    let (made, wanted) = (target.replicas, target.spec_replicas);
    let living = view.pods().map(|_| view.living())?;
    let exist = i32::try_from(living.len()).unwrap_or(i32::MAX).max(made);
    let scaled = view.status()?.last_scale;
    let newest = living.iter().filter_map(|p| p.since.max(p.made())).max();
    let last = scaled.max(newest).max(view.target_since());
    let at_rest = living.iter().all(PodView::is_ready) && view.longer(last, BETWEEN_PODS);
    (exist < wanted && at_rest && refusal(view).is_none()).then(|| {
        let target = view.reference();
        let scaled = scaled.map(|at| format!("status.lastScaleTime {at:.0}"));
        let newest = newest.map(|at| format!("nothing has changed about the pods since {at:.0}"));
        let status = format!("{target}: spec.replicas {wanted}, status.replicas {made}");
        Evidence::new(
            format!("{wanted} pods were requested, only {exist} exist, and nothing says why"),
            [status].into_iter().chain(scaled).chain(newest),
        )
    })
}

/// The model's proposal, if it counts unready pods as idle.
fn damped<'p>(look: &'p SnapshotView<'_>) -> Option<(&'p Proposal, f64)> {
    let proposal = look.decision.as_ref()?.cpu_proposal()?;
    let second = proposal.second_ratio?;
    let unready = !proposal.groups.unready.is_empty() && proposal.groups.missing.is_empty();
    (unready && proposal.ratio > 1.0).then_some((proposal, second))
}

fn hold_scaling(look: &SnapshotView<'_>) -> Option<Evidence> {
    let (proposal, second) = damped(look)?;
    let fires = look.view().fires_above()?;
    let current = look.view().target()?.spec_replicas;
    let utilization = proposal.utilization.filter(|u| f64::from(*u) > fires)?;
    let view = look.view();
    let stuck = |p: &PodView<'_>| {
        proposal.groups.unready.contains(&p.pod.name)
            && view.longer(p.since, view.start_patience_of(p))
    };
    let mut stuck_pods = view.living();
    stuck_pods.retain(stuck);
    let held = proposal.replicas == current && current < view.max_replicas()?;
    (held && !stuck_pods.is_empty()).then(|| {
        let count = proposal.groups.unready.len();
        let quote = |p: &PodView<'_>| {
            format!("pod {}: phase {}, Ready {}", p.name(), p.pod.phase, p.readiness())
        };
        Evidence::new(
            format!(
                "counting {count} unready pods as 0 turns {utilization} % into a ratio of {second:.2}, \
                 and the autoscaler stays at {current}"
            ),
            stuck_pods.iter().map(quote),
        )
    })
}

/// The controller uses the spec's requests (`calculatePodRequests`), whatever the containers run with.
fn not_resized(look: &SnapshotView<'_>) -> Option<Evidence> {
    let view = look.view();
    let living = view.living();
    let open: Vec<String> = living.iter().filter_map(|p| p.pod.resize_quote()).collect();
    (!open.is_empty()).then(|| {
        let (few, all) = (open.len(), living.len());
        Evidence::new(
            format!("{few} of {all} pods run with requests other than those in their specs, which the autoscaler uses"),
            open,
        )
    })
}

/// There is no sample yet and no pod that should have one, or there have been no metrics for no longer than a
/// start takes.
fn not_yet(look: &SnapshotView<'_>) -> Option<Evidence> {
    let view = look.view();
    not_sampled(look).or_else(|| {
        let (reason, message) = view.refusal("ScalingActive")?;
        let span = view.refused_for("ScalingActive")?;
        let young = span < view.warm_up() || awaits_pods(view);
        (reason != "ScalingDisabled" && young).then(|| {
            let seconds = span.as_secs();
            Evidence::new(
                format!(
                    "the controller has had no metric for {seconds} s, which may still be a start"
                ),
                [quoted(reason, message)],
            )
        })
    })
}

/// A sync that failed to read or write the target's scale, but not for long enough to be a fault.
fn sync_failed(look: &SnapshotView<'_>) -> Option<Evidence> {
    let view = look.view();
    let (reason, message) = view.refusal("AbleToScale")?;
    let stands = view.standing_refusal("AbleToScale").is_some();
    (!stands && reason.starts_with("Failed")).then(|| {
        Evidence::new(
            format!("the controller's latest sync failed: {reason}"),
            [quoted(reason, message)],
        )
    })
}

fn not_sampled(look: &SnapshotView<'_>) -> Option<Evidence> {
    let view = look.view();
    if !view.needs_resource_metrics() {
        return None;
    }
    let metrics = view.metrics();
    let mut young = view.living();
    young.retain(PodView::is_ready);
    let none = matches!(metrics.answer, Some(Ok(()))) && !metrics.ever_sampled;
    let newest = young.iter().filter_map(|p| p.since).max();
    (none && !young.is_empty() && settled(view, &metrics).is_empty()).then(|| {
        let seconds = newest.map_or(0, |at| look.seconds(at));
        let (count, warm_up) = (young.len(), view.warm_up().as_secs());
        Evidence::new(
            format!("no pod has a CPU sample yet; the newest became ready {seconds} s ago"),
            [format!("{count} ready pods, none older than {warm_up} s")],
        )
    })
}
