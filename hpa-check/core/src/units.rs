//! Quantities that carry their unit in their type.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantity::Quantity;

/// Thousandths of one CPU core, as Kubernetes writes `100m`.
///
/// ```
/// use hpa_check_core::units::Millicores;
/// assert_eq!(Millicores(250).to_string(), "250m");
/// ```
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Millicores(pub i64);

impl Millicores {
    /// In cores.
    #[expect(clippy::cast_precision_loss, reason = "millicores are far below 2^52")]
    pub fn cores(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

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

/// Memory in thousandths of a byte, because adapters report averages and the controller computes in thousandths.
///
/// ```
/// use hpa_check_core::units::Bytes;
/// assert_eq!(Bytes::whole(64 * 1024 * 1024).to_string(), "64Mi");
/// assert_eq!(Bytes::whole(1000).to_string(), "1000");
/// ```
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Bytes(pub Quantity);

impl Bytes {
    /// From whole bytes.
    pub const fn whole(bytes: i64) -> Self {
        Self(Quantity::from_milli(bytes.saturating_mul(1000)))
    }

    /// The amount in thousandths of a byte.
    pub const fn milli(self) -> i64 {
        self.0.milli()
    }
}

/// Prints the largest unit that gives a whole number.
impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const STEPS: [(i64, &str); 3] = [(1 << 30, "Gi"), (1 << 20, "Mi"), (1 << 10, "Ki")];
        let milli = self.milli();
        let fits = |(unit, _): &&(i64, &str)| milli != 0 && milli % (unit * 1000) == 0;
        match STEPS.iter().find(fits) {
            Some((unit, suffix)) => write!(f, "{}{suffix}", milli / (unit * 1000)),
            None => self.0.fmt(f),
        }
    }
}
