//! A watched cluster, its load and the user's signals as one feed.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use hpa_check_core::observation::{Fact, Observation, RunContext, Seen};
use hpa_check_core::run::conductor::Action;
use jiff::Timestamp;
use tokio::time::{Instant, Interval, interval};

use super::{Clock, LiveCluster, Watching};
use crate::failure::Failure;
use crate::feed::{Feed, Next};
use crate::load::generator::Generator;
use crate::load::running::RunningLoad;
use crate::signals::Signals;

/// A tick comes at least this often, because deadlines pass without observations.
const TICK: Duration = Duration::from_millis(250);

/// The events on the cluster, of the load and from the user.
pub(crate) struct LiveFeed<'a> {
    /// The first observations.
    introduction: VecDeque<Seen>,
    watching: Watching,
    load: RunningLoad,
    signals: &'a mut Signals,
    clock: Clock,
    tick: Interval,
    /// Once the run is over: how long to wait for the load's result.
    closing: Option<Instant>,
}

impl<'a> LiveFeed<'a> {
    /// Starts watching; the load waits for its action.
    pub(crate) fn new(
        live: LiveCluster,
        context: RunContext,
        generator: Option<Generator>,
        signals: &'a mut Signals,
    ) -> Self {
        let load = RunningLoad::new(generator);
        let mut introduction = VecDeque::from([Seen::RunContext(context)]);
        introduction.extend(load.url().map(|url| {
            Seen::Fact(Fact::LoadTarget {
                url: url.to_owned(),
                loopback: is_loopback(url),
            })
        }));
        Self {
            introduction,
            clock: live.clock(),
            watching: live.watch(),
            load,
            signals,
            tick: interval(TICK),
            closing: None,
        }
    }

    fn seen(&self, seen: Seen) -> Next {
        Next::Observation(Observation {
            at: self.clock.now(),
            seen,
        })
    }
}

impl Feed for LiveFeed<'_> {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn next(&mut self) -> Result<Next, Failure> {
        if let Some(seen) = self.introduction.pop_front() {
            return Ok(self.seen(seen));
        }
        if let Some(deadline) = self.closing {
            let rest = self.load.rest(deadline).await;
            return Ok(rest.map_or(Next::End, |seen| self.seen(seen)));
        }
        let seen = tokio::select! {
            observation = self.watching.observations.recv() => {
                let ended = || Failure::internal("all watches ended unexpectedly");
                return observation.map(Next::Observation).ok_or_else(ended);
            }
            Some(news) = self.load.news() => self.load.read(news)?,
            () = self.signals.next() => Seen::Interrupted,
            _ = self.tick.tick() => return Ok(Next::Tick),
        };
        Ok(self.seen(seen))
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Enter(_) => {}
            Action::StartLoad { demand } => self.load.start(*demand),
            Action::StopLoad => self.load.lower(),
            Action::Finish { .. } => self.closing = Some(self.load.stop()),
        }
    }

    /// Dropping the handle kills a generator that hangs.
    async fn close(mut self) {
        let deadline = self.closing.unwrap_or_else(|| self.load.stop());
        while self.load.rest(deadline).await.is_some() {}
    }
}

/// Whether a URL's host is this machine. A URL without a scheme is `http`.
pub(crate) fn is_loopback(url: &str) -> bool {
    let whole = if url.contains("://") {
        url.to_owned()
    } else {
        format!("http://{url}")
    };
    let uri: Option<http::Uri> = whole.parse().ok();
    let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address: Option<IpAddr> = host.parse().ok();
    host.eq_ignore_ascii_case("localhost") || address.is_some_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_on_this_machine_is_loopback() {
        for url in [
            "http://127.0.0.1:8080/fib",
            "localhost:8080",
            "http://[::1]/",
            "http://LOCALHOST",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "http://10.0.0.1",
            "http://localhost.example.com",
            "fib-server",
            "",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
