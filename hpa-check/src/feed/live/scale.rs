//! The API resource of a scale target, and its `/scale`.

use hpa_check_core::spec::TargetRef;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use kube::{Client, discovery};
use serde_json::Value;

use super::timing::Timing;
use super::trouble::{Trouble, within};

/// The API resource of a reference. The controller uses group and kind, regardless of the version. The common
/// kinds need no discovery, and no permission for it.
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
    if is_common(group, kind) {
        let kind = GroupVersionKind::gvk(group, "v1", kind);
        return Ok(ApiResource::from_gvk(&kind));
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

fn is_common(group: &str, kind: &str) -> bool {
    match group {
        "apps" => ["Deployment", "StatefulSet", "ReplicaSet"].contains(&kind),
        _ => (group, kind) == ("", "ReplicationController"),
    }
}

/// Whether the object itself has the contents of its `/scale`, under names shared by all of these kinds, so
/// that reading the scale is unnecessary.
pub(super) fn is_workload(resource: &ApiResource) -> bool {
    is_common(&resource.group, &resource.kind)
}

/// The contents of an object's `/scale`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scale {
    /// `spec.replicas`.
    pub(super) wanted: i32,
    /// `status.replicas`.
    pub(super) observed: i32,
    /// `status.selector`; `None` if there is none.
    pub(super) selector: Option<String>,
}

/// Reads an object's `/scale`.
pub(super) async fn read(
    api: &Api<DynamicObject>,
    name: &str,
    timing: Timing,
) -> Result<Scale, Trouble> {
    let scale = within(timing.call, api.get_subresource("scale", name)).await?;
    let number = |path: &str| {
        let number = scale.data.pointer(path).and_then(Value::as_i64);
        number.and_then(|n| i32::try_from(n).ok()).unwrap_or(0)
    };
    let selector = scale.data.pointer("/status/selector");
    Ok(Scale {
        // The API omits zero.
        wanted: number("/spec/replicas"),
        observed: number("/status/replicas"),
        selector: selector
            .and_then(Value::as_str)
            .filter(|selector| !selector.is_empty())
            .map(str::to_owned),
    })
}

/// The resource as an RBAC rule names it.
pub(super) fn rule(resource: &ApiResource) -> String {
    if resource.group.is_empty() {
        resource.plural.clone()
    } else {
        format!("{}.{}", resource.plural, resource.group)
    }
}
