//! The load of a run: not started, running or over.

use std::time::Duration;

use hpa_check_core::observation::{LoadResult, LoadSecond, Seen};
use hpa_check_core::run::demand::Demand;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::generator::Generator;
use crate::failure::{Failure, exit};

/// A stopped generator writes its result within this time, in both parts of the load.
const ACCOUNT_WITHIN: Duration = Duration::from_secs(30);

/// What the load reports.
pub(crate) enum News {
    Second(LoadSecond),
    Ended(Result<LoadResult, String>),
}

/// The load and what it reports.
pub(crate) struct RunningLoad {
    /// `None` once it has started, or if the load comes from elsewhere.
    generator: Option<Generator>,
    emit: UnboundedSender<News>,
    news: UnboundedReceiver<News>,
    /// Ends the full load; a load with the user's own flags ends completely.
    lower: CancellationToken,
    /// Ends everything.
    stop: CancellationToken,
    running: bool,
}

impl RunningLoad {
    /// A load that has not started.
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

    /// Its URL, if it has not started and the URL is known.
    pub(crate) fn url(&self) -> Option<&str> {
        self.generator.as_ref()?.url()
    }

    /// Starts it, sized to `demand` unless the user's own flags set the rate.
    pub(crate) fn start(&mut self, demand: Option<Demand>) {
        let Some(generator) = self.generator.take() else {
            return;
        };
        self.running = true;
        let (emit, lower, stop) = (self.emit.clone(), self.lower.clone(), self.stop.clone());
        tokio::spawn(async move {
            let second = |second| {
                // After the run nobody receives this.
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

    /// Ends it; returns the instant by which its result is due.
    pub(crate) fn stop(&self) -> Instant {
        self.lower.cancel();
        self.stop.cancel();
        Instant::now() + ACCOUNT_WITHIN
    }

    /// Waits for the next report.
    pub(crate) async fn news(&mut self) -> Option<News> {
        self.news.recv().await
    }

    /// Turns a report into an observation.
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

    /// The next report of a stopped load; `None` once its result is in or is late.
    pub(crate) async fn rest(&mut self, deadline: Instant) -> Option<Seen> {
        while self.running {
            let news = tokio::time::timeout_at(deadline, self.news.recv()).await;
            // A load that failed at its very end has already reported everything that counts.
            if let Ok(seen) = self.read(news.ok()??) {
                return Some(seen);
            }
        }
        None
    }
}
