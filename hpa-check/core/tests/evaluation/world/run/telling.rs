//! The observations of it all.

use hpa_check_core::observation::*;
use hpa_check_core::spec::ContainerResources;
use hpa_check_core::units::Millicores;

use super::super::at;
use super::{PodState, Run};

impl Run<'_> {
    pub(super) fn tell_autoscaler(&mut self) {
        self.tell(Seen::Autoscaler(Autoscaler {
            uid: self.uid.into(),
            spec: self.world.spec.clone(),
            status: self.status.clone(),
            status_written: self.status.as_ref().map(|_| at(self.now)),
            status_writer: self.status.as_ref().map(|_| self.world.manager.to_owned()),
        }));
    }

    pub(super) fn tell_events(&mut self) {
        for (second, pod, reason, message) in self.world.events {
            if second * 1000 == self.now {
                self.tell(Seen::Event(Event {
                    about: format!("Pod/fib-server-5d8f-{pod:03}"),
                    kind: "Normal".into(),
                    reason: (*reason).into(),
                    message: (*message).into(),
                    count: 1,
                }));
            }
        }
    }

    pub(super) fn tell_target(&mut self) {
        let living: Vec<&PodState> = self.pods.iter().filter(|p| !p.pod.deleting).collect();
        let count = |n: usize| i32::try_from(n).unwrap();
        let ready = living
            .iter()
            .filter(|p| p.pod.ready.as_ref().unwrap().status == "True")
            .count();
        // Only these count the pods of the new template, and name the writer of the replicas.
        let of_apps = self.world.spec.scale_target_ref.group() == "apps";
        let new = living.iter().filter(|p| !p.old || !of_apps);
        let updated = new.count();
        let short = count(living.len()) < self.replicas;
        let target = ScaleTarget {
            uid: "deploy".into(),
            generation: self.world.generation.then_some(self.generation),
            spec_replicas: self.replicas,
            replicas: count(living.len()),
            ready_replicas: count(ready),
            counts_ready: true,
            updated_replicas: count(updated),
            selector: "app=fib-server".into(),
            conditions: self.conditions(short),
            replicas_writer: if of_apps {
                self.writer.clone()
            } else {
                self.applier()
            },
            spec_digest: Some(self.template.to_string()),
        };
        if self.told.as_ref() != Some(&target) {
            self.told = Some(target.clone());
            self.tell(Seen::Target(target));
        }
    }

    /// For a custom resource the API server does not record writes through `/scale`.
    fn applier(&self) -> Option<FieldManager> {
        self.world.applier.map(|manager| FieldManager {
            manager: manager.into(),
            at: Some(at(-60_000)),
        })
    }

    fn conditions(&self, short: bool) -> Vec<Condition> {
        let condition = |kind: &str, status: &str, reason: &str, message: &str| Condition {
            kind: kind.to_owned().into(),
            status: status.to_owned().into(),
            reason: reason.to_owned().into(),
            message: message.to_owned().into(),
        };
        let refused =
            short.then(|| condition("ReplicaFailure", "True", "FailedCreate", self.world.refuses));
        let stalled = self.world.stalled.then(|| {
            condition(
                "Progressing",
                "False",
                "ProgressDeadlineExceeded",
                "ReplicaSet \"fib-server-5d8f\" has timed out progressing.",
            )
        });
        refused.into_iter().chain(stalled).collect()
    }

    /// A pod of a finished job, whose labels match the selector.
    pub(super) fn tell_completed(&mut self, n: usize) {
        self.tell(Seen::Pod(Pod {
            name: format!("migration-{n}"),
            uid: format!("migration-{n}"),
            phase: "Succeeded".into(),
            started: Some(at(self.now)),
            containers: vec![ContainerResources::cpu(
                "migration",
                Some(Millicores(100)),
                None,
            )],
            owner: Some("Job/migration".into()),
            ..Pod::default()
        }));
    }

    pub(super) fn tell(&mut self, seen: Seen) {
        let watched = matches!(
            seen,
            Seen::Target(_)
                | Seen::Autoscaler(_)
                | Seen::AutoscalerGone
                | Seen::Pod(_)
                | Seen::PodGone { .. }
        );
        if let Some((from, until)) = self.world.blind {
            let blind = |s: i64| from * 1000 <= s && s < until * 1000;
            if watched && blind(self.now) {
                if !self.lost() {
                    self.watch(WatchState::Lost);
                }
                self.told = None;
                return;
            }
            if watched && self.lost() {
                self.watch(WatchState::Current);
            }
        }
        self.record(seen);
    }

    pub(super) fn lost(&self) -> bool {
        let last = self.recording.iter().rev().find_map(|o| match &o.seen {
            Seen::Watch(w) => Some(w.state),
            _ => None,
        });
        last == Some(WatchState::Lost)
    }

    pub(super) fn watch(&mut self, state: WatchState) {
        self.record(Seen::Watch(Watch {
            resource: Watched::Target,
            state,
            error: Some("connection reset".into()),
            since: None,
        }));
    }

    pub(super) fn record(&mut self, seen: Seen) {
        let observation = Observation {
            at: at(self.now),
            seen,
        };
        self.evaluator.observe(&observation);
        self.recording.push(observation);
    }
}
