//! Cases as data, in the format of `decide`.

use serde_json::{Value, json};

/// A ready pod with a request of 100m, started 15 minutes ago.
pub(crate) fn pod(name: &str) -> Value {
    json!({
        "name": name, "phase": "Running", "deleting": false, "startAgoSeconds": 900,
        "readyCondition": {"status": "True", "lastTransitionAgoSeconds": 890},
        "containers": [{"name": "fib", "cpuRequestMilli": 100}],
    })
}

/// The pod with some members replaced.
#[expect(
    clippy::needless_pass_by_value,
    reason = "reads better where the value is written down"
)]
pub(crate) fn pod_with(name: &str, changes: Value) -> Value {
    let mut pod = pod(name);
    pod.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    pod
}

/// A sample from five seconds ago, over fifteen seconds.
pub(crate) fn using(pod: &str, milli: i64) -> Value {
    json!({
        "pod": pod, "timestampAgoSeconds": 5, "windowSeconds": 15,
        "containers": [{"name": "fib", "cpuUsageMilli": milli}],
    })
}

pub(crate) const NAMES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

/// `count` ordinary pods that use `milli` each.
pub(crate) fn even(count: usize, milli: i64) -> (Vec<Value>, Vec<Value>) {
    (
        NAMES[..count].iter().map(|n| pod(n)).collect(),
        NAMES[..count].iter().map(|n| using(n, milli)).collect(),
    )
}

/// The answer to one case.
pub(crate) fn ask(kind: &str, input: &Value) -> Value {
    let line = json!({"id": "t", "kind": kind, "input": input}).to_string();
    let (answer, good) = hpa_check_core::decide::answer(&line, None);
    assert!(good, "{answer}");
    answer["result"].clone()
}

/// A CPU proposal at 50 %, with the controller's defaults.
pub(crate) fn propose(current: i32, pods: &[Value], metrics: &[Value]) -> Value {
    propose_in("newest", current, pods, metrics)
}

/// The same by the controller of this version.
pub(crate) fn propose_in(version: &str, current: i32, pods: &[Value], metrics: &[Value]) -> Value {
    ask(
        "resource_replicas",
        &json!({
            "currentReplicas": current, "metric": "cpu", "container": null, "targetUtilization": 50,
            "tolerance": {"scaleUp": 0.1, "scaleDown": 0.1},
            "controller": {
                "cpuInitializationPeriodSeconds": 300, "initialReadinessDelaySeconds": 30,
                "version": version,
            },
            "pods": pods, "podMetrics": metrics,
        }),
    )
}

/// One sync, made from an ordinary one: three pods of 100m, 3..10 at 50 %, nothing remembered.
pub(crate) struct Reconcile(pub(crate) Value);

impl Reconcile {
    pub(crate) fn of(current: i32, pods: usize, milli: i64) -> Self {
        let (pods, metrics) = even(pods, milli);
        Self(json!({
            "pods": pods, "podMetrics": metrics,
            "hpa": {
                "minReplicas": 3, "maxReplicas": 10, "behavior": null, "initialConditions": null,
                "metrics": [{"type": "Resource", "name": "cpu", "averageUtilization": 50}],
            },
            "scale": {"specReplicas": current, "statusReplicas": current, "selector": "app=fib"},
            "controller": {
                "tolerance": 0.1, "cpuInitializationPeriodSeconds": 300, "initialReadinessDelaySeconds": 30,
                "downscaleStabilizationSeconds": 300, "scaleUpLimitFactor": 2, "scaleUpLimitMinimum": 4,
            },
            "recommendations": [], "featureGates": {}, "fault": null,
        }))
    }

    /// Sets a member by its path, such as `hpa/behavior`.
    pub(crate) fn with(mut self, path: &str, value: Value) -> Self {
        let mut place = &mut self.0;
        for part in path.split('/') {
            place = &mut place[part];
        }
        *place = value;
        self
    }

    pub(crate) fn decide(&self) -> Decided {
        Decided(ask("reconcile", &self.0))
    }
}

/// The answer to one sync.
pub(crate) struct Decided(pub(crate) Value);

impl Decided {
    pub(crate) fn desired(&self) -> i64 {
        self.0["statusDesiredReplicas"].as_i64().unwrap()
    }

    pub(crate) fn scaled(&self) -> bool {
        self.0["scaleUpdated"].as_bool().unwrap()
    }

    /// A condition as `True/Reason`.
    pub(crate) fn condition(&self, kind: &str) -> String {
        let all = self.0["conditions"].as_array().unwrap();
        let found = all.iter().find(|c| c["type"] == kind);
        found.map_or_else(String::new, |c| {
            format!(
                "{}/{}",
                c["status"].as_str().unwrap(),
                c["reason"].as_str().unwrap()
            )
        })
    }

    pub(crate) fn reason(&self) -> &str {
        self.0["reason"].as_str().unwrap()
    }

    pub(crate) fn error(&self) -> &str {
        self.0["error"].as_str().unwrap_or_default()
    }
}
