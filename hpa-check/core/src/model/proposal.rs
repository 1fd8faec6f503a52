//! What a metric asks for before any limit, by the arithmetic that all types share: two passes over the pods'
//! values (`GetResourceReplicas`, `calcPlainMetricReplicas`), or one ratio for all pods
//! (`getUsageRatioReplicaCount`), in `replica_calculator.go`.

use jiff::Timestamp;

use super::by_pod::ByPod;
use super::pods::{self, ModelPod, PodGroups, Use, UseByPod};
use super::ratio::{Census, Guess, Guesses, busy, replicas, utilization_ratio};
use super::{MetricError, Tolerances, VersionGates, ZERO_TIME, go_int32};
use crate::observation::{ControllerConfig, MetricReading, PodSample};
use crate::quantity::Quantity;
use crate::spec::CurrentMetric;

/// The input of one computation.
#[derive(Debug, Clone, Copy)]
pub struct ProposalInput<'a> {
    /// The instant of the sync.
    pub now: Timestamp,
    /// The namespace, for the controller's messages.
    pub namespace: &'a str,
    /// The controller's settings.
    pub settings: &'a ControllerConfig,
    /// Feature gates and version switches.
    pub gates: VersionGates,
    /// The pods that the target's selector matches.
    pub pods: &'a [ModelPod],
    /// What the metrics APIs answered.
    pub readings: Readings<'a>,
    /// `spec.replicas` of the target.
    pub current: i32,
    /// `status.replicas` of the target's scale.
    pub observed: i32,
    /// The tolerance bands.
    pub tolerances: Tolerances,
}

/// What the metrics APIs answered.
#[derive(Debug, Clone, Copy)]
pub struct Readings<'a> {
    /// The pods' use of resources, or the error of the resource metrics API.
    pub resources: Result<&'a [PodSample], &'a str>,
    /// The custom and external metrics; one that is not listed was not read.
    pub others: &'a [MetricReading],
}

impl<'a> Readings<'a> {
    /// Only samples of the pods' resources.
    pub const fn of_resources(samples: Result<&'a [PodSample], &'a str>) -> Self {
        Self {
            resources: samples,
            others: &[],
        }
    }
}

/// The result, with the arithmetic behind it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Proposal {
    /// The replicas asked for.
    pub replicas: i32,
    /// Utilization in the first pass, in percent of the request, as the status shows it. `None` for a plain
    /// value.
    pub utilization: Option<i32>,
    /// Use per counted pod in the first pass, in thousandths of the unit.
    pub raw_average: i64,
    /// The total in thousandths, if an object or external metric is compared with a total.
    pub total: Option<i64>,
    /// First-pass ratio of use to target.
    pub ratio: f64,
    /// The ratio after unready and missing pods were filled in, if there were any.
    pub second_ratio: Option<f64>,
    /// The pods in groups.
    pub groups: PodGroups,
    /// Sum of the requests of the pods counted in the first pass, in thousandths of the unit.
    pub requested: i64,
    /// Whether the value comes from the status, because its API was not read.
    pub from_status: bool,
}

impl Proposal {
    /// What the controller writes about it to `status.currentMetrics`.
    pub fn current(&self) -> CurrentMetric {
        let average = Some(Quantity::from_milli(self.raw_average));
        CurrentMetric {
            average_utilization: self.utilization,
            average_value: average.filter(|_| self.total.is_none()),
            value: self.total.map(Quantity::from_milli),
        }
    }
}

/// One pass over the counted pods.
struct Pass {
    ratio: f64,
    utilization: Option<i32>,
    average: i64,
    requested: i64,
}

/// The proposal for a target in percent of the request: the rest of `GetResourceReplicas`.
pub(super) fn by_utilization<'a>(
    scene: ProposalInput<'a>,
    (mut used, groups): (UseByPod<'a>, PodGroups),
    requests: &ByPod<'_, i64>,
    target: i32,
) -> Result<Proposal, MetricError> {
    let first = utilization_pass(&used, requests, target)?;
    propose(
        scene,
        &first,
        groups,
        &mut used,
        |used| utilization_pass(used, requests, target),
        |place, pod| busy(requests.get(place, pod).copied().unwrap_or(0), target),
    )
}

/// The proposal for a target as an amount per pod: the rest of `calcPlainMetricReplicas`.
pub(super) fn by_average<'a>(
    scene: ProposalInput<'a>,
    (mut used, groups): (UseByPod<'a>, PodGroups),
    target: i64,
) -> Result<Proposal, MetricError> {
    let first = value_pass(&used, target);
    propose(
        scene,
        &first,
        groups,
        &mut used,
        |used| Ok(value_pass(used, target)),
        |_, _| target,
    )
}

/// The proposal for one value shared by all pods: `getUsageRatioReplicaCount`. At zero replicas, neither ready
/// pods nor the tolerance count.
#[expect(clippy::cast_precision_loss, reason = "Go converts the same way")]
pub(super) fn by_total(
    scene: ProposalInput<'_>,
    usage: i64,
    target: i64,
) -> Result<Proposal, MetricError> {
    let ratio = usage as f64 / target as f64;
    let mut proposal = Proposal {
        replicas: scene.current,
        total: Some(usage),
        ratio,
        ..Proposal::default()
    };
    if scene.current == 0 {
        proposal.replicas = go_int32(ratio.ceil());
        return Ok(proposal);
    }
    if scene.tolerances.contain(ratio) {
        return Ok(proposal);
    }
    proposal.groups.ready =
        ready_pods(scene.pods).map_err(|cause| cause.within("unable to calculate ready pods"))?;
    let replicas = ratio * proposal.groups.ready as f64;
    proposal.replicas = if scene.gates.caps_totals && replicas > f64::from(i32::MAX) {
        i32::MAX
    } else {
        go_int32(replicas.ceil())
    };
    Ok(proposal)
}

/// The proposal for one value divided by the existing pods: `GetExternalPerPodMetricReplicas` and
/// `GetObjectPerPodMetricReplicas`. With `caps`, an overflow becomes the largest number.
#[expect(clippy::cast_precision_loss, reason = "Go converts the same way")]
pub(super) fn by_share(scene: ProposalInput<'_>, usage: i64, target: i64, caps: bool) -> Proposal {
    let observed = f64::from(scene.observed);
    let (value, each) = (usage as f64, target as f64);
    let ratio = value / (each * observed);
    let replicas = (value / each).ceil();
    Proposal {
        replicas: if scene.tolerances.contain(ratio) {
            scene.observed
        } else if caps && replicas > f64::from(i32::MAX) {
            i32::MAX
        } else {
            go_int32(replicas)
        },
        raw_average: if caps && value >= i64::MAX as f64 {
            i64::MAX
        } else {
            go_int64((value / observed).ceil())
        },
        ratio,
        ..Proposal::default()
    }
}

/// `getReadyPodsCount`: pods that are running and ready, regardless of their age and samples.
fn ready_pods(pods: &[ModelPod]) -> Result<usize, MetricError> {
    if pods.is_empty() {
        return Err(MetricError::new(NO_PODS));
    }
    let ready = |pod: &&ModelPod| {
        let condition = pod.ready.as_ref();
        pod.phase == "Running" && condition.is_some_and(|c| c.status == "True")
    };
    Ok(pods.iter().filter(ready).count())
}

const NO_PODS: &str = "no pods returned by selector while calculating replica count";

/// The pods that count in the first pass, with their use.
pub(super) fn counted<'a>(
    scene: ProposalInput<'a>,
    mut used: UseByPod<'a>,
    resource: Option<&str>,
) -> Result<(UseByPod<'a>, PodGroups), MetricError> {
    if scene.pods.is_empty() {
        return Err(MetricError::new(NO_PODS));
    }
    let groups = pods::group(
        scene.pods,
        &used,
        resource,
        scene.now,
        scene.settings,
        scene.gates,
    );
    if !(groups.ignored.is_empty() && groups.unready.is_empty()) {
        used.retain(|pod| !groups.ignored.contains(pod) && !groups.unready.contains(pod));
    }
    if used.is_empty() {
        return Err(MetricError::new(
            "did not receive metrics for targeted pods (pods might be unready)",
        ));
    }
    Ok((used, groups))
}

/// The second half, the same for both kinds of target: one pass if all pods have values, else a second one with
/// conservative guesses for the others.
fn propose<'a>(
    scene: ProposalInput<'a>,
    first: &Pass,
    groups: PodGroups,
    used: &mut UseByPod<'a>,
    pass: impl Fn(&UseByPod<'a>) -> Result<Pass, MetricError>,
    missing_use_when_shrinking: impl Fn(usize, &str) -> i64,
) -> Result<Proposal, MetricError> {
    let ratio = first.ratio;
    let answer = |replicas, second_ratio, groups| Proposal {
        replicas,
        utilization: first.utilization,
        raw_average: first.average,
        ratio,
        second_ratio,
        groups,
        requested: first.requested,
        total: None,
        from_status: false,
    };
    let census = Census {
        ready: groups.ready,
        unready: groups.unready.len(),
        missing: groups.missing.len(),
    };
    let (replicas, second) = replicas(
        scene.tolerances,
        scene.current,
        census,
        ratio,
        |guesses: Guesses| {
            let guess = |milli| Use {
                milli,
                timestamp: ZERO_TIME,
                window: std::time::Duration::ZERO,
            };
            let guessed = |(place, pod): (usize, &'a ModelPod)| {
                let name = pod.name.as_str();
                let milli = if groups.missing.contains(name) {
                    match guesses.missing {
                        Guess::None => return None,
                        Guess::Idle => 0,
                        Guess::Busy => missing_use_when_shrinking(place, name),
                    }
                } else if guesses.unready && groups.unready.contains(name) {
                    0
                } else {
                    return None;
                };
                Some((name, guess(milli)))
            };
            used.extend(scene.pods.iter().enumerate().filter_map(guessed));
            Ok((pass(used)?.ratio, used.len()))
        },
    )?;
    Ok(answer(replicas, second, groups))
}

fn utilization_pass(
    used: &UseByPod<'_>,
    requests: &ByPod<'_, i64>,
    target: i32,
) -> Result<Pass, MetricError> {
    let (mut use_sum, mut requested, mut pods) = (0_i64, 0_i64, 0_i64);
    for (sample, request) in used.joined(requests) {
        use_sum = use_sum.wrapping_add(sample.milli);
        requested = requested.wrapping_add(*request);
        pods += 1;
    }
    let (utilization, ratio) = utilization_ratio(use_sum, requested, target)
        .ok_or_else(|| MetricError::new("no metrics returned matched known pods"))?;
    Ok(Pass {
        ratio,
        utilization: Some(utilization),
        average: use_sum.wrapping_div(pods),
        requested,
    })
}

/// `GetMetricUsageRatio` in `metrics/utilization.go`.
#[expect(clippy::cast_precision_loss, reason = "Go converts the same way")]
fn value_pass(used: &UseByPod<'_>, target: i64) -> Pass {
    let sum = used
        .values()
        .fold(0_i64, |sum, u| sum.wrapping_add(u.milli));
    let average = sum / i64::try_from(used.len()).unwrap_or(i64::MAX).max(1);
    Pass {
        ratio: average as f64 / target as f64,
        utilization: None,
        average,
        requested: 0,
    }
}

/// Go's conversion of a float to an `int64` on amd64: it truncates, and gives the smallest number if the value
/// does not fit.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the range is checked first"
)]
fn go_int64(value: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&value) {
        value as i64
    } else {
        i64::MIN
    }
}
