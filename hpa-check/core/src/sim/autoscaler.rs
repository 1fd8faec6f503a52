//! The autoscaler of a simulated cluster: its object, and the model as its controller.

use jiff::Timestamp;

use crate::model::VersionGates;
use crate::model::decision::Decision;
use crate::model::pods::ModelPod;
use crate::model::proposal::Readings;
use crate::model::reconcile::{Controller, ScaleSubresource, Sync};
use crate::observation::{Autoscaler, AutoscalerStatus, ControllerConfig, Event, PodSample};
use crate::spec::AutoscalerSpec;

/// The field manager that writes the target's replicas.
pub(crate) const MANAGER: &str = "kube-controller-manager";

/// The object and its controller's memory.
#[derive(Debug)]
pub(crate) struct SimulatedAutoscaler {
    name: String,
    spec: AutoscalerSpec,
    controller: Controller,
    status: AutoscalerStatus,
    synced: Option<Timestamp>,
}

impl SimulatedAutoscaler {
    /// One that has not synced yet.
    pub(crate) fn new(
        name: &str,
        spec: AutoscalerSpec,
        config: &ControllerConfig,
        gates: VersionGates,
    ) -> Self {
        Self {
            name: name.to_owned(),
            spec,
            controller: Controller::new(config.clone(), gates),
            status: AutoscalerStatus::default(),
            synced: None,
        }
    }

    /// One sync with these replicas, these pods, and the metrics API's last answer or error.
    pub(crate) fn sync(
        &mut self,
        now: Timestamp,
        scale: ScaleSubresource<'_>,
        pods: &[ModelPod],
        metrics: Result<&[PodSample], &str>,
    ) -> Decision {
        let decision = self.controller.sync(Sync {
            namespace: "",
            now,
            spec: &self.spec,
            scale: Ok(scale),
            pods,
            metrics: Readings::of_resources(metrics),
            shares_pods: false,
            update_error: None,
            conditions: &self.status.conditions,
            desired_before: self.status.desired_replicas,
        });
        self.status.current_replicas = Some(scale.replicas);
        self.status.desired_replicas = decision.desired;
        self.status.cpu_utilization = decision.utilization;
        self.status.current_metrics = decision.current_metrics();
        self.status.conditions.clone_from(&decision.conditions);
        if decision.scaled {
            self.status.last_scale = Some(now);
        }
        self.synced = Some(now);
        decision
    }

    /// The object in its current state.
    pub(crate) fn object(&self) -> Autoscaler {
        Autoscaler {
            uid: self.name.clone(),
            spec: self.spec.clone(),
            status: self.synced.map(|_| self.status.clone()),
            status_written: self.synced,
            status_writer: None,
        }
    }

    /// The event that the controller emits for a decision, if any.
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
