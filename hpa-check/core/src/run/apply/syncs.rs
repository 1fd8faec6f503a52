//! The explanations of syncs.

use super::step;
use crate::run::explain::Explained;
use crate::run::state::RunState;
use crate::run::timeline::{ProposalStep, Timeline};

impl RunState {
    /// Adds a sync's explanation, or replaces an earlier one.
    pub(crate) fn explain(&mut self, explained: Explained) {
        let Some(timeline) = &mut self.timeline else {
            return;
        };
        match explained {
            Explained::Silent(proposed) => {
                timeline.proposals.retain(|p| p.at != proposed.at);
                let place = timeline.proposals.partition_point(|p| p.at <= proposed.at);
                timeline.proposals.insert(place, proposed);
            }
            Explained::Sync { number, record } => {
                let at = record.at;
                timeline.proposals.retain(|p| p.at != at);
                let place = timeline.proposals.partition_point(|p| p.at <= at);
                let proposed = record.proposed.map(|range| ProposalStep {
                    at,
                    low: range.low,
                    high: range.high,
                    certain: record.certain,
                });
                timeline.proposals.splice(place..place, proposed);
                if number < timeline.syncs.len() {
                    timeline.syncs[number] = record;
                } else {
                    timeline.syncs.push(record);
                }
                propose(timeline, number);
            }
        }
    }
}

/// Rebuilds the series of the most likely proposals from a sync on.
fn propose(timeline: &mut Timeline, number: usize) {
    let Some(at) = timeline.syncs.get(number).map(|sync| sync.at) else {
        return;
    };
    timeline.proposed.retain(|step| step.at < at);
    for sync in timeline.syncs.iter().skip(number) {
        if let Some(value) = sync.likeliest {
            step(&mut timeline.proposed, sync.at, value);
        }
    }
}
