//! Deadlines and periods of the live source.

use std::time::Duration;

use hpa_check_core::observation::ControllerConfig;

/// Polling more often costs the API server more than it gains.
const SHORTEST: Duration = Duration::from_millis(250);

/// Deadlines and periods of the live source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// Deadline of every single call, and of the first byte of a watch.
    pub call: Duration,
    /// How long the server is asked to keep a watch open. A connection that died silently is noticed at most
    /// this long plus `grace` after it died.
    pub watch: Duration,
    /// How late a watch may end.
    pub grace: Duration,
    /// The period of lists if watching is forbidden: a few per sync.
    pub poll: Duration,
    /// The period of reading the pods' CPU: a few per sample. The metrics server answers from memory.
    pub metrics: Duration,
    /// The period of reading facts that rarely change.
    pub facts: Duration,
}

impl Timing {
    /// Periods that match those of the controller and the metrics.
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
    /// With the call deadline that the user set, if any.
    pub(super) fn waiting(self, call: Option<Duration>) -> Self {
        Self {
            call: call.unwrap_or(self.call),
            ..self
        }
    }
}

impl Default for Timing {
    /// For a controller with the default periods.
    fn default() -> Self {
        let usual = ControllerConfig::default();
        Self::of(&usual, usual.sync_period)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_with_the_default_periods_is_polled_every_few_seconds_and_a_faster_one_more_often()
    {
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
