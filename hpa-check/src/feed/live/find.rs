//! Finds the autoscaler to check.

use hpa_check_core::keda::ScaledObject;
use hpa_check_core::spec::AutoscalerSpec;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use program_common::nearest::nearest;

use super::connect::Cluster;
use super::convert;
use super::keda;
use super::timing::Timing;
use super::trouble::{Trouble, TroubleKind, within};
use crate::failure::Failure;

/// An autoscaler, and what is known about it before it is watched.
pub(super) struct Found {
    pub(super) name: String,
    pub(super) spec: AutoscalerSpec,
    /// KEDA's object that it belongs to. Without it, what KEDA does on purpose would look like a fault.
    pub(super) scaled_object: Option<ScaledObject>,
}

/// Finds the named autoscaler, or the only one in the namespace, with its spec.
pub(super) async fn autoscaler(
    cluster: &Cluster,
    name: Option<&str>,
    timing: Timing,
) -> Result<Found, Failure> {
    let object = object(cluster, name, timing).await?;
    let scaled_object = match convert::keda::owner(&object.metadata) {
        Some(owner) => {
            let (client, namespace) = (&cluster.client, &cluster.namespace);
            Some(keda::object(client, namespace, &owner, timing).await)
        }
        None => None,
    };
    Ok(Found {
        name: object.name_any(),
        spec: convert::autoscaler::autoscaler(object).spec,
        scaled_object,
    })
}

async fn object(
    cluster: &Cluster,
    name: Option<&str>,
    timing: Timing,
) -> Result<HorizontalPodAutoscaler, Failure> {
    let api: Api<HorizontalPodAutoscaler> =
        Api::namespaced(cluster.client.clone(), &cluster.namespace);
    if let Some(name) = name {
        return match within(timing.call, api.get_opt(name)).await {
            Ok(Some(object)) => Ok(object),
            Ok(None) => Err(absent(cluster, &api, name, timing).await),
            Err(trouble) => Err(unreadable(&trouble, "get", &cluster.namespace)),
        };
    }
    let list = within(timing.call, api.list(&ListParams::default()))
        .await
        .map_err(|trouble| unreadable(&trouble, "list", &cluster.namespace))?;
    let names: Vec<String> = list.items.iter().map(ResourceExt::name_any).collect();
    let none = names.is_empty();
    let name = match choose(names, &cluster.namespace) {
        Err(failure) if none => {
            if let Some(missing) = no_namespace(cluster, timing).await {
                return Err(missing);
            }
            let paused = keda::paused(&cluster.client, &cluster.namespace, timing).await;
            return Err(with_pauses(failure, &paused));
        }
        chosen => chosen?,
    };
    let mut all = list.items.into_iter();
    let object = all.find(|object| object.name_any() == name);
    Ok(object.unwrap_or_default())
}

/// Why there is no autoscaler of this name: neither its namespace nor its API need exist.
async fn absent(
    cluster: &Cluster,
    api: &Api<HorizontalPodAutoscaler>,
    name: &str,
    timing: Timing,
) -> Failure {
    let (client, namespace) = (&cluster.client, &cluster.namespace);
    let list = within(timing.call, api.list(&ListParams::default())).await;
    let names: Vec<String> = match list {
        Ok(list) => list.items.iter().map(ResourceExt::name_any).collect(),
        Err(trouble) if trouble.kind == TroubleKind::NotFound => {
            return unreadable(&trouble, "list", namespace);
        }
        Err(_) => Vec::new(),
    };
    if names.is_empty()
        && let Some(missing) = no_namespace(cluster, timing).await
    {
        return missing;
    }
    let paused = keda::paused(client, namespace, timing).await;
    with_pauses(not_found(name, namespace, &names), &paused)
}

/// That the namespace does not exist, if that is certain.
async fn no_namespace(cluster: &Cluster, timing: Timing) -> Option<Failure> {
    let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
    let name = cluster.namespace.as_str();
    let Ok(None) = within(timing.call, namespaces.get_opt(name)).await else {
        return None;
    };
    let all = within(timing.call, namespaces.list(&ListParams::default())).await;
    let all = all.map(|all| all.items.iter().map(ResourceExt::name_any).collect());
    let all: Vec<String> = all.unwrap_or_default();
    let hint = did_you_mean(name, all.iter().map(String::as_str));
    Some(Failure::target(format!(
        "the namespace {name} does not exist{hint}"
    )))
}

/// KEDA deletes the autoscaler of a paused `ScaledObject`.
fn with_pauses(failure: Failure, paused: &[ScaledObject]) -> Failure {
    let each = paused.iter().filter_map(|object| {
        let (_, annotation) = object.pause()?;
        Some(format!("{object} ({annotation})"))
    });
    let each: Vec<String> = each.collect();
    if each.is_empty() {
        return failure;
    }
    let message = format!(
        "{}. KEDA removes the autoscaler of a paused ScaledObject until its annotation is removed; paused here: {}",
        failure.message,
        each.join(", ")
    );
    Failure { message, ..failure }
}

fn choose(mut names: Vec<String>, namespace: &str) -> Result<String, Failure> {
    match names.len() {
        0 => Err(Failure::target(format!(
            "the namespace {namespace} has no HorizontalPodAutoscaler; choose another with --namespace"
        ))),
        1 => Ok(names.remove(0)),
        n => Err(Failure::target(format!(
            "the namespace {namespace} has {n} HorizontalPodAutoscalers; name one of them: {}",
            names.join(", ")
        ))),
    }
}

fn not_found(name: &str, namespace: &str, others: &[String]) -> Failure {
    let there = if others.is_empty() {
        ", nor any other: choose another with --namespace".to_owned()
    } else {
        format!("; there are: {}", others.join(", "))
    };
    Failure::target(format!(
        "the namespace {namespace} has no HorizontalPodAutoscaler {name}{there}"
    ))
}

/// A question that suggests the nearest existing name, to end a sentence with.
pub(crate) fn did_you_mean<'a>(name: &str, all: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, all).map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

/// Advice about a server without the API.
pub(super) const NEEDS_V2: &str =
    "the server does not serve autoscaling/v2, which Kubernetes has since 1.23";

fn unreadable(trouble: &Trouble, verb: &str, namespace: &str) -> Failure {
    let advice = match (trouble.remedy(), trouble.kind) {
        (Some(remedy), _) => format!("; {remedy}"),
        (None, TroubleKind::Forbidden) => format!(
            "; grant {verb} on horizontalpodautoscalers.autoscaling in {namespace} (docs/run.md)"
        ),
        (None, TroubleKind::NotFound) => format!("; {NEEDS_V2}"),
        _ => String::new(),
    };
    Failure::target(format!(
        "the HorizontalPodAutoscalers of {namespace} can't be read: {}{advice}",
        trouble.message
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_autoscaler_needs_no_name() {
        assert_eq!(choose(vec!["fib".into()], "demo").unwrap(), "fib");
    }

    #[test]
    fn one_of_several_autoscalers_must_be_named_and_they_are_listed() {
        let failure = choose(vec!["a".into(), "b".into()], "demo").unwrap_err();
        assert_eq!(failure.code, 90);
        assert!(
            failure.message.ends_with("name one of them: a, b"),
            "{failure}"
        );
    }

    #[test]
    fn a_missing_permission_is_named() {
        let trouble = Trouble {
            kind: TroubleKind::Forbidden,
            message: "no".into(),
        };
        let failure = unreadable(&trouble, "list", "demo");
        assert!(
            failure
                .message
                .contains("grant list on horizontalpodautoscalers.autoscaling in demo"),
            "{failure}"
        );
    }
}
