//! Pods that were asked for and do not serve.

use std::time::Duration;

use super::super::facts::PodFacts;
use super::super::patient::{Patient, is_ready, ready_since};
use crate::findings::Evidence;
use crate::model::after;
use crate::model::proposal::Proposal;

/// A pod may take this long to become ready.
const START: Duration = Duration::from_mins(2);

/// A `Ready` condition that turned false this long after the start had been true before.
const HAD_BEEN_READY: Duration = Duration::from_secs(10);

/// What a container waits for without anything being wrong.
const NORMAL: [&str; 3] = ["ContainerCreating", "PodInitializing", "ContainersNotReady"];

pub(super) fn image(patient: &Patient<'_>) -> Option<Evidence> {
    let of_image = |p: &PodFacts| {
        p.pod
            .waiting
            .as_deref()
            .filter(|w| w.contains("Image"))
            .map(waiting)
    };
    tell(patient, of_image, "wait for an image that can't be pulled")
}

pub(super) fn unschedulable(patient: &Patient<'_>) -> Option<Evidence> {
    let fits_nowhere = |p: &PodFacts| {
        p.pod
            .unschedulable
            .as_ref()
            .map(|m| format!("PodScheduled False: {m}"))
    };
    tell(patient, fits_nowhere, "fit on no node")
}

pub(super) fn crash(patient: &Patient<'_>) -> Option<Evidence> {
    let crashes = |p: &PodFacts| {
        let stuck = |w: &&str| !NORMAL.contains(w) && !w.contains("Image");
        let waits = p.pod.waiting.as_deref().filter(stuck);
        let restarts = p.pod.restarts;
        waits
            .map(|w| format!("{}, {restarts} restarts", waiting(w)))
            .or_else(|| {
                (!is_ready(p) && restarts > 0).then(|| format!("not ready, {restarts} restarts"))
            })
    };
    tell(patient, crashes, "can't be started, or end again and again")
}

fn waiting(reason: &str) -> String {
    format!("state.waiting.reason {reason}")
}

pub(super) fn not_ready(patient: &Patient<'_>) -> Option<Evidence> {
    if none_counts(patient).is_some() {
        return None;
    }
    let stuck = |p: &PodFacts| {
        is_stuck(patient, p).then(|| format!("phase {}, Ready {}", p.pod.phase, ready_word(p)))
    };
    let seconds = START.as_secs();
    tell(
        patient,
        stuck,
        &format!("have not been ready for {seconds} s and more"),
    )
}

fn ready_word(pod: &PodFacts) -> String {
    match &pod.pod.ready {
        Some(ready) => match ready.since {
            Some(since) => format!("{} since {since:.0}", ready.status),
            None => ready.status.clone(),
        },
        None => "unknown".to_owned(),
    }
}

/// Runs, has no excuse, and is not ready for long.
fn is_stuck(patient: &Patient<'_>, pod: &PodFacts) -> bool {
    let quiet = pod.pod.waiting.is_none() && pod.pod.unschedulable.is_none();
    let since = ready_since(pod).or(pod.pod.started);
    quiet && pod.pod.restarts == 0 && !is_ready(pod) && patient.longer(since, START)
}

pub(super) fn fail_under_load(patient: &Patient<'_>) -> Option<Evidence> {
    let target = patient.target_percent()?;
    let lost = |p: &PodFacts| {
        let (since, started) = (ready_since(p)?, p.pod.started?);
        let was_ready = after(started, HAD_BEEN_READY) < since;
        let quiet = p.pod.waiting.is_none() && p.pod.restarts == 0;
        (!is_ready(p) && p.pod.phase == "Running" && was_ready && quiet)
            .then(|| format!("Ready {}, started {started:.0}", ready_word(p)))
    };
    let busy = patient.samples().filter_map(|(p, sample)| {
        let percent = patient.used(sample) * 100 / patient.request(p)?;
        (percent >= target).then_some((p.pod.name.as_str(), percent))
    });
    let (busiest, percent) = busy.max_by_key(|(_, percent)| *percent)?;
    let mut found = tell(
        patient,
        lost,
        "were ready and are not any more, while the CPU is busy",
    )?;
    found.quotes.push(format!(
        "pod {busiest}: uses {percent} % of its CPU request"
    ));
    Some(found)
}

/// The model's proposal, if unready pods count as idle in it.
fn damped<'p>(patient: &'p Patient<'_>) -> Option<(&'p Proposal, f64)> {
    let proposal = patient.decision.as_ref()?.cpu_proposal()?;
    let second = proposal.second_ratio?;
    let unready = !proposal.groups.unready.is_empty() && proposal.groups.missing.is_empty();
    (unready && proposal.ratio > 1.0).then_some((proposal, second))
}

pub(super) fn hold_scaling(patient: &Patient<'_>) -> Option<Evidence> {
    let (proposal, second) = damped(patient)?;
    let fires = patient.fires_above()?;
    let current = patient.target()?.spec_replicas;
    let utilization = proposal.utilization.filter(|u| f64::from(*u) > fires)?;
    let stuck = |p: &&PodFacts| {
        let since = ready_since(p).or(p.pod.started);
        proposal.groups.unready.contains(&p.pod.name) && patient.longer(since, START)
    };
    let stuck: Vec<&PodFacts> = patient.living().filter(stuck).collect();
    let held = proposal.replicas == current && current < patient.spec().max_replicas;
    (held && !stuck.is_empty()).then(|| {
        let count = proposal.groups.unready.len();
        Evidence::new(
            format!(
                "counting {count} unready pods as 0 turns {utilization} % into a ratio of {second:.2}, \
                 and the autoscaler stays at {current}"
            ),
            stuck
                .iter()
                .map(|p| format!("pod {}: phase {}, Ready {}", p.pod.name, p.pod.phase, ready_word(p))),
        )
    })
}

/// Samples, and not one that counts.
pub(super) fn none_counts(patient: &Patient<'_>) -> Option<Evidence> {
    patient.samples().next()?;
    let decision = patient.decision.as_ref()?;
    let error = decision
        .metrics
        .iter()
        .find_map(|(_, outcome)| outcome.as_ref().err())?;
    let none = error.contains("did not receive metrics for targeted pods");
    let long = patient
        .living()
        .all(|p| !is_ready(p) && patient.longer(ready_since(p).or(p.pod.started), START));
    (none && long && patient.living().next().is_some()).then(|| {
        let all = patient.living().count();
        Evidence::new(
            format!("all {all} pods are unready, so the autoscaler has nothing to average"),
            patient.living().map(|p| {
                format!(
                    "pod {}: phase {}, Ready {}",
                    p.pod.name,
                    p.pod.phase,
                    ready_word(p)
                )
            }),
        )
    })
}

/// The living pods of which `wrong` says something.
fn tell(
    patient: &Patient<'_>,
    wrong: impl Fn(&PodFacts) -> Option<String>,
    what: &str,
) -> Option<Evidence> {
    let all = patient.living().count();
    let bad: Vec<String> = patient
        .living()
        .filter_map(|p| Some(format!("pod {}: {}", p.pod.name, wrong(p)?)))
        .collect();
    (!bad.is_empty()).then(|| Evidence::new(format!("{} of {all} pods {what}", bad.len()), bad))
}
