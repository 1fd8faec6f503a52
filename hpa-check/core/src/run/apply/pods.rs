//! Pods: their readiness, restarts and CPU.

use jiff::Timestamp;

use super::{push_mark, step};
use crate::observation::{Pod, PodSample};
use crate::run::state::{PodRecord, Poll, ReadinessLost, RunState};
use crate::run::timeline::PodSeries;

impl RunState {
    /// If a kind does not count its ready pods, the observed ones count.
    pub(super) fn count_for_the_target(&mut self, at: Timestamp) {
        let counted = self.ready_pods();
        let own = self.target.as_mut().filter(|t| !t.counts_ready);
        if let (Some(target), Some(timeline)) = (own, &mut self.timeline) {
            target.ready_replicas = counted;
            step(&mut timeline.ready, at, counted);
        }
    }

    pub(super) fn pod(&mut self, at: Timestamp, pod: &Pod) {
        let request_milli = self.cpu_request(pod);
        let known = self
            .pods
            .get(&pod.name)
            .map(|record| record.pod.resize_quote());
        if let Some(quote) = pod
            .resize_quote()
            .filter(|_| known != Some(pod.resize_quote()))
        {
            self.mark(at, "Warning", format!("a resize is not finished: {quote}"));
        }
        let Some(timeline) = &mut self.timeline else {
            return;
        };
        let same = self
            .pods
            .get(&pod.name)
            .is_some_and(|r| r.pod.uid == pod.uid);
        if !same {
            timeline.pods.push(PodSeries {
                pod: pod.name.clone(),
                request_milli,
                first_seen: at,
                ready_at: None,
                gone_at: None,
                cpu_milli: Vec::new(),
            });
            let record = PodRecord {
                pod: pod.clone(),
                first_seen: at,
                ready_at: None,
                gone_at: None,
                cpu_milli: None,
                request_milli,
                series: timeline.pods.len() - 1,
            };
            self.pods.insert(pod.name.clone(), record);
        }
        let Some(record) = self.pods.get_mut(&pod.name) else {
            return;
        };
        if pod.restarts > record.pod.restarts {
            let text = format!("a container of {} was restarted", pod.name);
            push_mark(&mut timeline.marks, at, "Warning", text);
        }
        let since = |pod: &Pod| pod.ready.as_ref().and_then(|r| r.since);
        if record.pod.is_ready() && pod.is_ready() && since(&record.pod) < since(pod) {
            self.ready_anew.push(at);
        }
        note_readiness(&mut self.readiness_lost, at, &record.pod, pod);
        if let Some(disruption) = &pod.life.disruption
            && (!same || record.pod.life.disruption.is_none())
        {
            let noted = (at, pod.name.clone(), disruption.clone());
            self.disrupted.push(noted);
        }
        if pod.is_ready() && record.ready_at.is_none() {
            record.ready_at = Some(at);
            timeline.pods[record.series].ready_at = Some(at);
        }
        record.pod.clone_from(pod);
        record.request_milli = request_milli;
    }

    pub(super) fn pod_gone(&mut self, at: Timestamp, name: &str) {
        if let (Some(timeline), Some(record)) = (&mut self.timeline, self.pods.get_mut(name))
            && record.gone_at.is_none()
        {
            record.gone_at = Some(at);
            timeline.pods[record.series].gone_at = Some(at);
        }
    }

    pub(super) fn samples(&mut self, at: Timestamp, samples: &[PodSample]) {
        self.last_answer = Some(at);
        self.unread_since = None;
        for sample in samples {
            let Some(record) = self.pods.get_mut(&sample.pod) else {
                continue;
            };
            let cpu = sample.cpu().0;
            record.cpu_milli = Some(cpu);
            if let Some(timeline) = &mut self.timeline {
                step(&mut timeline.pods[record.series].cpu_milli, at, cpu);
            }
        }
        let answer = Ok(samples.to_vec());
        if self.polls.last().is_none_or(|p| p.answer != answer) {
            self.polls.push(Poll { at, answer });
        }
    }
}

/// Records that a serving pod stopped being ready, or is ready again.
fn note_readiness(lost: &mut Vec<ReadinessLost>, at: Timestamp, before: &Pod, now: &Pod) {
    let serves = now.phase == "Running"
        && !now.deleting
        && now.waiting.is_none()
        && now.restarts == before.restarts
        // A container that has just ended is reported before its restart.
        && now.life.last_exit == before.life.last_exit;
    if before.is_ready() && !now.is_ready() && serves {
        lost.push(ReadinessLost {
            pod: now.name.clone(),
            at,
            until: None,
            by_itself: now.fails_by_itself(),
        });
    }
    if now.is_ready() {
        let open = lost.iter_mut().rfind(|l| l.pod == now.name);
        if let Some(open) = open.filter(|l| l.until.is_none()) {
            open.until = Some(at);
        }
    }
}
