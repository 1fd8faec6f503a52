//! Updates the state of a run with each observation.

use jiff::Timestamp;

use super::state::{PodRecord, Poll, ReadinessLost, RunState};
use super::timeline::{Gap, LoadPoint, Mark, PhaseSpan, PodSeries, ProposalStep, Step, Timeline};
use crate::observation::{
    Autoscaler, Event, Fact, LoadSecond, MetricReading, Observation, Phase, Pod, PodSample,
    ScaleTarget, Seen, Watch, WatchState,
};
use crate::run::explain::Explained;

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

    /// Adds a sync's explanation, or replaces an earlier one.
    pub(crate) fn explain(&mut self, explained: Explained) {
        let Some(timeline) = &mut self.timeline else {
            return;
        };
        match explained {
            Explained::Silent(proposed) => {
                timeline.proposals.retain(|p| p.at != proposed.at);
                let place = timeline.proposals.partition_point(|p| p.at <= proposed.at);
                timeline.proposals.insert(place, proposed);
            }
            Explained::Sync { number, record } => {
                let at = record.at;
                timeline.proposals.retain(|p| p.at != at);
                let place = timeline.proposals.partition_point(|p| p.at <= at);
                let proposed = record.proposed.map(|range| ProposalStep {
                    at,
                    low: range.low,
                    high: range.high,
                    certain: record.certain,
                });
                timeline.proposals.splice(place..place, proposed);
                if number < timeline.syncs.len() {
                    timeline.syncs[number] = record;
                } else {
                    timeline.syncs.push(record);
                }
                propose(timeline, number);
            }
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

    /// If a kind does not count its ready pods, the observed ones count.
    fn count_for_the_target(&mut self, at: Timestamp) {
        let counted = self.ready_pods();
        let own = self.target.as_mut().filter(|t| !t.counts_ready);
        if let (Some(target), Some(timeline)) = (own, &mut self.timeline) {
            target.ready_replicas = counted;
            step(&mut timeline.ready, at, counted);
        }
    }

    fn pod(&mut self, at: Timestamp, pod: &Pod) {
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
        if pod.is_ready() && record.ready_at.is_none() {
            record.ready_at = Some(at);
            timeline.pods[record.series].ready_at = Some(at);
        }
        record.pod.clone_from(pod);
        record.request_milli = request_milli;
    }

    fn pod_gone(&mut self, at: Timestamp, name: &str) {
        if let (Some(timeline), Some(record)) = (&mut self.timeline, self.pods.get_mut(name))
            && record.gone_at.is_none()
        {
            record.gone_at = Some(at);
            timeline.pods[record.series].gone_at = Some(at);
        }
    }

    fn samples(&mut self, at: Timestamp, samples: &[PodSample]) {
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

/// Records that a serving pod stopped being ready, or is ready again.
fn note_readiness(lost: &mut Vec<ReadinessLost>, at: Timestamp, before: &Pod, now: &Pod) {
    let serves = now.phase == "Running"
        && !now.deleting
        && now.waiting.is_none()
        && now.restarts == before.restarts;
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

/// Rebuilds the series of the most likely proposals from a sync on.
fn propose(timeline: &mut Timeline, number: usize) {
    let Some(at) = timeline.syncs.get(number).map(|sync| sync.at) else {
        return;
    };
    timeline.proposed.retain(|step| step.at < at);
    for sync in timeline.syncs.iter().skip(number) {
        if let Some(value) = sync.likeliest {
            step(&mut timeline.proposed, sync.at, value);
        }
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
