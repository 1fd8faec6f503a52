//! What an export lacks to restore the application completely.

use serde_json::Value;

use super::{is_own, named};

/// One sentence for each thing that a restore needs and the objects lack.
pub fn missing(objects: &[Value]) -> Vec<String> {
    let mut sentences: Vec<String> = objects
        .iter()
        .filter_map(|object| ownerless(object, objects))
        .collect();
    for object in objects.iter().filter(|object| is_own(object)) {
        match text(&object["kind"]) {
            "ScaledObject" => sentences.extend(credentials(object)),
            "TriggerAuthentication" => sentences.extend(secrets(object)),
            _ => {}
        }
    }
    sentences.sort_unstable();
    sentences.dedup();
    sentences
}

/// An object that another one creates is restored with its creator, if that is exported.
fn ownerless(object: &Value, objects: &[Value]) -> Option<String> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    let is_it = |other: &&Value| {
        other["kind"] == owner["kind"] && other["metadata"]["name"] == owner["name"]
    };
    if objects.iter().any(|other| is_it(&other)) {
        return None;
    }
    let (made, maker) = (
        named(object),
        format!("{}/{}", text(&owner["kind"]), text(&owner["name"])),
    );
    let lost = if object["kind"] == "HorizontalPodAutoscaler" {
        let target = &object["spec"]["scaleTargetRef"];
        format!(
            "nothing scales {}/{}",
            text(&target["kind"]),
            text(&target["name"])
        )
    } else {
        "it is missing".to_owned()
    };
    Some(format!(
        "{made} is created by {maker}, which is not in this export: after a restore {lost} until {maker} is there"
    ))
}

/// The cluster-wide credentials of the triggers.
fn credentials(object: &Value) -> Vec<String> {
    let triggers = object["spec"]["triggers"].as_array().into_iter().flatten();
    let references = triggers.map(|trigger| &trigger["authenticationRef"]);
    let cluster = references.filter(|r| r["kind"] == "ClusterTriggerAuthentication");
    let sentence = |reference: &Value| {
        let name = text(&reference["name"]);
        format!(
            "{} authenticates by ClusterTriggerAuthentication/{name}, which is cluster-scoped and not in this export",
            named(object)
        )
    };
    cluster.map(sentence).collect()
}

fn secrets(object: &Value) -> Vec<String> {
    let references = object["spec"]["secretTargetRef"]
        .as_array()
        .into_iter()
        .flatten();
    let sentence = |reference: &Value| {
        let name = text(&reference["name"]);
        format!(
            "{} reads Secret/{name}, and Secrets are never exported",
            named(object)
        )
    };
    references.map(sentence).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn autoscaler() -> Value {
        json!({"kind": "HorizontalPodAutoscaler", "metadata": {"name": "keda-hpa-cart", "ownerReferences": [
                {"kind": "ScaledObject", "name": "cart", "controller": true}]},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "cart"}}})
    }

    #[test]
    fn a_missing_scaled_object_of_an_exported_autoscaler_is_named() {
        assert_eq!(
            missing(&[autoscaler()]),
            [
                "HorizontalPodAutoscaler/keda-hpa-cart is created by ScaledObject/cart, which is not in this export: after a \
              restore nothing scales Deployment/cart until ScaledObject/cart is there"
            ]
        );
        let object = json!({"kind": "ScaledObject", "metadata": {"name": "cart"}});
        assert_eq!(missing(&[autoscaler(), object]), Vec::<String>::new());
    }

    #[test]
    fn missing_credentials_of_a_trigger_are_named() {
        let object = json!({"kind": "ScaledObject", "metadata": {"name": "cart"}, "spec": {"triggers": [
            {"type": "kafka", "authenticationRef": {"name": "own"}},
            {"type": "aws", "authenticationRef": {"name": "all", "kind": "ClusterTriggerAuthentication"}}]}});
        let own = json!({"kind": "TriggerAuthentication", "metadata": {"name": "own"}, "spec": {"secretTargetRef": [
            {"parameter": "password", "name": "kafka", "key": "p"}, {"parameter": "user", "name": "kafka", "key": "u"}]}});
        assert_eq!(
            missing(&[object, own]),
            [
                "ScaledObject/cart authenticates by ClusterTriggerAuthentication/all, which is cluster-scoped and not in this export",
                "TriggerAuthentication/own reads Secret/kafka, and Secrets are never exported",
            ]
        );
    }
}
