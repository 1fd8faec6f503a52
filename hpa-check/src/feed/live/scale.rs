//! Where a scale target lives in the API, and what its `/scale` says.

use hpa_check_core::spec::TargetRef;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use kube::{Client, discovery};
use serde_json::Value;

use super::timing::Timing;
use super::trouble::{Trouble, within};

/// The API resource of a reference. The controller goes by group and kind, whatever the version. The
/// common kinds need no discovery, and no right to it.
pub(super) async fn resource(
    client: &Client,
    reference: &TargetRef,
    timing: Timing,
) -> Result<ApiResource, Trouble> {
    let (group, version) = reference
        .api_version
        .split_once('/')
        .unwrap_or(("", reference.api_version.as_str()));
    let kind = reference.kind.as_str();
    if let Some(plural) = plural(group, kind) {
        let kind = GroupVersionKind::gvk(group, "v1", kind);
        return Ok(ApiResource::from_gvk_with_plural(&kind, plural));
    }
    let named = GroupVersionKind::gvk(group, version, kind);
    let trouble = match within(timing.call, discovery::pinned_kind(client, &named)).await {
        Ok((resource, _)) => return Ok(resource),
        Err(trouble) => trouble,
    };
    let served = within(timing.call, discovery::group(client, group)).await;
    let of_kind = served.ok().and_then(|group| group.recommended_kind(kind));
    of_kind.map(|(resource, _)| resource).ok_or(trouble)
}

fn plural(group: &str, kind: &str) -> Option<&'static str> {
    match (group, kind) {
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
