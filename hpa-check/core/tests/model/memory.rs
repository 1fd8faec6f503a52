//! What one sync leaves for the next: the controller over time.

use std::time::Duration;

use hpa_check_core::model::VersionGates;
use hpa_check_core::model::decision::Decision;
use hpa_check_core::model::normalize::{self, Recommendation};
use hpa_check_core::model::pods::{ModelPod, ReadyCondition};
use hpa_check_core::model::proposal::Readings;
use hpa_check_core::model::reconcile::{Controller, ScaleSubresource, Sync};
use hpa_check_core::model::selector::TargetSelector;
use hpa_check_core::observation::{ContainerSample, ControllerConfig, PodSample};
use hpa_check_core::spec::{AutoscalerSpec, ContainerResources};
use hpa_check_core::units::Millicores;
use jiff::Timestamp;
use serde_json::{Value, json};

/// A target that follows its autoscaler immediately; all pods use the same.
struct Run {
    controller: Controller,
    spec: AutoscalerSpec,
    replicas: i32,
    /// How many of the pods have no sample.
    silent: usize,
}

impl Run {
    fn from_three_to_ten(behavior: &Value, replicas: i32) -> Self {
        let spec = json!({
            "scaleTargetRef": {"kind": "Deployment", "name": "fib"}, "minReplicas": 3, "maxReplicas": 10,
            "metrics": [{"type": "Resource", "name": "cpu", "averageUtilization": 50}], "behavior": behavior,
        });
        Self {
            controller: Controller::new(ControllerConfig::default(), VersionGates::default()),
            spec: serde_json::from_value(spec).unwrap(),
            replicas,
            silent: 0,
        }
    }

    /// One sync this many seconds into the run, while each pod uses `milli` of its 100m.
    fn sync(&mut self, second: i64, milli: i64) -> Decision {
        let now = Timestamp::from_second(second).unwrap();
        let names = || (0..self.replicas).map(|i| format!("pod-{i}"));
        let pods: Vec<ModelPod> = names().map(pod).collect();
        let metrics: Vec<PodSample> = names()
            .skip(self.silent)
            .map(|pod| PodSample {
                pod,
                timestamp: now,
                window: Duration::from_secs(15),
                containers: vec![ContainerSample::of_cpu("fib", Millicores(milli))],
            })
            .collect();
        let decision = self.controller.sync(Sync {
            namespace: "",
            now,
            spec: &self.spec,
            scale: Ok(ScaleSubresource {
                replicas: self.replicas,
                observed: self.replicas,
                selector: &TargetSelector::new("app=fib"),
            }),
            pods: &pods,
            metrics: Readings::of_resources(Ok(&metrics)),
            shares_pods: false,
            update_error: None,
            conditions: &[],
            desired_before: self.replicas,
        });
        self.replicas = decision.desired;
        decision
    }

    /// The sizes after syncs at these seconds.
    fn sizes(&mut self, milli: i64, seconds: impl IntoIterator<Item = i64>) -> Vec<i32> {
        seconds
            .into_iter()
            .map(|second| self.sync(second, milli).desired)
            .collect()
    }
}

fn pod(name: String) -> ModelPod {
    let long_ago = Timestamp::from_second(-10_000).unwrap();
    ModelPod {
        name,
        phase: "Running".to_owned(),
        deleting: false,
        start: Some(long_ago),
        ready: Some(ReadyCondition {
            status: "True".to_owned(),
            last_transition: long_ago,
        }),
        containers: vec![ContainerResources::cpu("fib", Some(Millicores(100)), None)],
        ..ModelPod::default()
    }
}

#[test]
fn under_full_load_the_path_is_6_then_10_without_behavior_and_7_then_10_with_it() {
    let path = |behavior| Run::from_three_to_ten(&behavior, 3).sizes(400, [0, 15, 30]);
    assert_eq!(path(Value::Null), [6, 10, 10]);
    assert_eq!(path(json!({})), [7, 10, 10]);
}

#[test]
fn a_policy_counts_the_growth_that_it_already_allowed() {
    let slow =
        json!({"scaleUp": {"policies": [{"type": "Pods", "value": 4, "periodSeconds": 60}]}});
    let mut run = Run::from_three_to_ten(&slow, 3);
    assert_eq!(run.sizes(400, [0, 15, 30, 45, 60]), [7, 7, 7, 7, 10]);
}

#[test]
fn the_way_down_begins_when_the_last_high_proposal_is_five_minutes_old() {
    for (behavior, first_low) in [(Value::Null, 301), (json!({}), 300)] {
        let mut run = Run::from_three_to_ten(&behavior, 10);
        run.sync(0, 50);
        assert_eq!(run.sizes(10, (15..300).step_by(15)), [10; 19], "{behavior}");
        assert_eq!(run.sync(first_low, 10).desired, 3, "{behavior}");
    }
}

#[test]
fn an_old_proposal_gives_way_to_a_new_one() {
    let mut run = Run::from_three_to_ten(&Value::Null, 3);
    run.sizes(50, (0..3_000).step_by(15));
    assert!(run.controller.recommendations.unwrap().len() <= 22);
}

#[test]
fn the_edge_of_a_window_belongs_to_it_only_without_behavior() {
    let now = Timestamp::from_second(300).unwrap();
    let history = vec![Recommendation {
        replicas: 9,
        at: Timestamp::UNIX_EPOCH,
    }];
    let window = Duration::from_mins(5);
    assert_eq!(normalize::stabilize_legacy(&history, 3, now, window), 9);
    let stabilized = normalize::stabilize(&history, 9, 3, now, Duration::ZERO, window);
    assert_eq!(stabilized, 3);
}

#[test]
fn an_explanation_accounts_for_every_replica_of_a_decision() {
    let mut run = Run::from_three_to_ten(&json!({}), 3);
    let mut said = |second, milli| run.sync(second, milli).explain();
    assert_eq!(
        said(0, 92),
        "3 ready pods average 92 % of 100m (target 50 %, ratio 1.84) → wants 6; scaled 3 → 6"
    );
    assert_eq!(
        said(15, 400),
        "6 ready pods average 400 % of 100m (target 50 %, ratio 8.00) → wants 48; the maximum makes it 10; \
         scaled 6 → 10"
    );
    assert_eq!(
        said(30, 50),
        "10 ready pods average 50 % of 100m (target 50 %, ratio 1.00) → keep 10; stays at 10"
    );
    assert_eq!(
        said(45, 1),
        "10 ready pods average 1 % of 100m (target 50 %, ratio 0.02) → wants 1; held at 10 by earlier \
         recommendations; stays at 10"
    );
}

#[test]
fn an_explanation_names_the_assumption_for_pods_that_do_not_count() {
    let mut run = Run::from_three_to_ten(&Value::Null, 3);
    run.silent = 1;
    let growing = run.sync(0, 92).explain();
    assert!(
        growing.contains("2 ready pods average 92 % of 100m (target 50 %, ratio 1.84), 1 missing pod counted as 0 (then ratio 1.22) → wants 4"),
        "{growing}"
    );
    let shrinking = run.sync(15, 10).explain();
    assert!(
        shrinking.contains("1 missing pod counted as its full request"),
        "{shrinking}"
    );
}
