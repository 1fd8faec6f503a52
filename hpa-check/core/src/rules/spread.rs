//! Whether the load is spread over the pods. An average hides one hot pod among idle ones.

use jiff::Timestamp;

use super::rule::{Find, Rule, Weight};
use super::run_only::run::RunView;
use crate::findings::{Evidence, catalog};
use crate::model::after;
use crate::observation::{Phase, PodSample};
use crate::run::state::Poll;

pub(super) const RULES: &[Rule] = &[LOAD_NOT_SPREAD];

/// Answers of the metrics API in a row that have to show it.
const IN_A_ROW: usize = 3;

const LOAD_NOT_SPREAD: Rule = Rule {
    finding: &catalog::LOAD_NOT_SPREAD,
    weight: Weight::Cause,
    find: Find::Run(|run| {
        let mut row = Vec::new();
        let mut worst = None;
        for poll in &run.state.polls {
            match skew(run, poll) {
                Some(Skew::Hot(text)) => row.push(format!("{}: {text}", run.clock(poll.at))),
                Some(Skew::Even) => row.clear(),
                None => {}
            }
            if row.len() >= IN_A_ROW {
                worst = Some(row.clone());
            }
        }
        let row = worst?;
        let message = row.last()?.split_once(": ")?.1.to_owned();
        Some(Evidence::new(message, row.into_iter().rev()))
    }),
};

enum Skew {
    Hot(String),
    Even,
}

/// How the work is spread in one answer; `None` where it can't be told: no load, or too few pods.
fn skew(run: &RunView<'_>, poll: &Poll) -> Option<Skew> {
    let samples = poll.answer.as_ref().ok()?;
    if !under_load(run, poll.at) {
        return None;
    }
    let settle = run.budget(|b| b.resolution * 3);
    let mut used: Vec<(i64, &str)> = samples
        .iter()
        .filter(|sample| settled(run, sample, poll.at, settle))
        .map(|s| (s.cpu().0, s.pod.as_str()))
        .collect();
    used.sort_unstable();
    let total: i64 = used.iter().map(|(cpu, _)| cpu).sum();
    let pods = i64::try_from(used.len()).ok()?;
    let (hottest, name) = *used.last()?;
    let busy = run.request().is_none_or(|request| hottest * 4 >= request.0);
    if pods < 3 || !busy {
        return None;
    }
    // Idle: less than a quarter of a fair share.
    let idle = used
        .iter()
        .filter(|(cpu, _)| cpu * 4 * pods < total)
        .count();
    if idle * 2 < used.len() {
        return Some(Skew::Even);
    }
    let others = total - hottest;
    Some(Skew::Hot(format!(
        "pod {name} uses {hottest}m of CPU while {idle} of {pods} pods idle (all others together: {others}m)"
    )))
}

/// A pod that has been ready for some windows should have its share.
fn settled(
    run: &RunView<'_>,
    sample: &PodSample,
    at: Timestamp,
    settle: std::time::Duration,
) -> bool {
    let pod = run.state.pods.get(&sample.pod);
    let ready = pod.filter(|p| p.gone_at.is_none_or(|gone| gone > at));
    ready
        .and_then(|p| p.ready_at)
        .is_some_and(|ready| after(ready, settle) <= at)
}

fn under_load(run: &RunView<'_>, at: Timestamp) -> bool {
    let reaction = run.budget(|b| b.resolution * 2);
    let up = run.state.entered(Phase::Up);
    let down = run.state.entered(Phase::Down);
    up.is_some_and(|up| after(up, reaction) <= at) && down.is_none_or(|down| at < down)
}
