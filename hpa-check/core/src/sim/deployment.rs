//! The Deployment of a simulated cluster: takes `spec.replicas` and returns pods to start and stop. It does
//! what the ReplicaSet controller does, and reports every change as an observation.

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use crate::model::pods::ModelPod;
use crate::model::selector::TargetSelector;
use crate::observation::{Condition, Event, FieldManager, Pod, Ready, ScaleTarget, Seen};
use crate::spec::ContainerResources;

/// An action on a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// Start it.
    Start(String),
    /// Remove it from the endpoints and shut it down gracefully.
    Stop(String),
}

/// The Deployment and its pods.
#[derive(Debug)]
pub(crate) struct Deployment {
    /// The owner of its pods, such as `ReplicaSet/fib-server`.
    owner: String,
    /// Its name, and the prefix of its pods' names.
    name: String,
    /// The label selector by which the autoscaler finds the pods.
    selector: TargetSelector,
    template: ContainerResources,
    /// The most pods that the namespace's quota allows.
    quota: Option<i32>,
    replicas: i32,
    generation: i64,
    writer: Option<FieldManager>,
    refused: bool,
    made: u32,
    pods: Vec<Pod>,
    /// The pods as the controller reads them; `None` if one has changed since.
    model_pods: Option<Vec<ModelPod>>,
    /// Whether changes are recorded.
    watched: bool,
    changes: Vec<Seen>,
    last_target: Option<ScaleTarget>,
}

impl Deployment {
    /// A target of this kind without pods. A Deployment owns its pods through a ReplicaSet.
    pub(crate) fn new(
        kind: &str,
        name: &str,
        template: ContainerResources,
        replicas: i32,
        quota: Option<i32>,
        watched: bool,
    ) -> Self {
        Self {
            owner: match kind {
                "Deployment" => format!("ReplicaSet/{name}"),
                _ => format!("{kind}/{name}"),
            },
            name: name.to_owned(),
            selector: TargetSelector::new(format!("app.kubernetes.io/name={name}")),
            template,
            quota,
            replicas,
            generation: 1,
            writer: None,
            refused: false,
            made: 0,
            pods: Vec::new(),
            model_pods: None,
            watched,
            changes: Vec::new(),
            last_target: None,
        }
    }

    /// Starts with all its pods, ready since this instant; returns their names.
    pub(crate) fn established(&mut self, since: Timestamp) -> Vec<String> {
        let names: Vec<String> = (0..self.replicas).map(|_| self.create(since)).collect();
        for name in &names {
            self.running(name);
            self.ready(name, true, since);
        }
        names
    }

    /// What a sync of the controller reads of it: the selector, and the pods that it finds, including terminating ones.
    pub(crate) fn found(&mut self) -> (&TargetSelector, &[ModelPod]) {
        let pods = self
            .model_pods
            .get_or_insert_with(|| self.pods.iter().map(ModelPod::from).collect());
        (&self.selector, pods)
    }

    /// Whether a pod exists and is not terminating.
    pub(crate) fn is_alive(&self, name: &str) -> bool {
        self.pods
            .iter()
            .any(|pod| pod.name == name && !pod.deleting)
    }

    /// `spec.replicas`.
    pub(crate) fn replicas(&self) -> i32 {
        self.replicas
    }

    /// Writes `spec.replicas` as this field manager.
    pub(crate) fn scale(&mut self, replicas: i32, manager: &str, now: Timestamp) {
        if replicas != self.replicas {
            self.replicas = replicas;
            self.generation += 1;
            self.writer = Some(FieldManager {
                manager: manager.to_owned(),
                at: Some(now),
            });
        }
    }

    /// What to start and stop to get the number of pods in the spec.
    pub(crate) fn reconcile(&mut self, now: Timestamp) -> Vec<Order> {
        let mut orders = Vec::new();
        while self.active() < self.replicas && !self.refuse() {
            orders.push(Order::Start(self.create(now)));
        }
        while self.active() > self.replicas {
            let Some(pod) = self.least_needed() else {
                break;
            };
            pod.deleting = true;
            let pod = pod.clone();
            orders.push(Order::Stop(pod.name.clone()));
            self.changed(Seen::Pod(pod));
        }
        orders
    }

    /// The pod's container is running.
    pub(crate) fn running(&mut self, name: &str) {
        self.change(name, |pod| {
            "Running".clone_into(&mut pod.phase);
            pod.waiting = None;
        });
    }

    /// The pod's readiness probe has a new result.
    pub(crate) fn ready(&mut self, name: &str, ready: bool, now: Timestamp) {
        self.change(name, |pod| set_ready(pod, ready, now));
    }

    /// The pod's container exited and will be restarted after a delay.
    pub(crate) fn crashed(&mut self, name: &str, now: Timestamp) {
        self.change(name, |pod| {
            pod.restarts += 1;
            pod.waiting = Some("CrashLoopBackOff".to_owned());
            set_ready(pod, false, now);
        });
    }

    /// The pod is gone.
    pub(crate) fn gone(&mut self, name: &str) {
        let before = self.pods.len();
        self.pods.retain(|pod| pod.name != name);
        if self.pods.len() < before {
            self.changed(Seen::PodGone {
                name: name.to_owned(),
            });
        }
    }

    /// Everything that changed since the last call.
    pub(crate) fn take_changes(&mut self) -> Vec<Seen> {
        if !self.watched {
            return Vec::new();
        }
        let target = self.target();
        if self.last_target.as_ref() != Some(&target) {
            self.last_target = Some(target.clone());
            self.changes.push(Seen::Target(target));
        }
        std::mem::take(&mut self.changes)
    }

    fn changed(&mut self, seen: Seen) {
        if !matches!(seen, Seen::Event(_)) {
            self.model_pods = None;
        }
        if self.watched {
            self.changes.push(seen);
        }
    }

    fn active(&self) -> i32 {
        count(self.pods.iter().filter(|pod| !pod.deleting))
    }

    /// Whether the quota forbids one more pod. Terminating pods still count.
    fn refuse(&mut self) -> bool {
        let refused = self
            .quota
            .is_some_and(|most| count(self.pods.iter()) >= most);
        if refused && !self.refused {
            self.changed(Seen::Event(Event {
                about: self.owner.clone(),
                kind: "Warning".to_owned(),
                reason: "FailedCreate".to_owned(),
                message: format!("Error creating: {}", self.refusal()),
                count: 1,
            }));
        }
        self.refused = refused;
        refused
    }

    fn refusal(&self) -> String {
        let most = self.quota.unwrap_or_default();
        let (name, used) = (&self.name, self.pods.len());
        format!(
            "pods \"{name}-\" is forbidden: exceeded quota: rehearsal, requested: pods=1, \
             used: pods={used}, limited: pods={most}"
        )
    }

    fn create(&mut self, now: Timestamp) -> String {
        self.made += 1;
        let name = format!("{}-{:02}", self.name, self.made);
        let pod = Pod {
            name: name.clone(),
            uid: name.clone(),
            phase: "Pending".to_owned(),
            deleting: false,
            started: Some(now),
            ready: Some(Ready {
                status: "False".to_owned(),
                since: Some(now),
            }),
            containers: vec![self.template.clone()],
            owner: Some(self.owner.clone()),
            ..Pod::default()
        };
        self.pods.push(pod.clone());
        self.changed(Seen::Pod(pod));
        name
    }

    /// The pod to delete first: one that is not ready, else the youngest.
    fn least_needed(&mut self) -> Option<&mut Pod> {
        self.pods
            .iter_mut()
            .enumerate()
            .filter(|(_, pod)| !pod.deleting)
            .max_by_key(|(age, pod)| (!is_ready(pod), *age))
            .map(|(_, pod)| pod)
    }

    fn change(&mut self, name: &str, change: impl FnOnce(&mut Pod)) {
        if let Some(pod) = self.pods.iter_mut().find(|pod| pod.name == name) {
            let before = pod.clone();
            change(pod);
            if *pod != before {
                let pod = pod.clone();
                self.changed(Seen::Pod(pod));
            }
        }
    }

    fn target(&self) -> ScaleTarget {
        let alive: Vec<_> = self.pods.iter().filter(|pod| !pod.deleting).collect();
        let ready = count(alive.iter().filter(|pod| is_ready(pod)));
        let replicas = count(alive.iter());
        let conditions = self
            .refused
            .then(|| Condition {
                kind: "ReplicaFailure".into(),
                status: "True".into(),
                reason: "FailedCreate".into(),
                message: self.refusal().into(),
            })
            .into_iter()
            .collect();
        ScaleTarget {
            uid: self.name.clone(),
            generation: Some(self.generation),
            spec_replicas: self.replicas,
            replicas,
            ready_replicas: ready,
            counts_ready: true,
            updated_replicas: replicas,
            selector: self.selector.text().to_owned(),
            conditions,
            replicas_writer: self.writer.clone(),
            spec_digest: None,
        }
    }
}

fn is_ready(pod: &Pod) -> bool {
    pod.ready.as_ref().is_some_and(|r| r.status == "True")
}

fn set_ready(pod: &mut Pod, ready: bool, now: Timestamp) {
    let status = if ready { "True" } else { "False" };
    if pod.ready.as_ref().is_none_or(|r| r.status != status) {
        pod.ready = Some(Ready {
            status: status.to_owned(),
            since: Some(now),
        });
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> i32 {
    i32::try_from(items.count()).unwrap_or(i32::MAX)
}
