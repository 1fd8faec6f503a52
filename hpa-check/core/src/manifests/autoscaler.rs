//! Finds a HorizontalPodAutoscaler among objects as people write them, charts render them or `kubectl get -o
//! yaml` prints them. Every error is the end of a sentence that begins with the input's name.

use serde::Deserialize as _;
use serde_json::Value;

use super::limit_range::ContainerDefaults;
use super::origin::cpu_metric;
use super::workload::{WorkloadManifest, is_workload};
use super::{is_in, keys, named, older, valid};
use crate::spec::{AutoscalerSpec, Behavior, TargetRef};

pub(super) const KIND: &str = "HorizontalPodAutoscaler";

/// The CPU target of an autoscaler without metrics, in percent of the request:
/// `SetDefaults_HorizontalPodAutoscaler` in Kubernetes' `pkg/apis/autoscaling/v2/defaults.go`.
pub const DEFAULT_CPU_TARGET: i32 = 80;

/// An autoscaler, and what its input reveals about the pods it scales.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The autoscaler's name; empty if the input gives none.
    pub name: String,
    /// Its namespace, if the input gives one.
    pub namespace: Option<String>,
    /// Its spec as autoscaling/v2.
    pub spec: AutoscalerSpec,
    /// Its metrics as the API writes them, with every key.
    pub metrics: Vec<Value>,
    /// Its target, if the input contains it.
    pub workload: Option<WorkloadManifest>,
    /// What was filled in or skipped, one sentence each.
    pub notes: Vec<String>,
}

/// Reads the autoscaler with this name (`NAME` or `NAMESPACE/NAME`), or the only one. Documents may be lists.
///
/// # Errors
///
/// There is no autoscaler, there are several and no name, a hand-written one has an unknown key, or the API server
/// would refuse a value.
pub fn read(documents: &[Value], name: Option<&str>) -> Result<Manifest, String> {
    let objects = objects(documents);
    let object = find(&objects, name)?;
    let mut notes = Vec::new();
    let written = newest(object, &mut notes)?;
    let metrics = written["metrics"].as_array().cloned().unwrap_or_default();
    let spec = spec_of(object, &written)?;
    let metadata = |key: &str| object["metadata"][key].as_str().map(str::to_owned);
    let namespace = metadata("namespace");
    let reference = &spec.scale_target_ref;
    let target = target(&objects, reference, namespace.as_deref());
    let others: Vec<String> = objects
        .iter()
        .filter(|o| is_workload(o))
        .map(|o| named(o))
        .collect();
    if target.is_none() && !others.is_empty() {
        let TargetRef { kind, name, .. } = reference;
        notes.push(format!(
            "its target {kind}/{name} is not in the input, which has {}",
            others.join(", ")
        ));
    }
    let defaults = ContainerDefaults::of(&objects, namespace.as_deref())?;
    let read = |target| WorkloadManifest::read(target, &objects, &defaults);
    let workload = target.map(read).transpose()?;
    if metadata("name").or(metadata("generateName")).is_none() {
        notes.push("it has no metadata.name, without which a cluster refuses it".to_owned());
    }
    Ok(Manifest {
        name: metadata("name").unwrap_or_default(),
        namespace,
        spec,
        metrics,
        workload,
        notes,
    })
}

/// Reads a `behavior`: alone, under its key, or as part of a whole autoscaler.
///
/// # Errors
///
/// As for [`read`], and if the autoscaler has no behavior.
pub fn read_behavior(documents: &[Value], name: Option<&str>) -> Result<Behavior, String> {
    let found = objects(documents);
    if found.iter().any(|object| object.get("kind").is_some()) {
        let manifest = read(documents, name)?;
        return manifest
            .spec
            .behavior
            .ok_or_else(|| format!("has a {KIND} without spec.behavior: give one that has it, or apply all of its settings with --hpa"));
    }
    let [document] = found.as_slice() else {
        return Err("is not one document with a behavior".to_owned());
    };
    let inner = document.get("spec").unwrap_or(document);
    let behavior = inner.get("behavior").unwrap_or(inner);
    keys::check(inner, keys::BEHAVIOR_FILE, "the behavior")?;
    if behavior.as_object().is_none_or(serde_json::Map::is_empty) {
        return Err("has no behavior: expected scaleUp, scaleDown or both".to_owned());
    }
    let read = Behavior::deserialize(behavior);
    let read = read.map_err(|e| format!("can't be understood: {e}"))?;
    valid::behavior(behavior, "behavior")?;
    Ok(read)
}

/// The autoscaler's own object as autoscaling/v2 with the defaults filled in; it keeps its status and metadata.
///
/// # Errors
///
/// As for [`read`].
pub fn object(documents: &[Value], name: Option<&str>) -> Result<Value, String> {
    let objects = objects(documents);
    let found = find(&objects, name)?;
    let spec = newest(found, &mut Vec::new())?;
    spec_of(found, &spec)?;
    let mut object = found.clone();
    object["apiVersion"] = "autoscaling/v2".into();
    object["spec"] = spec;
    Ok(object)
}

fn spec_of(object: &Value, written: &Value) -> Result<AutoscalerSpec, String> {
    let spec = AutoscalerSpec::deserialize(written)
        .map_err(|e| format!("can't be understood: `spec` of {}: {e}", named(object)))?;
    for metric in &spec.metrics {
        if !metric.source.is_known() {
            return Err(format!(
                "has a metric of unknown type \"{}\": expected Resource, ContainerResource, Pods, Object or External",
                metric.source.kind()
            ));
        }
    }
    valid::metadata(&object["metadata"])?;
    valid::spec(written)?;
    Ok(spec)
}

/// The spec as autoscaling/v2.
fn newest(object: &Value, notes: &mut Vec<String>) -> Result<Value, String> {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    let shape = match version {
        "autoscaling/v2" | "autoscaling/v2beta2" => keys::SPEC,
        "autoscaling/v1" => keys::SPEC_V1,
        "autoscaling/v2beta1" => keys::SPEC_V2BETA1,
        "" => {
            return Err(format!(
                "has a {KIND} without an apiVersion: expected autoscaling/v2"
            ));
        }
        other => {
            return Err(format!(
                "has a {KIND} of {other}: expected autoscaling/v2 or autoscaling/v1"
            ));
        }
    };
    let known = keys::check(object, keys::AUTOSCALER, &named(object))
        .and_then(|()| keys::check(&object["spec"], shape, "spec"));
    if let Err(unknown) = known {
        // A newer server may print keys that this version does not know yet; a person may have mistyped one.
        if !printed_by_a_server(object) {
            return Err(unknown);
        }
        notes.push(unknown);
    }
    let mut spec = older::to_v2(object)?;
    let metrics = spec.get("metrics").and_then(Value::as_array);
    if metrics.is_none_or(Vec::is_empty) {
        notes.push(format!(
            "it has no metrics, so Kubernetes gives it {DEFAULT_CPU_TARGET} % CPU"
        ));
        spec["metrics"] = Value::Array(vec![cpu_metric(DEFAULT_CPU_TARGET)]);
    }
    Ok(spec)
}

fn printed_by_a_server(object: &Value) -> bool {
    object["metadata"]["uid"].is_string()
}

fn find<'a>(objects: &[&'a Value], name: Option<&str>) -> Result<&'a Value, String> {
    let all: Vec<&Value> = objects
        .iter()
        .copied()
        .filter(|o| o["kind"] == KIND)
        .collect();
    let is_named = |object: &&&Value| {
        name.is_none_or(|name| {
            let own = object["metadata"]["name"].as_str().unwrap_or_default();
            let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
            name == own || name == format!("{namespace}/{own}")
        })
    };
    let found: Vec<&Value> = all.iter().filter(is_named).copied().collect();
    match (found.as_slice(), all.as_slice(), name) {
        ([object], _, _) => Ok(object),
        ([], [], _) => Err(without_any(objects)),
        ([], all, name) => Err(format!(
            "has no {KIND} named {}, but {}",
            name.unwrap_or_default(),
            names(all)
        )),
        (several, _, _) => Err(format!(
            "has {} of them: {}; add the NAME of one to the command",
            several.len(),
            names(several)
        )),
    }
}

fn without_any(objects: &[&Value]) -> String {
    let mut kinds: Vec<&str> = objects.iter().filter_map(|o| o["kind"].as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    match kinds.as_slice() {
        [] => format!("has no {KIND}"),
        kinds if kinds.contains(&"ScaledObject") => {
            let object = objects.iter().find(|o| o["kind"] == "ScaledObject");
            let printed = object.map_or_else(String::new, |object| kubectl_get(object));
            format!(
                "has no {KIND} but a ScaledObject, from which KEDA creates one: print it with `{printed}`"
            )
        }
        kinds => format!("has no {KIND}, but {}", kinds.join(", ")),
    }
}

/// The command that prints the autoscaler of a `ScaledObject` together with its target.
fn kubectl_get(scaled: &Value) -> String {
    let spec = &scaled["spec"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let own = text(&spec["advanced"]["horizontalPodAutoscalerConfig"]["name"]);
    let object = text(&scaled["metadata"]["name"]).unwrap_or_else(|| "NAME".to_owned());
    let name = own.unwrap_or_else(|| format!("keda-hpa-{object}"));
    let target = &spec["scaleTargetRef"];
    let kind = text(&target["kind"]).unwrap_or_else(|| "Deployment".to_owned());
    let mut command = format!("kubectl get hpa/{name}");
    if let Some(target) = text(&target["name"]) {
        command += &format!(" {}/{target}", kind.to_lowercase());
    }
    if let Some(namespace) = text(&scaled["metadata"]["namespace"]) {
        command += &format!(" -n {namespace}");
    }
    command + " -o yaml"
}

fn names(objects: &[&Value]) -> String {
    let mut simple: Vec<&str> = objects
        .iter()
        .filter_map(|o| o["metadata"]["name"].as_str())
        .collect();
    simple.sort_unstable();
    let unique = simple.windows(2).all(|pair| pair[0] != pair[1]);
    let names = objects.iter().map(|object| {
        let name = object["metadata"]["name"]
            .as_str()
            .unwrap_or("one without a name");
        match object["metadata"]["namespace"].as_str() {
            Some(namespace) if !unique => format!("{namespace}/{name}"),
            _ => name.to_owned(),
        }
    });
    names.collect::<Vec<_>>().join(", ")
}

fn target<'a>(
    objects: &[&'a Value],
    reference: &TargetRef,
    namespace: Option<&str>,
) -> Option<&'a Value> {
    let is_named = |object: &&&Value| {
        object["kind"] == reference.kind.as_str()
            && object["metadata"]["name"] == reference.name.as_str()
            && is_in(object, namespace)
    };
    let named: Vec<&Value> = objects.iter().filter(is_named).copied().collect();
    // Another group may have a kind of the same name.
    let group = |version: &str| version.rsplit_once('/').map(|(group, _)| group.to_owned());
    let of_group = |object: &&&Value| {
        group(object["apiVersion"].as_str().unwrap_or_default()) == group(&reference.api_version)
    };
    let exact = named.iter().find(of_group).copied();
    exact.or_else(|| named.first().copied())
}

/// The objects of all documents; a list is replaced by its items.
pub fn objects(documents: &[Value]) -> Vec<&Value> {
    let mut all = Vec::new();
    for document in documents {
        match document.get("items") {
            Some(Value::Array(items)) => all.extend(objects(items)),
            Some(_) => {}
            None if document.is_null() => {}
            None => all.push(document),
        }
    }
    all
}

#[cfg(test)]
mod tests;
