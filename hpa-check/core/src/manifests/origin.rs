//! The autoscaler that a simulation began with, so that what it found can be applied to it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::units::Millicores;

/// An autoscaler as its manifest has it: what a simulation leaves out is still there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// Its name; empty where the manifest gives none.
    pub name: String,
    /// Its namespace, where the manifest names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its metrics as autoscaling/v2 writes them.
    pub metrics: Vec<Value>,
}

impl Origin {
    /// Its metrics with this CPU target, in percent of the request. An amount for each pod stays an amount. Metrics on
    /// anything else stay as they are.
    pub fn metrics_at(&self, percent: i32, request: Millicores) -> Vec<Value> {
        let mut metrics = self.metrics.clone();
        for metric in &mut metrics {
            let Some(target) = cpu_target(metric) else {
                continue;
            };
            if target["averageUtilization"].is_number() {
                target["averageUtilization"] = percent.into();
            } else if !target["averageValue"].is_null() {
                let amount = request.0.saturating_mul(percent.into()) / 100;
                target["averageValue"] = Millicores(amount.max(1)).to_string().into();
            }
        }
        metrics
    }
}

/// A metric on the pods' CPU with this target, in percent of the request, as autoscaling/v2 writes it.
pub fn cpu_metric(percent: i32) -> Value {
    json!({"type": "Resource", "resource": {"name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": percent}}})
}

/// The target of a metric on the CPU of pods or of one of their containers.
fn cpu_target(metric: &mut Value) -> Option<&mut Value> {
    let source = ["resource", "containerResource"]
        .into_iter()
        .find(|key| metric[key]["name"] == "cpu")?;
    metric[source].get_mut("target")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(metrics: Value) -> Origin {
        Origin {
            name: "cart".to_owned(),
            namespace: None,
            metrics: metrics.as_array().unwrap().clone(),
        }
    }

    #[test]
    fn another_cpu_target_leaves_every_other_metric_and_every_other_key_as_it_was() {
        let memory = json!({"type": "Resource", "resource": {"name": "memory",
            "target": {"type": "Utilization", "averageUtilization": 80}}});
        let cpu = |percent: i32| {
            json!({"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "app",
                "target": {"type": "Utilization", "averageUtilization": percent}}})
        };
        let before = origin(json!([memory, cpu(70)]));
        assert_eq!(before.metrics_at(80, Millicores(250)), [memory, cpu(80)]);
    }

    #[test]
    fn a_cpu_target_for_each_pod_stays_an_amount() {
        let cpu = |amount: &str| {
            json!({"type": "Resource", "resource": {"name": "cpu",
                "target": {"type": "AverageValue", "averageValue": amount}}})
        };
        let before = origin(json!([cpu("150m")]));
        assert_eq!(before.metrics_at(80, Millicores(250)), [cpu("200m")]);
    }
}
