//! Pods that were asked for and did not come to serve.

use std::time::Duration;

use super::rule::{Find, Rule, Weight};
use super::run_only::run::RunView;
use crate::findings::{Evidence, catalog};
use crate::model::after;
use crate::observation::{Fact, Target};
use crate::run::state::PodRecord;

pub(super) const RULES: &[Rule] = &[
    QUOTA_EXCEEDED,
    IMAGE_MISSING,
    UNSCHEDULABLE,
    PODS_CRASH,
    PODS_NOT_READY,
];

/// A pod may take this long to become ready before that is a finding, or the run's patience if less.
const START: Duration = Duration::from_secs(30);

/// What a container waits for without anything being wrong.
const NORMAL: [&str; 3] = ["ContainerCreating", "PodInitializing", "ContainersNotReady"];

const QUOTA_EXCEEDED: Rule = Rule {
    finding: &catalog::QUOTA_EXCEEDED,
    weight: Weight::Blocker,
    find: Find::Run(|run| {
        if run.reached_max() {
            return None;
        }
        refused(run).or_else(|| run.state.facts.iter().find_map(|fact| too_small(run, fact)))
    }),
};

/// The quota spoke: the target could not make a pod.
fn refused(run: &RunView<'_>) -> Option<Evidence> {
    let target = run.state.target.as_ref()?;
    let says = |text: &str| text.contains("exceeded quota");
    let condition = target.conditions.iter().find(|c| says(&c.message));
    let event = run.state.events.iter().find(|(_, e)| says(&e.message));
    let quote = condition
        .map(|c| format!("condition {}: {}", c.kind, c.message))
        .or_else(|| event.map(|(_, e)| format!("event {}: {}", e.reason, e.message)))?;
    let (made, wanted) = (target.replicas, target.spec_replicas);
    (made < wanted).then(|| {
        Evidence::new(
            format!("{wanted} pods were asked for, and a quota stopped them at {made}"),
            [quote],
        )
    })
}

/// The quota has not spoken yet, and will.
fn too_small(run: &RunView<'_>, fact: &Fact) -> Option<Evidence> {
    let Fact::Quota(quota) = fact else {
        return None;
    };
    let pod = &run.state.pods.values().find(|p| p.lives())?.pod;
    let max = run.expectation.max_replicas;
    // The use was read once; every pod of the target that was there or has been seen since may be in it.
    let counted = i64::from(run.state.target.as_ref()?.replicas);
    let own = i64::try_from(run.state.pods.len()).ok()?.max(counted);
    let fit = quota.falls_short(pod, i64::from(max), own)?;
    let (name, resource, hard) = (&quota.name, &quota.resource, &quota.hard);
    Some(Evidence::new(
        format!("quota {name} allows {resource} of {hard}, enough for {fit} of {max} pods"),
        [format!(
            "quota {name}: {resource} hard {hard}, used {}",
            quota.used
        )],
    ))
}

const IMAGE_MISSING: Rule = Rule {
    finding: &catalog::IMAGE_MISSING,
    weight: Weight::Cause,
    find: Find::Run(|run| {
        let image = |p: &&PodRecord| {
            p.pod
                .waiting
                .as_deref()
                .is_some_and(|w| w.contains("Image"))
        };
        failing(run, image, |p, all| {
            (
                format!("{all} pods wait for an image that can't be pulled"),
                format!("waiting: {}", p.pod.waiting.as_deref().unwrap_or_default()),
            )
        })
    }),
};

const UNSCHEDULABLE: Rule = Rule {
    finding: &catalog::UNSCHEDULABLE,
    weight: Weight::Cause,
    find: Find::Run(|run| {
        failing(
            run,
            |p| p.pod.unschedulable.is_some(),
            |p, all| {
                (
                    format!("{all} pods fit on no node"),
                    p.pod.unschedulable.clone().unwrap_or_default(),
                )
            },
        )
    }),
};

const PODS_CRASH: Rule = Rule {
    finding: &catalog::PODS_CRASH,
    weight: Weight::Cause,
    find: Find::Run(|run| {
        let crashes = |p: &&PodRecord| {
            let stuck = |w: &str| !NORMAL.contains(&w) && !w.contains("Image");
            p.pod.waiting.as_deref().is_some_and(stuck) || (!p.is_ready() && p.pod.restarts > 0)
        };
        failing(run, crashes, |p, all| {
            let waiting = p.pod.waiting.as_deref().unwrap_or("not ready");
            (
                format!("{all} pods can't be started, or end again and again"),
                format!("{waiting}, {} restarts", p.pod.restarts),
            )
        })
    }),
};

const PODS_NOT_READY: Rule = Rule {
    finding: &catalog::PODS_NOT_READY,
    weight: Weight::Cause,
    find: Find::Run(|run| {
        let allowed = START.min(run.expectation.patience);
        let stuck = |p: &&PodRecord| {
            let status_since = p.pod.ready.as_ref().and_then(|r| r.since);
            let since = status_since.map_or(p.first_seen, |s| s.max(p.first_seen));
            let quiet = p.pod.waiting.is_none() && p.pod.unschedulable.is_none();
            quiet && p.pod.restarts == 0 && !p.is_ready() && after(since, allowed) <= run.until
        };
        let seconds = allowed.as_secs();
        failing(run, stuck, |p, all| {
            (
                format!("{all} pods have not become ready in {seconds} s and more"),
                format!(
                    "phase {}, first seen {}",
                    p.pod.phase,
                    run.clock(p.first_seen)
                ),
            )
        })
    }),
};

/// The living pods that something is wrong with, if the target lacks ready ones: the last word of a
/// single pod may have been lost.
fn failing(
    run: &RunView<'_>,
    wrong: impl Fn(&&PodRecord) -> bool,
    tell: impl Fn(&PodRecord, String) -> (String, String),
) -> Option<Evidence> {
    let lacking = |t: &Target| t.ready_replicas < t.spec_replicas;
    if run.complete() || !run.state.target.as_ref().is_some_and(lacking) {
        return None;
    }
    let living: Vec<&PodRecord> = run.state.pods.values().filter(|p| p.lives()).collect();
    let bad: Vec<&PodRecord> = living.iter().copied().filter(|p| wrong(p)).collect();
    let count = format!("{} of {}", bad.len(), living.len());
    let (message, _) = tell(bad.first()?, count);
    let evidence = bad.iter().map(|p| {
        let (_, evidence) = tell(p, String::new());
        format!("pod {}: {evidence}", p.pod.name)
    });
    Some(Evidence::new(message, evidence))
}
