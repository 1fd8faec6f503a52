//! Finding the autoscaler that is to be checked.

use hpa_check_core::spec::AutoscalerSpec;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::ResourceExt;
use kube::api::{Api, ListParams};

use super::connect::Cluster;
use super::convert;
use super::timing::Timing;
use super::trouble::{Kind, Trouble, within};
use crate::failure::Failure;

/// The autoscaler named, or the only one in the namespace, and what it is told to do.
pub(super) async fn autoscaler(
    cluster: &Cluster,
    name: Option<&str>,
    timing: Timing,
) -> Result<(String, AutoscalerSpec), Failure> {
    let api: Api<HorizontalPodAutoscaler> =
        Api::namespaced(cluster.client.clone(), &cluster.namespace);
    if let Some(name) = name {
        return match within(timing.call, api.get_opt(name)).await {
            Ok(Some(object)) => Ok((
                name.to_owned(),
                convert::autoscaler::autoscaler(object).spec,
            )),
            Ok(None) => Err(not_found(
                name,
                &cluster.namespace,
                &names(&api, timing).await,
            )),
            Err(trouble) => Err(unreadable(&trouble, "get", &cluster.namespace)),
        };
    }
    let list = within(timing.call, api.list(&ListParams::default()))
        .await
        .map_err(|trouble| unreadable(&trouble, "list", &cluster.namespace))?;
    let names = list.items.iter().map(ResourceExt::name_any).collect();
    let name = choose(names, &cluster.namespace)?;
    let mut all = list.items.into_iter();
    let object = all.find(|object| object.name_any() == name);
    let spec = object.map(|object| convert::autoscaler::autoscaler(object).spec);
    Ok((name, spec.unwrap_or_default()))
}

/// Only to be helpful in a failure, so its own failure is no matter.
async fn names(api: &Api<HorizontalPodAutoscaler>, timing: Timing) -> Vec<String> {
    within(timing.call, api.list(&ListParams::default()))
        .await
        .map(|list| list.items.iter().map(ResourceExt::name_any).collect())
        .unwrap_or_default()
}

fn choose(mut names: Vec<String>, namespace: &str) -> Result<String, Failure> {
    match names.len() {
        0 => Err(Failure::target(format!(
            "the namespace {namespace} has no HorizontalPodAutoscaler; choose another with --namespace"
        ))),
        1 => Ok(names.remove(0)),
        n => Err(Failure::target(format!(
            "the namespace {namespace} has {n} HorizontalPodAutoscalers; choose one with --autoscaler: {}",
            names.join(", ")
        ))),
    }
}

fn not_found(name: &str, namespace: &str, others: &[String]) -> Failure {
    let there = if others.is_empty() {
        "none is there to be seen".to_owned()
    } else {
        format!("there are: {}", others.join(", "))
    };
    Failure::target(format!(
        "the namespace {namespace} has no HorizontalPodAutoscaler {name}; {there}"
    ))
}

fn unreadable(trouble: &Trouble, verb: &str, namespace: &str) -> Failure {
    let advice = match trouble.kind {
        Kind::Forbidden => format!(
            "; grant {verb} on horizontalpodautoscalers.autoscaling in {namespace} (docs/run.md)"
        ),
        Kind::Unauthorized => "; renew the credentials".to_owned(),
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
    fn of_several_one_has_to_be_chosen_and_they_are_listed() {
        let failure = choose(vec!["a".into(), "b".into()], "demo").unwrap_err();
        assert_eq!(failure.code, 90);
        assert!(failure.message.ends_with("--autoscaler: a, b"), "{failure}");
    }

    #[test]
    fn a_missing_permission_is_named() {
        let trouble = Trouble {
            kind: Kind::Forbidden,
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
