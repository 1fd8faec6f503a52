//! The pods and the answers of the metrics API, each with the time for which it held: what the controller can
//! have read.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::pods::{ModelPod, PodMetric};
use crate::model::{after, before};
use crate::observation::{Pod, Watched};
use crate::run::state::RunState;

/// A watch shows a change of a pod to the observer and to the controller at about the same time.
pub(super) const NEAR: Duration = Duration::from_secs(2);

/// A pod evaluated once is one unit of work; a sync that takes more is followed on the nearest readings only.
const MOST_WORK: usize = 50_000;

/// The answer of the metrics API, or its error.
pub(super) type Answer = Result<Vec<PodMetric>, String>;

/// From one instant to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// An answer of the metrics API, with the time in which it may have been given.
#[derive(Debug, Clone)]
struct Given {
    number: usize,
    when: Span,
    /// When it was last seen.
    seen: Timestamp,
    answer: Arc<Answer>,
}

/// A pod as it became, or `None` for one that is gone.
#[derive(Debug, Clone)]
struct Change {
    at: Timestamp,
    pod: String,
    becomes: Option<Arc<ModelPod>>,
}

/// What was seen of pods and metrics for as long as a sync may look at it.
#[derive(Debug, Clone, Default)]
pub(super) struct Sightings {
    /// The pods before the first change.
    base: BTreeMap<String, Arc<ModelPod>>,
    changes: VecDeque<Change>,
    /// How many changes came before these.
    changed: usize,
    /// The pods now.
    pods: BTreeMap<String, Arc<ModelPod>>,
    given: VecDeque<Given>,
    /// How many answers there were.
    answers: usize,
    /// When the metrics API answered.
    answered: VecDeque<Timestamp>,
    /// Since when the pods seen are not those that the target counts.
    differ_since: Option<Timestamp>,
    /// When they were not for longer than an update takes.
    differed: VecDeque<Span>,
}

/// The pods and the answer that a sync may have read, at an instant of its own clock.
#[derive(Debug)]
pub(super) struct Look<'a> {
    pub(super) pods: &'a [ModelPod],
    pub(super) answer: &'a Arc<Answer>,
    pub(super) now: Timestamp,
    /// How far from what held at the sync they are.
    pub(super) far: SignedDuration,
}

/// The states of the pods and the answers, by number, that were looked at together.
pub(super) type Looked = BTreeSet<(usize, usize)>;

/// Where a look for readings goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadingSearch {
    /// When the sync was.
    pub(super) when: Span,
    /// The likeliest instant in it.
    pub(super) at: Timestamp,
    /// How old an answer of the metrics API may have been.
    pub(super) around: Duration,
    /// For how long after its start a pod is young.
    pub(super) initialization: Duration,
    /// Whether it reads samples of the pods' resources at all.
    pub(super) samples: bool,
}

impl Sightings {
    /// True if that is new.
    pub(super) fn pod(&mut self, at: Timestamp, pod: &Pod) -> bool {
        let model = ModelPod::from(pod);
        if self
            .pods
            .get(&pod.name)
            .is_some_and(|known| **known == model)
        {
            return false;
        }
        self.change(at, &pod.name, Some(Arc::new(model)));
        true
    }

    pub(super) fn pod_gone(&mut self, at: Timestamp, name: &str) {
        self.change(at, name, None);
    }

    fn change(&mut self, at: Timestamp, pod: &str, becomes: Option<Arc<ModelPod>>) {
        apply(&mut self.pods, pod, becomes.clone());
        self.changes.push_back(Change {
            at,
            pod: pod.to_owned(),
            becomes,
        });
    }

    /// True if that is new.
    pub(super) fn answer(&mut self, at: Timestamp, answer: Answer) -> bool {
        if answer.is_ok() {
            self.answered.push_back(at);
        }
        let mut from = at;
        if let Some(last) = self.given.back_mut() {
            if *last.answer == answer {
                last.seen = at;
                return false;
            }
            // It was there from some instant after the one before was last seen.
            from = last.seen;
            last.when.until = at;
        }
        self.answers += 1;
        self.given.push_back(Given {
            number: self.answers,
            when: Span {
                from,
                until: Timestamp::MAX,
            },
            seen: at,
            answer: Arc::new(answer),
        });
        true
    }

    /// Whether the metrics API has answered at an instant or later.
    pub(super) fn answered_since(&self, then: Timestamp) -> bool {
        self.answered.back().is_some_and(|last| *last >= then)
    }

    /// Notes whether the pods seen are as many as the target counts.
    pub(super) fn count(&mut self, at: Timestamp, state: &RunState) {
        match (self.differ_since, !state.pods_add_up()) {
            (None, true) => self.differ_since = Some(at),
            (Some(from), false) => {
                self.differ_since = None;
                if after(from, NEAR) < at {
                    self.differed.push_back(Span { from, until: at });
                }
            }
            _ => {}
        }
    }

    /// Forgets what was over by then.
    pub(super) fn forget_before(&mut self, then: Timestamp) {
        while self.changes.front().is_some_and(|change| change.at < then) {
            if let Some(Change { pod, becomes, .. }) = self.changes.pop_front() {
                apply(&mut self.base, &pod, becomes);
                self.changed += 1;
            }
        }
        self.given.retain(|given| given.when.until >= then);
        self.differed.retain(|span| span.until >= then);
        // The last of them begins the time without an answer, if there is one.
        while self.answered.get(1).is_some_and(|at| *at < then) {
            self.answered.pop_front();
        }
    }

    /// Why what a sync read may not be among what was seen; `None` if it must be.
    pub(super) fn lack(
        &self,
        state: &RunState,
        when: Span,
        samples: bool,
        now: Timestamp,
    ) -> Option<&'static str> {
        let Some(setting) = &state.setting else {
            return Some("the controller's settings are not known");
        };
        if state.target.is_none() {
            return Some("the scale target is not known");
        }
        let near = Span {
            from: before(when.from, NEAR),
            until: after(when.until, NEAR),
        };
        let meets = |from: Timestamp, until: Timestamp| from <= near.until && near.from <= until;
        let needed =
            |resource| [Watched::Autoscaler, Watched::Target, Watched::Pods].contains(&resource);
        if state
            .gaps()
            .any(|gap| needed(gap.resource) && meets(gap.from, gap.until))
            || state.is_blind()
        {
            return Some("the watch had a gap");
        }
        let differ = self
            .differ_since
            .is_some_and(|since| since <= near.until && after(since, NEAR) < now);
        if differ
            || self
                .differed
                .iter()
                .any(|span| meets(span.from, span.until))
        {
            return Some("the pods seen do not add up to the target's own counts");
        }
        if !samples {
            return None;
        }
        let resolution = setting.metrics_resolution;
        let from = before(when.from, resolution);
        let seen = self.answered.front().is_some_and(|first| *first <= from);
        let unseen =
            |from: Timestamp, until: Timestamp| until > after(from, resolution + resolution / 4);
        let next = self.answered.iter().skip(1).copied().chain([now]);
        let mut pairs = self.answered.iter().copied().zip(next);
        // An answer stands for the time of one resolution, so one asked for less often can be missed.
        let missed = pairs.any(|(a, b)| a <= when.until && from <= b && unseen(a, b));
        let asked_since = self.answered.back().is_some_and(|last| *last >= when.until);
        (!seen || missed || !asked_since).then_some("no fresh answer of the metrics API was seen")
    }

    /// Calls for each reading that a sync may have made and that was not looked at yet: every state of the pods
    /// with every answer of the metrics API that may have held then. False if there were too many, and only the
    /// nearest were taken.
    pub(super) fn each(
        &self,
        search: ReadingSearch,
        looked: &mut Looked,
        mut see: impl FnMut(Look<'_>),
    ) -> bool {
        let states = self.states(search);
        let unasked = VecDeque::from([Given {
            number: 0,
            when: Span {
                from: Timestamp::MIN,
                until: Timestamp::MAX,
            },
            seen: search.at,
            answer: Arc::new(Err("not asked".to_owned())),
        }]);
        let given = if search.samples {
            &self.given
        } else {
            &unasked
        };
        let room = (MOST_WORK / self.pods.len().max(1) / given.len().max(1)).max(1);
        let mut distances: Vec<SignedDuration> = states
            .iter()
            .map(|(_, held)| held.distance(search.at))
            .collect();
        distances.sort_unstable();
        let farthest = distances
            .get(room - 1)
            .copied()
            .unwrap_or(SignedDuration::MAX);
        let mut pods = self.base.clone();
        let mut applied = 0;
        for (index, held) in &states {
            for change in self.changes.range(applied..*index) {
                apply(&mut pods, &change.pod, change.becomes.clone());
            }
            applied = *index;
            let Some(when) = held.near(NEAR).within(search.when) else {
                continue;
            };
            if held.distance(search.at) > farthest {
                continue;
            }
            let could = Span {
                from: before(when.from, search.around),
                until: after(when.until, NEAR),
            };
            let state = self.changed + index;
            let mut answers = given
                .iter()
                .filter(|given| given.when.within(could).is_some());
            let new: Vec<&Given> = answers
                .by_ref()
                .filter(|g| looked.insert((state, g.number)))
                .collect();
            if new.is_empty() {
                continue;
            }
            let pods: Vec<ModelPod> = pods.values().map(|pod| (**pod).clone()).collect();
            let instants = instants(&pods, search);
            for given in new {
                let far = held.distance(search.at) + given.when.distance(search.at);
                for now in &instants {
                    see(Look {
                        pods: &pods,
                        answer: &given.answer,
                        now: *now,
                        far,
                    });
                }
            }
        }
        states.len() <= room
    }

    /// The states of the pods that may have been read, by how many changes lead to each, with the time for
    /// which each held.
    fn states(&self, search: ReadingSearch) -> Vec<(usize, Span)> {
        let begins = std::iter::once(Timestamp::MIN).chain(self.changes.iter().map(|c| c.at));
        let ends = self.changes.iter().map(|c| c.at).chain([Timestamp::MAX]);
        begins
            .zip(ends)
            .enumerate()
            .map(|(index, (from, until))| (index, Span { from, until }))
            // What is seen at one instant is one change.
            .filter(|(_, held)| held.from < held.until)
            .filter(|(_, held)| held.near(NEAR).within(search.when).is_some())
            .collect()
    }
}

/// The instants of a sync that its reading of these pods tells apart: a pod stops being young at one.
fn instants(pods: &[ModelPod], search: ReadingSearch) -> Vec<Timestamp> {
    let grown = pods
        .iter()
        .filter_map(|pod| Some(after(pod.start?, search.initialization)));
    let inside = grown.filter(|at| search.when.from < *at && *at <= search.when.until);
    let mut instants: Vec<Timestamp> = inside.chain([search.when.from]).collect();
    instants.sort_unstable();
    instants.dedup();
    instants
}

impl Span {
    /// The part of it within another.
    fn within(self, other: Self) -> Option<Self> {
        let (from, until) = (self.from.max(other.from), self.until.min(other.until));
        (from <= until).then_some(Self { from, until })
    }

    /// Longer by a time at both ends.
    fn near(self, by: Duration) -> Self {
        Self {
            from: before(self.from, by),
            until: after(self.until, by),
        }
    }
}

fn apply(pods: &mut BTreeMap<String, Arc<ModelPod>>, pod: &str, becomes: Option<Arc<ModelPod>>) {
    match becomes {
        Some(model) => pods.insert(pod.to_owned(), model),
        None => pods.remove(pod),
    };
}
