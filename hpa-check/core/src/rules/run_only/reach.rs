//! Whether the tool reached what it tests: its load the target's pods, and its requests the metrics API.

use std::time::Duration;

use super::run::RunView;
use crate::findings::{Evidence, catalog};
use crate::observation::{Fact, Watched};
use crate::rules::rule::{Rule, Weight};
use crate::rules::shared::spread;
use crate::rules::view::View;

pub(crate) const RULES: &[Rule] = &[
    Rule::run(&catalog::LOAD_ELSEWHERE, Weight::Cause, load_elsewhere),
    Rule::run(&catalog::PORT_FORWARD, Weight::Cause, port_forward),
    Rule::run(&catalog::METRICS_NOT_READ, Weight::Cause, metrics_not_read),
];

/// Fewer answers than this may be a pod's last ones, or its first.
const ENOUGH_ANSWERS: u64 = 20;

fn load_elsewhere(run: &RunView<'_>) -> Option<Evidence> {
    // Pods may have come and gone during a gap.
    if run.state.pods.is_empty() || run.state.gaps().any(|gap| gap.resource == Watched::Pods) {
        return None;
    }
    let strangers: Vec<(&String, u64)> = run
        .state
        .answered
        .iter()
        .filter(|(pod, _)| !run.state.pods.contains_key(*pod))
        .map(|(pod, count)| (pod, count.all))
        .collect();
    let foreign: u64 = strangers.iter().map(|(_, answers)| answers).sum();
    (foreign >= ENOUGH_ANSWERS).then(|| {
        let names: Vec<&str> = strangers.iter().map(|(pod, _)| pod.as_str()).collect();
        let target = target(run).map(|(url, _)| format!("the load goes to {url}"));
        let each = strangers.iter().map(|(pod, answers)| {
            format!("pod {pod}: {answers} answers, but it is not one of the target's pods")
        });
        Evidence::new(
            format!(
                "{} answered but do not belong to the target",
                names.join(", ")
            ),
            target.into_iter().chain(each),
        )
    })
}

fn port_forward(run: &RunView<'_>) -> Option<Evidence> {
    let (url, loopback) = target(run)?;
    if !loopback {
        return None;
    }
    let mut answered = run
        .state
        .answered
        .iter()
        .filter(|(_, c)| c.beside_others > 0);
    let first = answered.next();
    let message = match (first, answered.next()) {
        (Some((pod, count)), None) if count.beside_others >= ENOUGH_ANSWERS => {
            format!("only {pod} answered, although several pods are ready")
        }
        (Some(_), _) => return None,
        // The application does not reveal which pod answers.
        (None, _) => spread::not_spread(run)?.message,
    };
    Some(Evidence::new(
        message,
        [format!("the load enters at {url}, on this machine")],
    ))
}

fn metrics_not_read(run: &RunView<'_>) -> Option<Evidence> {
    let since = run.state.unread_since?;
    let span = Duration::try_from(run.until.duration_since(since)).ok()?;
    let syncs = run.state.syncs();
    let explained = syncs.iter().filter(|s| s.explained).count();
    let followed = run.complete() && explained * 2 >= syncs.len();
    let view: &dyn View = run;
    (span >= view.warm_up() && !followed).then(|| {
        let seconds = span.as_secs();
        Evidence::new(
            format!("every request to the metrics API timed out in the last {seconds} s"),
            [format!(
                "list pods.metrics.k8s.io: first timed out {}",
                run.clock(since)
            )],
        )
        .at(since)
    })
}

/// The load's URL, and whether its host is this machine.
fn target<'a>(run: &RunView<'a>) -> Option<(&'a str, bool)> {
    run.state.facts.iter().rev().find_map(|fact| match fact {
        Fact::LoadTarget { url, loopback } => Some((url.as_str(), *loopback)),
        _ => None,
    })
}
