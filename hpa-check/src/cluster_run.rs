//! A run on a cluster: what is watched, the load and the user's signals go into the session; what the
//! conductor wants comes out of it.

use std::path::PathBuf;
use std::time::Duration;

use hpa_check_core::expectation::Expectation;
use hpa_check_core::observation::{
    ControllerConfig, LoadResult, LoadSecond, Observation, RunContext, Seen,
};
use hpa_check_core::run::conductor::{Action, Conductor, Pace};
use hpa_check_core::run::demand;
use hpa_check_core::run::state::RunState;
use hpa_check_core::units::Millicores;
use hpa_check_core::verdict::Verdict;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use crate::failure::{Failure, exit};
use crate::feed::live::{Clock, ClusterArgs, Live, Timing, Watching};
use crate::load;
use crate::load::sized::Sized;
use crate::outputs::{Opened, Outputs};
use crate::process;
use crate::session::Session;
use crate::signals::Signals;
use crate::sinks::page::{Listening, ServeArgs};

/// The conductor is asked at least this often: deadlines pass without an observation.
const TICK: Duration = Duration::from_millis(250);
/// The generator's account comes within this after it was told to stop, in both parts of the load.
const ACCOUNT_WITHIN: Duration = Duration::from_secs(30);

/// What to check, and how.
pub(crate) struct Run {
    pub(crate) cluster: ClusterArgs,
    pub(crate) autoscaler: Option<String>,
    pub(crate) expectation: Expectation,
    pub(crate) controller: ControllerConfig,
    pub(crate) metrics_resolution: Duration,
    /// How long the load stays up at the maximum; `None` is a few syncs.
    pub(crate) hold: Option<Duration>,
    /// `None` when somebody else loads.
    pub(crate) load: Option<Load>,
    pub(crate) outputs: Outputs,
    pub(crate) serve: ServeArgs,
}

/// The load to start.
pub(crate) struct Load {
    /// `None` is the generator beside this program.
    pub(crate) program: Option<PathBuf>,
    pub(crate) target: String,
    /// The generator's own flags; with none the load is sized to fit the autoscaler.
    pub(crate) args: Vec<String>,
    /// How often a load that is sized tries a refused connection again.
    pub(crate) retry_refused: u32,
    pub(crate) result: Option<PathBuf>,
}

/// Checks; the number is the verdict's exit code.
pub(crate) fn run(run: Run) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::internal(format!("the runtime can't be started: {e}")))?;
    runtime.block_on(check(run))
}

async fn check(mut run: Run) -> Result<u8, Failure> {
    // An output that can't be written is found before the cluster is asked anything.
    let opened = run.outputs.files.open()?;
    let listening = run.serve.open()?;
    let scratch = tempfile::tempdir()
        .map_err(|e| Failure::internal(format!("no temporary folder can be made: {e}")))?;
    let generator = run
        .load
        .take()
        .map(|load| Generator::new(load, scratch.path().join("load.json")))
        .transpose()?;
    let mut signals =
        Signals::catch().map_err(|e| Failure::internal(format!("signals can't be caught: {e}")))?;
    let timing = Timing::of(&run.controller, run.metrics_resolution);
    let live = tokio::select! {
        found = Live::find(&run.cluster, run.autoscaler.as_deref(), timing) => found?,
        () = signals.next() => return Err(Failure {
            code: exit::INTERRUPTED,
            message: "told to stop before the autoscaler was found; nothing was tested".to_owned(),
        }),
    };
    let verdict = judge(run, live, (opened, listening), generator, &mut signals).await?;
    Ok(verdict.exit_code)
}

/// Watches and loads until enough is seen, and ends in the verdict.
async fn judge(
    run: Run,
    live: Live,
    (opened, listening): (Opened, Option<Listening>),
    generator: Option<Generator>,
    signals: &mut Signals,
) -> Result<Verdict, Failure> {
    let clock = live.clock();
    let setting = RunContext {
        source: "cluster".to_owned(),
        namespace: live.namespace().to_owned(),
        autoscaler: live.autoscaler().to_owned(),
        kubernetes: live.kubernetes().map(str::to_owned),
        controller: run.controller,
        metrics_resolution: run.metrics_resolution,
    };
    let conductor = Conductor::new(run.expectation.clone(), Pace::Computed).holding(run.hold);
    let conductor = match &generator {
        Some(generator) if generator.is_steady() => conductor.steady(),
        _ => conductor,
    };
    let expectation = run.expectation.clone();
    let mut session =
        Session::start(opened, run.outputs.ui, run.expectation, conductor)?.served(listening)?;
    session.observe(Observation {
        at: clock.now(),
        seen: Seen::RunContext(setting),
    });
    let mut watching = live.watch();
    let (tell, told) = unbounded_channel();
    let mut loaded = Loaded {
        generator,
        expectation,
        tell,
        told,
        lower: CancellationToken::new(),
        stop: CancellationToken::new(),
        running: false,
    };
    let outcome = conduct(&mut session, &mut watching, &mut loaded, signals, clock).await;
    loaded.end(&mut session, clock).await;
    outcome?;
    session.finish(clock.now())
}

/// The loop, until the conductor has seen enough.
async fn conduct(
    session: &mut Session,
    watching: &mut Watching,
    loaded: &mut Loaded,
    signals: &mut Signals,
    clock: Clock,
) -> Result<(), Failure> {
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            observation = watching.observations.recv() => match observation {
                Some(observation) => session.observe(observation),
                None => return Err(Failure::internal("all watching ended by itself")),
            },
            Some(news) = loaded.told.recv() => loaded.hear(news, session, clock)?,
            () = signals.next() => {
                session.observe(Observation { at: clock.now(), seen: Seen::Interrupted });
            }
            _ = tick.tick() => {}
        }
        while let Some(action) = session.next(clock.now()) {
            match action {
                Action::Enter(phase) => {
                    session.observe(Observation {
                        at: clock.now(),
                        seen: Seen::Phase { phase },
                    });
                }
                Action::StartLoad => loaded.start(session.state()),
                Action::StopLoad => loaded.lower.cancel(),
                Action::Finish { .. } => return Ok(()),
            }
        }
    }
}

/// What the load tells.
enum News {
    Second(LoadSecond),
    Ended(Result<LoadResult, String>),
}

/// The load, not begun, running or over.
struct Loaded {
    generator: Option<Generator>,
    expectation: Expectation,
    tell: UnboundedSender<News>,
    told: UnboundedReceiver<News>,
    /// Ends the height; what was given by the user's own flags ends altogether.
    lower: CancellationToken,
    /// Ends all of it.
    stop: CancellationToken,
    running: bool,
}

impl Loaded {
    fn start(&mut self, state: &RunState) {
        let Some(generator) = self.generator.take() else {
            return;
        };
        self.running = true;
        let demand = demand::for_the_maximum(state, &self.expectation);
        let (tell, lower, stop) = (self.tell.clone(), self.lower.clone(), self.stop.clone());
        tokio::spawn(async move {
            let second = |second| {
                // Nobody listens any more once the run is over.
                let _ = tell.send(News::Second(second));
            };
            let ended = generator.attack(demand, lower, stop, second).await;
            let _ = tell.send(News::Ended(ended));
        });
    }

    fn hear(&mut self, news: News, session: &mut Session, clock: Clock) -> Result<(), Failure> {
        let seen = match news {
            News::Second(second) => Seen::Load(second),
            News::Ended(ended) => {
                self.running = false;
                match ended {
                    Ok(account) if account.exit_code == i32::from(exit::TARGET) => {
                        return Err(Failure::target(
                            "the load generator found its target unusable, so nothing was tested; check --target",
                        ));
                    }
                    Ok(account) => Seen::LoadResult(account),
                    Err(e) => return Err(Failure::target(e)),
                }
            }
        };
        session.observe(Observation {
            at: clock.now(),
            seen,
        });
        Ok(())
    }

    /// Ends the load if it still runs, and takes its account.
    async fn end(&mut self, session: &mut Session, clock: Clock) {
        self.lower.cancel();
        self.stop.cancel();
        let account = async {
            while self.running
                && let Some(news) = self.told.recv().await
            {
                // A load that failed at its very end has told all that counts before.
                let _ = self.hear(news, session, clock);
            }
        };
        // A generator that hangs is killed with its handle.
        let _ = tokio::time::timeout(ACCOUNT_WITHIN, account).await;
    }
}

/// How to load.
struct Generator {
    program: PathBuf,
    target: String,
    flags: Vec<String>,
    retry_refused: u32,
    result: PathBuf,
}

impl Generator {
    fn new(load: Load, scratch: PathBuf) -> Result<Self, Failure> {
        Ok(Self {
            program: process::program(load.program, "fib-loadgen")?,
            target: load.target,
            flags: load.args,
            retry_refused: load.retry_refused,
            result: load.result.unwrap_or(scratch),
        })
    }

    /// Loads until told to stop. Without flags of the user's, the load is sized to the `demand`.
    async fn attack(
        self,
        demand: Option<Millicores>,
        lower: CancellationToken,
        stop: CancellationToken,
        tell: impl FnMut(LoadSecond),
    ) -> Result<LoadResult, String> {
        if self.flags.is_empty() {
            let sized = Sized {
                program: self.program,
                target: self.target,
                demand: demand.ok_or(
                    "the load can't be sized without the pods' CPU request: give it after `--`",
                )?,
                retry_refused: self.retry_refused,
                result: self.result,
            };
            return sized.attack(lower, stop, tell).await;
        }
        let mut args = vec![self.target];
        args.extend(self.flags);
        args.extend(load::reporting(&self.result));
        load::attack(&self.program, &args, &self.result, lower, tell).await
    }

    /// Whether its load, once it is up, stays what it is: only a plan of stages changes it.
    fn is_steady(&self) -> bool {
        !self.flags.iter().any(|arg| arg.starts_with("--stage"))
    }
}

#[cfg(test)]
mod tests;
