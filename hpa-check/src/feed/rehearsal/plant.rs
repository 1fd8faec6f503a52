//! A simulated world with a clock of its own: a rehearsal of a minute in a millisecond.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    clippy::single_match_else,
    reason = "a simulated plant for tests: its numbers are small and positive"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use hpa_check_core::observation::{LoadResult, LoadSecond};
use jiff::Timestamp;

use super::fault::Fault;
use super::sizing::LoadPlan;
use super::world::{Happening, World};

/// From the order to a running container, and from there to the first good probe.
const STARTS: Duration = Duration::from_millis(300);
/// A drain: `preStop`, lame duck, the end.
const DRAINS: Duration = Duration::from_millis(2500);
/// How finely CPU time is dealt out.
const STEP: Duration = Duration::from_millis(100);

/// The world, and everything that is going to happen in it.
pub(crate) struct Plant {
    now: Timestamp,
    /// What one request costs.
    cost: Duration,
    /// What the container's limit lets it use, in cores.
    limit: Option<f64>,
    fault: Option<Fault>,
    /// What comes by itself, in the order in which it was planned.
    coming: Vec<(Timestamp, Happening)>,
    /// Running pods, whether they take connections, and their CPU time.
    pods: BTreeMap<String, (bool, Duration)>,
    load: Option<(Timestamp, LoadPlan)>,
    answered: f64,
    wrong_answers: bool,
}

impl Plant {
    pub(crate) fn new(cost: Duration, limit: Option<f64>, fault: Option<Fault>) -> Self {
        Self {
            now: Timestamp::UNIX_EPOCH,
            cost,
            limit,
            fault,
            coming: Vec::new(),
            pods: BTreeMap::new(),
            load: None,
            answered: 0.0,
            wrong_answers: false,
        }
    }

    /// Makes the service lie.
    pub(crate) fn lying(mut self) -> Self {
        self.wrong_answers = true;
        self
    }

    /// Tells the user's wish to stop at that second.
    pub(crate) fn interrupted_at(mut self, second: i64) -> Self {
        let at = Timestamp::from_second(second).unwrap();
        self.coming.push((at, Happening::Interrupted));
        self
    }

    fn after(&mut self, delay: Duration, happening: Happening) {
        self.coming.push((self.now + delay, happening));
    }

    /// Lets the replicas work until that instant.
    fn work(&mut self, until: Timestamp) {
        while self.now < until {
            let next = (self.now + STEP).min(until);
            let step = Duration::try_from(next.duration_since(self.now)).unwrap();
            let rate = self.rate();
            let takers: Vec<String> = self.takers();
            for pod in &takers {
                let busy = rate * self.cost.as_secs_f64() / takers.len() as f64;
                let busy = busy.min(self.limit.unwrap_or(1.0));
                self.pods.get_mut(pod).unwrap().1 += step.mul_f64(busy);
            }
            if !takers.is_empty() {
                self.answered += rate * step.as_secs_f64();
            }
            self.now = next;
        }
    }

    fn rate(&self) -> f64 {
        self.load.as_ref().map_or(0.0, |(since, plan)| {
            rate_at(
                plan,
                Duration::try_from(self.now.duration_since(*since)).unwrap(),
            )
        })
    }

    fn takers(&self) -> Vec<String> {
        let ready = self.pods.iter().filter(|(_, (ready, _))| *ready);
        let most = if self.fault == Some(Fault::Sticky) {
            1
        } else {
            usize::MAX
        };
        ready.map(|(name, _)| name.clone()).take(most).collect()
    }

    fn second(&self) -> LoadSecond {
        let rate = self.rate();
        let takers = self.takers();
        let share = (rate / takers.len().max(1) as f64) as u64;
        LoadSecond {
            users: 500,
            offered_rps: Some(rate),
            rps: rate,
            failed: 0,
            wrong: self.wrong(),
            verified: self.answered as u64 - self.wrong(),
            p50_us: Some(4000),
            p99_us: Some(9000),
            pods: takers.into_iter().map(|pod| (pod, share)).collect(),
        }
    }

    fn wrong(&self) -> u64 {
        if self.wrong_answers {
            self.answered as u64 / 100
        } else {
            0
        }
    }

    fn end_load(&mut self) {
        if self.load.take().is_none() {
            return;
        }
        self.coming.retain(|(_, happening)| {
            !matches!(happening, Happening::Load(_) | Happening::LoadEnded(_))
        });
        let (requests, wrong) = (self.answered as u64, self.wrong());
        let result = LoadResult {
            requests,
            failed: 0,
            wrong,
            verified: requests - wrong,
            generator: "ok".to_owned(),
            generator_reasons: Vec::new(),
            exit_code: if wrong > 0 { 91 } else { 0 },
        };
        self.after(Duration::ZERO, Happening::LoadEnded(Ok(result)));
    }

    /// What a happening does to the plant itself.
    fn take_effect(&mut self, happening: Happening) -> Option<Happening> {
        match &happening {
            Happening::Running(pod) => {
                self.pods.insert(pod.clone(), (false, Duration::ZERO));
            }
            Happening::Ready { pod, ready } => self.pods.get_mut(pod)?.0 = *ready,
            Happening::Gone(pod) => {
                self.pods.remove(pod);
            }
            Happening::Load(_) => {
                // Each second brings the next.
                let next = Happening::Load(LoadSecond::default());
                self.after(Duration::from_secs(1), next);
                return Some(Happening::Load(self.second()));
            }
            Happening::LoadEnded(Err(_)) => {
                self.end_load();
                return None;
            }
            _ => {}
        }
        Some(happening)
    }
}

impl World for Plant {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn wait(&mut self, until: Timestamp) -> Option<Happening> {
        let due = (0..self.coming.len()).min_by_key(|index| self.coming[*index].0);
        match due.filter(|index| self.coming[*index].0 <= until) {
            Some(index) => {
                let (at, happening) = self.coming.remove(index);
                self.work(at);
                self.take_effect(happening)
            }
            None => {
                self.work(until);
                None
            }
        }
    }

    fn start_pod(&mut self, name: &str) {
        let pod = name.to_owned();
        if self.fault == Some(Fault::Crash) {
            for round in 1..20 {
                let how = "exit status: 2".to_owned();
                self.after(
                    STARTS * round * 4,
                    Happening::Crashed {
                        pod: pod.clone(),
                        how,
                    },
                );
            }
            return;
        }
        self.after(STARTS, Happening::Running(pod.clone()));
        if self.fault != Some(Fault::PodsNotReady) {
            self.after(STARTS * 2, Happening::Ready { pod, ready: true });
        }
    }

    fn stop_pod(&mut self, name: &str) {
        if let Some((ready, _)) = self.pods.get_mut(name) {
            *ready = false;
        }
        self.after(DRAINS, Happening::Gone(name.to_owned()));
    }

    fn cpu_times(&mut self) -> BTreeMap<String, Duration> {
        self.pods
            .iter()
            .map(|(name, (_, used))| (name.clone(), *used))
            .collect()
    }

    fn start_load(&mut self, plan: &LoadPlan) {
        self.load = Some((self.now, *plan));
        self.after(
            Duration::from_secs(1),
            Happening::Load(LoadSecond::default()),
        );
        // The plan's own end, as opposed to one that was asked for.
        self.after(plan.whole(), Happening::LoadEnded(Err(String::new())));
    }

    fn stop_load(&mut self) {
        self.end_load();
    }
}

/// Requests a second, that long after the load's start.
fn rate_at(plan: &LoadPlan, elapsed: Duration) -> f64 {
    if elapsed >= plan.whole() {
        0.0
    } else if elapsed >= plan.before && elapsed < plan.before + plan.high {
        plan.intensity.rate
    } else {
        plan.rest_rate()
    }
}
