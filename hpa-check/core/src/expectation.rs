//! What a run asserts: the bounds, the target, and how much of the scale-down it must observe.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantity::Quantity;
use crate::spec::{AutoscalerSpec, MetricSpec, MetricTarget};

/// The assertion of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Expectation {
    /// The spec's minimum in pods, where a run begins and ends.
    pub min_replicas: i32,
    /// The spec's maximum in pods, which the load must reach.
    pub max_replicas: i32,
    /// The spec's CPU target, in percent of the request.
    pub cpu_target_percent: i32,
    /// Which of these numbers come from the autoscaler itself and are not asserted.
    #[serde(default, skip_serializing_if = "Own::is_none")]
    pub own: Own,
    /// Metrics that the spec must have, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<AssertedMetric>,
    /// How much of the scale-down the run must observe.
    pub scale_down: ScaleDown,
    /// How long each phase may take beyond its computed deadline.
    #[schemars(with = "u64")]
    #[serde(rename = "patience_ms", with = "crate::millis")]
    pub patience: Duration,
}

/// The numbers of an [`Expectation`] that were taken from the autoscaler's spec when the run began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// The lower bound.
    pub min_replicas: bool,
    /// The upper bound.
    pub max_replicas: bool,
    /// The CPU target.
    pub cpu_target_percent: bool,
}

impl Own {
    /// Whether every number is asserted.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// The asserted numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbers {
    /// The lower bound in pods.
    pub min_replicas: Option<i32>,
    /// The upper bound in pods.
    pub max_replicas: Option<i32>,
    /// The CPU target in percent of the request.
    pub cpu_target_percent: Option<i32>,
}

impl Numbers {
    /// The settings of `fib-server`'s own manifests: 3 to 10 pods at 50 %.
    pub const FIB_SERVER: Self = Self {
        min_replicas: Some(3),
        max_replicas: Some(10),
        cpu_target_percent: Some(50),
    };

    /// Fills the gaps with the other's numbers.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            min_replicas: self.min_replicas.or(other.min_replicas),
            max_replicas: self.max_replicas.or(other.max_replicas),
            cpu_target_percent: self.cpu_target_percent.or(other.cpu_target_percent),
        }
    }
}

impl Expectation {
    /// Takes the bounds and the CPU target from the autoscaler, so that none is asserted.
    #[must_use]
    pub fn of_spec(self, spec: &AutoscalerSpec) -> Self {
        self.asserting(Numbers::default(), spec)
    }

    /// Takes the asserted numbers, and the autoscaler's own where none is asserted.
    #[must_use]
    pub fn asserting(self, numbers: Numbers, spec: &AutoscalerSpec) -> Self {
        let own_target = spec.cpu_target_percent().unwrap_or(self.cpu_target_percent);
        Self {
            min_replicas: numbers.min_replicas.unwrap_or(spec.effective_min()),
            max_replicas: numbers.max_replicas.unwrap_or(spec.max_replicas),
            cpu_target_percent: numbers.cpu_target_percent.unwrap_or(own_target),
            own: Own {
                min_replicas: numbers.min_replicas.is_none(),
                max_replicas: numbers.max_replicas.is_none(),
                cpu_target_percent: numbers.cpu_target_percent.is_none(),
            },
            ..self
        }
    }
}

/// A metric that the spec must have: `cpu`, `memory/app=60%`, `queue=100`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AssertedMetric {
    /// The name of the resource or metric.
    pub name: String,
    /// The container, if the metric must be one container's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The required target, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<AssertedTarget>,
}

/// The target of an asserted metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AssertedTarget {
    /// In percent of the request.
    Utilization(i32),
    /// An amount, per pod or in total.
    Amount(Quantity),
}

impl AssertedMetric {
    /// Whether it is the CPU of the pods or of a container.
    pub fn is_cpu(&self) -> bool {
        self.name == "cpu"
    }

    /// Whether a metric of the spec is this one, ignoring the target.
    pub fn names(&self, metric: &MetricSpec) -> bool {
        let container = self.container.as_deref();
        metric.source.name() == self.name
            && (container.is_none() || metric.source.container() == container)
    }

    /// Whether the target is the asserted one; true if none is asserted.
    pub fn accepts(&self, target: MetricTarget) -> bool {
        match (self.target, target) {
            (None, _) => true,
            (Some(AssertedTarget::Utilization(asked)), MetricTarget::Utilization(is)) => {
                asked == is
            }
            (
                Some(AssertedTarget::Amount(asked)),
                MetricTarget::AverageValue(is) | MetricTarget::Value(is),
            ) => asked == is,
            _ => false,
        }
    }
}

impl fmt::Display for AssertedMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if let Some(container) = &self.container {
            write!(f, "/{container}")?;
        }
        match self.target {
            None => Ok(()),
            Some(AssertedTarget::Utilization(percent)) => write!(f, "={percent}%"),
            Some(AssertedTarget::Amount(amount)) => write!(f, "={amount}"),
        }
    }
}

impl FromStr for AssertedMetric {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` names no metric: write it as cpu, memory=60%, cpu/CONTAINER=50% or queue=100"
            )
        };
        let (whole, target) = match text.split_once('=') {
            Some((whole, target)) => (whole, Some(target)),
            None => (text, None),
        };
        let (name, container) = match whole.split_once('/') {
            Some((name, container)) => (name, Some(container)),
            None => (whole, None),
        };
        if name.is_empty() || container == Some("") {
            return Err(wrong());
        }
        let target = target.map(|target| match target.strip_suffix('%') {
            Some(percent) => match percent.parse() {
                Ok(percent) if percent >= 1 => Ok(AssertedTarget::Utilization(percent)),
                _ => Err(wrong()),
            },
            None => target
                .parse()
                .map(AssertedTarget::Amount)
                .map_err(|_| wrong()),
        });
        Ok(Self {
            name: name.to_owned(),
            container: container.map(str::to_owned),
            target: target.transpose()?,
        })
    }
}

/// How much of the scale-down a run waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScaleDown {
    /// Down to the minimum.
    Full,
    /// Down by one step.
    OneStep,
    /// Do not wait.
    Skip,
}

impl Default for Expectation {
    /// 3 to 10 pods at 50 % CPU, with a full scale-down.
    fn default() -> Self {
        Self {
            min_replicas: 3,
            max_replicas: 10,
            cpu_target_percent: 50,
            own: Own::default(),
            metrics: Vec::new(),
            scale_down: ScaleDown::Full,
            patience: Duration::from_mins(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_asserted_by_name_container_and_target() {
        for text in [
            "cpu",
            "memory=60%",
            "cpu/app=50%",
            "queue=100",
            "hits=2550m",
        ] {
            let metric: AssertedMetric = text.parse().unwrap();
            assert_eq!(metric.to_string(), text);
        }
        for text in ["", "=50%", "cpu/=50%", "cpu=0%", "cpu=x%", "cpu=half"] {
            assert!(text.parse::<AssertedMetric>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_asserted_amount_matches_averages_and_totals_but_no_percentage() {
        let asserted: AssertedMetric = "queue=100".parse().unwrap();
        let amount = Quantity::from_milli(100_000);
        assert!(asserted.accepts(MetricTarget::AverageValue(amount)));
        assert!(asserted.accepts(MetricTarget::Value(amount)));
        assert!(!asserted.accepts(MetricTarget::Utilization(100)));
    }
}
