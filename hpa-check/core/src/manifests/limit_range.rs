//! What the `LimitRange`s of a namespace add to containers that leave requests or limits out.
//!
//! Source: `SetDefaults_LimitRangeItem` in Kubernetes' `pkg/apis/core/v1/defaults.go`, and
//! `mergeContainerResources` in `plugin/pkg/admission/limitranger/admission.go`.

use serde_json::Value;

use super::amounts::amounts;
use super::is_in;
use crate::spec::{Amounts, ContainerResources};

/// The requests and limits of containers that have none of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ContainerDefaults {
    requests: Amounts,
    limits: Amounts,
}

impl ContainerDefaults {
    /// Those of the `LimitRange`s in this namespace; the first that has a resource counts.
    pub(super) fn of(objects: &[&Value], namespace: Option<&str>) -> Result<Self, String> {
        let mut all = Self::default();
        let ranges = objects.iter().filter(|o| o["kind"] == "LimitRange");
        for range in ranges.filter(|range| is_in(range, namespace)) {
            let items = range["spec"]["limits"].as_array();
            for item in items.into_iter().flatten() {
                if item["type"] == "Container" {
                    let name = range["metadata"]["name"].as_str().unwrap_or("?");
                    let item = Self::of_item(item);
                    let item = item.map_err(|what| format!("has LimitRange/{name} with {what}"))?;
                    all.requests = or(all.requests, item.requests);
                    all.limits = or(all.limits, item.limits);
                }
            }
        }
        Ok(all)
    }

    fn of_item(item: &Value) -> Result<Self, String> {
        let limits = or(amounts(&item["default"])?, amounts(&item["max"])?);
        let requests = or(amounts(&item["defaultRequest"])?, limits);
        let requests = or(requests, amounts(&item["min"])?);
        Ok(Self { requests, limits })
    }

    /// The container with what it lacks.
    pub(super) fn fill(self, container: ContainerResources) -> ContainerResources {
        let requests = or(container.requests(), self.requests);
        let limits = or(container.limits(), self.limits);
        ContainerResources {
            name: container.name,
            cpu_request: requests.cpu,
            cpu_limit: limits.cpu,
            memory_request: requests.memory,
            memory_limit: limits.memory,
        }
    }
}

/// Each amount of the first, or else of the second.
fn or(first: Amounts, second: Amounts) -> Amounts {
    Amounts {
        cpu: first.cpu.or(second.cpu),
        memory: first.memory.or(second.memory),
    }
}
