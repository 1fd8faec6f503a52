//! Pods that should serve but don't.

use std::time::Duration;

use super::failing::failing;
use super::lasting::lasting;
use super::nodes;
use crate::findings::{Evidence, catalog};
use crate::observation::{Condition, Pod};
use crate::rules::rule::{Rule, Weight};
use crate::rules::view::{PodView, View};

pub(crate) const RULES: &[Rule] = &[
    Rule::shared(&catalog::IMAGE_MISSING, Weight::Cause, image),
    Rule::shared(&catalog::UNSCHEDULABLE, Weight::Cause, unschedulable),
    Rule::shared(&catalog::PODS_CRASH, Weight::Cause, crash),
    Rule::shared(
        &catalog::READINESS_FAILS_UNDER_LOAD,
        Weight::Cause,
        fail_under_load,
    ),
    Rule::shared(&catalog::PODS_NOT_READY, Weight::Cause, not_ready),
    Rule::shared(&catalog::PODS_STARTING, Weight::Cause, starting),
    Rule::shared(&catalog::ROLLOUT_STUCK, Weight::Cause, rollout_stuck),
];

/// A crashing container crashes again within twice the kubelet's longest restart delay.
const BACK_OFF: Duration = Duration::from_mins(10);

/// Waiting reasons that are normal.
const NORMAL: [&str; 3] = ["ContainerCreating", "PodInitializing", "ContainersNotReady"];

/// The first failures of a start, before the kubelet backs off: a registry that is busy, a Secret that is created a
/// moment later. The kubelet retries.
const FIRST: [&str; 3] = [
    "ErrImagePull",
    "CreateContainerConfigError",
    "CreateContainerError",
];

/// Why a pod waits, if its start has failed for good, or if `first` for the first time.
fn stuck_start<'p>(view: &dyn View, pod: &PodView<'p>, first: bool) -> Option<&'p str> {
    let reason = pod.pod.waiting.as_deref()?;
    let young = pod.made().is_some() && !view.longer(pod.made(), view.start_patience());
    let is_first = FIRST.contains(&reason) && young && pod.pod.restarts == 0;
    (is_first == first).then_some(reason)
}

fn image(view: &dyn View) -> Option<Evidence> {
    unpulled(view, false).or_else(|| lasting(view, first_pull))
}

/// Images that could not be pulled at the first attempt.
pub(crate) fn first_pull(view: &dyn View) -> Option<Evidence> {
    unpulled(view, true)
}

fn unpulled(view: &dyn View, first: bool) -> Option<Evidence> {
    let of_image = |p: &PodView<'_>| {
        let waits = stuck_start(view, p, first).filter(|w| w.contains("Image"));
        waits.map(waiting)
    };
    failing(view, of_image, "wait for an image that can't be pulled")
}

fn unschedulable(view: &dyn View) -> Option<Evidence> {
    let events = view.events();
    if let Some(found) = failing(view, |p| unplaced(view, p), "were never placed on a node") {
        return Some(found.advising(Some(UNPLACED.to_owned())));
    }
    if nodes::are_unknown(view) || nodes::were_not_asked_for_yet(view, &events) {
        return None;
    }
    let fits_nowhere = |p: &PodView<'_>| {
        let message = p.pod.unschedulable.as_ref()?;
        let waits = nodes::comes(view, &events, p.name()).is_some() || nodes::is_nominated(view, p);
        let class = p.pod.quota_class.priority_class.as_ref();
        let class = class.map_or_else(String::new, |c| format!(" (priority class {c})"));
        (!waits).then(|| format!("PodScheduled False{class}: {message}"))
    };
    let mut found = failing(view, fits_nowhere, "fit on no node")?;
    // Pods that a node autoscaler has acted on come first; more pods add nothing.
    let waiting = view.living();
    let waiting = waiting.iter().filter(|p| p.pod.unschedulable.is_some());
    let tried = waiting.flat_map(|p| nodes::tried(&events, p.name()));
    let mut tried: Vec<String> = tried.map(|event| event.quote()).collect();
    tried.truncate(2);
    found.quotes.truncate(4);
    found.quotes.extend(tried);
    Some(found)
}

const UNPLACED: &str = "Check that something runs the scheduler that the pods name, and that their scheduling gates open: `kubectl get pod NAME -o jsonpath='{.spec.schedulerName} {.spec.schedulingGates}'`.";

/// A pod that no kubelet has started and no scheduler has called unschedulable in all the time in which a node would
/// have been provisioned. Its scheduler may not exist.
fn unplaced(view: &dyn View, pod: &PodView<'_>) -> Option<String> {
    let Pod {
        phase,
        started,
        waiting,
        unschedulable,
        ..
    } = pod.pod;
    let untouched = phase == "Pending" && started.is_none();
    let silent = waiting.is_none() && unschedulable.is_none();
    let long = view.longer(pod.made(), nodes::PROVISION);
    (untouched && silent && long && !nodes::is_nominated(view, pod)).then(|| {
        let minutes = nodes::PROVISION.as_secs() / 60;
        format!("Pending for {minutes} minutes or longer, and no scheduler says why")
    })
}

fn crash(view: &dyn View) -> Option<Evidence> {
    crashing(view, false).or_else(|| lasting(view, first_start))
}

/// Containers that could not be created at the first attempt.
pub(crate) fn first_start(view: &dyn View) -> Option<Evidence> {
    crashing(view, true)
}

fn crashing(view: &dyn View, first: bool) -> Option<Evidence> {
    let crashes = |p: &PodView<'_>| {
        let stuck = |w: &&str| !NORMAL.contains(w) && !w.contains("Image");
        let waits = stuck_start(view, p, first).filter(stuck);
        let restarts = p.pod.restarts;
        let crashes = !first && is_crashing(view, p);
        waits
            .map(|w| format!("{}, {restarts} restarts", waiting(w)))
            .or_else(|| crashes.then(|| format!("not ready, {restarts} restarts")))
    };
    failing(view, crashes, "can't be started, or keep crashing")
}

/// Between two crashes a pod runs for a while. One restart is not a pattern, and an old one is history.
fn is_crashing(view: &dyn View, pod: &PodView<'_>) -> bool {
    let last = pod.pod.life.last_exit;
    let recent = last.is_none_or(|at| !view.longer(Some(at), BACK_OFF));
    let series = if last.is_some() { 2 } else { 1 };
    !pod.is_ready() && pod.pod.restarts >= series && recent
}

fn waiting(reason: &str) -> String {
    format!("state.waiting.reason {reason}")
}

fn not_ready(view: &dyn View) -> Option<Evidence> {
    let seconds = view.start_patience().as_secs();
    let mut found = failing(
        view,
        |p| is_stuck(view, p).then(|| unready(p)),
        &format!("have not been ready for {seconds} s or longer"),
    )?;
    let living = view.living();
    let mut stuck = living.iter().filter(|p| is_stuck(view, p));
    if stuck.clone().count() == living.len() {
        found.message += ", so the autoscaler has nothing to average";
    }
    let uncreated = stuck.all(|p| p.pod.phase == "Pending");
    Some(found.advising(uncreated.then(|| UNCREATED.to_owned())))
}

/// Advice about pods whose containers do not exist yet.
const UNCREATED: &str = "Read the pods' events (`kubectl describe pod NAME`): they wait for a volume, a Secret, a ConfigMap, an image or an init container.";

fn unready(pod: &PodView<'_>) -> String {
    format!("phase {}, Ready {}", pod.pod.phase, pod.readiness())
}

/// Not ready for longer than most starts take, but not longer than this one may take.
fn starting(view: &dyn View) -> Option<Evidence> {
    let patience = view.start_patience();
    let slow = |p: &PodView<'_>| {
        let slow = is_quiet(p) && view.longer(p.since, patience) && !is_stuck(view, p);
        slow.then(|| {
            let allowed = view.start_patience_of(p).as_secs();
            format!("{}, may take {allowed} s", unready(p))
        })
    };
    let seconds = patience.as_secs();
    failing(
        view,
        slow,
        &format!("have been starting for {seconds} s or longer"),
    )
}

/// Is not ready, for no known reason.
fn is_quiet(pod: &PodView<'_>) -> bool {
    let quiet = pod.pod.waiting.is_none() && pod.pod.unschedulable.is_none();
    quiet && !pod.is_ready()
}

/// Runs, and has been unready for longer than a start takes, for no known reason.
pub(crate) fn is_stuck(view: &dyn View, pod: &PodView<'_>) -> bool {
    let quiet = is_quiet(pod) && !is_crashing(view, pod);
    quiet && view.longer(pod.since, view.start_patience_of(pod))
}

fn fail_under_load(view: &dyn View) -> Option<Evidence> {
    let target = view.target_percent()?;
    let losses = view.readiness_losses();
    let busiest = losses.iter().filter_map(|l| l.busiest);
    let (busiest, percent) = busiest.max_by_key(|(_, percent)| *percent)?;
    (percent >= target).then(|| {
        let (count, all) = (losses.len(), view.living().len());
        let first = losses.iter().map(|l| l.at).min();
        let losses = losses.iter().map(|l| format!("pod {}: {}", l.pod, l.quote));
        let busy = format!("pod {busiest}: uses {percent} % of its CPU request");
        Evidence::new(
            format!("{count} of {all} pods stopped being ready while their CPU was busy"),
            [busy].into_iter().chain(losses),
        )
        .at(first)
    })
}

fn rollout_stuck(view: &dyn View) -> Option<Evidence> {
    if view.is_complete() || view.rollout_is_paused() {
        return None;
    }
    let target = view.target()?;
    // Operators' own kinds use `Progressing False` for finished rollouts too.
    let is_deployment = view.spec()?.scale_target_ref.kind == "Deployment";
    let stuck = |c: &&Condition| {
        let known = is_deployment || c.reason == "ProgressDeadlineExceeded";
        c.kind == "Progressing" && c.status == "False" && known
    };
    let condition = target.conditions.iter().find(stuck)?;
    let (reason, says) = (&condition.reason, &condition.message);
    let condition = format!("condition Progressing {reason}: {says}");
    Some(Evidence::new(
        "the rollout made no progress within its deadline",
        [condition].into_iter().chain(unfinished_rollout(view)),
    ))
}

/// Evidence that some pods come from an older template, if any do.
pub(crate) fn unfinished_rollout(view: &dyn View) -> Option<String> {
    let target = view.target()?;
    let (updated, all) = (target.updated_replicas, target.replicas);
    let known = view.spec()?.scale_target_ref.kind == "Deployment";
    (known && updated < all).then(|| {
        let reference = view.reference();
        format!("{reference}: status.updatedReplicas {updated} of {all}")
    })
}
