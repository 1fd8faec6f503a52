//! The pods and the answers of the metrics API, each with the time during which it held: what the controller
//! may have read.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::calls::{CallOrder, as_one};
use crate::model::pods::ModelPod;
use crate::model::{after, before};
use crate::observation::{Pod, PodSample, Watched};
use crate::run::state::RunState;

/// The observer and the controller see a change of a pod at about the same time.
pub(super) const NEAR: Duration = Duration::from_secs(2);

/// The clocks of nodes differ by up to this part of a sample's window.
const CLOCKS: u32 = 8;

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
    /// When an answer may have come and gone between two polls.
    hidden: VecDeque<Span>,
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
    /// Which resource it asks about first, if it asks about two.
    pub(super) order: Option<CallOrder>,
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
        if let Some(last) = self.given.back_mut()
            && *last.answer == answer
        {
            last.seen = at;
            return false;
        }
        let hidden = self.hidden_before(at, &answer);
        self.hidden.extend(hidden);
        let mut from = at;
        if let Some(last) = self.given.back_mut() {
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

    /// When there may have been another answer between the last one and this one: pods of the last one are gone, and the
    /// others were sampled again, so those may have been sampled again, too, before they ended.
    fn hidden_before(&self, at: Timestamp, answer: &Answer) -> Option<Span> {
        let last = self.given.back()?;
        let (earlier, later) = (last.answer.as_ref().as_ref().ok()?, answer.as_ref().ok()?);
        let sampled: BTreeMap<&str, Timestamp> = later
            .iter()
            .map(|s| (s.pod.as_str(), s.timestamp))
            .collect();
        let known = |s: &PodSample| sampled.get(s.pod.as_str()).map(|at| *at > s.timestamp);
        let common: Vec<bool> = earlier.iter().filter_map(known).collect();
        if !common.is_empty() && !common.contains(&true) {
            return None;
        }
        // The samples of a round are given together, after the last one was taken.
        let taken = later.iter().max_by_key(|s| s.timestamp);
        let taken = taken.map(|s| before(s.timestamp, NEAR.min(s.window / CLOCKS)));
        let taken = taken.filter(|taken| *taken <= at);
        let from = taken.map_or(last.seen, |taken| taken.max(last.seen));
        let was_there = |pod: &str| {
            let ended = |c: &Change| c.pod == pod && c.becomes.is_none() && c.at >= from;
            self.pods.contains_key(pod) || self.changes.iter().any(ended)
        };
        let mut missing = earlier.iter().filter(|s| known(s).is_none());
        let hides = missing.any(|s| was_there(&s.pod));
        hides.then_some(Span { from, until: at })
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
        self.hidden.retain(|span| span.until >= then);
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
        let mut hidden = self.hidden.iter();
        if hidden.any(|span| span.within(when).is_some()) {
            return Some("the last samples of pods that ended between two polls were not observed");
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
        let across: Vec<Given> = search
            .order
            .map(|order| across_changes(given, order).collect())
            .unwrap_or_default();
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
            let new: Vec<&Given> = given
                .iter()
                .chain(&across)
                .filter(|given| given.when.within(could).is_some())
                .filter(|given| looked.insert((state, given.number)))
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

/// The numbers of what is read across a change of the answer start here, with that of the later answer.
const ACROSS: usize = usize::MAX / 2;

/// What a sync reads that asks about one resource before a change of the answer, and about the other one after it.
fn across_changes(given: &VecDeque<Given>, order: CallOrder) -> impl Iterator<Item = Given> {
    let pairs = given.iter().zip(given.iter().skip(1));
    pairs.filter_map(move |(first, then)| {
        let (Ok(before), Ok(after)) = (first.answer.as_ref(), then.answer.as_ref()) else {
            return None;
        };
        Some(Given {
            number: ACROSS + then.number,
            when: then.when.within(first.when)?,
            seen: then.seen,
            answer: Arc::new(Ok(as_one(before, after, order))),
        })
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::ContainerSample;
    use crate::units::Millicores;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Samples of these pods, taken at this second.
    fn round(pods: &[&str], second: i64) -> Vec<PodSample> {
        let sample = |pod: &&str| PodSample {
            pod: (*pod).to_owned(),
            timestamp: at(second),
            window: Duration::from_secs(15),
            containers: vec![ContainerSample::of_cpu("app", Millicores(second))],
        };
        pods.iter().map(sample).collect()
    }

    /// The time in which an answer may have come and gone between this one, polled at 100 s, and that one, polled at
    /// 105 s, if the pod `b` was gone then or earlier.
    fn hidden(
        earlier: &[PodSample],
        later: &[PodSample],
        gone: i64,
    ) -> Option<(Timestamp, Timestamp)> {
        let mut sightings = Sightings::default();
        sightings.answer(at(100), Ok(earlier.to_vec()));
        sightings.pod_gone(at(gone), "b");
        sightings.answer(at(105), Ok(later.to_vec()));
        sightings
            .hidden
            .pop_back()
            .map(|span| (span.from, span.until))
    }

    #[test]
    fn a_pod_that_ended_before_its_next_sample_was_polled_hides_an_answer() {
        let old = round(&["a", "b"], 90);
        let whole = Some((at(100), at(105)));
        // `b` may have been sampled again before it ended.
        assert_eq!(hidden(&old, &round(&["a"], 101), 104), whole);
        assert_eq!(hidden(&old, &round(&["c"], 95), 104), whole);
        // It was not, or is still there.
        assert_eq!(hidden(&old, &old[..1], 104), None);
        assert_eq!(hidden(&old, &round(&["a", "b", "c"], 101), 104), None);
        // A round is not given before its samples were taken, and then `b` was gone.
        let (from, _) = hidden(&old, &round(&["a"], 104), 104).unwrap();
        assert!(at(102) <= from && from < at(104), "{from}");
        assert_eq!(hidden(&old, &round(&["a"], 104), 101), None);
    }
}
