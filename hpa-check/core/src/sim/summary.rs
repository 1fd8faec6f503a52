//! The result of a simulation in a few numbers.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::work;
use crate::units::Millicores;

/// The result. Utilization is in percent of the ready pods' requests, second by second, not as samples show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Length in seconds.
    pub seconds: u64,
    /// The fewest replicas.
    pub fewest: i32,
    /// The most replicas.
    pub most: i32,
    /// How often the replicas were changed.
    pub scalings: u64,
    /// Time during which pods existed, ready or not, in hours.
    pub pod_hours: f64,
    /// That time multiplied by the CPU request, in core-hours: the cost.
    pub core_hours: f64,
    /// Mean utilization.
    pub mean_utilization: f64,
    /// The 95th percentile of the utilization over time.
    pub p95_utilization: f64,
    /// The highest utilization.
    pub max_utilization: f64,
    /// Work that was not done on time, in percent of all work.
    pub unserved_percent: f64,
    /// The most work that waited at once, in core-seconds; 0 if work is lost instead.
    pub most_waiting: f64,
    /// Time to capacity: the longest stretch, in seconds, in which the pods did not do all the requested and
    /// waiting work. It depends on the work done and not on the target, so a laxer target can't make it
    /// shorter.
    pub longest_short_seconds: u64,
    /// The replicas over time.
    pub path: Vec<ReplicaStep>,
}

/// The replicas from a second on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplicaStep {
    /// Seconds from the start.
    pub second: u64,
    /// The replicas.
    pub replicas: i32,
}

/// The work of one second, in nanoseconds of CPU time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Done {
    /// Work requested.
    pub(super) wanted: u64,
    /// Work done.
    pub(super) served: u64,
    /// Work that waits afterwards.
    pub(super) waiting: u64,
}

/// Adds up the result, second by second.
#[derive(Debug)]
pub(super) struct Tally {
    sums: Sums,
    utilizations: Vec<f64>,
}

impl Tally {
    /// An empty tally for pods with this request, `first` of them at the start.
    pub(super) fn new(request: Millicores, first: i32) -> Self {
        Self {
            sums: Sums::new(request, first),
            utilizations: Vec::new(),
        }
    }

    /// Counts a second with `replicas` pods, some of which were ready.
    pub(super) fn add(&mut self, second: u64, replicas: usize, ready: usize, done: Done) {
        let sums = &mut self.sums;
        sums.pods(second..second + 1, replicas);
        sums.second(ready, done);
        self.utilizations.push(sums.utilization(ready, done.served));
    }

    pub(super) fn finish(mut self) -> Summary {
        let p95 = match rank(self.utilizations.len()) {
            None => 0.0,
            Some(index) => {
                let used = &mut self.utilizations;
                *used.select_nth_unstable_by(index, f64::total_cmp).1
            }
        };
        self.sums.finish(p95)
    }
}

/// The rank of the 95th percentile among this many sorted values.
pub(super) fn rank(count: usize) -> Option<usize> {
    (count * 95).div_ceil(100).checked_sub(1)
}

/// The totals of a result, except for the 95th percentile. They are integers until the end, so they do not
/// depend on how many seconds are counted at once.
#[derive(Debug)]
pub(super) struct Sums {
    path: Vec<ReplicaStep>,
    seconds: u64,
    request: Millicores,
    /// By the number of ready pods.
    served: Vec<Served>,
    wanted: u128,
    late: u128,
    pod_seconds: u128,
    most_waiting: u64,
    short: u64,
    longest_short: u64,
}

/// Work done by this many ready pods.
#[derive(Debug, Clone, Copy, Default)]
struct Served {
    all: u128,
    most: u64,
}

impl Sums {
    /// Empty totals for pods with this request, `first` of them at the start.
    pub(super) fn new(request: Millicores, first: i32) -> Self {
        Self {
            path: vec![ReplicaStep {
                second: 0,
                replicas: first,
            }],
            seconds: 0,
            request,
            served: Vec::new(),
            wanted: 0,
            late: 0,
            pod_seconds: 0,
            most_waiting: 0,
            short: 0,
            longest_short: 0,
        }
    }

    /// Counts the existing pods of some seconds, ready or not.
    pub(super) fn pods(&mut self, seconds: Range<u64>, replicas: usize) {
        let length = seconds.end - seconds.start;
        self.seconds = seconds.end;
        self.pod_seconds += replicas as u128 * u128::from(length);
        let replicas = i32::try_from(replicas).unwrap_or(i32::MAX);
        if self
            .path
            .last()
            .is_none_or(|last| last.replicas != replicas)
        {
            let second = seconds.start;
            self.path.push(ReplicaStep { second, replicas });
        }
    }

    /// Counts the work of one second.
    pub(super) fn second(&mut self, ready: usize, done: Done) {
        self.served(ready, done.served.into(), done.served);
        self.wanted += u128::from(done.wanted);
        self.late += u128::from(done.wanted.saturating_sub(done.served));
        self.most_waiting = self.most_waiting.max(done.waiting);
        if done.wanted > done.served || done.waiting > 0 {
            self.fell_short(1);
        } else {
            self.kept_up();
        }
    }

    /// Counts the work of some seconds in which all requested work was done: its sum and its maximum.
    pub(super) fn in_time(&mut self, ready: usize, all: u128, most: u64) {
        self.served(ready, all, most);
        self.wanted += all;
        self.kept_up();
    }

    /// Counts seconds in which more work was requested than the pods could do, and they did all they could.
    pub(super) fn over(&mut self, ready: usize, capacity: u64, wanted: u128, seconds: u64) {
        let served = u128::from(capacity) * u128::from(seconds);
        self.served(ready, served, capacity);
        self.wanted += wanted;
        self.late += wanted - served;
        self.fell_short(seconds);
    }

    fn served(&mut self, ready: usize, all: u128, most: u64) {
        if self.served.len() <= ready {
            self.served.resize(ready + 1, Served::default());
        }
        let served = &mut self.served[ready];
        served.all += all;
        served.most = served.most.max(most);
    }

    fn fell_short(&mut self, seconds: u64) {
        self.short += seconds;
        self.longest_short = self.longest_short.max(self.short);
    }

    fn kept_up(&mut self) {
        self.short = 0;
    }

    /// The utilization of this many ready pods that do this much work in a second.
    pub(super) fn utilization(&self, ready: usize, served: u64) -> f64 {
        work::percent(served, ready, work::of(self.request))
    }

    /// The summary, given the utilization that 95 % of the seconds do not exceed.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a summary needs no more than 53 bits"
    )]
    pub(super) fn finish(self, p95_utilization: f64) -> Summary {
        let (mut mean, mut max) = (0.0, 0.0_f64);
        for (ready, served) in self.served.iter().enumerate() {
            max = max.max(self.utilization(ready, served.most));
            let requested = work::of(self.request) as f64 * count(ready);
            if requested > 0.0 {
                mean += served.all as f64 / requested * 100.0;
            }
        }
        let sizes = || self.path.iter().map(|size| size.replicas);
        let pod_hours = self.pod_seconds as f64 / 3600.0;
        Summary {
            seconds: self.seconds,
            fewest: sizes().min().unwrap_or_default(),
            most: sizes().max().unwrap_or_default(),
            scalings: self.path.len() as u64 - 1,
            pod_hours,
            core_hours: pod_hours * self.request.0 as f64 / 1000.0,
            mean_utilization: mean / self.seconds.max(1) as f64,
            p95_utilization,
            max_utilization: max,
            unserved_percent: if self.wanted > 0 {
                self.late as f64 / self.wanted as f64 * 100.0
            } else {
                0.0
            },
            most_waiting: self.most_waiting as f64 / work::SECOND as f64,
            longest_short_seconds: self.longest_short,
            path: self.path,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "pods are far fewer than 2^52")]
pub(super) fn count(pods: usize) -> f64 {
    pods as f64
}
