//! Metrics whose samples a snapshot does not read: of other types, of other resources, of types unknown here.

use super::two_looks::{earlier, queue_fails};
use super::world::{healthy, refuse, scaler};
use super::{Assertions, diagnose, found};
use crate::quantity::Quantity;
use crate::snapshot::ClusterSnapshot;
use crate::spec::{CurrentMetric, MetricSource, MetricSpec, MetricTarget};

fn explanation(facts: &ClusterSnapshot) -> String {
    let report = diagnose(facts, None, &Assertions::default());
    report.autoscalers[0].explanation.clone().unwrap()
}

#[test]
fn the_value_of_an_external_metric_is_the_one_in_the_status() {
    let mut works = queue_fails();
    let status = scaler(&mut works).object.status.as_mut().unwrap();
    status.current_metrics[1].average_value = Some(Quantity::from_milli(3_000));
    let says = explanation(&works);
    assert!(
        says.contains("external metric s1-prometheus alone would ask for"),
        "{says}"
    );
    assert!(!says.contains("fails"), "{says}");
    let says = explanation(&queue_fails());
    assert!(
        says.contains(
            "no scale-down to the 2 that cpu alone would ask for, because another metric fails"
        ),
        "{says}"
    );
    assert!(says.contains("failed to get s1-prometheus"), "{says}");
    assert!(
        says.contains("the autoscaler's status has no value"),
        "{says}"
    );
}

/// A metric beside the CPU's, without a value in the status.
fn beside_cpu(metric: MetricSpec) -> ClusterSnapshot {
    let mut facts = queue_fails();
    scaler(&mut facts).object.spec.metrics[1] = metric;
    facts
}

#[test]
fn a_metric_of_a_type_that_only_a_newer_version_knows_is_not_said_to_fail() {
    let source = MetricSource::Unknown {
        kind: "Forecast".to_owned(),
    };
    let facts = beside_cpu(MetricSpec {
        source,
        target: MetricTarget::Missing,
    });
    let nothing = Vec::<String>::new();
    assert_eq!(found(&facts, None), nothing);
    assert_eq!(found(&facts, Some(&earlier(&facts, 75))), nothing);
    let known = queue_fails();
    assert_eq!(
        found(&known, Some(&earlier(&known, 75)))[0],
        "metric-failed"
    );
}

#[test]
fn a_resource_metric_of_a_gpu_fails_because_the_api_has_only_cpu_and_memory() {
    let gpu = || MetricSpec {
        source: MetricSource::Resource {
            name: "nvidia.com/gpu".to_owned(),
        },
        target: MetricTarget::Utilization(80),
    };
    let advice = |facts: &ClusterSnapshot| {
        let report = diagnose(facts, None, &Assertions::default());
        let first = report.autoscalers[0].findings[0].clone();
        assert_eq!(first.id, "metric-failed");
        assert!(
            first.message.contains("has only CPU and memory"),
            "{first:?}"
        );
        first.fix.unwrap()
    };
    assert!(advice(&beside_cpu(gpu())).contains("type Pods or External"));
    let mut alone = healthy();
    scaler(&mut alone).object.spec.metrics = vec![gpu()];
    let says = "unable to get metrics for resource nvidia.com/gpu: no metrics returned from resource metrics API";
    refuse(&mut alone, "ScalingActive", "FailedGetResourceMetric", says);
    assert!(advice(&alone).contains("type Pods or External"));
    // Some other API may have it after all.
    let mut served = beside_cpu(gpu());
    let status = scaler(&mut served).object.status.as_mut().unwrap();
    status.current_metrics[1] = CurrentMetric {
        average_utilization: Some(40),
        ..CurrentMetric::default()
    };
    assert_eq!(found(&served, None), Vec::<String>::new());
}
