//! CPU requests, limits and capacity: what can be told before any load.

use super::rule::{Find, Rule, Weight};
use super::run_only::run::RunView;
use crate::findings::{Evidence, catalog};
use crate::model::counted;
use crate::spec::ContainerResources;

pub(super) const RULES: &[Rule] = &[
    MISSING_CPU_REQUEST,
    LIMIT_CAPS_UTILIZATION,
    CPU_REQUEST_TOO_HIGH,
    CAPACITY_TOO_SMALL,
];

const MISSING_CPU_REQUEST: Rule = Rule {
    finding: &catalog::MISSING_CPU_REQUEST,
    weight: Weight::Blocker,
    find: Find::Run(missing_request),
};

fn missing_request(run: &RunView<'_>) -> Option<Evidence> {
    let mut metrics = run.spec()?.metrics.iter();
    let metric = metrics.find(|m| m.is_cpu() && m.utilization().is_some())?;
    let gates = run.state.gates();
    let living = run.state.pods.values().filter(|p| p.lives());
    let missing: Vec<String> = living
        .clone()
        .filter_map(|p| counted::request(&p.pod, &metric.source, gates).err())
        .filter(|error| error.starts_with("missing"))
        .collect();
    if let Some(first) = missing.first() {
        let (count, all) = (missing.len(), living.count());
        return Some(Evidence::new(
            format!(
                "{count} of {all} pods have no CPU request that counts, so a utilization can't be computed: {first}"
            ),
            missing.iter().skip(1).cloned(),
        ));
    }
    let (_, message) = run.state.refusal("ScalingActive")?;
    message.contains("missing request for cpu").then(|| {
        Evidence::new(
            "a container has no CPU request, so a utilization can't be computed",
            [format!("condition ScalingActive: {message}")],
        )
    })
}

const LIMIT_CAPS_UTILIZATION: Rule = Rule {
    finding: &catalog::LIMIT_CAPS_UTILIZATION,
    weight: Weight::Blocker,
    find: Find::Run(|run| {
        if !run.only_cpu() {
            return None;
        }
        let target = i64::from(run.spec()?.cpu_target_percent()?);
        let mut living = run.state.pods.values().filter(|p| p.lives());
        let pod = &living.next()?.pod;
        let request: i64 = sum(&pod.containers, |c| c.cpu_request.map(|r| r.0))?;
        let limit: i64 = sum(&pod.containers, |c| c.cpu_limit.map(|l| l.0))?;
        let highest = limit * 100 / request.max(1);
        let needed = target * (100 + run.tolerance_percent());
        (request > 0 && highest * 100 <= needed).then(|| {
            Evidence::new(
                format!(
                    "the CPU limit of {limit}m caps the utilization at {highest} % of the request \
                     of {request}m, and nothing happens up to {} %",
                    needed / 100
                ),
                [format!(
                    "pod {}: request {request}m, limit {limit}m",
                    pod.name
                )],
            )
        })
    }),
};

fn sum(
    containers: &[ContainerResources],
    of: impl Fn(&ContainerResources) -> Option<i64>,
) -> Option<i64> {
    containers.iter().map(of).sum()
}

const CPU_REQUEST_TOO_HIGH: Rule = Rule {
    finding: &catalog::CPU_REQUEST_TOO_HIGH,
    weight: Weight::Blocker,
    find: Find::Run(|run| {
        let (total, how) = run.usable()?;
        let max = run.expectation.max_replicas;
        let (needed, request) = (run.use_enough_for(max - 1)?, run.request()?);
        (total <= needed).then(|| {
            Evidence::new(
                format!(
                    "asking for {max} pods takes more than {needed} of CPU use at a request of \
                     {request} each, and there are only {total}"
                ),
                [
                    format!("capacity: {how}"),
                    format!("pods: CPU request {request}"),
                ],
            )
        })
    }),
};

const CAPACITY_TOO_SMALL: Rule = Rule {
    finding: &catalog::CAPACITY_TOO_SMALL,
    weight: Weight::Blocker,
    find: Find::Run(|run| {
        let (total, how) = run.capacity()?;
        let request = run.request()?;
        let max = run.expectation.max_replicas;
        let needed = i64::from(max) * request.0;
        (needed > total.0 && !run.reached_max()).then(|| {
            Evidence::new(
                format!(
                    "{max} pods at {request} each request {needed}m of CPU, and there are {total}"
                ),
                [format!("capacity: {how}")],
            )
        })
    }),
};
