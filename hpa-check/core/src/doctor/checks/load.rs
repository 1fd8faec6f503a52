//! How the work is spread over pods and over time.

use std::time::Duration;

use super::super::patient::{Patient, is_ready, ready_since};
use super::rivals::rescales;
use crate::findings::Evidence;
use crate::model::after;
use crate::observation::PodSample;

/// A pod that is ready this soon after its start was not asked whether it is.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Ways up and down again in the events' time that are no longer the load's doing.
const CYCLES: i32 = 3;

/// One way up and down in this time is quick.
const QUICK: i64 = 600;

pub(super) fn not_spread(patient: &Patient<'_>) -> Option<Evidence> {
    let (hottest, message) = skew(patient, |_, now| Some(now))?;
    if patient.before.is_some() {
        let earlier = skew(patient, |pod, _| patient.sample_before(pod));
        earlier.filter(|(pod, _)| *pod == hottest)?;
    }
    let uses = patient
        .samples()
        .map(|(p, s)| format!("pod {}: uses {}m", p.pod.name, patient.used(s)));
    let mut uses: Vec<String> = uses.collect();
    uses.sort_by_key(|text| !text.starts_with(&format!("pod {hottest}:")));
    Some(Evidence::new(message, uses))
}

/// The pod that does nearly all the work, if one does, by the samples that `which` chooses.
fn skew<'a>(
    patient: &Patient<'a>,
    which: impl Fn(&str, &'a PodSample) -> Option<&'a PodSample>,
) -> Option<(&'a str, String)> {
    let target = patient.target_percent()?;
    let settle = patient.facts.metrics_resolution * 3;
    let mut used: Vec<(i64, &str, i64)> = Vec::new();
    for (pod, sample) in patient.samples() {
        if is_ready(pod) && patient.longer(ready_since(pod), settle) {
            let sample = which(&pod.pod.name, sample)?;
            used.push((patient.used(sample), &pod.pod.name, patient.request(pod)?));
        }
    }
    used.sort_unstable();
    let (hottest, name, request) = *used.last()?;
    let total: i64 = used.iter().map(|(cpu, ..)| cpu).sum();
    let pods = i64::try_from(used.len()).ok()?;
    // Idle: less than a quarter of a fair share.
    let idle = used
        .iter()
        .filter(|(cpu, ..)| cpu * 4 * pods < total)
        .count();
    let busy = hottest * 100 >= request * target;
    (pods >= 3 && busy && idle * 2 >= used.len()).then(|| {
        let others = total - hottest;
        let percent = hottest * 100 / request;
        let message = format!(
            "pod {name} uses {hottest}m of CPU, {percent} % of its request, while {idle} of {pods} pods \
             idle (all others together: {others}m)"
        );
        (name, message)
    })
}

pub(super) fn startup(patient: &Patient<'_>) -> Option<Evidence> {
    let target = patient.target_percent()?;
    let believed = patient.facts.controller.cpu_initialization_period;
    let (mut young, mut old) = (Vec::new(), Vec::new());
    for (pod, sample) in patient.samples().filter(|(p, _)| is_ready(p)) {
        let percent = patient.used(sample) * 100 / patient.request(pod)?;
        let since = ready_since(pod)?;
        if patient.longer(Some(since), believed) {
            old.push(percent);
        } else if !pod.probed
            && pod
                .pod
                .started
                .is_some_and(|at| since <= after(at, AT_ONCE))
        {
            young.push((pod.pod.name.as_str(), percent));
        }
    }
    let mean = |list: &[i64]| {
        list.iter()
            .sum::<i64>()
            .checked_div(i64::try_from(list.len()).ok()?)
    };
    let burn = mean(&young.iter().map(|(_, p)| *p).collect::<Vec<_>>())?;
    let work = mean(&old)?;
    (burn * 2 >= target * 3 && work <= target).then(|| {
        Evidence::new(
            format!(
                "new pods use {burn} % of their request and the others {work} %; the new ones were \
                 ready at once, so their start counts as load"
            ),
            young
                .iter()
                .map(|(name, percent)| format!("pod {name}: no readiness probe, uses {percent} %")),
        )
    })
}

/// Events are lossy, so this can only find too little.
pub(super) fn flapping(patient: &Patient<'_>) -> Option<Evidence> {
    let events: Vec<_> = rescales(patient).collect();
    let count = |text: &str| -> i32 {
        let matching = events.iter().filter(|e| e.message.contains(text));
        matching.map(|e| e.count.max(1)).sum()
    };
    let (ups, downs) = (count("above target"), count("below target"));
    let cycles = ups.min(downs);
    let first = events.iter().filter_map(|e| e.first).min()?;
    let last = events.iter().filter_map(|e| e.last).max()?;
    let span = last.duration_since(first).as_secs();
    (cycles >= CYCLES && span <= QUICK * i64::from(cycles)).then(|| {
        Evidence::new(
            format!(
                "the replicas went up {ups} times and down {downs} times within {} minutes",
                span.max(60) / 60
            ),
            events
                .iter()
                .map(|e| format!("event SuccessfulRescale {}×: {}", e.count, e.message)),
        )
    })
}
