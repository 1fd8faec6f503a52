//! One line per change, and one now and then without changes: for logs.

use hpa_check_core::observation::Phase;
use hpa_check_core::run::conductor::Progress;
use hpa_check_core::run::state::RunState;
use jiff::Timestamp;

use crate::notice::notice;
use crate::report::{escape::Terminal, summary, words};

/// How often a line is printed if nothing changes.
const QUIET_MS: i64 = 10_000;

/// The content of the last line.
#[derive(Debug, Default)]
pub(crate) struct LineScreen {
    last: Option<(Timestamp, Said)>,
    syncs: usize,
}

/// The values whose change is worth a new line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    phase: Option<Phase>,
    spec: Option<i32>,
    ready: i32,
}

impl LineScreen {
    /// Writes a line if there is news.
    pub(crate) fn show(
        &mut self,
        now: Timestamp,
        state: &RunState,
        progress: impl FnOnce() -> Option<Progress>,
    ) {
        let Some(timeline) = &state.timeline else {
            return;
        };
        for sync in timeline
            .syncs
            .iter()
            .skip(self.syncs)
            .filter(|s| s.current != s.desired)
        {
            let time = words::clock(timeline.from, sync.at);
            notice(&format!("{time:>6}  {}", Terminal(&sync.sentence)));
        }
        self.syncs = timeline.syncs.len();
        let said = Said {
            phase: state.phase.map(|p| p.value),
            spec: state.target.as_ref().map(|t| t.spec_replicas),
            ready: state.ready(),
        };
        if said.phase.is_none() && said.spec.is_none() {
            return;
        }
        let news = self.last.as_ref().is_none_or(|(at, last)| {
            *last != said || now.as_millisecond() - at.as_millisecond() >= QUIET_MS
        });
        if news {
            let line = line(now, state, &said, timeline.from);
            let left = progress().map(|p| format!(", {} left", words::about(p.left)));
            notice(&(line + &left.unwrap_or_default()));
            self.last = Some((now, said));
        }
    }
}

fn line(now: Timestamp, state: &RunState, said: &Said, from: Timestamp) -> String {
    let phase = said.phase.map_or("", summary::phase);
    let spec = said.spec.map_or_else(|| "?".to_owned(), |s| s.to_string());
    let mut text = format!(
        "{:>6}  {phase:<9} replicas {spec}, ready {}",
        words::clock(from, now),
        said.ready
    );
    if let Some(utilization) = state.utilization() {
        text += &format!(", CPU {utilization} %");
    }
    if let Some(load) = &state.load {
        text += &format!(
            ", {:.0} requests/s, failed {}, wrong {}",
            load.rps, load.failed, load.wrong
        );
    }
    text
}
