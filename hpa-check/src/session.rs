//! The one loop's sink: every observation goes to the evaluator, the recorder and the screen; the end
//! becomes the verdict and the reports.

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::documents::trace;
use hpa_check_core::expectation::Expectation;
use hpa_check_core::observation::{Fact, Observation, Phase, Seen};
use hpa_check_core::run::conductor::{Action, Conductor};
use hpa_check_core::run::evaluator::Evaluator;
use hpa_check_core::run::state::RunState;
use hpa_check_core::verdict::Verdict;
use jiff::Timestamp;

use crate::failure::{Failure, exit};
use crate::outputs::{Opened, Recorder, Ui};
use crate::report::{self, escape::Terminal};
use crate::sinks::page::{Listening, Live};
use crate::sinks::screen::{self, Screen, notice};

/// A run in progress.
pub(crate) struct Session {
    evaluator: Evaluator,
    conductor: Conductor,
    recording: Option<trace::Writer<Recorder>>,
    screen: Screen,
    live: Option<Live>,
    outputs: Opened,
    quiet: bool,
    ended: Option<String>,
}

impl Session {
    /// Begins the recording and the screen. The outputs were found writable before anything ran.
    pub(crate) fn start(
        outputs: Opened,
        ui: Ui,
        expectation: Expectation,
        conductor: Conductor,
    ) -> Result<Self, Failure> {
        let recording = outputs
            .trace
            .as_ref()
            .map(|destination| trace::Writer::new(Recorder::begin(destination)?, &expectation))
            .transpose()
            .map_err(|e| {
                Failure::usage(format!(
                    "the trace can't be begun ({e}): give another file with -o trace="
                ))
            })?;
        Ok(Self {
            evaluator: Evaluator::new(expectation),
            conductor,
            recording,
            screen: Screen::new(ui),
            live: None,
            outputs,
            quiet: ui == Ui::None,
            ended: None,
        })
    }

    /// Shows the run live to browsers too, if a port was taken for that.
    pub(crate) fn served(mut self, listening: Option<Listening>) -> Result<Self, Failure> {
        self.live = listening
            .map(|l| l.start(self.evaluator.clone()))
            .transpose()?;
        Ok(self)
    }

    /// Takes in one observation.
    pub(crate) fn observe(&mut self, observation: Observation) {
        self.record(&observation);
        self.evaluator.observe(&observation);
        self.show(observation.at);
    }

    fn show(&mut self, now: Timestamp) {
        self.screen.show(now, self.evaluator.timeline());
        if let Some(live) = &mut self.live {
            live.show(now, &self.evaluator);
        }
    }

    /// What is known so far.
    pub(crate) fn state(&self) -> &RunState {
        self.evaluator.timeline()
    }

    /// What to do now; asked after each observation and on every tick of the caller's clock.
    pub(crate) fn next(&mut self, now: Timestamp) -> Option<Action> {
        let action = self.conductor.next(now, self.evaluator.timeline());
        if let Some(Action::Finish { why }) = &action {
            self.ended = Some(why.clone());
            self.observe(Observation {
                at: now,
                seen: Seen::Phase { phase: Phase::Done },
            });
        }
        self.show(now);
        action
    }

    /// Ends the run: writes every report whole, tells the verdict, and gives it back.
    pub(crate) fn finish(self, now: Timestamp) -> Result<Verdict, Failure> {
        let Self {
            evaluator,
            recording,
            screen,
            live,
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
        if let Some(recording) = recording
            && let Err(error) = recording.finish().and_then(Recorder::finish)
        {
            failed.push(format!("the trace can't be written: {error}"));
        }
        failed.extend(write_reports(&outputs, &result));
        if !quiet {
            notice(&report::terminal(&result, &outputs, screen::columns()));
        }
        // Last, so that nothing waits for a browser.
        if let Some(live) = live {
            live.end(result.clone());
        }
        match failed.into_iter().next() {
            // A report that is missing must not look like a run that went well.
            Some(failure) if result.verdict.exit_code == 0 => Err(Failure {
                code: exit::INTERNAL,
                message: failure,
            }),
            Some(failure) => {
                notice(&format!("hpa-check: {failure}"));
                Ok(result.verdict)
            }
            None => Ok(result.verdict),
        }
    }

    /// A recording that fails is told of and given up; it never changes a verdict.
    fn record(&mut self, observation: &Observation) {
        if let Some(recording) = &mut self.recording
            && let Err(error) = recording.write(observation)
        {
            notice(&format!(
                "hpa-check: the trace can't be written any further, and the run goes on: {error}"
            ));
            self.recording = None;
        }
    }
}

/// What was done without, and why the run ended when it did.
fn closing(state: &RunState, ended: Option<&str>) -> Vec<String> {
    let lacking = state.facts.iter().filter_map(|fact| match fact {
        Fact::Forbidden { rule, consequence } => {
            Some(format!("not allowed to {rule}: {consequence}"))
        }
        _ => None,
    });
    let ended = ended.map(|why| format!("ended: {why}"));
    lacking.chain(ended).collect()
}

/// Writes each report; the sentences are of those that could not be written.
pub(crate) fn write_reports(outputs: &Opened, result: &RunResult) -> Vec<String> {
    outputs
        .reports
        .iter()
        .filter_map(|(kind, destination)| {
            let content = report::render(*kind, result)?;
            let error = destination.write(content.as_bytes()).err()?;
            let place = destination.path().map_or_else(
                || "standard output".to_owned(),
                |path| format!("`{}`", path.display()),
            );
            Some(format!(
                "the {} report can't be written to {place} ({error}); nothing half-written is left",
                kind.word()
            ))
        })
        .collect()
}
