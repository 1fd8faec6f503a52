//! How long the live source waits for what.

use std::time::Duration;

use hpa_check_core::observation::ControllerConfig;

/// Shorter periods of asking cost the API server more than they tell.
const SHORTEST: Duration = Duration::from_millis(250);

/// Deadlines and periods of the live source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// Deadline of every single call, and of the first byte of a watch.
    pub call: Duration,
    /// How long the server is asked to keep a watch open. A connection that died in silence is
    /// noticed this long plus `grace` after it died, at the latest.
    pub watch: Duration,
    /// What a watch may be late by in ending.
    pub grace: Duration,
    /// The period of lists where watching is not allowed: a few for each sync.
    pub poll: Duration,
    /// The period of reading the pods' CPU: a few for each sample. The metrics server answers from
    /// memory.
    pub metrics: Duration,
    /// The period of asking again for facts that change rarely.
    pub facts: Duration,
}

impl Timing {
    /// As quick as what is watched.
    pub(crate) fn of(controller: &ControllerConfig, metrics_resolution: Duration) -> Self {
        let (poll, metrics) = (controller.sync_period / 4, metrics_resolution / 3);
        Self {
            call: Duration::from_secs(10),
            watch: Duration::from_secs(30),
            grace: Duration::from_secs(5),
            poll: poll.clamp(SHORTEST, Duration::from_secs(2)),
            metrics: metrics.clamp(SHORTEST, Duration::from_secs(5)),
            facts: Duration::from_secs(30),
        }
    }
}

impl Timing {
    /// With the deadline of a call that the user set, if one was set.
    pub(super) fn waiting(self, call: Option<Duration>) -> Self {
        Self {
            call: call.unwrap_or(self.call),
            ..self
        }
    }
}

impl Default for Timing {
    /// For a controller with the usual periods.
    fn default() -> Self {
        let usual = ControllerConfig::default();
        Self::of(&usual, usual.sync_period)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_with_the_usual_periods_is_asked_every_few_seconds_and_a_quick_one_more_often() {
        let usual = ControllerConfig::default();
        let timing = Timing::of(&usual, Duration::from_secs(15));
        assert_eq!((timing.poll.as_secs(), timing.metrics.as_secs()), (2, 5));
        let quick = ControllerConfig {
            sync_period: Duration::from_secs(1),
            ..usual
        };
        let timing = Timing::of(&quick, Duration::from_secs(1));
        assert_eq!(
            (timing.poll.as_millis(), timing.metrics.as_millis()),
            (250, 333)
        );
    }
}
