//! A metric of a container that does not exist.

use crate::findings::{Evidence, catalog};
use crate::observation::Pod;
use crate::rules::rule::{Rule, Weight};
use crate::rules::view::View;

pub(crate) const RULES: &[Rule] = &[Rule::shared(
    &catalog::METRIC_CONTAINER_MISSING,
    Weight::Blocker,
    missing,
)];

fn missing(view: &dyn View) -> Option<Evidence> {
    let living = view.living();
    let all = view.target().map_or(1, |t| t.spec_replicas.max(1));
    // The first pods observed may belong to another owner.
    if i32::try_from(living.len()).unwrap_or(i32::MAX) < all {
        return None;
    }
    let mut named = view
        .spec()?
        .metrics
        .iter()
        .filter_map(|m| m.source.container());
    let container = named.find(|name| !living.iter().any(|p| has(p.pod, name)))?;
    let names = |pod: &Pod| {
        let names: Vec<&str> = pod.containers.iter().map(|c| c.name.as_str()).collect();
        names.join(", ")
    };
    let pods = living
        .iter()
        .map(|p| format!("pod {}: containers {}", p.name(), names(p.pod)));
    let says = view.quoted_refusal("ScalingActive");
    Some(Evidence::new(
        format!(
            "the metric is for container {container}, which none of the {} pods has",
            living.len()
        ),
        says.into_iter().chain(pods),
    ))
}

fn has(pod: &Pod, container: &str) -> bool {
    pod.containers.iter().any(|c| c.name == container)
}
