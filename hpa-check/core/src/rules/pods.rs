//! Pods that were asked for and did not come to serve.

use std::time::Duration;

use super::{Case, Found, Rule, Weight};
use crate::findings::Finding;
use crate::model::after;
use crate::observation::{Fact, Target};
use crate::run::state::PodRecord;
use crate::verdict::Outcome;

/// A pod may take this long to become ready before that is a finding, or the run's patience if less.
const START: Duration = Duration::from_secs(30);

/// What a container waits for without anything being wrong.
const NORMAL: [&str; 3] = ["ContainerCreating", "PodInitializing", "ContainersNotReady"];

pub(super) const QUOTA_EXCEEDED: Rule = Rule {
    finding: Finding {
        id: "quota-exceeded",
        outcome: Outcome::Surroundings,
        meaning: "A ResourceQuota keeps the target below its maximum.",
        fix: "Raise the quota, or lower the maximum or the requests.",
    },
    weight: Weight::Blocker,
    find: |case| {
        if case.reached_max() {
            return None;
        }
        refused(case).or_else(|| {
            case.state
                .facts
                .iter()
                .find_map(|fact| too_small(case, fact))
        })
    },
};

/// The quota spoke: the target could not make a pod.
fn refused(case: &Case<'_>) -> Option<Found> {
    let target = case.state.target.as_ref()?;
    let says = |text: &str| text.contains("exceeded quota");
    let condition = target.conditions.iter().find(|c| says(&c.message));
    let event = case.state.events.iter().find(|(_, e)| says(&e.message));
    let quote = condition
        .map(|c| format!("condition {}: {}", c.kind, c.message))
        .or_else(|| event.map(|(_, e)| format!("event {}: {}", e.reason, e.message)))?;
    let (made, wanted) = (target.replicas, target.spec_replicas);
    (made < wanted).then(|| {
        Found::new(
            format!("{wanted} pods were asked for, and a quota stopped them at {made}"),
            [quote],
        )
    })
}

/// The quota has not spoken yet, and will.
fn too_small(case: &Case<'_>, fact: &Fact) -> Option<Found> {
    let Fact::Quota {
        name,
        resource,
        hard,
        ..
    } = fact
    else {
        return None;
    };
    let max = i64::from(case.expectation.max_replicas);
    let needed = match resource.as_str() {
        "pods" | "count/pods" => max * 1000,
        "cpu" | "requests.cpu" => max * case.request()?.0,
        _ => return None,
    };
    (milli(hard)? < needed).then(|| {
        Found::new(
            format!("quota {name} allows {resource} of {hard}, too little for {max} pods"),
            [format!("quota {name}: hard {resource} {hard}")],
        )
    })
}

/// A plain quantity, `6` or `600m`, in thousandths; other notations are not judged.
fn milli(quantity: &str) -> Option<i64> {
    match quantity.strip_suffix('m') {
        Some(milli) => milli.parse().ok(),
        None => quantity.parse::<i64>().ok()?.checked_mul(1000),
    }
}

pub(super) const IMAGE_MISSING: Rule = Rule {
    finding: Finding {
        id: "image-missing",
        outcome: Outcome::Surroundings,
        meaning: "Pods wait for an image that can't be pulled.",
        fix: "Push the image, correct its name, or load it into the cluster (`kind load docker-image`).",
    },
    weight: Weight::Cause,
    find: |case| {
        let image = |p: &&PodRecord| {
            p.pod
                .waiting
                .as_deref()
                .is_some_and(|w| w.contains("Image"))
        };
        failing(case, image, |p, all| {
            (
                format!("{all} pods wait for an image that can't be pulled"),
                format!("waiting: {}", p.pod.waiting.as_deref().unwrap_or_default()),
            )
        })
    },
};

pub(super) const UNSCHEDULABLE: Rule = Rule {
    finding: Finding {
        id: "unschedulable",
        outcome: Outcome::Surroundings,
        meaning: "Pods fit on no node.",
        fix: "Add nodes, or lower the pods' requests.",
    },
    weight: Weight::Cause,
    find: |case| {
        failing(
            case,
            |p| p.pod.unschedulable.is_some(),
            |p, all| {
                (
                    format!("{all} pods fit on no node"),
                    p.pod.unschedulable.clone().unwrap_or_default(),
                )
            },
        )
    },
};

pub(super) const PODS_CRASH: Rule = Rule {
    finding: Finding {
        id: "pods-crash",
        outcome: Outcome::Surroundings,
        meaning: "Containers of the pods can't be started, or end again and again.",
        fix: "Read `kubectl logs --previous` of one of the pods.",
    },
    weight: Weight::Cause,
    find: |case| {
        let crashes = |p: &&PodRecord| {
            let stuck = |w: &str| !NORMAL.contains(&w) && !w.contains("Image");
            p.pod.waiting.as_deref().is_some_and(stuck) || (!p.is_ready() && p.pod.restarts > 0)
        };
        failing(case, crashes, |p, all| {
            let waiting = p.pod.waiting.as_deref().unwrap_or("not ready");
            (
                format!("{all} pods can't be started, or end again and again"),
                format!("{waiting}, {} restarts", p.pod.restarts),
            )
        })
    },
};

pub(super) const PODS_NOT_READY: Rule = Rule {
    finding: Finding {
        id: "pods-not-ready",
        outcome: Outcome::Surroundings,
        meaning: "Pods run and do not become ready; the autoscaler counts them as idle.",
        fix: "Check the readiness probe's path, port and timeout against what the pods answer.",
    },
    weight: Weight::Cause,
    find: |case| {
        let allowed = START.min(case.expectation.patience);
        let stuck = |p: &&PodRecord| {
            let status_since = p.pod.ready.as_ref().and_then(|r| r.since);
            let since = status_since.map_or(p.first_seen, |s| s.max(p.first_seen));
            let quiet = p.pod.waiting.is_none() && p.pod.unschedulable.is_none();
            quiet && p.pod.restarts == 0 && !p.is_ready() && after(since, allowed) <= case.until
        };
        let seconds = allowed.as_secs();
        failing(case, stuck, |p, all| {
            (
                format!("{all} pods have not become ready in {seconds} s and more"),
                format!(
                    "phase {}, first seen {}",
                    p.pod.phase,
                    case.clock(p.first_seen)
                ),
            )
        })
    },
};

/// The living pods that something is wrong with, if the target lacks ready ones: the last word of a
/// single pod may have been lost.
fn failing(
    case: &Case<'_>,
    wrong: impl Fn(&&PodRecord) -> bool,
    tell: impl Fn(&PodRecord, String) -> (String, String),
) -> Option<Found> {
    let lacking = |t: &Target| t.ready_replicas < t.spec_replicas;
    if case.complete() || !case.state.target.as_ref().is_some_and(lacking) {
        return None;
    }
    let living: Vec<&PodRecord> = case.state.pods.values().filter(|p| p.lives()).collect();
    let bad: Vec<&PodRecord> = living.iter().copied().filter(|p| wrong(p)).collect();
    let count = format!("{} of {}", bad.len(), living.len());
    let (message, _) = tell(bad.first()?, count);
    let evidence = bad.iter().map(|p| {
        let (_, evidence) = tell(p, String::new());
        format!("pod {}: {evidence}", p.pod.name)
    });
    Some(Found::new(message, evidence))
}
