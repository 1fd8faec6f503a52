//! The status conditions.

use crate::observation::Condition;

/// Whether there is such a condition with status `True`.
pub fn is_true(conditions: &[Condition], kind: &str) -> bool {
    conditions
        .iter()
        .find(|c| c.kind == kind)
        .is_some_and(|c| c.status == "True")
}

/// `AbleToScale`.
pub const ABLE_TO_SCALE: &str = "AbleToScale";
/// `ScalingActive`.
pub const SCALING_ACTIVE: &str = "ScalingActive";
/// `ScalingLimited`.
pub const SCALING_LIMITED: &str = "ScalingLimited";
/// `ScaledToZero`, behind the gate `HPAScaleToZero`.
pub const SCALED_TO_ZERO: &str = "ScaledToZero";

/// The controller's message for a reason of `ScalingLimited`.
pub fn limited_message(reason: &str) -> &'static str {
    match reason {
        "ScaleUpLimit" => {
            "the desired replica count is increasing faster than the maximum scale rate"
        }
        "ScaleDownLimit" => {
            "the desired replica count is decreasing faster than the maximum scale rate"
        }
        "TooManyReplicas" => "the desired replica count is more than the maximum replica count",
        "TooFewReplicas" => "the desired replica count is less than the minimum replica count",
        _ => "the desired count is within the acceptable range",
    }
}
