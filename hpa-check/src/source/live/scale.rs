//! Where a scale target lives in the API, and what its `/scale` says.

use hpa_check_core::spec::TargetRef;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use kube::{Client, discovery};
use serde_json::Value;

use super::timing::Timing;
use super::trouble::{Trouble, within};

/// The API resource of a reference. The common kinds need no discovery, and no right to it.
pub(super) async fn resource(
    client: &Client,
    reference: &TargetRef,
    timing: Timing,
) -> Result<ApiResource, Trouble> {
    let (group, version) = reference
        .api_version
        .split_once('/')
        .unwrap_or(("", reference.api_version.as_str()));
    let kind = GroupVersionKind::gvk(group, version, &reference.kind);
    if let Some(plural) = plural(&kind) {
        return Ok(ApiResource::from_gvk_with_plural(&kind, plural));
    }
    within(timing.call, discovery::pinned_kind(client, &kind))
        .await
        .map(|(resource, _)| resource)
}

fn plural(kind: &GroupVersionKind) -> Option<&'static str> {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps", "Deployment") => Some("deployments"),
        ("apps", "StatefulSet") => Some("statefulsets"),
        ("apps", "ReplicaSet") => Some("replicasets"),
        ("", "ReplicationController") => Some("replicationcontrollers"),
        _ => None,
    }
}

/// Whether the object's own selector is what its `/scale` gives, so that asking is needless.
pub(super) fn has_own_selector(resource: &ApiResource) -> bool {
    matches!(resource.group.as_str(), "apps" | "")
}

/// `status.selector` of the object's `/scale`.
pub(super) async fn selector(
    api: &Api<DynamicObject>,
    name: &str,
    timing: Timing,
) -> Result<Option<String>, Trouble> {
    let scale = within(timing.call, api.get_subresource("scale", name)).await?;
    Ok(scale
        .data
        .pointer("/status/selector")
        .and_then(Value::as_str)
        .filter(|selector| !selector.is_empty())
        .map(str::to_owned))
}

/// The resource as an RBAC rule names it.
pub(super) fn rule(resource: &ApiResource) -> String {
    if resource.group.is_empty() {
        resource.plural.clone()
    } else {
        format!("{}.{}", resource.plural, resource.group)
    }
}
