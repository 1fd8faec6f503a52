//! Rules that end a run early, checked once a second.

use crate::thresholds::Records;
use crate::user::Load;

/// Ends the load if an abort rule is violated.
pub fn check(load: &Load) {
    if load.stop.is_stopping() || load.thresholds.iter().all(|rule| rule.abort.is_none()) {
        return;
    }
    let tallies = load.recorder.phases();
    let mut records = Records::new(&load.phases, &tallies, load.plan.warmup, load.elapsed());
    // Requests that wait for a user now have not been sent.
    records.judged.counts.unsent += load.gate.backlog();
    let broken = load
        .thresholds
        .iter()
        .position(|rule| rule.ends_the_run(&records.about(rule)));
    if let Some(rule) = broken {
        load.aborted_by.get_or_init(|| rule);
        load.finish();
    }
}
