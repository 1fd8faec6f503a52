//! The Deployment, and the life of each pod.

use std::time::Duration;

use hpa_check_core::observation::*;
use hpa_check_core::spec::ContainerResources;
use hpa_check_core::units::Millicores;

use super::super::{Fate, at};
use super::{PodState, Run};

impl Run<'_> {
    pub(super) fn deploy(&mut self) {
        let now = self.now;
        let mut changed = self.roll_out();
        let living = |pods: &[PodState]| pods.iter().filter(|p| !p.pod.deleting).count();
        let wanted = usize::try_from(self.replicas).unwrap();
        let room = self
            .world
            .quota
            .map_or(usize::MAX, |q| usize::try_from(q).unwrap());
        while living(&self.pods) < wanted.min(room) {
            self.make();
            changed.push(self.pods.len() - 1);
        }
        self.evict(&mut changed);
        let rolls = self.pods.iter().any(|p| p.old && !p.pod.deleting);
        let surge = self.world.max_surge * usize::from(rolls);
        while living(&self.pods) > wanted + surge {
            let last = self.pods.iter().rposition(|p| !p.pod.deleting).unwrap();
            self.pods[last].pod.deleting = true;
            self.pods[last].end = Some(now + self.world.grace);
            changed.push(last);
        }
        let start = self.world.pod_start;
        for (i, state) in self.pods.iter_mut().enumerate() {
            let fate = (self.world.fate)(index(&state.pod));
            let serves = matches!(fate, Fate::Serves | Fate::Pauses(..) | Fate::Late(_));
            let late = match fate {
                Fate::Late(ms) => ms,
                _ => 0,
            };
            let due = now - state.made >= start + late && state.pod.phase == "Pending";
            if due && fate != Fate::FitsNowhere {
                state.pod.phase = "Running".into();
                if serves {
                    state.pod.ready = Some(Ready {
                        status: "True".into(),
                        since: Some(at(now)),
                    });
                }
                changed.push(i);
            }
            if let Fate::Pauses(from, until) = fate
                && [from * 1000, until * 1000].contains(&now)
            {
                let status = if now == from * 1000 { "False" } else { "True" };
                let reason = self.world.unready.filter(|_| status == "False");
                state.pod.life.unready_reason = reason.map(Into::into);
                state.pod.ready = Some(Ready {
                    status: status.into(),
                    since: Some(at(now)),
                });
                changed.push(i);
            }
        }
        let pods: Vec<Pod> = changed.iter().map(|i| self.pods[*i].pod.clone()).collect();
        for pod in pods {
            self.tell(Seen::Pod(pod));
        }
        let over = |p: &PodState| p.end.is_some_and(|end| end <= now);
        let gone: Vec<String> = self
            .pods
            .iter()
            .filter(|p| over(p))
            .map(|p| p.pod.name.clone())
            .collect();
        self.pods.retain(|p| !over(p));
        for name in gone {
            self.tell(Seen::PodGone { name });
        }
        self.tell_target();
    }

    fn evict(&mut self, changed: &mut Vec<usize>) {
        let due = self
            .world
            .evicted
            .filter(|(second, _)| second * 1000 == self.now);
        let Some((_, number)) = due else {
            return;
        };
        let pod = self
            .pods
            .iter()
            .position(|p| index(&p.pod) == number)
            .unwrap();
        let state = &mut self.pods[pod];
        state.pod.deleting = true;
        state.pod.life.disruption = Some(Disruption {
            reason: "EvictionByEvictionAPI".into(),
            message: "Eviction API: evicting".into(),
        });
        state.end = Some(self.now + self.world.grace);
        changed.push(pod);
    }

    pub(super) fn make(&mut self) {
        self.made += 1;
        let name = format!("fib-server-5d8f-{:03}", self.made);
        let fate = (self.world.fate)(self.made);
        self.pods.push(PodState {
            pod: Pod {
                uid: name.clone(),
                phase: "Pending".into(),
                deleting: false,
                started: Some(at(self.now)),
                ready: Some(Ready {
                    status: "False".into(),
                    since: Some(at(self.now)),
                }),
                containers: std::iter::once("fib-server")
                    .chain(self.world.sidecar)
                    .map(|name| {
                        let (request, limit) = (self.world.request, self.world.limit);
                        ContainerResources::cpu(
                            name,
                            request.map(Millicores),
                            limit.map(Millicores),
                        )
                    })
                    .collect(),
                waiting: match fate {
                    Fate::Waits(why) => Some(why.into()),
                    _ => None,
                },
                unschedulable: (fate == Fate::FitsNowhere)
                    .then(|| "0/1 nodes are available: 1 Insufficient cpu.".into()),
                owner: Some((self.world.owner)(self.made).into()),
                life: Box::new(Life {
                    start_allowance: (fate == Fate::Starts).then_some(Duration::from_hours(1)),
                    ..Life::default()
                }),
                name,
                ..Pod::default()
            },
            made: self.now,
            end: None,
            old: false,
        });
    }

    /// Replaces pods of the old template with a surge of one; returns those that changed.
    fn roll_out(&mut self) -> Vec<usize> {
        let now = self.now;
        if self
            .world
            .rollout
            .is_some_and(|second| second * 1000 == now)
        {
            self.template += 1;
            self.generation += 1;
            for state in &mut self.pods {
                state.old = true;
            }
        }
        let living = |p: &&PodState| !p.pod.deleting;
        if !self.pods.iter().any(|p| p.old && !p.pod.deleting) {
            return Vec::new();
        }
        let wanted = usize::try_from(self.replicas).unwrap();
        let ready = self.pods.iter().filter(living).filter(|p| p.pod.is_ready());
        let ready = ready.count();
        if ready + self.world.max_unavailable > wanted {
            let old = self
                .pods
                .iter()
                .position(|p| p.old && !p.pod.deleting)
                .unwrap();
            self.pods[old].pod.deleting = true;
            self.pods[old].end = Some(now + self.world.grace);
            return vec![old];
        }
        if self.pods.iter().filter(living).count() < wanted + self.world.max_surge {
            self.make();
            return vec![self.pods.len() - 1];
        }
        Vec::new()
    }
}

fn index(pod: &Pod) -> usize {
    pod.name.rsplit('-').next().unwrap().parse().unwrap()
}
