//! Which pods count: `groupPods` and the reading of pod metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::{Settings, VersionGates, after};
use crate::spec::ContainerCpu;

/// A pod, as far as a decision needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// `status.phase`.
    pub phase: String,
    /// Whether its deletion has been asked for.
    pub deleting: bool,
    /// `status.startTime`.
    pub start: Option<Timestamp>,
    /// The `Ready` condition.
    pub ready: Option<ReadyCondition>,
    /// The containers whose requests add up: the regular ones and the sidecars.
    pub containers: Vec<ContainerCpu>,
    /// Labels beyond those the target's selector asks for.
    pub extra_labels: BTreeMap<String, String>,
}

/// A pod's `Ready` condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyCondition {
    /// `True`, `False` or `Unknown`. Only `False` is unready.
    pub status: String,
    /// When the status last changed.
    pub last_transition: Timestamp,
}

/// One item of the metrics API's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct PodMetric {
    /// The pod.
    pub pod: String,
    /// The end of the window.
    pub timestamp: Timestamp,
    /// The length of the window.
    pub window: Duration,
    /// Use by container, in thousandths of the resource's unit, each rounded up.
    pub containers: Vec<(String, Option<i64>)>,
}

/// A pod's use, all counted containers together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// In thousandths of the resource's unit.
    pub milli: i64,
    /// The end of the window.
    pub timestamp: Timestamp,
    /// The length of the window.
    pub window: Duration,
}

/// Use by pod name.
pub type UseByPod = BTreeMap<String, Use>;

/// Reads the API's answer: `getPodMetrics` and `getContainerMetrics` in `metrics/client.go`. A pod of
/// which any container is not reported is left out, or one without the named container.
pub fn use_by_pod(metrics: &[PodMetric], container: Option<&str>) -> UseByPod {
    metrics
        .iter()
        .filter_map(|m| {
            let milli = match container {
                Some(name) => m.containers.iter().find(|(n, _)| n == name)?.1?,
                None if m.containers.is_empty() => return None,
                None => m
                    .containers
                    .iter()
                    .try_fold(0_i64, |sum, (_, v)| Some(sum.wrapping_add((*v)?)))?,
            };
            Some((
                m.pod.clone(),
                Use {
                    milli,
                    timestamp: m.timestamp,
                    window: m.window,
                },
            ))
        })
        .collect()
}

/// How the pods divide.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups {
    /// How many count with their own use.
    pub ready: usize,
    /// Not ready yet, or too young to be believed.
    pub unready: BTreeSet<String>,
    /// Without a metric.
    pub missing: BTreeSet<String>,
    /// Going or gone.
    pub ignored: BTreeSet<String>,
}

/// Divides the pods: `groupPods` in `replica_calculator.go`, in its order.
pub fn group(
    pods: &[Pod],
    used: &UseByPod,
    resource: &str,
    now: Timestamp,
    settings: &Settings,
    gates: VersionGates,
) -> Groups {
    let mut groups = Groups::default();
    for pod in pods {
        let terminal =
            pod.phase == "Failed" || (gates.ignore_succeeded && pod.phase == "Succeeded");
        let set = if pod.deleting || terminal {
            &mut groups.ignored
        } else if pod.phase == "Pending" {
            &mut groups.unready
        } else {
            match used.get(&pod.name) {
                None => &mut groups.missing,
                Some(sample) if resource == "cpu" && is_unready(pod, sample, now, settings) => {
                    &mut groups.unready
                }
                Some(_) => {
                    groups.ready += 1;
                    continue;
                }
            }
        };
        set.insert(pod.name.clone());
    }
    groups
}

/// The rule for CPU alone: early samples show the start and not the work.
fn is_unready(pod: &Pod, sample: &Use, now: Timestamp, settings: &Settings) -> bool {
    let (Some(condition), Some(start)) = (&pod.ready, pod.start) else {
        return true;
    };
    let not_ready = condition.status == "False";
    if after(start, settings.cpu_initialization_period) > now {
        not_ready || sample.timestamp < after(condition.last_transition, sample.window)
    } else {
        not_ready && after(start, settings.initial_readiness_delay) > condition.last_transition
    }
}

/// Requests by pod name, of every pod whatever its group: `calculateRequests`. One container without
/// a request is an error for all.
pub fn requests_by_pod(
    pods: &[Pod],
    container: Option<&str>,
    resource: &str,
    gates: VersionGates,
) -> Result<BTreeMap<String, i64>, String> {
    pods.iter()
        .map(|pod| {
            Ok((
                pod.name.clone(),
                request_of(pod, container, resource, gates)?,
            ))
        })
        .collect()
}

fn request_of(
    pod: &Pod,
    container: Option<&str>,
    resource: &str,
    gates: VersionGates,
) -> Result<i64, String> {
    let mut sum = 0_i64;
    for c in &pod.containers {
        if container.is_none_or(|name| name == c.name) {
            let Some(request) = c.cpu_request else {
                return Err(format!(
                    "missing request for {resource} in container {} of Pod {}",
                    c.name, pod.name
                ));
            };
            sum = sum.wrapping_add(request.0);
        }
        if container == Some(c.name.as_str()) {
            return Ok(sum);
        }
    }
    match container {
        Some(name) if gates.container_must_exist => {
            Err(format!("container {name} not found in Pod {}", pod.name))
        }
        _ => Ok(sum),
    }
}
