//! Converts Kubernetes objects to observations, one file per kind. Nothing here queries or judges; what an
//! object lacks stays unknown.

pub(super) mod autoscaler;
pub(super) mod event;
pub(super) mod keda;
pub(super) mod meta;
pub(super) mod metrics;
pub(super) mod pod;
pub(super) mod selector;
pub(super) mod target;

use hpa_check_core::units::Bytes;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde::{Deserialize, Deserializer};

/// A quantity in thousandths, rounded up as the controller does.
pub(super) fn quantity_milli(quantity: &Quantity) -> Option<i64> {
    let parsed: hpa_check_core::quantity::Quantity = quantity.0.parse().ok()?;
    Some(parsed.milli())
}

/// A quantity of memory.
pub(super) fn quantity_bytes(quantity: &Quantity) -> Option<Bytes> {
    quantity.0.parse().ok().map(Bytes)
}

/// A list or map, empty if the server writes `null`, as Go's encoder does for an unset one.
pub(super) fn null_as_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
