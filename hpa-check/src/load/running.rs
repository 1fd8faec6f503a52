//! The load of a run: not begun, running or over.

use std::time::Duration;

use hpa_check_core::observation::{LoadResult, LoadSecond, Seen};
use hpa_check_core::run::demand::Demand;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::generator::Generator;
use crate::failure::{Failure, exit};

/// A generator that was told to stop gives its account within this time, in both parts of the load.
const ACCOUNT_WITHIN: Duration = Duration::from_secs(30);

/// What the load reports.
pub(crate) enum News {
    Second(LoadSecond),
    Ended(Result<LoadResult, String>),
}

/// The load and what it reports.
pub(crate) struct RunningLoad {
    /// `None` once it has started, or when somebody else loads.
    generator: Option<Generator>,
    emit: UnboundedSender<News>,
    news: UnboundedReceiver<News>,
    /// Ends the height; a load given by the user's own flags ends altogether.
    lower: CancellationToken,
    /// Ends all of it.
    stop: CancellationToken,
    running: bool,
}

impl RunningLoad {
    /// A load that has not begun.
    pub(crate) fn new(generator: Option<Generator>) -> Self {
        let (emit, news) = unbounded_channel();
        Self {
            generator,
            emit,
            news,
            lower: CancellationToken::new(),
            stop: CancellationToken::new(),
            running: false,
        }
    }

    /// Where it goes, before it has started and if it is known.
    pub(crate) fn url(&self) -> Option<&str> {
        self.generator.as_ref()?.url()
    }

    /// Starts it, sized to `demand` unless the user's own flags say how much.
    pub(crate) fn start(&mut self, demand: Option<Demand>) {
        let Some(generator) = self.generator.take() else {
            return;
        };
        self.running = true;
        let (emit, lower, stop) = (self.emit.clone(), self.lower.clone(), self.stop.clone());
        tokio::spawn(async move {
            let second = |second| {
                // Nobody listens any more once the run is over.
                let _ = emit.send(News::Second(second));
            };
            let ended = generator.attack(demand, lower, stop, second).await;
            let _ = emit.send(News::Ended(ended));
        });
    }

    /// Lowers it, or ends it.
    pub(crate) fn lower(&self) {
        self.lower.cancel();
    }

    /// Ends it; the instant by which its account comes.
    pub(crate) fn stop(&self) -> Instant {
        self.lower.cancel();
        self.stop.cancel();
        Instant::now() + ACCOUNT_WITHIN
    }

    /// Waits for the next report.
    pub(crate) async fn news(&mut self) -> Option<News> {
        self.news.recv().await
    }

    /// What a report says.
    pub(crate) fn read(&mut self, news: News) -> Result<Seen, Failure> {
        match news {
            News::Second(second) => Ok(Seen::Load(second)),
            News::Ended(ended) => {
                self.running = false;
                let account = ended.map_err(Failure::target)?;
                if account.command.is_none() && account.exit_code == i32::from(exit::TARGET) {
                    return Err(Failure::target(
                        "the load generator found its target unusable, so nothing was tested; check --target",
                    ));
                }
                Ok(Seen::LoadResult(account))
            }
        }
    }

    /// The next report of a load that was stopped; `None` once its account is in, or is late.
    pub(crate) async fn rest(&mut self, deadline: Instant) -> Option<Seen> {
        while self.running {
            let news = tokio::time::timeout_at(deadline, self.news.recv()).await;
            // A load that failed at its very end has reported all that counts before.
            if let Ok(seen) = self.read(news.ok()??) {
                return Some(seen);
            }
        }
        None
    }
}
