//! Which pods count: `groupPods`, and parsing pod metrics.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::by_pod::ByPod;
use super::instant::Instant;
use super::{MetricError, VersionGates};
use crate::observation::{self, ContainerSample, ControllerConfig, PodSample};
use crate::spec::{Amounts, ContainerResources, InitContainer, PodResources};

/// A pod, as far as a decision needs it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelPod {
    /// Its name.
    pub name: String,
    /// `status.phase`.
    pub phase: String,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// `status.startTime`.
    pub start: Option<Timestamp>,
    /// The `Ready` condition.
    pub ready: Option<ReadyCondition>,
    /// The containers whose requests add up: regular containers and sidecars.
    pub containers: Vec<ContainerResources>,
    /// The init containers in order, including sidecars.
    pub init_containers: Vec<InitContainer>,
    /// `spec.resources`, which all containers share.
    pub resources: Option<PodResources>,
    /// `spec.overhead`.
    pub overhead: Amounts,
}

/// A pod's `Ready` condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyCondition {
    /// `True`, `False` or `Unknown`. Only `False` is unready.
    pub status: String,
    /// When the status last changed.
    pub last_transition: Timestamp,
}

/// A pod's value of one metric; for a resource, the sum of all counted containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// In thousandths of the metric's unit.
    pub milli: i64,
    /// The end of the window.
    pub timestamp: Timestamp,
    /// The length of the window.
    pub window: Duration,
}

impl From<&observation::Pod> for ModelPod {
    fn from(pod: &observation::Pod) -> Self {
        Self {
            name: pod.name.clone(),
            phase: pod.phase.clone(),
            deleting: pod.deleting,
            start: pod.started,
            ready: pod.ready.as_ref().and_then(|ready| {
                Some(ReadyCondition {
                    status: ready.status.clone(),
                    last_transition: ready.since?,
                })
            }),
            containers: pod.containers.clone(),
            init_containers: pod.init_containers.clone(),
            resources: pod.resources.clone(),
            overhead: pod.overhead,
        }
    }
}

/// Use by pod name.
pub type UseByPod<'a> = ByPod<'a, Use>;

/// Reads the API's answer: `getPodMetrics` and `getContainerMetrics` in `metrics/client.go`. A pod is left out
/// if a container, or the named container, has no value; before 1.33, a missing named container failed the
/// whole metric.
pub fn use_by_pod<'a>(
    metrics: &'a [PodSample],
    resource: &str,
    container: Option<&str>,
    namespace: &str,
    gates: VersionGates,
) -> Result<UseByPod<'a>, MetricError> {
    let mut used = Vec::with_capacity(metrics.len());
    for metric in metrics {
        if let Some(name) = container
            && gates.every_pod_reports_container
            && !metric.containers.iter().any(|c| c.name == name)
        {
            let pod = &metric.pod;
            return Err(MetricError::new(format!(
                "failed to get container metrics: container {name} not present in metrics for pod {namespace}/{pod}"
            )));
        }
        if let Some(milli) = use_of(&metric.containers, resource, container) {
            let sample = Use {
                milli,
                timestamp: metric.timestamp,
                window: metric.window,
            };
            used.push((metric.pod.as_str(), sample));
        }
    }
    Ok(used.into())
}

/// A pod's use of a resource in one sample, as the controller counts it; `None` if a counted container is
/// missing.
pub fn use_of(
    containers: &[ContainerSample],
    resource: &str,
    container: Option<&str>,
) -> Option<i64> {
    let amount = |c: &ContainerSample| c.used().milli(resource);
    match container {
        Some(name) => amount(containers.iter().find(|c| c.name == name)?),
        None if containers.is_empty() => None,
        None => containers
            .iter()
            .try_fold(0_i64, |sum, c| Some(sum.wrapping_add(amount(c)?))),
    }
}

/// The pods in groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodGroups {
    /// How many count with their own use.
    pub ready: usize,
    /// Not ready yet, or too young for its sample to count.
    pub unready: BTreeSet<String>,
    /// Without a metric.
    pub missing: BTreeSet<String>,
    /// Deleted, failed or completed.
    pub ignored: BTreeSet<String>,
}

/// Groups the pods: `groupPods` in `replica_calculator.go`, in its order.
pub fn group(
    pods: &[ModelPod],
    used: &UseByPod<'_>,
    resource: Option<&str>,
    now: Timestamp,
    settings: &ControllerConfig,
    gates: VersionGates,
) -> PodGroups {
    let mut groups = PodGroups::default();
    for (place, pod) in pods.iter().enumerate() {
        let terminal =
            pod.phase == "Failed" || (gates.ignore_succeeded && pod.phase == "Succeeded");
        let condition = pod.ready.as_ref();
        let sample = used.get(place, &pod.name);
        let signs = Signs {
            ignored: pod.deleting || terminal,
            pending: pod.phase == "Pending",
            start: pod.start,
            ready: condition.map(|c| (c.status != "False", c.last_transition)),
            sample: sample.map(|sample| (sample.timestamp, sample.window)),
        };
        let set = match standing(signs, resource == Some("cpu"), now, settings) {
            Standing::Ready => {
                groups.ready += 1;
                continue;
            }
            Standing::Unready => &mut groups.unready,
            Standing::Missing => &mut groups.missing,
            Standing::Ignored => &mut groups.ignored,
        };
        set.insert(pod.name.clone());
    }
    groups
}

/// What decides how a pod counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signs<T> {
    /// Whether it is being deleted or has ended.
    pub(crate) ignored: bool,
    /// Whether its phase is `Pending`.
    pub(crate) pending: bool,
    /// `status.startTime`.
    pub(crate) start: Option<T>,
    /// Whether the `Ready` condition is anything but `False`, and since when.
    pub(crate) ready: Option<(bool, T)>,
    /// The end and the length of its sample's window.
    pub(crate) sample: Option<(T, Duration)>,
}

/// How a pod counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// With its own use.
    Ready,
    /// Not ready yet, or too young for its sample to count.
    Unready,
    /// Without a metric.
    Missing,
    /// Deleted, failed or completed.
    Ignored,
}

/// How one pod counts: the loop body of `groupPods`. Early samples count against a pod only for CPU metrics.
pub(crate) fn standing<T: Instant>(
    signs: Signs<T>,
    is_cpu: bool,
    now: T,
    settings: &ControllerConfig,
) -> Standing {
    if signs.ignored {
        return Standing::Ignored;
    }
    if signs.pending {
        return Standing::Unready;
    }
    match signs.sample {
        None => Standing::Missing,
        Some(sample) if is_cpu && is_unready(signs, sample, now, settings) => Standing::Unready,
        Some(_) => Standing::Ready,
    }
}

/// The rule for CPU only: early samples show the startup, not the work.
fn is_unready<T: Instant>(
    signs: Signs<T>,
    (end, window): (T, Duration),
    now: T,
    settings: &ControllerConfig,
) -> bool {
    let (Some((is_ready, since)), Some(start)) = (signs.ready, signs.start) else {
        return true;
    };
    if start.after(settings.cpu_initialization_period) > now {
        !is_ready || end < since.after(window)
    } else {
        !is_ready && start.after(settings.initial_readiness_delay) > since
    }
}
