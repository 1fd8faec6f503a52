//! A metric of one container while another one does the work.

use super::run::RunView;
use crate::findings::{Evidence, catalog};
use crate::observation::{Phase, PodSample};
use crate::rules::rule::{Rule, Weight};
use crate::run::state::Poll;

pub(crate) const RULES: &[Rule] = &[Rule::run(
    &catalog::METRIC_CONTAINER_IDLE,
    Weight::Cause,
    metric_container_idle,
)];

/// Consecutive answers that must agree.
const IN_A_ROW: usize = 3;

/// A container with at most this share of the pods' CPU, in percent, gets none of the load.
const IDLE_PERCENT: i64 = 5;

fn metric_container_idle(run: &RunView<'_>) -> Option<Evidence> {
    let container = run
        .spec()?
        .metrics
        .iter()
        .find(|m| m.is_cpu())?
        .source
        .container()?;
    let up = run.state.entered(Phase::Up)?;
    if run.reached_max() || run.asked_for_max() {
        return None;
    }
    // Enough use to call for the maximum, if it were measured.
    let enough = run.use_enough_for(run.expectation.max_replicas - 1)?.0;
    let idles = |poll: &&Poll| {
        let (own, others) = shares(poll, container);
        others > enough && own * 100 <= (own + others) * IDLE_PERCENT
    };
    let down = run.state.entered(Phase::Down).unwrap_or(run.until);
    let polls: Vec<&Poll> = run
        .state
        .polls
        .iter()
        .filter(|p| up <= p.at && p.at <= down)
        .collect();
    let rows = polls.split(|poll| !idles(poll));
    let row = rows
        .max_by_key(|row| row.len())
        .filter(|row| row.len() >= IN_A_ROW)?;
    let (own, others) = shares(row.last()?, container);
    Some(Evidence::new(
            format!(
                "the metric is of container {container}, which uses {own}m of CPU, while the pods' other \
                 containers use {others}m"
            ),
            row.iter().map(|poll| {
                let (own, others) = shares(poll, container);
                format!(
                    "{container} {own}m, others {others}m {}",
                    run.clock(poll.at)
                )
            }),
        )
        .at(row.first().map(|poll| poll.at)))
}

/// The CPU of one container in all pods, and that of all the others.
fn shares(poll: &Poll, container: &str) -> (i64, i64) {
    let samples: &[PodSample] = poll.answer.as_deref().unwrap_or_default();
    let all = samples.iter().flat_map(|s| &s.containers);
    all.filter_map(|c| Some((c.name == container, c.cpu?.0)))
        .fold((0, 0), |(own, others), (is_own, cpu)| {
            if is_own {
                (own + cpu, others)
            } else {
                (own, others + cpu)
            }
        })
}
