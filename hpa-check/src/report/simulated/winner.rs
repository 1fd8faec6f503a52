//! The cheapest settings of a search in a form to apply: a manifest and a patch.

use hpa_check_core::manifests::cpu_metric;
use hpa_check_core::sim::{Scenario, Simulation};
use serde_json::{Map, Value, json};

/// The winner in a form to apply.
pub(crate) struct Winner {
    /// The autoscaler as YAML.
    pub(crate) manifest: String,
    /// Commands that change the existing autoscaler.
    pub(crate) patch: String,
}

/// The cheapest settings within the bounds, if there are any.
pub(crate) fn winner(simulation: &Simulation) -> Option<Winner> {
    let search = simulation.search.as_ref()?;
    let best = search.best.first()?;
    let (now, then) = (&simulation.scenario, best.apply(&simulation.scenario));
    let target = &now.spec.scale_target_ref;
    let origin = now.origin.as_ref().filter(|origin| !origin.name.is_empty());
    let name = origin.map_or(&target.name, |origin| &origin.name);
    let namespace = origin.and_then(|origin| origin.namespace.as_deref());
    let place = namespace.map_or_else(String::new, |namespace| format!(" -n {namespace}"));
    let mut metadata = json!({"name": name});
    if let Some(namespace) = namespace {
        metadata["namespace"] = namespace.into();
    }
    let object = json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata,
        "spec": spec(&then),
    });
    let mut patch = String::new();
    let changes = changes(&spec(now), &spec(&then));
    if !changes.is_empty() {
        let changes = json!({"spec": changes});
        patch += &format!("kubectl patch hpa {name}{place} --type merge -p '{changes}'\n");
    }
    if then.pod.request != now.pod.request {
        let kind = target.kind.to_lowercase();
        let (name, request) = (&target.name, then.pod.request);
        patch += &format!("kubectl set resources {kind} {name}{place} --requests=cpu={request}\n");
    }
    Some(Winner {
        manifest: serde_saphyr::to_string(&object).ok()?,
        patch,
    })
}

/// The spec in the API's form. It has all metrics of the manifest, even those that are not simulated: applying the
/// settings must not remove any.
fn spec(scenario: &Scenario) -> Value {
    let spec = &scenario.spec;
    let target = &spec.scale_target_ref;
    let percent = spec.cpu_target_percent();
    let metrics = match (&scenario.origin, percent) {
        (Some(origin), Some(percent)) => origin.metrics_at(percent, scenario.pod.request),
        (Some(origin), None) => origin.metrics.clone(),
        (None, _) => percent.into_iter().map(cpu_metric).collect(),
    };
    let mut written = json!({
        "scaleTargetRef": {"apiVersion": target.api_version, "kind": target.kind, "name": target.name},
        "minReplicas": spec.effective_min(),
        "maxReplicas": spec.max_replicas,
        "metrics": metrics,
    });
    if let Some(behavior) = &spec.behavior {
        written["behavior"] = behavior.written();
    }
    written
}

/// A JSON merge patch from one spec to another, one level deep: complete lists, and `null` for removed keys.
fn changes(now: &Value, then: &Value) -> Map<String, Value> {
    let mut changes = Map::new();
    for key in ["minReplicas", "maxReplicas", "metrics", "behavior"] {
        if now[key] != then[key] {
            changes.insert(key.to_owned(), then[key].clone());
        }
    }
    changes
}
