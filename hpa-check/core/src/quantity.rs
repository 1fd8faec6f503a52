//! Parses Kubernetes quantities (`100m`, `1.5`, `123456789n`, `2Gi`, `1e3`) into thousandths.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in thousandths of its unit, rounded up as in the controller.
///
/// Grammar and rounding follow `ParseQuantity` and `Quantity.MilliValue` in
/// `k8s.io/apimachinery/pkg/api/resource`.
///
/// ```
/// use hpa_check_core::quantity::Quantity;
/// let read = |text: &str| text.parse::<Quantity>().map(|q| q.milli());
/// assert_eq!(read("250m"), Ok(250));
/// assert_eq!(read("123456789n"), Ok(124));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct Quantity {
    milli: i64,
}

impl Quantity {
    /// An amount in thousandths of its unit.
    pub const fn from_milli(milli: i64) -> Self {
        Self { milli }
    }

    /// The amount in thousandths, rounded up.
    pub const fn milli(self) -> i64 {
        self.milli
    }
}

/// The shortest plain form: `600`, or `2550m` if it needs thousandths.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.milli % 1000 == 0 {
            write!(f, "{}", self.milli / 1000)
        } else {
            write!(f, "{}m", self.milli)
        }
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A quantity in a manifest: a string or a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Whole(i64),
    Fraction(f64),
}

impl Written {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Whole(number) => number.to_string(),
            Self::Fraction(number) => number.to_string(),
        }
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Written::deserialize(deserializer)?.text();
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A fraction such as a tolerance, as a quantity (`600m`, `"0.1"`) or a number, for `#[serde(with =
/// "crate::quantity::fraction")]`. It is written as a number.
pub mod fraction {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Written, approximate};

    /// Writes the number.
    pub fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.serialize_some(value),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a number or a quantity.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<f64>, D::Error> {
        let Some(written) = Option::<Written>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let text = written.text();
        let value = approximate(&text);
        let expected = "expected a fraction such as 0.1 or 100m";
        value.map(Some).ok_or_else(|| {
            serde::de::Error::custom(format!("{text:?} is not a quantity: {expected}"))
        })
    }
}

/// The quantity as a double, computed as the controller computes a tolerance: the API server stores a mantissa
/// and a power of a thousand, and `Quantity.AsApproximateFloat64` multiplies the two.
pub fn approximate(text: &str) -> Option<f64> {
    /// The API's finest precision: billionths.
    const NANO: i32 = -9;
    const POWERS: [(i32, f64); 4] = [(-9, 1e-9), (-6, 1e-6), (-3, 1e-3), (0, 1.0)];
    let nano = scaled(text, -NANO)?;
    let (mut mantissa, mut exponent) = (nano, NANO);
    while exponent < 0 && mantissa % 1000 == 0 {
        mantissa /= 1000;
        exponent += 3;
    }
    let (_, power) = POWERS.into_iter().find(|(e, _)| *e == exponent)?;
    #[expect(clippy::cast_precision_loss, reason = "Go converts the same way")]
    Some(mantissa as f64 * power)
}

/// Text that is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a Kubernetes quantity: expected a number with one of the suffixes n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei or an exponent, such as 100m, and at most {} units", i64::MAX / 1000)]
pub struct BadQuantity {
    text: String,
}

impl FromStr for Quantity {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        milli(text)
            .map(|milli| Self { milli })
            .ok_or_else(|| BadQuantity {
                text: text.to_owned(),
            })
    }
}

fn milli(text: &str) -> Option<i64> {
    scaled(text, 3)
}

/// The number times `10^digits`, rounded up.
fn scaled(text: &str, digits: i32) -> Option<i64> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let end = unsigned
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(unsigned.len());
    let (written, suffix) = unsigned.split_at(end);
    let (whole, fraction) = written.split_once('.').unwrap_or((written, ""));
    if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let number: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = Scale::of(suffix)?;
    let decimals = i32::try_from(fraction.len()).ok()?;
    let signed = if negative { -number } else { number };
    let numerator = signed.checked_mul(scale.factor)?;
    i64::try_from(shift_up(
        numerator,
        scale.exponent.checked_sub(decimals)?.checked_add(digits)?,
    )?)
    .ok()
}

/// A suffix multiplies by `factor · 10^exponent`.
struct Scale {
    factor: i128,
    exponent: i32,
}

impl Scale {
    fn of(suffix: &str) -> Option<Self> {
        let decimal = |exponent| {
            Some(Self {
                factor: 1,
                exponent,
            })
        };
        let binary = |power: u32| {
            Some(Self {
                factor: 1 << (10 * power),
                exponent: 0,
            })
        };
        match suffix {
            "n" => decimal(-9),
            "u" => decimal(-6),
            "m" => decimal(-3),
            "" => decimal(0),
            "k" => decimal(3),
            "M" => decimal(6),
            "G" => decimal(9),
            "T" => decimal(12),
            "P" => decimal(15),
            "E" => decimal(18),
            "Ki" => binary(1),
            "Mi" => binary(2),
            "Gi" => binary(3),
            "Ti" => binary(4),
            "Pi" => binary(5),
            "Ei" => binary(6),
            _ => decimal(suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
        }
    }
}

/// `value · 10^exponent`, rounded up to a whole number; `None` if it overflows.
fn shift_up(value: i128, exponent: i32) -> Option<i128> {
    let power = 10_i128.checked_pow(exponent.unsigned_abs());
    if exponent >= 0 {
        return if value == 0 {
            Some(0)
        } else {
            value.checked_mul(power?)
        };
    }
    // Dividing by a power that overflows gives almost nothing.
    let Some(power) = power else {
        return Some(i128::from(value > 0));
    };
    Some(value.div_euclid(power) + i128::from(value.rem_euclid(power) != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milli(text: &str) -> Option<i64> {
        text.parse::<Quantity>().ok().map(Quantity::milli)
    }

    #[test]
    fn every_suffix_scales_as_in_the_api() {
        for (text, expected) in [
            ("0", 0),
            ("100m", 100),
            ("0.1", 100),
            (".5", 500),
            ("1.", 1000),
            ("+2", 2000),
            ("-1500m", -1500),
            ("2k", 2_000_000),
            ("1M", 1_000_000_000),
            ("1G", 1_000_000_000_000),
            ("1Ki", 1_024_000),
            ("1.5Mi", 1_572_864_000),
            ("1Gi", 1_073_741_824_000),
            ("1e3", 1_000_000),
            ("1E3", 1_000_000),
            ("5e-1", 500),
            ("0E", 0),
        ] {
            assert_eq!(milli(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn fractions_of_a_thousandth_round_up() {
        assert_eq!(milli("123456789n"), Some(124));
        assert_eq!(milli("1n"), Some(1));
        assert_eq!(milli("1u"), Some(1));
        assert_eq!(milli("-1n"), Some(0));
        assert_eq!(milli("1e-99"), Some(1));
        assert_eq!(milli("0.0001"), Some(1));
    }

    #[test]
    fn a_fraction_is_exactly_the_double_that_the_controller_uses() {
        for (text, expected) in [
            ("600m", 0.6),
            ("0.1", 0.1),
            ("0.05", 0.05),
            ("9m", 0.009_000_000_000_000_001),
            ("0", 0.0),
            ("1", 1.0),
            ("500u", 0.0005),
            ("1e-1", 0.1),
        ] {
            let read = approximate(text).unwrap();
            assert_eq!(read.to_bits(), f64::to_bits(expected), "{text}: {read}");
        }
        assert_eq!(approximate("some"), None);
    }

    #[test]
    fn a_quantity_is_read_from_text_or_a_number_and_written_in_its_shortest_form() {
        for (json, shown) in [
            ("\"2550m\"", "2550m"),
            ("100", "100"),
            ("0.5", "500m"),
            ("\"1k\"", "1000"),
        ] {
            let quantity: Quantity = serde_json::from_str(json).unwrap();
            assert_eq!(quantity.to_string(), shown);
        }
        assert!(serde_json::from_str::<Quantity>("\"x\"").is_err());
    }

    #[test]
    fn text_that_is_not_a_quantity_is_refused() {
        for text in [
            "", "m", ".", "1.2.3", "1x", "0x10", " 1", "1 ", "1mm", "1e", "--1", "1e99",
        ] {
            assert_eq!(milli(text), None, "{text:?}");
        }
    }
}
