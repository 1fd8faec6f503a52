//! The cheapest settings of a search in a form to apply: a manifest and a patch.

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
    let object = json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": target.name},
        "spec": spec(&then),
    });
    let mut patch = String::new();
    let changes = changes(&spec(now), &spec(&then));
    if !changes.is_empty() {
        let changes = json!({"spec": changes});
        patch += &format!(
            "kubectl patch hpa {} --type merge -p '{changes}'\n",
            target.name
        );
    }
    if then.pod.request != now.pod.request {
        let kind = target.kind.to_lowercase();
        let (name, request) = (&target.name, then.pod.request);
        patch += &format!("kubectl set resources {kind} {name} --requests=cpu={request}\n");
    }
    Some(Winner {
        manifest: serde_saphyr::to_string(&object).ok()?,
        patch,
    })
}

/// The spec in the API's form. Only metrics of CPU utilization are simulated.
fn spec(scenario: &Scenario) -> Value {
    let spec = &scenario.spec;
    let target = &spec.scale_target_ref;
    let metrics: Vec<Value> = spec
        .metrics
        .iter()
        .filter_map(|metric| {
            let target = json!({"type": "Utilization", "averageUtilization": metric.utilization()?});
            Some(match metric.source.container() {
                None => json!({"type": "Resource", "resource": {"name": "cpu", "target": target}}),
                Some(container) => json!({"type": "ContainerResource",
                    "containerResource": {"name": "cpu", "container": container, "target": target}}),
            })
        })
        .collect();
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
