//! What a [`View`](super::View) consists of.

use std::time::Duration;

use jiff::Timestamp;

use crate::expectation::AssertedMetric;
use crate::observation::{Pod, PodSample, ScaleTarget};
use crate::quota::Quota;
use crate::snapshot::MetricsApi;

/// What is asserted about the autoscaler; `None` means not asserted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asserted<'a> {
    /// The lower bound in pods.
    pub(crate) min_replicas: Option<i32>,
    /// The upper bound in pods.
    pub(crate) max_replicas: Option<i32>,
    /// The CPU target in percent of the request.
    pub(crate) cpu_target_percent: Option<i32>,
    /// Whether a CPU metric is required.
    pub(crate) has_cpu: bool,
    /// Required metrics, by name.
    pub(crate) metrics: &'a [AssertedMetric],
    /// Whether a scale-down must be possible.
    pub(crate) scale_down: bool,
    /// The longest wait for anything without a deadline of its own.
    pub(crate) patience: Option<Duration>,
}

/// The result of looking up the scale target.
#[derive(Debug, Clone)]
pub(crate) enum TargetLookup<'a> {
    /// It was read.
    Read(&'a ScaleTarget),
    /// It does not exist.
    Absent {
        /// What happened to it: `can't be found` or `was deleted`.
        how: &'static str,
        /// A quote that proves it.
        quote: String,
        /// When a run saw it happen.
        at: Option<Timestamp>,
    },
    /// It exists, but its kind has no `/scale` subresource.
    NotScalable {
        /// The API server's message.
        message: String,
    },
    /// Unknown, because it was not read.
    Unread,
}

/// A pod that the scale target's selector matches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PodView<'a> {
    /// Its state.
    pub(crate) pod: &'a Pod,
    /// Its sample in the latest answer of the metrics API.
    pub(crate) sample: Option<&'a PodSample>,
    /// When it last became ready or not ready.
    pub(crate) since: Option<Timestamp>,
}

impl<'a> PodView<'a> {
    /// The pod's name.
    pub(crate) fn name(&self) -> &'a str {
        &self.pod.name
    }

    /// Whether it is neither terminating nor finished.
    pub(crate) fn is_living(&self) -> bool {
        !self.pod.deleting && !self.pod.has_ended()
    }

    /// Whether it is ready, and neither terminating nor finished.
    pub(crate) fn is_ready(&self) -> bool {
        self.is_living() && self.pod.is_ready()
    }

    /// The status of its `Ready` condition, for quotes.
    pub(crate) fn readiness(&self) -> String {
        let Some(ready) = &self.pod.ready else {
            return "unknown".to_owned();
        };
        let since = ready.since.map(|since| format!(" since {since:.0}"));
        let reason = self.pod.life.unready_reason.as_deref();
        let reason = reason.filter(|r| !r.is_empty()).map(|r| format!(" ({r})"));
        let (since, reason) = (since.unwrap_or_default(), reason.unwrap_or_default());
        format!("{}{since}{reason}", ready.status)
    }

    /// When it was created, or first observed.
    pub(crate) fn made(&self) -> Option<Timestamp> {
        self.pod.life.created.or(self.pod.started).or(self.since)
    }
}

/// The latest answer of the metrics API.
#[derive(Debug, Clone)]
pub(crate) struct MetricsView<'a> {
    /// Whether the API exists.
    pub(crate) api: MetricsApi,
    /// Whether it answered, or its error; `None` if it was not called.
    pub(crate) answer: Option<Result<(), &'a str>>,
    /// When it answered.
    pub(crate) at: Timestamp,
    /// How long it has returned only errors; `None` in a snapshot, which can't tell.
    pub(crate) failing_for: Option<Duration>,
    /// Whether any answer had a sample for one of the pods.
    pub(crate) ever_sampled: bool,
    /// When the newest sample was first seen. Node clocks may differ, so the sample's own timestamp is not enough.
    pub(crate) newest_since: Option<Timestamp>,
    /// Stale samples matter only from then on.
    pub(crate) needed_from: Timestamp,
}

/// One limit of a `ResourceQuota`.
#[derive(Debug, Clone)]
pub(crate) struct QuotaView<'a> {
    /// The limit, and the pods that it counts.
    pub(crate) quota: &'a Quota,
    /// How much of its use is the scale target's own.
    pub(crate) own: OwnPods<'a>,
}

/// The scale target's pods when the quota's use was read, including terminating ones: quotas count them until
/// they are gone.
#[derive(Debug, Clone)]
pub(crate) enum OwnPods<'a> {
    /// These.
    These(Vec<&'a Pod>),
    /// This many; `None` if unknown.
    Count(Option<i32>),
}

impl OwnPods<'_> {
    /// The number of pods, at least.
    pub(crate) fn count(&self) -> i64 {
        match self {
            Self::These(pods) => i64::try_from(pods.len()).unwrap_or(i64::MAX),
            Self::Count(count) => count.map_or(0, i64::from),
        }
    }
}

/// An event about the scale target or its pods.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventView<'a> {
    /// The object it is about, as `Kind/name`.
    pub(crate) about: &'a str,
    /// The reason.
    pub(crate) reason: &'a str,
    /// The message.
    pub(crate) message: &'a str,
    /// The last occurrence, if known.
    pub(crate) at: Option<Timestamp>,
}

impl EventView<'_> {
    /// As a quote.
    pub(crate) fn quote(&self) -> String {
        format!("event {} of {}: {}", self.reason, self.about, self.message)
    }
}

/// Who else writes `spec.replicas`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Writer {
    /// A field manager.
    Manager(String),
    /// The object that the scale target belongs to.
    Owner,
}

/// Writes of `spec.replicas` by others than the controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConflictingWrites {
    /// The writer; `None` if only the controller's reactions to it were observed.
    pub(crate) writer: Option<Writer>,
    /// The evidence for them.
    pub(crate) times: usize,
    /// The first one that a run observed.
    pub(crate) at: Option<Timestamp>,
    /// The evidence for them.
    pub(crate) quotes: Vec<String>,
}

/// A replica count that the scale target kept long enough to be judged.
#[derive(Debug, Clone)]
pub(crate) struct SizeView {
    /// `spec.replicas`, each time it was read.
    pub(crate) replicas: Vec<i32>,
    /// The spec's bounds at that time.
    pub(crate) bounds: (i32, i32),
    /// When.
    pub(crate) at: Timestamp,
}

/// How often the replicas rose and fell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Swings {
    /// Rises.
    pub(crate) ups: usize,
    /// Falls.
    pub(crate) downs: usize,
    /// The time they took, if it is not obviously short.
    pub(crate) within: Option<Duration>,
    /// The first change of direction that a run observed.
    pub(crate) at: Option<Timestamp>,
    /// The evidence for them.
    pub(crate) quotes: Vec<String>,
}

impl Swings {
    /// The rises that were followed by a fall, or the reverse.
    pub(crate) fn cycles(&self) -> usize {
        self.ups.min(self.downs)
    }
}

/// The CPU usage of pods under load at one instant.
#[derive(Debug, Clone)]
pub(crate) struct UseView<'a> {
    /// When.
    pub(crate) at: Timestamp,
    /// Name, counted usage and counted request in millicores of each pod that has been ready long enough
    /// to get its share of the load.
    pub(crate) pods: Vec<(&'a str, i64, i64)>,
}

/// A pod that stopped being ready.
#[derive(Debug, Clone)]
pub(crate) struct ReadinessLoss<'a> {
    /// The pod's name.
    pub(crate) pod: &'a str,
    /// The evidence for it.
    pub(crate) quote: String,
    /// When it stopped.
    pub(crate) at: Timestamp,
    /// The busiest pod at that time, and its usage in percent of its request.
    pub(crate) busiest: Option<(&'a str, i64)>,
}
