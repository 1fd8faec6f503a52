//! A small cluster on the API server: the model as the autoscaler's controller, a workload's controller, pods
//! that start and end, a metrics server. It uses the server's clock, so it runs in virtual time as well as in
//! real time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hpa_check_core::model::VersionGates;
use hpa_check_core::model::decision::Decision;
use hpa_check_core::model::pods::{ModelPod, ReadyCondition};
use hpa_check_core::model::proposal::Readings;
use hpa_check_core::model::reconcile::{Controller, ScaleSubresource, Sync};
use hpa_check_core::model::selector::TargetSelector;
use hpa_check_core::observation::{Condition, ContainerSample, ControllerConfig, PodSample};
use hpa_check_core::spec::{AutoscalerSpec, ContainerResources, MetricSpec, TargetRef};
use hpa_check_core::units::Millicores;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior};

use super::objects::{self, seconds};
use super::{ApiServer, NAMESPACE};

/// The CPU request of a pod, in millicores.
const REQUEST: i64 = 100;

/// CPU that all pods of the cluster must provide, in millicores.
#[derive(Clone, Default)]
pub(crate) struct Load(Arc<AtomicI64>);

impl Load {
    pub(crate) fn set(&self, milli: i64) {
        self.0.store(milli, Ordering::Relaxed);
    }

    fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The cluster's periods.
#[derive(Clone)]
pub(crate) struct Periods {
    pub(crate) controller: ControllerConfig,
    pub(crate) resolution: Duration,
    pub(crate) pod_start: Duration,
    pub(crate) tick: Duration,
}

pub(crate) struct Cluster {
    server: ApiServer,
    clock: fn() -> Timestamp,
    periods: Periods,
    load: Load,
    replicas: i32,
    pods: Vec<Pod>,
    made: usize,
    samples: Vec<PodSample>,
    scraped: Option<Timestamp>,
    controller: Controller,
    holder: Value,
    conditions: Vec<Condition>,
    desired: i32,
}

struct Pod {
    name: String,
    made: Timestamp,
    ready: Option<Timestamp>,
    ending: bool,
    /// Changed since it was last written.
    changed: bool,
}

impl Cluster {
    /// Three ready pods at rest, with an autoscaler that has not synced yet.
    pub(crate) fn new(
        server: &ApiServer,
        clock: fn() -> Timestamp,
        periods: Periods,
    ) -> (Self, Load) {
        let load = Load::default();
        let deployment = objects::deployment("fib", 3);
        server.serve("metrics.k8s.io/v1beta1", "pods", "PodMetrics");
        server.put(objects::autoscaler("fib", &deployment));
        server.put(deployment);
        server.put(objects::api_service("v1beta1", true));
        server.put(objects::lease("first"));
        let mut cluster = Self {
            server: server.clone(),
            clock,
            load: load.clone(),
            replicas: 3,
            pods: Vec::new(),
            made: 0,
            samples: Vec::new(),
            scraped: None,
            controller: controller(&periods),
            holder: json!("first"),
            conditions: Vec::new(),
            desired: 0,
            periods,
        };
        cluster.deploy(clock());
        (cluster, load)
    }

    /// Runs for as long as it is polled.
    pub(crate) async fn run(mut self) {
        let mut ticks = tokio::time::interval(self.periods.tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut scraped, mut synced) = (Instant::now(), Instant::now());
        loop {
            ticks.tick().await;
            let now = (self.clock)();
            self.deploy(now);
            if scraped.elapsed() >= self.periods.resolution {
                scraped += self.periods.resolution;
                self.scrape(now);
            }
            if synced.elapsed() >= self.periods.controller.sync_period {
                synced += self.periods.controller.sync_period;
                self.sync(now);
            }
        }
    }

    /// The workload's controller and the kubelets.
    fn deploy(&mut self, now: Timestamp) {
        let ended: Vec<Pod> = self.pods.extract_if(.., |pod| pod.ending).collect();
        let gone = !ended.is_empty();
        for pod in ended {
            self.server.delete(&format!("pods/{}", pod.name));
        }
        let wanted = usize::try_from(self.replicas).unwrap();
        while self.pods.len() < wanted {
            self.made += 1;
            self.pods.push(Pod {
                name: format!("fib-5d8f-{:03}", self.made),
                made: now,
                ready: None,
                ending: false,
                changed: true,
            });
        }
        for pod in &mut self.pods[wanted..] {
            (pod.ending, pod.changed) = (true, true);
        }
        let start = self.periods.pod_start;
        for pod in &mut self.pods {
            if pod.ready.is_none() && pod.made + start <= now {
                (pod.ready, pod.changed) = (Some(now), true);
            }
        }
        let mut changed = gone;
        for pod in self.pods.iter_mut().filter(|pod| pod.changed) {
            pod.changed = false;
            changed = true;
            self.server.put(pod.object(now));
        }
        if !changed {
            return;
        }
        let living = || self.pods.iter().filter(|pod| !pod.ending);
        let (all, ready) = (
            living().count(),
            living().filter(|p| p.ready.is_some()).count(),
        );
        self.server.change("deployments/fib", |object| {
            object["status"] =
                json!({"replicas": all, "readyReplicas": ready, "updatedReplicas": all});
        });
    }

    /// The metrics server: a pod has a sample after its first whole window.
    fn scrape(&mut self, now: Timestamp) {
        let serving = self.pods.iter().filter(|p| p.ready.is_some() && !p.ending);
        let each = self.load.get() / i64::try_from(serving.count()).unwrap().max(1);
        let last = self.scraped.replace(now);
        self.samples = Vec::new();
        for pod in &self.pods {
            let object = pod.object(now);
            let milli = if pod.ready.is_some() && !pod.ending {
                each
            } else {
                0
            };
            let mut metrics = objects::pod_metrics("v1beta1", &object, milli, now);
            metrics["window"] = json!(format!("{}s", self.periods.resolution.as_secs()));
            if last.is_some_and(|last| pod.made <= last) {
                self.server.put(metrics);
                self.samples.push(PodSample {
                    pod: pod.name.clone(),
                    timestamp: whole(now),
                    window: self.periods.resolution,
                    containers: vec![ContainerSample::of_cpu("fib", Millicores(milli))],
                });
            }
        }
    }

    /// The autoscaler's controller. A new holder of the lease remembers nothing.
    fn sync(&mut self, now: Timestamp) {
        if !self.server.has("horizontalpodautoscalers/fib") {
            return;
        }
        let lease = self.server.object("leases/kube-controller-manager");
        let holder = lease["spec"]["holderIdentity"].clone();
        if self.holder != holder {
            self.holder = holder;
            self.controller = controller(&self.periods);
        }
        let pods: Vec<ModelPod> = self.pods.iter().map(Pod::model).collect();
        let decision = self.controller.sync(Sync {
            namespace: "",
            now,
            spec: &spec(),
            scale: Ok(ScaleSubresource {
                replicas: self.replicas,
                observed: self.replicas,
                selector: &TargetSelector::new("app=fib"),
            }),
            pods: &pods,
            metrics: Readings::of_resources(Ok(&self.samples)),
            shares_pods: false,
            update_error: None,
            conditions: &self.conditions,
            desired_before: self.desired,
        });
        self.server
            .change("horizontalpodautoscalers/fib", |object| {
                tell(object, &decision, now);
            });
        if decision.scaled {
            self.server.change("deployments/fib", |object| {
                object["spec"]["replicas"] = json!(decision.desired);
                let generation = object["metadata"]["generation"].as_i64().unwrap();
                object["metadata"]["generation"] = json!(generation + 1);
                object["metadata"]["managedFields"] = json!([{"manager": "kube-controller-manager",
                    "operation": "Update", "subresource": "scale", "time": seconds(now),
                    "fieldsV1": {"f:spec": {"f:replicas": {}}}}]);
            });
            self.replicas = decision.desired;
        }
        self.conditions = decision.conditions;
        self.desired = decision.desired;
    }
}

fn controller(periods: &Periods) -> Controller {
    Controller::new(periods.controller.clone(), VersionGates::of_version("1.36"))
}

/// Writes a decision into the status; the controller does not write one that is unchanged.
fn tell(object: &mut Value, decision: &Decision, now: Timestamp) {
    let conditions: Vec<Value> = decision
        .conditions
        .iter()
        .map(|c| json!({"type": c.kind, "status": c.status, "reason": c.reason, "message": c.message}))
        .collect();
    let current = decision.current_metrics();
    let metrics = decision.utilization.map(|utilization| {
        json!([{"type": "Resource", "resource": {"name": "cpu",
            "current": {"averageUtilization": utilization, "averageValue": current[0].average_value}}}])
    });
    let status = json!({"currentReplicas": decision.current, "desiredReplicas": decision.desired,
        "currentMetrics": metrics, "conditions": conditions});
    if object["status"] != status {
        object["status"] = status;
        object["metadata"]["managedFields"] = json!([{"manager": "kube-controller-manager",
            "operation": "Update", "subresource": "status", "time": seconds(now)}]);
    }
}

impl Pod {
    fn object(&self, now: Timestamp) -> Value {
        let mut object = objects::pod(&self.name, "fib", self.ready.unwrap_or(self.made));
        object["status"]["startTime"] = seconds(self.made);
        if self.ready.is_none() {
            object["status"]["phase"] = json!("Pending");
            object["status"]["conditions"][0]["status"] = json!("False");
        }
        if self.ending {
            object["metadata"]["deletionTimestamp"] = seconds(now);
        }
        object
    }

    fn model(&self) -> ModelPod {
        ModelPod {
            name: self.name.clone(),
            phase: if self.ready.is_some() {
                "Running"
            } else {
                "Pending"
            }
            .to_owned(),
            deleting: self.ending,
            start: Some(whole(self.made)),
            ready: Some(ReadyCondition {
                status: if self.ready.is_some() {
                    "True"
                } else {
                    "False"
                }
                .to_owned(),
                last_transition: whole(self.ready.unwrap_or(self.made)),
            }),
            containers: vec![ContainerResources::cpu(
                "fib",
                Some(Millicores(REQUEST)),
                None,
            )],
            ..ModelPod::default()
        }
    }
}

/// The spec of [`objects::autoscaler`].
fn spec() -> AutoscalerSpec {
    AutoscalerSpec {
        scale_target_ref: TargetRef::deployment(NAMESPACE),
        min_replicas: Some(3),
        max_replicas: 10,
        metrics: vec![MetricSpec::cpu_utilization(50)],
        behavior: None,
    }
}

fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap()
}
