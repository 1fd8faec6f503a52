//! A run from a script: what is observed, and what the conductor does.

use std::time::Duration;

use hpa_check_core::expectation::Expectation;
use hpa_check_core::observation::*;
use hpa_check_core::run::conductor::{Action, Conductor, LoadSchedule};
use hpa_check_core::run::evaluator::Evaluator;
use hpa_check_core::spec::{AutoscalerSpec, ContainerResources, MetricSpec, TargetRef};
use hpa_check_core::units::Millicores;
use jiff::{SignedDuration, Timestamp};

/// Three to ten pods at half their CPU request.
pub(crate) fn spec() -> AutoscalerSpec {
    AutoscalerSpec {
        scale_target_ref: TargetRef {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            name: "fib".into(),
        },
        min_replicas: Some(3),
        max_replicas: 10,
        metrics: vec![cpu_metric()],
        behavior: None,
    }
}

pub(crate) fn cpu_metric() -> MetricSpec {
    MetricSpec::cpu_utilization(50)
}

pub(crate) struct Scene {
    pub spec: AutoscalerSpec,
    evaluator: Evaluator,
    conductor: Conductor,
    now: i64,
    /// The current number of pods.
    pods: i32,
}

impl Scene {
    /// At the start of the run, with known settings and nothing observed yet.
    pub(crate) fn new(expectation: &Expectation, pace: LoadSchedule) -> Self {
        let mut scene = Self {
            spec: spec(),
            evaluator: Evaluator::new(expectation.clone()),
            conductor: Conductor::new(expectation.clone(), pace),
            now: 0,
            pods: 0,
        };
        scene.tell(Seen::RunContext(RunContext {
            source: "test".into(),
            namespace: String::new(),
            autoscaler: "fib".into(),
            kubernetes: None,
            controller: ControllerConfig::default(),
            controller_stated: true,
            metrics_resolution: Duration::from_secs(15),
        }));
        scene
    }

    /// The same with a load that is known to stay constant.
    pub(crate) fn steady(mut self) -> Self {
        self.conductor = self.conductor.steady();
        self
    }

    pub(crate) fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-03-04T10:20:30Z".parse().unwrap();
        start + SignedDuration::from_secs(self.now)
    }

    pub(crate) fn tell(&mut self, seen: Seen) {
        let at = self.now();
        self.evaluator.observe(&Observation { at, seen });
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, seconds: i64) {
        self.now += seconds;
    }

    /// Asks and acts until there is nothing left to do.
    pub(crate) fn ask(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        while let Some(action) = self.conductor.next(self.now(), self.evaluator.timeline()) {
            said.push(match action {
                Action::Enter(phase) => {
                    self.tell(Seen::Phase { phase });
                    format!("{phase:?}").to_lowercase()
                }
                Action::StartLoad { .. } => "start load".to_owned(),
                Action::StopLoad => "stop load".to_owned(),
                Action::Finish { why } => why,
            });
        }
        said
    }

    /// Waits second by second until the conductor acts: after how many seconds, and what it does.
    pub(crate) fn next(&mut self) -> (i64, Vec<String>) {
        for waited in 0..20_000 {
            let said = self.ask();
            if !said.is_empty() {
                return (waited, said);
            }
            self.wait(1);
        }
        panic!("nothing was ever said");
    }

    /// The target and its pods, all of them ready for a long time.
    pub(crate) fn target(&mut self, replicas: i32, ready: i32) {
        self.tell(Seen::Target(ScaleTarget {
            uid: "t".into(),
            generation: None,
            spec_replicas: replicas,
            replicas: ready,
            ready_replicas: ready,
            counts_ready: true,
            updated_replicas: ready,
            selector: "app=fib".into(),
            conditions: Vec::new(),
            replicas_writer: None,
            spec_digest: None,
        }));
        let long_ago = self.now() - SignedDuration::from_hours(1);
        for index in self.pods..ready {
            self.tell(Seen::Pod(Pod {
                name: name(index),
                uid: name(index),
                phase: "Running".into(),
                deleting: false,
                started: Some(long_ago),
                ready: Some(Ready {
                    status: "True".into(),
                    since: Some(long_ago),
                }),
                containers: vec![ContainerResources::cpu("fib", Some(Millicores(100)), None)],
                ..Pod::default()
            }));
        }
        for index in ready..self.pods {
            self.tell(Seen::PodGone { name: name(index) });
        }
        self.pods = ready;
    }

    /// What the controller wrote.
    pub(crate) fn status(&mut self, current: i32, desired: i32, utilization: Option<i32>) {
        self.tell(Seen::Autoscaler(Autoscaler {
            uid: "a".into(),
            spec: self.spec.clone(),
            status: Some(AutoscalerStatus {
                current_replicas: Some(current),
                desired_replicas: desired,
                cpu_utilization: utilization,
                current_metrics: Vec::new(),
                conditions: Vec::new(),
                last_scale: None,
            }),
            status_written: None,
            status_writer: None,
        }));
    }

    /// A new sample of each of the first `pods` pods, whose window of 15 s ends now.
    pub(crate) fn samples(&mut self, pods: i32, milli: i64) {
        let sample = |index| PodSample {
            pod: name(index),
            timestamp: self.now(),
            window: Duration::from_secs(15),
            containers: vec![ContainerSample::of_cpu("fib", Millicores(milli))],
        };
        let samples = (0..pods).map(sample).collect();
        self.tell(Seen::PodMetrics { samples });
    }

    /// A second of load.
    pub(crate) fn load(&mut self, users: u64) {
        self.tell(Seen::Load(LoadSecond {
            users,
            ..LoadSecond::default()
        }));
    }

    pub(crate) fn load_result(&mut self) {
        self.tell(Seen::LoadResult(LoadResult {
            requests: 1,
            failed: 0,
            wrong: 0,
            verified: 1,
            generator: GeneratorVerdict::Ok,
            generator_reasons: Vec::new(),
            exit_code: 0,
            command: None,
            output: Vec::new(),
        }));
    }

    /// From rest, with three ready idle pods, to the start of the load, and further if nothing is waited for.
    pub(crate) fn begin(&mut self) {
        assert_eq!(self.ask(), ["preflight"]);
        self.target(3, 3);
        self.samples(3, 5);
        self.status(3, 3, Some(5));
        let said = self.ask();
        assert_eq!(said[..2], ["baseline", "start load"]);
    }
}

fn name(index: i32) -> String {
    format!("fib-{index:02}")
}
