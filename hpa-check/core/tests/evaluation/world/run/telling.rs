//! What is observed of it all.

use hpa_check_core::observation::*;

use super::super::at;
use super::{PodState, Run};

impl Run<'_> {
    pub(super) fn tell_autoscaler(&mut self) {
        self.tell(Seen::Autoscaler(Autoscaler {
            uid: self.uid.into(),
            spec: self.world.spec.clone(),
            status: self.status.clone(),
            status_written: self.status.as_ref().map(|_| at(self.now)),
        }));
    }

    pub(super) fn tell_target(&mut self) {
        let living: Vec<&PodState> = self.pods.iter().filter(|p| !p.pod.deleting).collect();
        let count = |n: usize| i32::try_from(n).unwrap();
        let ready = living
            .iter()
            .filter(|p| p.pod.ready.as_ref().unwrap().status == "True")
            .count();
        let short = count(living.len()) < self.replicas;
        let target = Target {
            uid: "deploy".into(),
            generation: self.world.generation.then_some(self.generation),
            spec_replicas: self.replicas,
            replicas: count(living.len()),
            ready_replicas: count(ready),
            counts_ready: true,
            updated_replicas: count(living.len()),
            selector: "app=fib-server".into(),
            conditions: short
                .then(|| Condition {
                    kind: "ReplicaFailure".into(),
                    status: "True".into(),
                    reason: "FailedCreate".into(),
                    message: "pods \"x\" is forbidden: exceeded quota: small".into(),
                })
                .into_iter()
                .collect(),
            replicas_writer: self.writer.clone(),
        };
        if self.told.as_ref() != Some(&target) {
            self.told = Some(target.clone());
            self.tell(Seen::Target(target));
        }
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
            resource: "target".into(),
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
