//! What the metrics APIs answer.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::quantity::Quantity;
use crate::spec::{Amounts, CurrentMetric, MetricSource};
use crate::units::{Bytes, Millicores};

/// The resource usage of one pod over one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PodSample {
    /// The pod's name.
    pub pod: String,
    /// Server time at the window's end.
    pub timestamp: Timestamp,
    /// The window's length.
    #[serde(rename = "window_ms", with = "crate::millis")]
    pub window: Duration,
    /// Usage by container name.
    pub containers: Vec<ContainerSample>,
}

/// The resource usage of one container. `None` is a value that the sample lacks; the controller then
/// ignores the whole pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerSample {
    /// The container's name.
    pub name: String,
    /// Rounded up to a whole millicore, as the controller reads it.
    pub cpu: Option<Millicores>,
    /// In bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
}

impl PodSample {
    /// The CPU of those containers that have a CPU value.
    pub fn cpu(&self) -> Millicores {
        self.containers.iter().filter_map(|c| c.cpu).sum()
    }
}

impl ContainerSample {
    /// A sample that has only CPU.
    pub fn of_cpu(name: impl Into<String>, cpu: Millicores) -> Self {
        Self {
            name: name.into(),
            cpu: Some(cpu),
            memory: None,
        }
    }

    /// Its usage.
    pub fn used(&self) -> Amounts {
        Amounts {
            cpu: self.cpu,
            memory: self.memory,
        }
    }
}

/// A custom or external metric at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricReading {
    /// The metric.
    pub metric: MetricSource,
    /// Its values, or why it has none.
    pub answer: MetricAnswer,
}

/// The values of a custom or external metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetricAnswer {
    /// One value per pod.
    Pods(Vec<PodValue>),
    /// The values that the labels select, which are summed. An object has one value.
    Values(Vec<Quantity>),
    /// The controller's own value from the status, if the API may not be read.
    Status(CurrentMetric),
    /// The API's error.
    Error(String),
}

/// One pod's value of a custom metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodValue {
    /// The pod's name.
    pub pod: String,
    /// The value.
    pub value: Quantity,
}
