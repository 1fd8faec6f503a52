//! Quantities that carry their unit in their type.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Thousandths of one CPU core, as Kubernetes writes `100m`.
///
/// ```
/// use hpa_check_core::units::Millicores;
/// assert_eq!(Millicores(250).to_string(), "250m");
/// ```
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct Millicores(pub i64);

impl fmt::Display for Millicores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}m", self.0)
    }
}

impl std::iter::Sum for Millicores {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        Self(iter.map(|m| m.0).sum())
    }
}
