//! A run as an audience: the evaluator judges, the conductor decides, and the sinks record and show; at the end
//! come the verdict and the reports.

use hpa_check_core::expectation::Expectation;
use hpa_check_core::observation::{Fact, Observation};
use hpa_check_core::run::conductor::{Action, Conductor};
use hpa_check_core::run::evaluator::Evaluator;
use hpa_check_core::run::state::RunState;
use hpa_check_core::verdict::Verdict;
use jiff::Timestamp;

use super::Audience;
use crate::failure::Failure;
use crate::notice::notice;
use crate::outputs::{Opened, Ui};
use crate::report::{self, escape::Terminal};
use crate::sinks::page::{Listening, LivePage};
use crate::sinks::recorder::Recorder;
use crate::sinks::screen::{self, Screen};

/// A run in progress.
pub(crate) struct Session {
    evaluator: Evaluator,
    /// `None` when replaying, because a recording has its own phases.
    conductor: Option<Conductor>,
    recorder: Option<Recorder>,
    screen: Screen,
    page: Option<LivePage>,
    outputs: Opened,
    quiet: bool,
    ended: Option<String>,
}

impl Session {
    /// Starts the recording and the screen. The outputs were found to be writable before. `command` is the
    /// command line.
    pub(crate) fn start(
        outputs: Opened,
        ui: Ui,
        expectation: Expectation,
        command: String,
        conductor: Option<Conductor>,
    ) -> Result<Self, Failure> {
        let recorder = outputs
            .trace
            .as_ref()
            .map(|destination| Recorder::begin(destination, &expectation, Some(&command)))
            .transpose()?;
        Ok(Self {
            evaluator: Evaluator::new(expectation).called(command),
            conductor,
            recorder,
            screen: Screen::new(ui),
            page: None,
            outputs,
            quiet: ui == Ui::None,
            ended: None,
        })
    }

    /// Sets the version that recorded the observations.
    pub(crate) fn recorded_by(mut self, version: String) -> Self {
        self.evaluator = self.evaluator.recorded_by(version);
        self
    }

    /// Also serves the run to browsers, if a port was opened for that.
    pub(crate) fn served(mut self, listening: Option<Listening>) -> Result<Self, Failure> {
        self.page = listening
            .map(|l| l.start(self.evaluator.clone()))
            .transpose()?;
        Ok(self)
    }

    fn show(&mut self, now: Timestamp) {
        let state = self.evaluator.timeline();
        let conductor = self.conductor.as_ref();
        let progress = || conductor.and_then(|c| c.progress(now, state));
        self.screen.show(now, state, progress);
        if let Some(page) = &mut self.page {
            page.show(now, &self.evaluator);
        }
    }

    /// Ends the run: writes every report, prints the verdict and returns it.
    pub(crate) fn finish(self, now: Timestamp) -> Result<Verdict, Failure> {
        let Self {
            evaluator,
            recorder,
            screen,
            page,
            outputs,
            quiet,
            ended,
            ..
        } = self;
        drop(screen);
        if !quiet {
            for line in closing(evaluator.timeline(), ended.as_deref()) {
                notice(&Terminal(&line).to_string());
            }
        }
        let result = evaluator.finish(now);
        let mut failed = Vec::new();
        if let Some(Err(error)) = recorder.map(Recorder::finish) {
            failed.push(format!("the trace can't be written: {error}"));
        }
        failed.extend(report::write(&outputs, &result));
        if !quiet {
            notice(&report::terminal(&result, &outputs, screen::columns()));
        }
        // Last, so that nothing waits for a browser.
        if let Some(page) = page {
            page.end(result.clone());
        }
        report::settle(failed, result.verdict.exit_code)?;
        Ok(result.verdict)
    }
}

impl Audience for Session {
    fn observe(&mut self, observation: Observation) -> Result<(), Failure> {
        // If recording fails, it stops; it never changes a verdict.
        if let Some(recorder) = &mut self.recorder
            && let Err(error) = recorder.record(&observation)
        {
            if error.kind() != std::io::ErrorKind::BrokenPipe {
                notice(&format!(
                    "hpa-check: the trace can't be written any more; the run continues without it: {error}"
                ));
            }
            self.recorder = None;
        }
        self.evaluator.observe(&observation);
        self.show(observation.at);
        Ok(())
    }

    fn decide(&mut self, now: Timestamp) -> Option<Action> {
        let conductor = self.conductor.as_mut()?;
        let action = conductor.next(now, self.evaluator.timeline());
        if let Some(Action::Finish { why }) = &action {
            self.ended = Some(why.clone());
        }
        self.show(now);
        action
    }
}

/// What the run had to do without, and why it ended.
fn closing(state: &RunState, ended: Option<&str>) -> Vec<String> {
    let lacking = state.facts.iter().filter_map(|fact| match fact {
        Fact::Forbidden { rule, consequence } => {
            Some(format!("not allowed to {rule}: {consequence}"))
        }
        Fact::WatchHeldBack { consequence } => Some(format!(
            "a proxy on the way to the API server buffers watches: {consequence}"
        )),
        _ => None,
    });
    let ended = ended.map(|why| format!("ended: {why}"));
    lacking.chain(ended).collect()
}
