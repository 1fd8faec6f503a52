//! Status conditions, as the API prints them.

use serde::{Deserialize, Serialize};

/// The type, such as `ScalingActive`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Such as `ScalingActive`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// The reason, such as `FailedGetResourceMetric`.
    pub reason: String,
    /// The message.
    pub message: String,
}
