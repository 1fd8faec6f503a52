//! CPU requests, limits and capacity: what can be told before any load.

use super::{Case, Found, Rule, Weight};
use crate::findings::Finding;
use crate::model::counted;
use crate::spec::ContainerResources;
use crate::verdict::Outcome;

pub(super) const MISSING_CPU_REQUEST: Rule = Rule {
    finding: Finding {
        id: "missing-cpu-request",
        outcome: Outcome::Wrong,
        meaning: "A container that counts has no CPU request, so its utilization is undefined and the autoscaler stops.",
        fix: "Give every container of the pods, injected sidecars too, `resources.requests.cpu`.",
    },
    weight: Weight::Blocker,
    find: missing_request,
};

fn missing_request(case: &Case<'_>) -> Option<Found> {
    let mut metrics = case.spec()?.metrics.iter();
    let metric = metrics.find(|m| m.is_cpu() && m.utilization().is_some())?;
    let gates = case.state.gates();
    let living = case.state.pods.values().filter(|p| p.lives());
    let missing: Vec<String> = living
        .clone()
        .filter_map(|p| counted::request(&p.pod, &metric.source, gates).err())
        .filter(|error| error.starts_with("missing"))
        .collect();
    if let Some(first) = missing.first() {
        let (count, all) = (missing.len(), living.count());
        return Some(Found::new(
            format!(
                "{count} of {all} pods have no CPU request that counts, so a utilization can't be computed: {first}"
            ),
            missing.iter().skip(1).cloned(),
        ));
    }
    let (_, message) = case.state.refusal("ScalingActive")?;
    message.contains("missing request for cpu").then(|| {
        Found::new(
            "a container has no CPU request, so a utilization can't be computed",
            [format!("condition ScalingActive: {message}")],
        )
    })
}

pub(super) const LIMIT_CAPS_UTILIZATION: Rule = Rule {
    finding: Finding {
        id: "limit-caps-utilization",
        outcome: Outcome::Wrong,
        meaning: "The CPU limit keeps the utilization inside the tolerance of the target, so the autoscaler can never fire.",
        fix: "Raise the CPU limit or remove it, or lower the target.",
    },
    weight: Weight::Blocker,
    find: |case| {
        let target = i64::from(case.spec()?.cpu_target_percent()?);
        let mut living = case.state.pods.values().filter(|p| p.lives());
        let pod = &living.next()?.pod;
        let request: i64 = sum(&pod.containers, |c| c.cpu_request.map(|r| r.0))?;
        let limit: i64 = sum(&pod.containers, |c| c.cpu_limit.map(|l| l.0))?;
        let highest = limit * 100 / request.max(1);
        let needed = target * (100 + case.tolerance_percent());
        (request > 0 && highest * 100 <= needed).then(|| {
            Found::new(
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
    },
};

fn sum(
    containers: &[ContainerResources],
    of: impl Fn(&ContainerResources) -> Option<i64>,
) -> Option<i64> {
    containers.iter().map(of).sum()
}

pub(super) const CPU_REQUEST_TOO_HIGH: Rule = Rule {
    finding: Finding {
        id: "cpu-request-too-high",
        outcome: Outcome::Inconclusive,
        meaning: "At this CPU request all the CPU there is can't make the metric ask for the maximum.",
        fix: "Lower the CPU request of the pods, or test on more CPU.",
    },
    weight: Weight::Blocker,
    find: |case| {
        let (total, how) = case.usable()?;
        let max = case.expectation.max_replicas;
        let (needed, request) = (case.use_enough_for(max - 1)?, case.request()?);
        (total <= needed).then(|| {
            Found::new(
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
    },
};

pub(super) const CAPACITY_TOO_SMALL: Rule = Rule {
    finding: Finding {
        id: "capacity-too-small",
        outcome: Outcome::Surroundings,
        meaning: "The requests of as many pods as the maximum do not fit into the CPU there is.",
        fix: "Lower the CPU request of the pods, or add CPU.",
    },
    weight: Weight::Blocker,
    find: |case| {
        let (total, how) = case.capacity()?;
        let request = case.request()?;
        let max = case.expectation.max_replicas;
        let needed = i64::from(max) * request.0;
        (needed > total.0 && !case.reached_max()).then(|| {
            Found::new(
                format!(
                    "{max} pods at {request} each request {needed}m of CPU, and there are {total}"
                ),
                [format!("capacity: {how}")],
            )
        })
    },
};
