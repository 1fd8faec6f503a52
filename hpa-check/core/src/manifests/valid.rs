//! What the API server refuses in an autoscaler whose keys and types are right.
//!
//! Source: `ValidateHorizontalPodAutoscaler` in Kubernetes' `pkg/apis/autoscaling/validation/validation.go`.

use serde::Deserialize as _;
use serde_json::Value;

use crate::nulls::list;
use crate::quantity::{Quantity, approximate};

/// The end of a sentence that begins with the input's name.
type Checked = Result<(), String>;

/// `MaxStabilizationWindowSeconds` and `MaxPeriodSeconds`.
const LONGEST_WINDOW: i64 = 3600;
const LONGEST_PERIOD: i64 = 1800;

/// The members that hold a metric's source, and the types that need them.
const SOURCES: [(&str, &str); 5] = [
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
    ("Pods", "pods"),
    ("Object", "object"),
    ("External", "external"),
];

/// Checks a spec of autoscaling/v2.
pub(super) fn spec(spec: &Value) -> Checked {
    bounds(spec)?;
    reference(&spec["scaleTargetRef"], "spec.scaleTargetRef")?;
    for (n, one) in list(&spec["metrics"]).iter().enumerate() {
        metric(one, &format!("spec.metrics[{n}]"))?;
    }
    behavior(&spec["behavior"], "spec.behavior")
}

/// Checks a behavior.
pub(super) fn behavior(behavior: &Value, place: &str) -> Checked {
    for direction in ["scaleUp", "scaleDown"] {
        rules(&behavior[direction], &format!("{place}.{direction}"))?;
    }
    Ok(())
}

/// Checks the metadata, which may lack a name here.
pub(super) fn metadata(metadata: &Value) -> Checked {
    if let Some(name) = metadata["name"].as_str()
        && !is_subdomain(name)
    {
        let expected = "lowercase letters, digits, - and ., with a letter or digit at both ends";
        return Err(wrong("metadata.name", &metadata["name"], expected));
    }
    for key in ["labels", "annotations"] {
        let members = metadata[key].as_object().into_iter().flatten();
        for (name, value) in members {
            if !value.is_string() && !value.is_null() {
                let place = format!("metadata.{key}[{name:?}]");
                return Err(wrong(&place, value, "a string: put it in quotes"));
            }
        }
    }
    Ok(())
}

fn bounds(spec: &Value) -> Checked {
    let (min, max) = (&spec["minReplicas"], &spec["maxReplicas"]);
    at_least(1, max, "spec.maxReplicas")?;
    at_least(0, min, "spec.minReplicas")?;
    if min.as_i64() > max.as_i64() {
        let expected = format!("at most maxReplicas, {max}");
        return Err(wrong("spec.minReplicas", min, &expected));
    }
    let starts_pods =
        |metric: &Value| matches!(metric["type"].as_str(), Some("Object" | "External"));
    if min == 0 && !list(&spec["metrics"]).iter().any(starts_pods) {
        let expected =
            "at least 1, or a metric of type Object or External, which can call for the first pod";
        return Err(wrong("spec.minReplicas", min, expected));
    }
    Ok(())
}

fn reference(reference: &Value, place: &str) -> Checked {
    for key in ["kind", "name"] {
        segment(&reference[key], &format!("{place}.{key}"), "the object's")?;
    }
    Ok(())
}

fn metric(metric: &Value, place: &str) -> Checked {
    let kind = metric["type"].as_str().unwrap_or_default();
    let of_kind = SOURCES.iter().find(|(name, _)| *name == kind);
    // An unknown type has an error of its own.
    let Some((_, member)) = of_kind else {
        return Ok(());
    };
    let others = SOURCES.iter().filter(|(_, other)| other != member);
    for (_, other) in others {
        if !metric[*other].is_null() {
            return Err(format!(
                "has `{place}.{other}` in a metric of type {kind}: expected only `{member}`"
            ));
        }
    }
    let (source, place) = (&metric[*member], format!("{place}.{member}"));
    match kind {
        "Resource" | "ContainerResource" => {
            named(&source["name"], &format!("{place}.name"), "the resource's")?;
            if kind == "ContainerResource" {
                named(
                    &source["container"],
                    &format!("{place}.container"),
                    "the container's",
                )?;
            }
            target(source, &place, ["averageUtilization", "averageValue"], true)
        }
        _ => {
            if kind == "Object" {
                reference(
                    &source["describedObject"],
                    &format!("{place}.describedObject"),
                )?;
            }
            let name = &source["metric"]["name"];
            segment(name, &format!("{place}.metric.name"), "the metric's")?;
            let (keys, only): (&[&str], _) = match kind {
                "Pods" => (&["averageValue"], false),
                "Object" => (&["value", "averageValue"], false),
                _ => (&["value", "averageValue"], true),
            };
            target(source, &place, keys, only)
        }
    }
}

/// Checks a metric's target: it has one of these members, or, if `only`, exactly one.
fn target(source: &Value, place: &str, keys: impl AsRef<[&'static str]>, only: bool) -> Checked {
    let (target, place) = (&source["target"], format!("{place}.target"));
    let keys = keys.as_ref();
    let set: Vec<&&str> = keys.iter().filter(|key| !target[**key].is_null()).collect();
    let either = keys.join(" or ");
    if set.is_empty() {
        return Err(format!("lacks a value in `{place}`: expected {either}"));
    }
    if only && set.len() > 1 {
        let both = keys.join(" and ");
        return Err(format!("has {both} in `{place}`: expected {either}"));
    }
    let kind = target["type"].as_str();
    if !matches!(kind, Some("Utilization" | "Value" | "AverageValue")) {
        let expected = "Utilization, Value or AverageValue";
        return Err(wrong(&format!("{place}.type"), &target["type"], expected));
    }
    at_least(
        1,
        &target["averageUtilization"],
        &format!("{place}.averageUtilization"),
    )?;
    for key in ["value", "averageValue"] {
        let amount = &target[key];
        let positive = Quantity::deserialize(amount).is_ok_and(|amount| amount.milli() > 0);
        if !amount.is_null() && !positive {
            let expected = "a quantity above 0";
            return Err(wrong(&format!("{place}.{key}"), amount, expected));
        }
    }
    Ok(())
}

fn rules(rules: &Value, place: &str) -> Checked {
    let window = format!("{place}.stabilizationWindowSeconds");
    within(
        0,
        LONGEST_WINDOW,
        &rules["stabilizationWindowSeconds"],
        &window,
    )?;
    let tolerance = &rules["tolerance"];
    let text = tolerance
        .as_str()
        .map_or_else(|| tolerance.to_string(), str::to_owned);
    if approximate(&text).is_some_and(|share| share < 0.0) {
        return Err(wrong(
            &format!("{place}.tolerance"),
            tolerance,
            "at least 0",
        ));
    }
    if rules["policies"].as_array().is_some_and(Vec::is_empty) {
        return Err(format!(
            "has no policy in `{place}.policies`: add one, or leave the key out for the defaults"
        ));
    }
    for (n, policy) in list(&rules["policies"]).iter().enumerate() {
        let place = format!("{place}.policies[{n}]");
        at_least(1, &policy["value"], &format!("{place}.value"))?;
        let period = format!("{place}.periodSeconds");
        within(1, LONGEST_PERIOD, &policy["periodSeconds"], &period)?;
    }
    Ok(())
}

/// A name that must be there.
fn named<'v>(value: &'v Value, place: &str, whose: &str) -> Result<&'v str, String> {
    let text = value.as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| format!("lacks `{place}`: expected {whose} name"))
}

/// The same for one that is part of a path: `IsValidPathSegmentName` of apimachinery.
fn segment(value: &Value, place: &str, whose: &str) -> Checked {
    let name = named(value, place, whose)?;
    if matches!(name, "." | "..") || name.contains(['/', '%']) {
        return Err(wrong(place, value, "a name without / and %"));
    }
    Ok(())
}

fn at_least(least: i64, number: &Value, place: &str) -> Checked {
    match number.as_i64() {
        Some(n) if n < least => Err(wrong(place, number, &format!("at least {least}"))),
        _ => Ok(()),
    }
}

fn within(least: i64, most: i64, number: &Value, place: &str) -> Checked {
    match number.as_i64() {
        Some(n) if n < least || n > most => {
            Err(wrong(place, number, &format!("{least} to {most}")))
        }
        _ => Ok(()),
    }
}

fn wrong(place: &str, value: &Value, expected: &str) -> String {
    match value {
        Value::Null => format!("lacks `{place}`: expected {expected}"),
        value => format!("has {value} for `{place}`: expected {expected}"),
    }
}

/// A name of an object (RFC 1123 subdomain).
fn is_subdomain(name: &str) -> bool {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        let ends = bytes.first().zip(bytes.last());
        let ends = ends.is_some_and(|(first, last)| plain(*first) && plain(*last));
        ends && bytes.iter().all(|c| plain(*c) || *c == b'-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests;
