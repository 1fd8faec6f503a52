//! The pods and the answers of the metrics API, each with the time during which it held: what the controller
//! may have read.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::pods::ModelPod;
use crate::model::{after, before};
use crate::observation::{Pod, PodSample, Watched};
use crate::run::state::RunState;

/// The observer and the controller see a change of a pod at about the same time.
pub(super) const NEAR: Duration = Duration::from_secs(2);

/// Evaluating one pod is one unit of work; a sync that takes more is explained from the nearest readings only.
const MOST_WORK: usize = 50_000;

/// The answer of the metrics API, or its error.
pub(super) type Answer = Result<Vec<PodSample>, String>;

/// A span of time, including both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// An answer of the metrics API, with the time during which it may have been given.
#[derive(Debug, Clone)]
struct Given {
    number: usize,
    when: Span,
    /// When it was last observed.
    seen: Timestamp,
    answer: Arc<Answer>,
}

/// The new state of a pod, or `None` if it is gone.
#[derive(Debug, Clone)]
struct Change {
    at: Timestamp,
    pod: String,
    becomes: Option<Arc<ModelPod>>,
}

/// The pods and metrics observed, for as long as a sync may use them.
#[derive(Debug, Clone, Default)]
pub(super) struct Sightings {
    /// The pods before the first change.
    base: BTreeMap<String, Arc<ModelPod>>,
    changes: VecDeque<Change>,
    /// How many changes were dropped before these.
    changed: usize,
    /// The pods now.
    pods: BTreeMap<String, Arc<ModelPod>>,
    given: VecDeque<Given>,
    /// How many answers there were.
    answers: usize,
    /// When the metrics API answered.
    answered: VecDeque<Timestamp>,
    /// Since when the observed pods differ from the target's count.
    differ_since: Option<Timestamp>,
    /// When they differed for longer than an update takes.
    differed: VecDeque<Span>,
}

/// The pods and the answer that a sync may have read, at an instant of its own clock.
#[derive(Debug)]
pub(super) struct Look<'a> {
    pub(super) pods: &'a [ModelPod],
    pub(super) answer: &'a Arc<Answer>,
    pub(super) now: Timestamp,
    /// How far they are from what held at the sync.
    pub(super) far: SignedDuration,
}

/// The combinations of pod states and answers, by number, that were evaluated.
pub(super) type Looked = BTreeSet<(usize, usize)>;

/// The parameters of a search for readings.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadingSearch {
    /// When the sync was.
    pub(super) when: Span,
    /// The most likely instant.
    pub(super) at: Timestamp,
    /// How old an answer of the metrics API may have been.
    pub(super) around: Duration,
    /// How long a pod is young after its start.
    pub(super) initialization: Duration,
    /// Whether it reads samples of the pods' resources at all.
    pub(super) samples: bool,
}

impl Sightings {
    /// Adds a pod's state; true if it is new.
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

    /// Adds an answer; true if it is new.
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
            // It began at some instant after the previous answer was last observed.
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

    /// Records whether the number of observed pods equals the target's count.
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

    /// Drops what was over by then.
    pub(super) fn forget_before(&mut self, then: Timestamp) {
        while self.changes.front().is_some_and(|change| change.at < then) {
            if let Some(Change { pod, becomes, .. }) = self.changes.pop_front() {
                apply(&mut self.base, &pod, becomes);
                self.changed += 1;
            }
        }
        self.given.retain(|given| given.when.until >= then);
        self.differed.retain(|span| span.until >= then);
        // The last of them starts the time without an answer, if there is one.
        while self.answered.get(1).is_some_and(|at| *at < then) {
            self.answered.pop_front();
        }
    }

    /// Why the inputs of a sync may not have been observed; `None` if they certainly were.
    pub(super) fn lack(
        &self,
        state: &RunState,
        when: Span,
        samples: bool,
        now: Timestamp,
    ) -> Option<&'static str> {
        let Some(setting) = &state.setting else {
            return Some("the controller's settings are unknown");
        };
        if state.target.is_none() {
            return Some("the scale target is unknown");
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
            return Some("the observed pods do not match the target's own counts");
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
        // An answer holds for one resolution, so an answer can be missed if the API is queried less often.
        let missed = pairs.any(|(a, b)| a <= when.until && from <= b && unseen(a, b));
        let asked_since = self.answered.back().is_some_and(|last| *last >= when.until);
        (!seen || missed || !asked_since)
            .then_some("no recent answer of the metrics API was observed")
    }

    /// Calls the function for each reading that a sync may have made and that was not evaluated yet: every
    /// state of the pods with every answer of the metrics API that may have held then. Returns false if there
    /// were too many and only the nearest were taken.
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

    /// The states of the pods that may have been read: the number of changes that lead to each, and the time
    /// during which it held.
    fn states(&self, search: ReadingSearch) -> Vec<(usize, Span)> {
        let begins = std::iter::once(Timestamp::MIN).chain(self.changes.iter().map(|c| c.at));
        let ends = self.changes.iter().map(|c| c.at).chain([Timestamp::MAX]);
        begins
            .zip(ends)
            .enumerate()
            .map(|(index, (from, until))| (index, Span { from, until }))
            // Changes observed at one instant are one change.
            .filter(|(_, held)| held.from < held.until)
            .filter(|(_, held)| held.near(NEAR).within(search.when).is_some())
            .collect()
    }
}

/// The instants of a sync that make a difference for these pods: at some of them a pod stops being young.
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

    /// Extended by a time at both ends.
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
