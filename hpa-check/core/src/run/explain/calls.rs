//! The calls of one sync to the metrics API: one for each metric of a resource, in the order of the spec (upstream:
//! `computeReplicasForMetrics` in `pkg/controller/podautoscaler/horizontal.go`). The answer may change between two calls.

use std::collections::BTreeMap;

use crate::observation::{ContainerSample, PodSample};
use crate::spec::{AutoscalerSpec, MetricSpec};

/// Which of the two resources a sync asks about first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallOrder {
    CpuFirst,
    MemoryFirst,
}

impl CallOrder {
    /// The order of a spec that has metrics of both resources.
    pub(super) fn of(spec: &AutoscalerSpec) -> Option<Self> {
        let first = |wanted: &str| {
            let mut resources = spec.metrics.iter().map(MetricSpec::resource);
            resources.position(|resource| resource.is_some_and(|(name, _)| name == wanted))
        };
        let (cpu, memory) = (first("cpu")?, first("memory")?);
        Some(if cpu < memory {
            Self::CpuFirst
        } else {
            Self::MemoryFirst
        })
    }
}

/// Two answers as the one that gives each resource the value from its own call.
pub(super) fn as_one(first: &[PodSample], then: &[PodSample], order: CallOrder) -> Vec<PodSample> {
    let (cpu, memory) = match order {
        CallOrder::CpuFirst => (first, then),
        CallOrder::MemoryFirst => (then, first),
    };
    let mut only_memory: BTreeMap<&str, &PodSample> =
        memory.iter().map(|s| (s.pod.as_str(), s)).collect();
    let with_cpu: Vec<PodSample> = cpu
        .iter()
        .map(|sample| {
            let memory = only_memory.remove(sample.pod.as_str());
            of(sample, joined(&sample.containers, memory))
        })
        .collect();
    let without_cpu = only_memory.into_values();
    let without_cpu = without_cpu.map(|sample| of(sample, joined(&[], Some(sample))));
    with_cpu.into_iter().chain(without_cpu).collect()
}

/// A sample with other containers.
fn of(sample: &PodSample, containers: Vec<ContainerSample>) -> PodSample {
    PodSample {
        pod: sample.pod.clone(),
        timestamp: sample.timestamp,
        window: sample.window,
        containers,
    }
}

/// Containers with the CPU of these and the memory of that sample.
fn joined(cpu: &[ContainerSample], memory: Option<&PodSample>) -> Vec<ContainerSample> {
    let memory = memory.map_or(&[][..], |sample| &sample.containers);
    let with_cpu = cpu.iter().map(|container| {
        let same = memory.iter().find(|c| c.name == container.name);
        ContainerSample {
            memory: same.and_then(|c| c.memory),
            ..container.clone()
        }
    });
    let others = memory
        .iter()
        .filter(|c| cpu.iter().all(|own| own.name != c.name));
    let without_cpu = others.map(|container| ContainerSample {
        cpu: None,
        ..container.clone()
    });
    with_cpu.chain(without_cpu).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::quantity::Quantity;
    use crate::units::{Bytes, Millicores};

    fn sample(pod: &str, cpu: i64, memory: i64) -> PodSample {
        let mut container = ContainerSample::of_cpu("app", Millicores(cpu));
        container.memory = Some(Bytes(Quantity::from_milli(memory)));
        PodSample {
            pod: pod.to_owned(),
            timestamp: jiff::Timestamp::UNIX_EPOCH,
            window: Duration::from_secs(15),
            containers: vec![container],
        }
    }

    fn read(samples: &[PodSample]) -> Vec<(&str, Option<i64>, Option<i64>)> {
        let values = samples.iter().map(|sample| {
            let container = &sample.containers[0];
            let memory = container.memory.as_ref().map(|bytes| bytes.0.milli());
            let cpu = container.cpu.map(|cpu| cpu.0);
            (sample.pod.as_str(), cpu, memory)
        });
        values.collect()
    }

    #[test]
    fn each_resource_has_the_value_of_its_own_call_and_a_pod_may_be_in_one_answer_only() {
        let old = [sample("a", 1, 10), sample("gone", 1, 10)];
        let new = [sample("a", 2, 20), sample("new", 2, 20)];
        assert_eq!(
            read(&as_one(&old, &new, CallOrder::CpuFirst)),
            [
                ("a", Some(1), Some(20)),
                ("gone", Some(1), None),
                ("new", None, Some(20))
            ]
        );
        assert_eq!(
            read(&as_one(&old, &new, CallOrder::MemoryFirst)),
            [
                ("a", Some(2), Some(10)),
                ("new", Some(2), None),
                ("gone", None, Some(10))
            ]
        );
    }
}
