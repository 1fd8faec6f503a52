//! What one metric asks for before any limit: `GetResourceReplicas` and `calcPlainMetricReplicas`
//! in `replica_calculator.go`.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::pods::{self, Groups, Pod, PodMetric, Use, UseByPod};
use super::{Settings, Tolerances, VersionGates, ZERO_TIME, go_int32};

/// The surroundings of one computation.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The instant of the sync.
    pub now: Timestamp,
    /// The controller's settings.
    pub settings: &'a Settings,
    /// Feature gates and version rules.
    pub gates: VersionGates,
    /// The pods that the target's selector matches.
    pub pods: &'a [Pod],
    /// The metrics API's answer, or its error.
    pub metrics: Result<&'a [PodMetric], &'a str>,
}

/// What is asked of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ask<'a> {
    /// `spec.replicas` of the target.
    pub current: i32,
    /// The resource's name; `cpu` brings the readiness rules.
    pub resource: &'a str,
    /// The one container that counts.
    pub container: Option<&'a str>,
    /// The bands in which nothing happens.
    pub tolerances: Tolerances,
}

/// The answer, with the arithmetic behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The replicas asked for.
    pub replicas: i32,
    /// Percent of the request, of the first pass: what the status shows. `None` for a plain value.
    pub utilization: Option<i32>,
    /// Use per counted pod of the first pass, in thousandths of the unit.
    pub raw_average: i64,
    /// First-pass ratio of use to target.
    pub ratio: f64,
    /// The ratio after unready and missing pods were filled in, when they were.
    pub second_ratio: Option<f64>,
    /// How the pods divided.
    pub groups: Groups,
    /// Sum of the requests of the pods counted in the first pass, in thousandths of the unit.
    pub requested: i64,
}

/// One pass over the counted pods.
struct Pass {
    ratio: f64,
    utilization: Option<i32>,
    average: i64,
    requested: i64,
}

/// The proposal for a target in percent of the request: `GetResourceReplicas`.
pub fn utilization_replicas(
    scene: Scene<'_>,
    ask: Ask<'_>,
    target: i32,
) -> Result<Proposal, String> {
    let (mut used, groups) = counted(scene, ask)?;
    let requests = pods::requests_by_pod(scene.pods, ask.container, ask.resource, scene.gates)?;
    let first = utilization_pass(&used, &requests, target)?;
    propose(
        ask,
        &first,
        groups,
        &mut used,
        |used| utilization_pass(used, &requests, target),
        |pod| {
            let fallback = i64::from(target.max(100));
            requests
                .get(pod)
                .copied()
                .unwrap_or(0)
                .wrapping_mul(fallback)
                / 100
        },
    )
}

/// The proposal for a target as an amount per pod: `GetRawResourceReplicas`.
pub fn value_replicas(scene: Scene<'_>, ask: Ask<'_>, target: i64) -> Result<Proposal, String> {
    let (mut used, groups) = counted(scene, ask)?;
    let first = value_pass(&used, target);
    propose(
        ask,
        &first,
        groups,
        &mut used,
        |used| Ok(value_pass(used, target)),
        |_| target,
    )
}

/// The pods that count in the first pass, with their use.
fn counted(scene: Scene<'_>, ask: Ask<'_>) -> Result<(UseByPod, Groups), String> {
    let unable = |e: String| format!("unable to get metrics for resource {}: {e}", ask.resource);
    let metrics = scene.metrics.map_err(|e| {
        unable(format!(
            "unable to fetch metrics from resource metrics API: {e}"
        ))
    })?;
    if metrics.is_empty() {
        return Err(unable(
            "no metrics returned from resource metrics API".to_owned(),
        ));
    }
    if scene.pods.is_empty() {
        return Err("no pods returned by selector while calculating replica count".to_owned());
    }
    let mut used = pods::use_by_pod(metrics, ask.container);
    let groups = pods::group(
        scene.pods,
        &used,
        ask.resource,
        scene.now,
        scene.settings,
        scene.gates,
    );
    used.retain(|pod, _| !groups.ignored.contains(pod) && !groups.unready.contains(pod));
    if used.is_empty() {
        return Err("did not receive metrics for targeted pods (pods might be unready)".to_owned());
    }
    Ok((used, groups))
}

/// The second half, the same for both kinds of target: one pass if all pods are known, else a
/// second one with cautious guesses for the others.
fn propose(
    ask: Ask<'_>,
    first: &Pass,
    groups: Groups,
    used: &mut UseByPod,
    pass: impl Fn(&UseByPod) -> Result<Pass, String>,
    missing_use_when_shrinking: impl Fn(&str) -> i64,
) -> Result<Proposal, String> {
    let ratio = first.ratio;
    let answer = |replicas, second_ratio, groups| Proposal {
        replicas,
        utilization: first.utilization,
        raw_average: first.average,
        ratio,
        second_ratio,
        groups,
        requested: first.requested,
    };
    let grows_with_unready = !groups.unready.is_empty() && ratio > 1.0;
    if !grows_with_unready && groups.missing.is_empty() {
        let replicas = if ask.tolerances.contain(ratio) {
            ask.current
        } else {
            ceil_of(ratio, groups.ready)
        };
        return Ok(answer(replicas, None, groups));
    }

    let guess = |milli| Use {
        milli,
        timestamp: ZERO_TIME,
        window: std::time::Duration::ZERO,
    };
    for pod in &groups.missing {
        if ratio < 1.0 {
            used.insert(pod.clone(), guess(missing_use_when_shrinking(pod)));
        } else if ratio > 1.0 {
            used.insert(pod.clone(), guess(0));
        }
    }
    if grows_with_unready {
        for pod in &groups.unready {
            used.insert(pod.clone(), guess(0));
        }
    }

    let second = pass(used)?.ratio;
    let turned = (ratio < 1.0 && second > 1.0) || (ratio > 1.0 && second < 1.0);
    let replicas = if ask.tolerances.contain(second) || turned {
        ask.current
    } else {
        let wanted = ceil_of(second, used.len());
        let wrong_way =
            (second < 1.0 && wanted > ask.current) || (second > 1.0 && wanted < ask.current);
        if wrong_way { ask.current } else { wanted }
    };
    Ok(answer(replicas, Some(second), groups))
}

/// `GetResourceUtilizationRatio` in `metrics/utilization.go`: whole percent, cut off.
#[expect(
    clippy::cast_possible_truncation,
    reason = "Go converts to int32 by cutting off the high bits"
)]
fn utilization_pass(
    used: &UseByPod,
    requests: &BTreeMap<String, i64>,
    target: i32,
) -> Result<Pass, String> {
    let (mut use_sum, mut requested, mut pods) = (0_i64, 0_i64, 0_i64);
    for (pod, sample) in used {
        if let Some(request) = requests.get(pod) {
            use_sum = use_sum.wrapping_add(sample.milli);
            requested = requested.wrapping_add(*request);
            pods += 1;
        }
    }
    if requested == 0 {
        return Err("no metrics returned matched known pods".to_owned());
    }
    let utilization = (use_sum.wrapping_mul(100).wrapping_div(requested)) as i32;
    Ok(Pass {
        ratio: f64::from(utilization) / f64::from(target),
        utilization: Some(utilization),
        average: use_sum.wrapping_div(pods),
        requested,
    })
}

/// `GetMetricUsageRatio` in `metrics/utilization.go`.
#[expect(clippy::cast_precision_loss, reason = "Go converts the same way")]
fn value_pass(used: &UseByPod, target: i64) -> Pass {
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

#[expect(clippy::cast_precision_loss, reason = "pods are far fewer than 2^52")]
fn ceil_of(ratio: f64, pods: usize) -> i32 {
    go_int32((ratio * pods as f64).ceil())
}
