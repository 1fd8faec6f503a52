//! Status conditions, as the API prints them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// One status condition. The model's own words are constants, so that deciding copies no text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Such as `ScalingActive`.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// `True`, `False` or `Unknown`.
    pub status: Cow<'static, str>,
    /// The reason, such as `FailedGetResourceMetric`.
    pub reason: Cow<'static, str>,
    /// The message.
    pub message: Cow<'static, str>,
}
