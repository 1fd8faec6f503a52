//! CPU requests and limits of the running pods, not of the template, because injectors add containers.

use crate::findings::{Evidence, catalog};
use crate::observation::Pod;
use crate::rules::rule::{Rule, Weight};
use crate::rules::view::{PodView, View};

pub(crate) const RULES: &[Rule] = &[
    Rule::shared(&catalog::MISSING_CPU_REQUEST, Weight::Blocker, missing),
    Rule::shared(
        &catalog::LIMIT_CAPS_UTILIZATION,
        Weight::Blocker,
        limit_caps,
    ),
];

fn missing(view: &dyn View) -> Option<Evidence> {
    let lacking = lacking(view);
    if let Some((_, first)) = lacking.first() {
        let (count, all) = (lacking.len(), view.pods().map_or(0, |pods| pods.len()));
        return Some(Evidence::new(
            format!(
                "container {first} has no CPU request ({count} containers in {all} pods have none), \
                 so utilization can't be computed"
            ),
            quotes(&lacking),
        ));
    }
    // If the pods were not read, the controller's condition decides, unless it is outdated.
    let (_, message) = view.standing_refusal("ScalingActive")?;
    let unread = view.pods().is_none() || view.is_watched();
    (unread && message.contains("missing request for cpu")).then(|| {
        Evidence::new(
            "a container has no CPU request, so utilization can't be computed",
            [format!("condition ScalingActive: {message}")],
        )
    })
}

/// The containers without a request as quotes, leaving room for other quotes.
pub(crate) fn quotes<'b>(lacking: &'b [(PodView<'_>, &str)]) -> impl Iterator<Item = String> + 'b {
    let quote = |(pod, container): &(PodView<'_>, &str)| {
        format!("pod {}, container {container}: no requests.cpu", pod.name())
    };
    lacking.iter().take(4).map(quote)
}

/// The counted containers without a request, in pods that need one. Every pod counts, whatever its state:
/// one container of one pod stops the autoscaler (`calculatePodRequests` in `replica_calculator.go`). A pod of
/// the old template that is being deleted does so for a moment, unless the controller has been stopped for longer.
pub(crate) fn lacking(view: &dyn View) -> Vec<(PodView<'_>, &str)> {
    if view.cpu().is_none() {
        return Vec::new();
    }
    let stopped = view.standing_refusal("ScalingActive").is_some();
    let mut pods = view.pods().unwrap_or_default();
    pods.retain(|p| view.request(p.pod).is_none() && (stopped || !p.pod.deleting));
    let containers = pods
        .into_iter()
        .flat_map(|p| p.pod.containers.iter().map(move |c| (p, c)));
    containers
        .filter(|(_, c)| view.counts(&c.name) && c.cpu_request.is_none())
        .map(|(p, c)| (p, c.name.as_str()))
        .collect()
}

fn limit_caps(view: &dyn View) -> Option<Evidence> {
    if !view.only_cpu() {
        return None;
    }
    let target = view.target_percent()?;
    let living = view.living();
    // The average is capped only if every pod is; the highest cap counts.
    let caps = living.iter().map(|p| {
        let (request, limit) = (view.request(p.pod)?, limit(view, p.pod)?);
        Some((limit * 100 / request, limit, request, p))
    });
    let caps: Vec<_> = caps.collect::<Option<_>>()?;
    let (highest, limit, request, pod) = caps.into_iter().max_by_key(|(highest, ..)| *highest)?;
    let (band, fires) = (1.0 + view.tolerances()?.scale_up, view.fires_above()?);
    (ratio(highest, target) <= band).then(|| {
        Evidence::new(
            format!(
                "the CPU limit of {limit}m caps the utilization at {highest} % of the request of \
                 {request}m, and nothing happens up to {fires:.0} %"
            ),
            [format!(
                "pod {}: requests.cpu {request}m, limits.cpu {limit}m",
                pod.name()
            )],
        )
    })
}

/// The CPU limit of a pod's counted containers together, in millicores, if all have one.
fn limit(view: &dyn View, pod: &Pod) -> Option<i64> {
    let shared = pod.resources.as_ref().and_then(|r| r.limits.cpu);
    let counted = pod.containers.iter().filter(|c| view.counts(&c.name));
    let own: Option<i64> = counted.map(|c| c.cpu_limit.map(|l| l.0)).sum();
    own.into_iter().chain(shared.map(|l| l.0)).min()
}

#[expect(clippy::cast_precision_loss, reason = "percentages are far below 2^52")]
fn ratio(of: i64, to: i64) -> f64 {
    of as f64 / to as f64
}
