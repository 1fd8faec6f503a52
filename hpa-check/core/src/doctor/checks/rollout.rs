//! The target's rollout, and budgets for disruption.

use super::super::facts::DisruptionBudget;
use super::super::patient::Patient;
use crate::findings::Evidence;
use crate::model::selector::Selector;

fn unfinished(patient: &Patient<'_>) -> Option<String> {
    let target = patient.target()?;
    let (updated, all) = (target.updated_replicas, target.replicas);
    let known = patient.spec().scale_target_ref.kind == "Deployment";
    (known && updated < all).then(|| {
        let reference = patient.reference();
        format!("{reference}: status.updatedReplicas {updated} of {all}")
    })
}

pub(super) fn stuck(patient: &Patient<'_>) -> Option<Evidence> {
    let workload = patient.workload()?;
    let progress = workload
        .object
        .conditions
        .iter()
        .find(|c| c.kind == "Progressing" && c.status == "False")
        .map(|c| format!("condition Progressing {}: {}", c.reason, c.message));
    if let Some(condition) = progress {
        let pods = unfinished(patient);
        let message = "the rollout made no progress within its deadline";
        return Some(Evidence::new(message, [condition].into_iter().chain(pods)));
    }
    let pods = unfinished(patient).filter(|_| workload.paused)?;
    let paused = format!("{}: spec.paused true", patient.reference());
    Some(Evidence::new(
        "a rollout is paused half-way",
        [paused, pods],
    ))
}

pub(super) fn in_progress(patient: &Patient<'_>) -> Option<Evidence> {
    let pods = unfinished(patient).filter(|_| stuck(patient).is_none())?;
    Some(Evidence::new(
        "a rollout is on, and its surge pods count",
        [pods],
    ))
}

pub(super) fn blocks_drains(patient: &Patient<'_>) -> Option<Evidence> {
    let min = patient.spec().effective_min();
    let pod = patient.living().next()?;
    let selects = |b: &&DisruptionBudget| {
        let selector = Selector::parse(&b.selector);
        !b.selector.is_empty() && selector.is_ok_and(|s| s.matches(&pod.labels))
    };
    let budgets = patient.space.budgets.iter().filter(selects);
    budgets
        .filter_map(|b| Some((b, bound(b, min)?)))
        .map(|(b, bound)| {
            Evidence::new(
                format!(
                    "PodDisruptionBudget {} allows no disruption at the minimum of {min}",
                    b.name
                ),
                [format!("PodDisruptionBudget {}: {bound}", b.name)],
            )
        })
        .next()
}

/// The field that leaves nothing to disrupt when there are `min` pods. Percentages round up, both.
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
