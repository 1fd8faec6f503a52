//! The metrics API of a simulated cluster: turns cumulative CPU times into use over a window, as metrics-server
//! does.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use jiff::Timestamp;

use crate::observation::{ContainerSample, PodSample};
use crate::units::Millicores;

/// The last values read.
#[derive(Debug, Default)]
pub(crate) struct SimulatedMetricsServer {
    scraped: Option<Timestamp>,
    last: BTreeMap<String, (Timestamp, Duration)>,
}

impl SimulatedMetricsServer {
    /// A pod starts. If it starts at the instant of a scrape, it has used nothing yet.
    pub(crate) fn started(&mut self, pod: &str, now: Timestamp) {
        if self.scraped == Some(now) {
            self.last.insert(pod.to_owned(), (now, Duration::ZERO));
        }
    }

    /// One scrape: a sample for every pod that was there at the previous scrape. A CPU time that decreased
    /// belongs to a restarted container and gives no sample.
    pub(crate) fn scrape(
        &mut self,
        now: Timestamp,
        times: Vec<(String, Duration)>,
        container: &str,
        limit: Option<Millicores>,
    ) -> Vec<PodSample> {
        let samples = times
            .iter()
            .filter_map(|(pod, used)| {
                let (since, before) = self.last.get(pod)?;
                let window = Duration::try_from(now.duration_since(*since)).ok()?;
                let worked = used.checked_sub(*before)?;
                let cpu = rate(nanoseconds(worked), nanoseconds(window))?;
                // Nothing throttles a process here, but a container's use never reads higher than its limit.
                let cpu = limit.map_or(cpu, |limit| cpu.min(limit));
                Some(PodSample {
                    pod: pod.clone(),
                    timestamp: now,
                    window,
                    containers: vec![ContainerSample::of_cpu(container, cpu)],
                })
            })
            .collect();
        let times = times.into_iter();
        self.last = times.map(|(pod, used)| (pod, (now, used))).collect();
        self.scraped = Some(now);
        samples
    }
}

/// CPU time over a window, both in nanoseconds, as millicores, rounded up like `Quantity.MilliValue`.
pub(super) fn rate(used: u64, window: u64) -> Option<Millicores> {
    let window = NonZeroU64::new(window)?.get();
    let milli = if let Some(scaled) = used.checked_mul(1000) {
        scaled.div_ceil(window)
    } else {
        let milli = (u128::from(used) * 1000).div_ceil(window.into());
        u64::try_from(milli).ok()?
    };
    i64::try_from(milli).ok().map(Millicores)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn times(pods: &[(&str, u64)]) -> Vec<(String, Duration)> {
        pods.iter()
            .map(|(pod, ms)| ((*pod).to_owned(), Duration::from_millis(*ms)))
            .collect()
    }

    #[test]
    fn a_pod_has_a_sample_from_its_second_scrape_on() {
        let mut server = SimulatedMetricsServer::default();
        assert!(
            server
                .scrape(at(0), times(&[("a", 10)]), "app", None)
                .is_empty()
        );
        let samples = server.scrape(at(2), times(&[("a", 210), ("b", 5)]), "app", None);
        assert_eq!(samples.len(), 1);
        assert_eq!(samples[0].pod, "a");
        assert_eq!(samples[0].window, Duration::from_secs(2));
        assert_eq!(samples[0].containers[0].cpu, Some(Millicores(100)));
    }

    #[test]
    fn a_pod_that_starts_at_a_scrape_has_a_sample_from_the_next_one_on() {
        let mut server = SimulatedMetricsServer::default();
        server.scrape(at(0), Vec::new(), "app", None);
        server.started("a", at(0));
        server.started("late", at(1));
        let samples = server.scrape(at(2), times(&[("a", 100), ("late", 100)]), "app", None);
        assert_eq!(samples.len(), 1);
        assert_eq!(samples[0].containers[0].cpu, Some(Millicores(50)));
    }

    #[test]
    fn a_fraction_of_a_millicore_is_rounded_up() {
        assert_eq!(rate(1_001_000, 1_000_000_000), Some(Millicores(2)));
    }

    #[test]
    fn a_restarted_container_gives_no_sample() {
        let mut server = SimulatedMetricsServer::default();
        server.scrape(at(0), times(&[("a", 900)]), "app", None);
        assert!(
            server
                .scrape(at(2), times(&[("a", 10)]), "app", None)
                .is_empty()
        );
    }

    #[test]
    fn no_sample_is_above_the_limit() {
        let mut server = SimulatedMetricsServer::default();
        server.scrape(at(0), times(&[("a", 0)]), "app", None);
        let samples = server.scrape(at(1), times(&[("a", 800)]), "app", Some(Millicores(100)));
        assert_eq!(samples[0].containers[0].cpu, Some(Millicores(100)));
    }
}
