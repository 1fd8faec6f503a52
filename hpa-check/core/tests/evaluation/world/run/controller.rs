//! The metrics API, and the controller that reads it: the model, correct or with a fault.

use hpa_check_core::model::VersionGates;
use hpa_check_core::model::pods::ModelPod;
use hpa_check_core::model::proposal::Readings;
use hpa_check_core::model::reconcile::{Controller, ScaleSubresource, Sync};
use hpa_check_core::model::selector::TargetSelector;
use hpa_check_core::observation::*;
use hpa_check_core::units::Millicores;

use super::super::{Metrics, at};
use super::Run;

impl Run<'_> {
    /// Whether there are an autoscaler and a running controller.
    pub(super) fn syncs(&self) -> bool {
        !self.within(self.world.stands_still) && !self.within(self.world.deleted)
    }

    pub(super) fn within(&self, seconds: Option<(i64, i64)>) -> bool {
        seconds.is_some_and(|(from, until)| (from * 1000..until * 1000).contains(&self.now))
    }

    pub(super) fn delete_and_make_again(&mut self) {
        let Some((from, until)) = self.world.deleted else {
            return;
        };
        if self.now == from * 1000 {
            self.tell(Seen::AutoscalerGone);
        }
        if self.now == until * 1000 {
            self.uid = "hpa, made again";
            self.status = None;
            self.hpa = Controller::new(self.world.controller.clone(), VersionGates::default());
            self.tell_autoscaler();
        }
    }

    pub(super) fn restart(&mut self) {
        let Some((second, is_seen)) = self.world.restart else {
            return;
        };
        if self.now == second * 1000 {
            self.hpa = Controller::new(self.world.controller.clone(), VersionGates::default());
            if is_seen {
                let holder = "another".into();
                self.tell(Seen::Fact(Fact::ControllerRestarted { holder }));
            }
        }
    }

    pub(super) fn scrape(&mut self) {
        let (now, level) = (self.now, self.level());
        let serving: Vec<&Pod> = self
            .pods
            .iter()
            .filter(|p| p.pod.ready.as_ref().unwrap().status == "True" && !p.pod.deleting)
            .map(|p| &p.pod)
            .collect();
        let all = i64::try_from(serving.len()).unwrap().max(1);
        let alone = level * self.world.hot / 100;
        let limit = self.world.limit.unwrap_or(i64::MAX);
        // A pod has samples until it is gone.
        let measured = self.pods.iter().filter(|p| p.made <= self.scraped);
        let samples = measured
            .enumerate()
            .filter(|(i, _)| !matches!(self.world.metrics, Metrics::Leaves(n) if *i >= n))
            .map(|(i, p)| {
                let serves = serving.iter().any(|s| s.name == p.pod.name);
                let mut cpu = if serves { (level - alone) / all } else { 0 };
                cpu += if i == 0 { alone } else { 0 };
                let burns = self.world.burn.filter(|(ms, _)| now - p.made < *ms);
                cpu += burns.map_or(0, |(_, milli)| milli);
                PodSample {
                    pod: p.pod.name.clone(),
                    timestamp: at(now),
                    window: self.world.resolution,
                    containers: std::iter::once(ContainerSample::of_cpu(
                        "fib-server",
                        Millicores(cpu.min(limit)),
                    ))
                    .chain(
                        self.world
                            .sidecar
                            .map(|name| ContainerSample::of_cpu(name, Millicores(1))),
                    )
                    .collect(),
                }
            })
            .collect();
        self.scraped = now;
        match self.world.metrics {
            Metrics::StopsAt(second) if now >= second * 1000 => {}
            Metrics::Fails(error) => self.samples = Err(error.into()),
            _ => self.samples = Ok(samples),
        }
        self.tell_metrics();
    }

    pub(super) fn tell_metrics(&mut self) {
        match self.samples.clone() {
            Ok(_) if self.world.metrics == Metrics::Forbidden => {
                self.tell(Seen::MetricsUnavailable {
                    error: "pods.metrics.k8s.io is forbidden".into(),
                    timed_out: false,
                });
            }
            Ok(_) if self.world.metrics == Metrics::TooSlow => {
                self.tell(Seen::MetricsUnavailable {
                    error: "no answer within 10 s".into(),
                    timed_out: true,
                });
            }
            Ok(samples) => self.tell(Seen::PodMetrics { samples }),
            Err(error) => self.tell(Seen::MetricsUnavailable {
                error,
                timed_out: false,
            }),
        }
    }

    pub(super) fn sync(&mut self) {
        let before = self.status.clone().unwrap_or_default();
        let current = self.replicas;
        if let Some((kind, reason, message)) = self.world.refusal {
            let condition = Condition {
                kind: kind.into(),
                status: "False".into(),
                reason: reason.into(),
                message: message.into(),
            };
            self.status = Some(AutoscalerStatus {
                current_replicas: Some(current),
                conditions: vec![condition],
                ..before
            });
            return self.tell_autoscaler();
        }
        let pods: Vec<ModelPod> = self.pods.iter().map(|p| ModelPod::from(&p.pod)).collect();
        let samples = self.samples.clone();
        let decision = self.hpa.sync(Sync {
            namespace: "",
            now: at(self.now),
            spec: &self.world.spec,
            scale: Ok(ScaleSubresource {
                replicas: current,
                observed: current,
                selector: &TargetSelector::new("app=fib-server"),
            }),
            pods: &pods,
            metrics: Readings::of_resources(samples.as_deref().map_err(String::as_str)),
            shares_pods: false,
            update_error: None,
            conditions: &before.conditions,
            desired_before: before.desired_replicas,
        });
        let desired = (self.world.decide)(current, decision.desired);
        self.status = Some(AutoscalerStatus {
            current_replicas: Some(current),
            desired_replicas: desired,
            cpu_utilization: decision.utilization,
            current_metrics: decision.current_metrics(),
            conditions: decision.conditions,
            last_scale: None,
        });
        self.tell_autoscaler();
        if desired != current && decision.error.is_none() {
            self.scale(desired, self.world.manager);
            if let (Some((wait, _)), true) = (self.world.rival, desired > current) {
                self.rival_due = Some(self.now + wait * 1000);
            }
        }
    }

    pub(super) fn scale(&mut self, replicas: i32, manager: &str) {
        if replicas != self.replicas {
            self.replicas = replicas;
            self.generation += 1;
            self.writer = Some(FieldManager {
                manager: manager.into(),
                at: Some(at(self.now)),
            });
        }
    }
}
