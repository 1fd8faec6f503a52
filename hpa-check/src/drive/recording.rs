//! Recording as an audience: everything goes to the trace, and nothing is judged.

use std::time::Duration;

use hpa_check_core::expectation::Expectation;
use hpa_check_core::observation::{Observation, Seen};
use hpa_check_core::run::conductor::Action;
use hpa_check_core::spec::AutoscalerSpec;
use jiff::Timestamp;

use super::Audience;
use crate::cli::command_line::command_line;
use crate::failure::Failure;
use crate::notice::unless_gone;
use crate::outputs::Destination;
use crate::sinks::recorder::Recorder;

/// The autoscaler must be observed within this time, because the trace begins with assertions from its spec.
const SEEN_WITHIN: Duration = Duration::from_secs(15);

/// A recording in progress.
pub(crate) struct Recording {
    destination: Destination,
    /// `None` means until stopped.
    length: Option<Duration>,
    began: Option<Timestamp>,
    /// Observations before that of the autoscaler.
    held: Vec<Observation>,
    recorder: Option<Recorder>,
    count: usize,
    stopped: bool,
    over: bool,
}

impl Recording {
    /// An empty recording.
    pub(crate) fn new(destination: Destination, length: Option<Duration>) -> Self {
        Self {
            destination,
            length,
            began: None,
            held: Vec::new(),
            recorder: None,
            count: 0,
            stopped: false,
            over: false,
        }
    }

    /// Gives the file its final name; returns the number of observations.
    pub(crate) fn finish(self) -> Result<usize, Failure> {
        let Some(recorder) = self.recorder else {
            return Err(Failure::target(if self.stopped {
                "interrupted before the autoscaler was found; nothing was recorded"
            } else {
                "the autoscaler could not be watched, so nothing was recorded"
            }));
        };
        unless_gone(recorder.finish()).map_err(unwritable)?;
        Ok(self.count)
    }

    fn record(&mut self, observation: Observation) -> Result<(), Failure> {
        if let Some(recorder) = &mut self.recorder {
            self.count += 1;
            return match recorder.record(&observation) {
                // Whoever read it has read enough.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                    self.stopped = true;
                    Ok(())
                }
                written => written.map_err(unwritable),
            };
        }
        let expectation = match &observation.seen {
            Seen::Autoscaler(autoscaler) => Some(as_set(&autoscaler.spec)),
            _ => None,
        };
        self.held.push(observation);
        if let Some(expectation) = expectation {
            self.recorder = Some(Recorder::begin(
                &self.destination,
                &expectation,
                Some(&command_line()),
            )?);
            for observation in std::mem::take(&mut self.held) {
                self.record(observation)?;
            }
        }
        Ok(())
    }
}

impl Audience for Recording {
    fn observe(&mut self, observation: Observation) -> Result<(), Failure> {
        match observation.seen {
            // Neither is part of what was watched: a recording has no phases, and it may be stopped.
            Seen::Phase { .. } => {}
            Seen::Interrupted => self.stopped = true,
            _ => self.record(observation)?,
        }
        Ok(())
    }

    fn decide(&mut self, now: Timestamp) -> Option<Action> {
        let began = *self.began.get_or_insert(now);
        let limit = match &self.recorder {
            Some(_) => self.length,
            None => Some(SEEN_WITHIN),
        };
        let late = limit.is_some_and(|limit| now >= began + limit);
        if self.over || !(self.stopped || late) {
            return None;
        }
        self.over = true;
        Some(Action::Finish {
            why: "the recording is over".to_owned(),
        })
    }
}

fn unwritable(error: std::io::Error) -> Failure {
    Failure::usage(format!(
        "the trace can't be written ({error}): give another file with -o trace="
    ))
}

/// The assertions for a replay: the autoscaler's own settings.
fn as_set(spec: &AutoscalerSpec) -> Expectation {
    Expectation::default().of_spec(spec)
}
