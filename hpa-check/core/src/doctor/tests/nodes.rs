//! Pods that wait for nodes, and the servers of the metrics APIs.

use super::broken::waiting;
use super::world::{ago, condition, healthy, pods, samples, scaler};
use super::{Assertions, diagnose, found, keep};
use crate::metrics_server::{MetricsServer, RESOURCE};
use crate::observation::Resize;
use crate::snapshot::NodeClaim;
use crate::units::Millicores;

const TRIGGERED: &str = "pod triggered scale-up: [{web 1->2 (max: 4)}]";

#[test]
fn pods_waiting_for_a_node_in_the_making_are_a_note_while_it_may_still_come() {
    let after = |seconds| found(&waiting(&[("TriggeredScaleUp", TRIGGERED, seconds)]), None);
    assert_eq!(after(60), ["nodes-on-their-way"]);
    assert_eq!(after(899), ["nodes-on-their-way"]);
    assert_eq!(after(901), ["unschedulable"]);
    assert_eq!(found(&waiting(&[]), None), ["unschedulable"]);
}

#[test]
fn only_karpenters_own_refusal_withdraws_its_promise_of_a_node() {
    let promise = (
        "Nominated",
        "Pod should schedule on: nodeclaim/default-x7k2p",
        60,
    );
    let then = |reason, message| found(&waiting(&[promise, (reason, message, 10)]), None);
    let own = "Failed to schedule pod, incompatible with nodepool \"default\"";
    assert_eq!(then("FailedScheduling", own), ["unschedulable"]);
    let scheduler = "0/3 nodes are available: 3 Insufficient cpu.";
    assert_eq!(then("FailedScheduling", scheduler), ["nodes-on-their-way"]);
    let other = "pod didn't trigger scale-up: ";
    assert_eq!(then("NotTriggerScaleUp", other), ["nodes-on-their-way"]);
}

#[test]
fn the_node_claim_shows_how_far_the_node_is() {
    let promise = (
        "Nominated",
        "Pod should schedule on: nodeclaim/default-x7k2p",
        60,
    );
    let mut facts = waiting(&[promise]);
    facts.node_claims.push(NodeClaim {
        name: "default-x7k2p".to_owned(),
        conditions: vec![
            condition("Launched", "True", "Launched"),
            condition("Registered", "Unknown", "NodeNotFound"),
        ],
    });
    let report = diagnose(&facts, None, &Assertions::default());
    let note = &report.autoscalers[0].findings[0];
    assert_eq!(
        (note.id.as_str(), report.exit_code),
        ("nodes-on-their-way", 0)
    );
    let quote = "its NodeClaim: Registered Unknown, NodeNotFound";
    assert!(note.evidence[0].contains(quote), "{note:?}");
}

#[test]
fn advice_names_the_component_that_serves_the_metrics() {
    let advice = |service: Option<&str>| {
        let mut facts = healthy();
        samples(&mut facts).clear();
        super::broken::no_metrics(&mut facts);
        facts.metrics_servers = vec![MetricsServer {
            group: RESOURCE.to_owned(),
            registered: true,
            service: service.map(str::to_owned),
            unavailable: None,
            unavailable_since: None,
        }];
        let report = diagnose(&facts, None, &Assertions::default());
        let first = report.autoscalers[0].findings[0].clone();
        assert_eq!(first.id, "metrics-api-unavailable");
        first.fix.unwrap()
    };
    assert!(advice(Some("kube-system/metrics-server")).contains("metrics-server"));
    assert!(advice(None).contains("metrics-server"));
    assert_eq!(
        advice(Some("monitoring/prometheus-adapter")),
        "Read the log of prometheus-adapter (Service monitoring/prometheus-adapter), which serves metrics.k8s.io."
    );
}

#[test]
fn an_unfinished_resize_is_reported_with_the_running_requests_and_the_reason() {
    let mut facts = healthy();
    let pod = &mut pods(&mut facts)[1].pod;
    let mut running = pod.containers[0].clone();
    running.cpu_request = Some(Millicores(50));
    pod.resize = Some(Resize {
        reason: "Deferred".to_owned(),
        message: "Node didn't have enough resource: cpu".to_owned(),
        running: vec![running],
    });
    let report = diagnose(&facts, None, &Assertions::default());
    let note = &report.autoscalers[0].findings[0];
    assert_eq!((note.id.as_str(), report.exit_code), ("resize-not-done", 0));
    keep("resize-not-done", &report);
    assert_eq!(
        note.evidence[0],
        "pod cart-6d-1: app: CPU request 100m, runs with 50m; PodResizePending Deferred: Node didn't have enough resource: cpu"
    );
}

#[test]
fn new_pods_are_not_unschedulable_before_the_scheduler_has_tried() {
    let scaled = |seconds: u64, fixed: bool| {
        let mut facts = waiting(&[]);
        if !fixed {
            facts.room = None;
        }
        scaler(&mut facts)
            .object
            .status
            .as_mut()
            .unwrap()
            .last_scale = Some(ago(seconds));
        found(&facts, None)
    };
    assert_eq!(scaled(20, false), ["just-scaled"]);
    assert_eq!(scaled(40, false), ["unschedulable"]);
    assert_eq!(scaled(20, true), ["unschedulable"]);
}
