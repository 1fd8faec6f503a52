//! Converts autoscalers of older API versions to autoscaling/v2.
//!
//! Source: `pkg/apis/autoscaling/v1/conversion.go` of Kubernetes, and `v2beta1/conversion.go` of the releases
//! that had it.

use serde_json::{Map, Value, json};

/// Where autoscaling/v1 keeps fields that it does not have.
const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";

/// The spec as autoscaling/v2; the error is the end of a sentence.
pub(super) fn to_v2(object: &Value) -> Result<Value, String> {
    let mut spec = object["spec"].clone();
    if !spec.is_object() {
        return Err("has a HorizontalPodAutoscaler without a spec".to_owned());
    }
    match object["apiVersion"].as_str().unwrap_or_default() {
        "autoscaling/v1" => of_v1(&mut spec, &object["metadata"]["annotations"])?,
        "autoscaling/v2beta1" => {
            if let Some(metrics) = spec["metrics"].as_array() {
                spec["metrics"] = metrics.iter().map(metric).collect();
            }
        }
        _ => {}
    }
    Ok(spec)
}

fn of_v1(spec: &mut Value, annotations: &Value) -> Result<(), String> {
    let mut metrics = Vec::new();
    let percent = spec
        .as_object_mut()
        .and_then(|members| members.remove("targetCPUUtilizationPercentage"));
    if let Some(percent) = percent.filter(|p| !p.is_null()) {
        let target = json!({"type": "Utilization", "averageUtilization": percent});
        metrics.push(json!({"type": "Resource", "resource": {"name": "cpu", "target": target}}));
    }
    if let Some(written) = annotation(annotations, METRICS)? {
        metrics.extend(written.as_array().into_iter().flatten().map(metric));
    }
    spec["metrics"] = metrics.into();
    if let Some(behavior) = annotation(annotations, BEHAVIOR)? {
        spec["behavior"] = lower(&behavior);
    }
    Ok(())
}

fn annotation(annotations: &Value, name: &str) -> Result<Option<Value>, String> {
    let Some(text) = annotations[name].as_str() else {
        return Ok(None);
    };
    let value = serde_json::from_str(text);
    value
        .map(Some)
        .map_err(|e| format!("has an annotation {name} that is not JSON: {e}"))
}

/// A metric as v1 annotations and v2beta1 write it, with the target's members next to the name.
fn metric(old: &Value) -> Value {
    let kind = old["type"].as_str().unwrap_or_default();
    let member = kind.chars().next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(kind.chars().skip(1)).collect()
    });
    let source = &old[member.as_str()];
    let name = [&source["metricName"], &source["name"]];
    let name = name.into_iter().find(|n| n.is_string()).cloned();
    let target = target(source);
    let selector = [&source["metricSelector"], &source["selector"]];
    let selector = selector.into_iter().find(|s| s.is_object());
    let mut metric = Map::from_iter([("name".to_owned(), name.unwrap_or_default())]);
    if let Some(selector) = selector {
        metric.insert("selector".to_owned(), selector.clone());
    }
    let new = match kind {
        "Resource" => json!({"name": source["name"], "target": target}),
        "ContainerResource" => {
            json!({"name": source["name"], "container": source["container"], "target": target})
        }
        "Object" => {
            json!({"describedObject": source["target"], "metric": metric, "target": target})
        }
        "Pods" | "External" => json!({"metric": metric, "target": target}),
        _ => return old.clone(),
    };
    json!({"type": kind, member: new})
}

fn target(source: &Value) -> Value {
    let average = [&source["targetAverageValue"], &source["averageValue"]];
    let average = average.into_iter().find(|v| !v.is_null());
    if let Some(average) = average {
        return json!({"type": "AverageValue", "averageValue": average});
    }
    match (&source["targetAverageUtilization"], &source["targetValue"]) {
        (Value::Null, Value::Null) => json!({}),
        (Value::Null, value) => json!({"type": "Value", "value": value}),
        (percent, _) => json!({"type": "Utilization", "averageUtilization": percent}),
    }
}

/// Lowercases the first letter of every key: the annotation holds the API server's internal type, which has no
/// JSON names.
fn lower(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(key, member)| {
                let mut letters = key.chars();
                let first = letters.next().into_iter().flat_map(char::to_lowercase);
                (first.chain(letters).collect::<String>(), lower(member))
            })
            .collect(),
        Value::Array(items) => items.iter().map(lower).collect(),
        other => other.clone(),
    }
}
