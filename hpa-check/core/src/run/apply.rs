//! Updates the state of a run with each observation.

mod pods;
mod syncs;

use jiff::Timestamp;

use super::state::{Poll, RunState};
use super::timeline::{Gap, LoadPoint, Mark, PhaseSpan, Step, Timeline};
use crate::observation::{
    Autoscaler, Event, Fact, LoadSecond, MetricReading, Observation, Phase, ScaleTarget, Seen,
    Watch, WatchState,
};

impl RunState {
    /// Applies one observation. The evaluator adds the explanations of syncs.
    pub(crate) fn observe(&mut self, observation: &Observation) {
        let at = observation.at;
        let timeline = self.timeline.get_or_insert_with(|| empty(at));
        timeline.until = timeline.until.max(at);
        if let Some(span) = timeline.phases.last_mut() {
            span.until = timeline.until;
        }
        match &observation.seen {
            Seen::RunContext(setting) => self.setting = Some(setting.clone()),
            Seen::Autoscaler(autoscaler) => self.autoscaler(at, autoscaler),
            Seen::AutoscalerGone => {
                self.autoscaler = None;
                self.autoscaler_gone = Some(at);
                self.mark(at, "Warning", "the autoscaler was deleted".to_owned());
            }
            Seen::Target(target) => self.target(at, target),
            Seen::TargetGone => {
                self.target = None;
                self.target_gone = Some(at);
                self.mark(at, "Warning", "the scale target was deleted".to_owned());
            }
            Seen::Pod(pod) => self.pod(at, pod),
            Seen::PodGone { name } => self.pod_gone(at, name),
            Seen::PodMetrics { samples } => self.samples(at, samples),
            Seen::Metric(reading) => self.custom(at, reading),
            Seen::MetricsUnavailable { error, timed_out } => {
                self.no_samples(at, error, *timed_out);
            }
            Seen::Event(event) => self.event(at, event),
            Seen::Load(second) => self.load(at, second),
            Seen::LoadResult(result) => self.load_result = Some(result.clone()),
            Seen::Phase { phase } => self.enter(at, *phase),
            Seen::Fact(fact) => self.fact(at, fact),
            Seen::Watch(watch) => self.watch(at, watch),
            Seen::Interrupted => self.interrupted_at = Some(at),
        }
        self.count_for_the_target(at);
        let ready = self.ready();
        self.most_ready = self.most_ready.max(ready);
        step(&mut self.ready_steps, at, ready);
        self.counts_differ_since = match self.counts_differ_since {
            _ if self.counts_agree() => None,
            Some(since) => Some(since),
            None => Some(at),
        };
        if self.baseline_at.is_none() && self.at_rest() {
            self.baseline_at = Some(at);
        }
    }

    /// Closes the gaps that are still open.
    pub(crate) fn close(&mut self) {
        let lost = std::mem::take(&mut self.lost);
        let Some(timeline) = &mut self.timeline else {
            return;
        };
        for (resource, (from, error)) in lost {
            timeline.gaps.push(Gap {
                resource,
                from,
                until: timeline.until,
                error,
            });
        }
    }

    fn autoscaler(&mut self, at: Timestamp, autoscaler: &Autoscaler) {
        let known = self.autoscaler.as_ref();
        if known.is_some_and(|known| is_older(autoscaler, known)) {
            return;
        }
        if let Some(timeline) = &mut self.timeline {
            let spec = &autoscaler.spec;
            step(&mut timeline.min_replicas, at, spec.effective_min());
            step(&mut timeline.max_replicas, at, spec.max_replicas);
            step(&mut timeline.target_percent, at, spec.cpu_target_percent());
            if let Some(status) = &autoscaler.status {
                step(&mut timeline.utilization, at, status.cpu_utilization);
                step(&mut timeline.desired, at, status.desired_replicas);
            }
        }
        if let Some(status) = &autoscaler.status
            && self.statuses.last().map(|(_, s)| s) != Some(status)
        {
            self.statuses.push((at, status.clone()));
        }
        self.autoscaler = Some(autoscaler.clone());
    }

    fn target(&mut self, at: Timestamp, target: &ScaleTarget) {
        if let Some(timeline) = &mut self.timeline {
            step(&mut timeline.spec, at, target.spec_replicas);
            if target.counts_ready {
                step(&mut timeline.ready, at, target.ready_replicas);
            }
        }
        if self.targets.last().map(|(_, t)| t) != Some(target) {
            self.targets.push((at, target.clone()));
        }
        self.target = Some(target.clone());
    }

    /// An answer that repeats the last one of its metric only shows that it still holds.
    fn custom(&mut self, at: Timestamp, reading: &MetricReading) {
        /// As many as a slow adapter may have given since a sync that is still open.
        const MOST: usize = 64;
        let mut of_metric = self.custom.iter_mut().rev();
        match of_metric.find(|(_, last)| last.metric == reading.metric) {
            Some((seen, last)) if last == reading => *seen = at,
            _ => self.custom.push((at, reading.clone())),
        }
        let extra = self.custom.len().saturating_sub(MOST);
        self.custom.drain(..extra);
    }

    fn no_samples(&mut self, at: Timestamp, error: &str, timed_out: bool) {
        self.unread_since = timed_out.then(|| self.unread_since.unwrap_or(at));
        let answer = Err(error.to_owned());
        if self.polls.last().is_none_or(|p| p.answer != answer) {
            self.mark(at, "Warning", format!("the metrics API failed: {error}"));
            self.polls.push(Poll { at, answer });
        }
    }

    fn event(&mut self, at: Timestamp, event: &Event) {
        let known = self.events.iter().any(|(_, e)| e == event);
        if !known {
            let text = format!("{}: {}: {}", event.about, event.reason, event.message);
            self.mark(at, &event.kind, text);
            self.events.push((at, event.clone()));
        }
    }

    fn load(&mut self, at: Timestamp, second: &LoadSecond) {
        let repeated = self.load.as_ref() == Some(second)
            && self
                .timeline
                .as_ref()
                .is_some_and(|t| t.load.last().is_some_and(|p| p.at == at));
        let size = |second: &LoadSecond| (second.users, second.offered_rps);
        if self.load.as_ref().map(size) != Some(size(second)) {
            self.load_since = Some(at);
        }
        if !repeated {
            let several = self.ready() > 1;
            for (pod, answers) in &second.pods {
                let count = self.answered.entry(pod.clone()).or_default();
                count.all += answers;
                count.beside_others += answers * u64::from(several);
            }
        }
        self.load = Some(second.clone());
        if let Some(timeline) = &mut self.timeline
            && !repeated
        {
            timeline.load.push(LoadPoint {
                at,
                rps: second.rps,
                offered_rps: second.offered_rps,
                p99_us: second.p99_us,
                failed: second.failed,
                wrong: second.wrong,
            });
        }
    }

    fn enter(&mut self, at: Timestamp, phase: Phase) {
        if self.phase.is_some_and(|now| now.value == phase) {
            return;
        }
        self.phase = Some(Step { at, value: phase });
        if let Some(timeline) = &mut self.timeline {
            timeline.phases.push(PhaseSpan {
                phase,
                from: at,
                until: at,
            });
        }
    }

    fn fact(&mut self, at: Timestamp, fact: &Fact) {
        if let Fact::ControllerRestarted { holder } = fact {
            self.controller_restarted_at = Some(at);
            let text = format!(
                "the controller restarted and lost its history; the holder is now {holder}"
            );
            self.mark(at, "Warning", text);
        }
        if !self.facts.contains(fact) {
            if let Fact::Forbidden { rule, consequence } = fact {
                self.mark(
                    at,
                    "Warning",
                    format!("not allowed to {rule}: {consequence}"),
                );
            }
            if supersedes_its_kind(fact) {
                let same = std::mem::discriminant(fact);
                self.facts.retain(|f| std::mem::discriminant(f) != same);
            }
            if let Fact::MetricsServer(new) = fact {
                let older =
                    |f: &Fact| matches!(f, Fact::MetricsServer(old) if old.group == new.group);
                self.facts.retain(|f| !older(f));
            }
            self.facts.push(fact.clone());
        }
    }

    fn watch(&mut self, at: Timestamp, watch: &Watch) {
        match watch.state {
            WatchState::Lost => {
                let from = watch.since.map_or(at, |since| since.min(at));
                let lost = self.lost.entry(watch.resource);
                lost.or_insert_with(|| (from, watch.error.clone()));
            }
            WatchState::Current => {
                if let (Some((from, error)), Some(timeline)) =
                    (self.lost.remove(&watch.resource), &mut self.timeline)
                {
                    timeline.gaps.push(Gap {
                        resource: watch.resource,
                        from,
                        until: at,
                        error,
                    });
                }
            }
        }
    }

    fn mark(&mut self, at: Timestamp, kind: &str, text: String) {
        if let Some(timeline) = &mut self.timeline {
            push_mark(&mut timeline.marks, at, kind, text);
        }
    }
}

/// Whether it is an earlier state of the same object that arrived late.
fn is_older(told: &Autoscaler, known: &Autoscaler) -> bool {
    let written = told.status_written.zip(known.status_written);
    told.uid == known.uid && written.is_some_and(|(told, known)| told < known)
}

/// Adds a step if the value changed.
pub(crate) fn step<T: PartialEq>(series: &mut Vec<Step<T>>, at: Timestamp, value: T) {
    if series.last().is_none_or(|last| last.value != value) {
        series.push(Step { at, value });
    }
}

fn push_mark(marks: &mut Vec<Mark>, at: Timestamp, kind: &str, text: String) {
    let kind = kind.to_owned();
    marks.push(Mark { at, kind, text });
}

/// An empty timeline.
pub(crate) fn empty(at: Timestamp) -> Timeline {
    Timeline {
        from: at,
        until: at,
        phases: Vec::new(),
        min_replicas: Vec::new(),
        max_replicas: Vec::new(),
        target_percent: Vec::new(),
        utilization: Vec::new(),
        proposed: Vec::new(),
        proposals: Vec::new(),
        desired: Vec::new(),
        spec: Vec::new(),
        ready: Vec::new(),
        load: Vec::new(),
        syncs: Vec::new(),
        pods: Vec::new(),
        gaps: Vec::new(),
        marks: Vec::new(),
    }
}

/// Whether a fact is the complete new state of one thing and so replaces an older one of its kind.
fn supersedes_its_kind(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::MetricsApi { .. } | Fact::ScaledObject(_) | Fact::ScaledObjectGone { .. }
    )
}
