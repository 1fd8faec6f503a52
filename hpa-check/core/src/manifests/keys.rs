//! The keys that an autoscaler may have, and the nearest one to an unknown key.
//!
//! Source: `HorizontalPodAutoscalerSpec` in Kubernetes' `staging/src/k8s.io/api/autoscaling`.

use serde_json::Value;

use program_common::nearest::nearest;

use KeySchema::{Any, List, Object};

/// What is allowed at a place.
#[derive(Debug, Clone, Copy)]
pub(super) enum KeySchema {
    /// Anything: a value, or a part that is not checked.
    Any,
    /// An object with these keys.
    Object(Keys),
    /// A list of objects with these keys.
    List(Keys),
}

type Keys = &'static [(&'static str, KeySchema)];

/// The whole object except its spec.
pub(super) const AUTOSCALER: KeySchema = Object(&[
    ("apiVersion", Any),
    ("kind", Any),
    ("metadata", METADATA),
    ("spec", Any),
    ("status", Any),
]);

/// `ObjectMeta`, with members of older versions that a server may have printed.
const METADATA: KeySchema = Object(&[
    ("name", Any),
    ("generateName", Any),
    ("namespace", Any),
    ("labels", Any),
    ("annotations", Any),
    ("ownerReferences", Any),
    ("finalizers", Any),
    ("uid", Any),
    ("resourceVersion", Any),
    ("generation", Any),
    ("creationTimestamp", Any),
    ("deletionTimestamp", Any),
    ("deletionGracePeriodSeconds", Any),
    ("managedFields", Any),
    ("selfLink", Any),
    ("clusterName", Any),
]);

/// `spec` of autoscaling/v2 and v2beta2.
pub(super) const SPEC: KeySchema = Object(&[
    ("scaleTargetRef", REFERENCE),
    ("minReplicas", Any),
    ("maxReplicas", Any),
    (
        "metrics",
        List(&[
            ("type", Any),
            ("resource", Object(&[("name", Any), ("target", TARGET)])),
            (
                "containerResource",
                Object(&[("name", Any), ("container", Any), ("target", TARGET)]),
            ),
            ("pods", Object(&[("metric", METRIC), ("target", TARGET)])),
            (
                "object",
                Object(&[
                    ("describedObject", REFERENCE),
                    ("metric", METRIC),
                    ("target", TARGET),
                ]),
            ),
            (
                "external",
                Object(&[("metric", METRIC), ("target", TARGET)]),
            ),
        ]),
    ),
    ("behavior", BEHAVIOR),
]);

/// `spec` of autoscaling/v1.
pub(super) const SPEC_V1: KeySchema = Object(&[
    ("scaleTargetRef", REFERENCE),
    ("minReplicas", Any),
    ("maxReplicas", Any),
    ("targetCPUUtilizationPercentage", Any),
]);

/// `spec` of autoscaling/v2beta1, whose metrics have the target's members next to the name.
pub(super) const SPEC_V2BETA1: KeySchema = Object(&[
    ("scaleTargetRef", REFERENCE),
    ("minReplicas", Any),
    ("maxReplicas", Any),
    (
        "metrics",
        List(&[
            ("type", Any),
            (
                "resource",
                Object(&[
                    ("name", Any),
                    ("targetAverageUtilization", Any),
                    ("targetAverageValue", Any),
                ]),
            ),
            (
                "containerResource",
                Object(&[
                    ("name", Any),
                    ("container", Any),
                    ("targetAverageUtilization", Any),
                    ("targetAverageValue", Any),
                ]),
            ),
            (
                "pods",
                Object(&[
                    ("metricName", Any),
                    ("targetAverageValue", Any),
                    ("selector", Any),
                ]),
            ),
            (
                "object",
                Object(&[
                    ("target", REFERENCE),
                    ("metricName", Any),
                    ("targetValue", Any),
                    ("averageValue", Any),
                    ("selector", Any),
                ]),
            ),
            (
                "external",
                Object(&[
                    ("metricName", Any),
                    ("metricSelector", Any),
                    ("targetValue", Any),
                    ("targetAverageValue", Any),
                ]),
            ),
        ]),
    ),
]);

/// A behavior in its own file: alone, or under its key.
pub(super) const BEHAVIOR_FILE: KeySchema = Object(&[
    ("behavior", BEHAVIOR),
    ("scaleUp", RULES),
    ("scaleDown", RULES),
]);

/// `spec.behavior`.
pub(super) const BEHAVIOR: KeySchema = Object(&[("scaleUp", RULES), ("scaleDown", RULES)]);

const REFERENCE: KeySchema = Object(&[("apiVersion", Any), ("kind", Any), ("name", Any)]);

const TARGET: KeySchema = Object(&[
    ("type", Any),
    ("averageUtilization", Any),
    ("averageValue", Any),
    ("value", Any),
]);

const METRIC: KeySchema = Object(&[("name", Any), ("selector", Any)]);

const RULES: KeySchema = Object(&[
    ("stabilizationWindowSeconds", Any),
    ("selectPolicy", Any),
    ("tolerance", Any),
    (
        "policies",
        List(&[("type", Any), ("value", Any), ("periodSeconds", Any)]),
    ),
]);

/// Finds the first key that is not allowed, or the first value that is no object or no list. The error is the end of
/// a sentence.
pub(super) fn check(value: &Value, shape: KeySchema, place: &str) -> Result<(), String> {
    match (shape, value) {
        (Object(known), Value::Object(members)) => {
            for (key, member) in members {
                let found = known.iter().find(|(name, _)| name == key);
                let Some((_, inner)) = found else {
                    return Err(unknown(key, known, place));
                };
                check(member, *inner, &format!("{place}.{key}"))?;
            }
            Ok(())
        }
        (List(known), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                let place = format!("{place}[{index}]");
                check(item, Object(known), &place)?;
                if item.is_null() {
                    return Err(of_another_form(item, &place, "an object"));
                }
            }
            Ok(())
        }
        (Any, _) | (_, Value::Null) => Ok(()),
        (Object(_), other) => Err(of_another_form(other, place, "an object")),
        (List(_), other) => Err(of_another_form(other, place, "a list")),
    }
}

fn of_another_form(value: &Value, place: &str, expected: &str) -> String {
    let form = match value {
        Value::Object(_) => "an object",
        Value::Array(_) => "a list",
        Value::Null => "nothing",
        _ => "a single value",
    };
    format!("has {form} for {place}: expected {expected}")
}

fn unknown(key: &str, known: Keys, place: &str) -> String {
    let names = known.iter().map(|(name, _)| *name);
    let advice = match nearest(key, names.clone()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("expected {}", names.collect::<Vec<_>>().join(", ")),
    };
    format!("has the unknown key `{key}` in {place}: {advice}")
}
