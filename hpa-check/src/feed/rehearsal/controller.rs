//! The autoscaler of the rehearsal: the model, fed with what the rehearsal's own API knows.

use hpa_check_core::model::VersionGates;
use hpa_check_core::model::pods::{Pod as ModelPod, PodMetric};
use hpa_check_core::model::proposal::Readings;
use hpa_check_core::model::reconcile::{Controller, Decision, Scale, Sync};
use hpa_check_core::observation::{
    Autoscaler, AutoscalerStatus, ControllerConfig, Event, Pod, PodSample,
};
use hpa_check_core::spec::AutoscalerSpec;
use jiff::Timestamp;

use super::deployment::SELECTOR;

/// Its name as the writer of the target's size.
pub(crate) const MANAGER: &str = "kube-controller-manager";

/// The autoscaler: its object, and its controller's memory.
#[derive(Debug)]
pub(crate) struct HorizontalPodAutoscaler {
    name: String,
    spec: AutoscalerSpec,
    controller: Controller,
    status: AutoscalerStatus,
    synced: Option<Timestamp>,
}

impl HorizontalPodAutoscaler {
    /// One that has not synced yet.
    pub(crate) fn new(name: &str, spec: AutoscalerSpec, settings: &ControllerConfig) -> Self {
        Self {
            name: name.to_owned(),
            spec,
            controller: Controller::new(settings.clone(), VersionGates::default()),
            status: AutoscalerStatus::default(),
            synced: None,
        }
    }

    /// One sync on that size, those pods, and the metrics API's last answer or error.
    pub(crate) fn sync(
        &mut self,
        now: Timestamp,
        replicas: i32,
        pods: &[Pod],
        metrics: Result<&[PodSample], &str>,
    ) -> Decision {
        let current: Vec<ModelPod> = pods.iter().map(ModelPod::from).collect();
        let samples: Result<Vec<PodMetric>, &str> =
            metrics.map(|samples| samples.iter().map(PodMetric::from).collect());
        let decision = self.controller.sync(Sync {
            namespace: "",
            now,
            spec: &self.spec,
            scale: Ok(Scale {
                replicas,
                observed: replicas,
                selector: SELECTOR,
            }),
            pods: &current,
            metrics: Readings::of_resources(samples.as_deref().map_err(|error| *error)),
            other_selectors: &[],
            update_error: None,
            conditions: &self.status.conditions,
            desired_before: self.status.desired_replicas,
        });
        self.status.current_replicas = Some(replicas);
        self.status.desired_replicas = decision.desired;
        self.status.cpu_utilization = decision.utilization;
        self.status.conditions.clone_from(&decision.conditions);
        if decision.scaled {
            self.status.last_scale = Some(now);
        }
        self.synced = Some(now);
        decision
    }

    /// The object, as it stands.
    pub(crate) fn object(&self) -> Autoscaler {
        Autoscaler {
            uid: self.name.clone(),
            spec: self.spec.clone(),
            status: self.synced.map(|_| self.status.clone()),
            status_written: self.synced,
        }
    }

    /// The event that the controller tells of a decision, if it tells one.
    pub(crate) fn event(&self, decision: &Decision) -> Option<Event> {
        let (kind, reason, message) = if decision.scaled {
            let (size, why) = (decision.desired, &decision.reason);
            let message = format!("New size: {size}; reason: {why}");
            ("Normal", "SuccessfulRescale", message)
        } else {
            let error = decision.error.clone()?;
            ("Warning", "FailedComputeMetricsReplicas", error)
        };
        Some(Event {
            about: format!("HorizontalPodAutoscaler/{}", self.name),
            kind: kind.to_owned(),
            reason: reason.to_owned(),
            message,
            count: 1,
        })
    }
}
