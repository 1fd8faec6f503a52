//! Findings from the use of single pods.

use serde_json::{Value, json};

use super::{diagnose, first_finding, shop};
use crate::still_api::{application, cluster};

/// The first finding for `cart` with five pods, given these pods and samples.
fn cart_of_five(
    change_pod: impl Fn(&mut Value, usize),
    change_sample: impl Fn(&mut Value, usize),
) -> Value {
    let mut api = cluster();
    application(&mut api, "shop", "cart", 5);
    let number = |object: &Value| -> usize {
        let name = object["metadata"]["name"].as_str().unwrap();
        name.rsplit('-').next().unwrap().parse().unwrap()
    };
    api.change("/api/v1/pods", |pod| change_pod(pod, number(pod)));
    api.change("/apis/metrics.k8s.io/v1beta1/pods", |sample| {
        change_sample(sample, number(sample));
    });
    let (_, report, said) = diagnose(&api.serve(), &[]);
    assert_ne!(report, Value::Null, "{said}");
    first_finding(&report, "cart")
}

fn uses(sample: &mut Value, container: usize, milli: u32) {
    sample["containers"][container]["usage"]["cpu"] = json!(format!("{milli}m"));
}

/// Sets the pod's start, and its readiness since then.
fn since(pod: &mut Value, seconds: i64, ready: &str) {
    let then = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds);
    pod["status"]["startTime"] = json!(then.to_string());
    pod["status"]["conditions"] =
        json!([{"type": "Ready", "status": ready, "lastTransitionTime": then.to_string()}]);
}

#[test]
fn an_idle_sidecar_is_found_by_its_neighbors_use() {
    let beside = |app: u32| {
        cart_of_five(
            |pod, _| {
                let proxy = json!({"name": "proxy", "resources": {"requests": {"cpu": "100m"}}});
                pod["spec"]["containers"]
                    .as_array_mut()
                    .unwrap()
                    .push(proxy);
            },
            move |sample, _| {
                let proxy = json!({"name": "proxy", "usage": {"cpu": "2m", "memory": "1Mi"}});
                sample["containers"].as_array_mut().unwrap().push(proxy);
                uses(sample, 0, app);
            },
        )
    };
    assert_eq!(beside(98), "sidecar-dilutes-utilization");
    assert_eq!(beside(45), Value::Null);
}

#[test]
fn pods_that_stay_unready_and_hold_back_the_ratio_are_found_and_young_ones_are_not() {
    let unready_for = |seconds: i64| {
        cart_of_five(
            move |pod, n| {
                if n >= 3 {
                    since(pod, seconds, "False");
                }
            },
            |sample, _| uses(sample, 0, 88),
        )
    };
    assert_eq!(unready_for(130), "unready-pods-hold-scaling");
    assert_eq!(unready_for(40), Value::Null);
}

#[test]
fn the_cpu_of_startups_counts_as_load_without_a_probe() {
    let started = |probed: bool| {
        cart_of_five(
            move |pod, n| {
                if n >= 2 {
                    since(pod, 62, "True");
                    if !probed {
                        pod["spec"]["containers"][0]["readinessProbe"] = Value::Null;
                    }
                }
            },
            |sample, n| uses(sample, 0, if n < 2 { 40 } else { 95 }),
        )
    };
    assert_eq!(started(false), "startup-counts-as-load");
    assert_eq!(started(true), Value::Null);
}

#[test]
fn a_controller_without_metrics_is_a_fault_only_after_the_time_for_a_start() {
    let inactive = |seconds: i64| {
        let mut api = shop();
        let since = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds);
        api.change(
            "/apis/autoscaling/v2/horizontalpodautoscalers",
            |autoscaler| {
                autoscaler["status"]["conditions"][1] = json!({"type": "ScalingActive", "status": "False",
                    "reason": "FailedGetResourceMetric", "message": "no metrics returned from resource metrics API",
                    "lastTransitionTime": since.to_string()});
            },
        );
        let (code, report, _) = diagnose(&api.serve(), &["cart"]);
        (code, first_finding(&report, "cart"))
    };
    assert_eq!(inactive(10), (93, json!("metrics-not-yet")));
    assert_eq!(inactive(600), (92, json!("metric-failed")));
}
