//! What a simulation comes to, in a few numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one second did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Done {
    /// Work that was wanted, in millicores.
    pub(super) wanted: f64,
    /// Work that was done.
    pub(super) served: f64,
    /// Work that waits afterwards, in millicore-seconds.
    pub(super) waiting: f64,
}

/// The outcome. Utilization is in percent of the ready pods' requests, second by second, not as samples
/// show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Length in seconds.
    pub seconds: u64,
    /// Fewest replicas set.
    pub fewest: i32,
    /// Most replicas set.
    pub most: i32,
    /// How often the replicas were changed.
    pub scalings: u64,
    /// Time in which pods existed, ready or not, in hours.
    pub pod_hours: f64,
    /// The same times the CPU request, in core-hours: what it costs.
    pub core_hours: f64,
    /// Mean utilization.
    pub mean_utilization: f64,
    /// The utilization that is not exceeded in 95 % of the time.
    pub p95_utilization: f64,
    /// The highest utilization.
    pub max_utilization: f64,
    /// Work that was not done when it was wanted, in percent of all work wanted.
    pub unserved_percent: f64,
    /// The most work that waited at once, in core-seconds; 0 where work is lost instead.
    pub most_waiting: f64,
    /// Time to capacity: the longest stretch, in seconds, in which the pods did not do all the work that
    /// was wanted or that waited. It depends on the work done and not on the target, so that a laxer
    /// target can't make it shorter.
    pub longest_short_seconds: u64,
    /// Every size, from when on.
    pub path: Vec<ReplicaStep>,
}

/// A size from a second on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplicaStep {
    /// Seconds from the beginning.
    pub second: u64,
    /// Replicas set.
    pub replicas: i32,
}

/// The outcome in the making.
#[derive(Debug)]
pub(super) struct Tally {
    summary: Summary,
    request: f64,
    utilizations: Vec<f64>,
    wanted: f64,
    late: f64,
    pod_seconds: f64,
    short: u64,
}

impl Tally {
    /// Nothing counted yet: pods of that request in millicores, and the `first` of them.
    pub(super) fn new(request: f64, first: i32) -> Self {
        Self {
            summary: Summary {
                seconds: 0,
                fewest: first,
                most: first,
                scalings: 0,
                pod_hours: 0.0,
                core_hours: 0.0,
                mean_utilization: 0.0,
                p95_utilization: 0.0,
                max_utilization: 0.0,
                unserved_percent: 0.0,
                most_waiting: 0.0,
                longest_short_seconds: 0,
                path: vec![ReplicaStep {
                    second: 0,
                    replicas: first,
                }],
            },
            request,
            utilizations: Vec::new(),
            wanted: 0.0,
            late: 0.0,
            pod_seconds: 0.0,
            short: 0,
        }
    }

    /// Counts a second in which there were `replicas` pods, of which some were ready.
    pub(super) fn add(&mut self, second: u64, replicas: usize, ready: usize, done: Done) {
        let requested = count(ready) * self.request;
        self.pod_seconds += count(replicas);
        self.resized(second, i32::try_from(replicas).unwrap_or(i32::MAX));
        self.wanted += done.wanted;
        self.late += (done.wanted - done.served).max(0.0);
        let used = if requested > 0.0 {
            done.served / requested * 100.0
        } else {
            0.0
        };
        self.utilizations.push(used);
        let summary = &mut self.summary;
        summary.seconds = second + 1;
        summary.most_waiting = summary.most_waiting.max(done.waiting / 1000.0);
        self.short = if done.wanted > done.served || done.waiting > 0.0 {
            self.short + 1
        } else {
            0
        };
        summary.longest_short_seconds = summary.longest_short_seconds.max(self.short);
    }

    fn resized(&mut self, second: u64, replicas: i32) {
        let summary = &mut self.summary;
        if summary
            .path
            .last()
            .is_none_or(|last| last.replicas != replicas)
        {
            summary.scalings += 1;
            summary.fewest = summary.fewest.min(replicas);
            summary.most = summary.most.max(replicas);
            summary.path.push(ReplicaStep { second, replicas });
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^52")]
    pub(super) fn finish(mut self) -> Summary {
        let mut summary = self.summary;
        let used = &mut self.utilizations;
        let count = used.len();
        summary.mean_utilization = used.iter().sum::<f64>() / count.max(1) as f64;
        summary.max_utilization = used.iter().copied().fold(0.0, f64::max);
        if count > 0 {
            let index = (count * 95).div_ceil(100) - 1;
            let (_, p95, _) = used.select_nth_unstable_by(index, f64::total_cmp);
            summary.p95_utilization = *p95;
        }
        summary.pod_hours = self.pod_seconds / 3600.0;
        summary.core_hours = summary.pod_hours * self.request / 1000.0;
        if self.wanted > 0.0 {
            summary.unserved_percent = self.late / self.wanted * 100.0;
        }
        summary
    }
}

#[expect(clippy::cast_precision_loss, reason = "pods are far fewer than 2^52")]
pub(super) fn count(pods: usize) -> f64 {
    pods as f64
}
