//! What can happen to a watch between the API server and the evaluator.

use std::collections::BTreeMap;
use std::time::Duration;

use hpa_check_core::observation::{Observation, Seen, Watch, WatchState, Watched};
use jiff::Timestamp;

/// One fault at one place of a recording.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mutation {
    /// The observation is lost without a notice.
    Drop(usize),
    /// It arrives later, among later observations.
    Delay(usize, Duration),
    /// It arrives again later, when it is out of date.
    Repeat(usize, Duration),
    /// It and the next one are swapped.
    Swap(usize),
    /// Its watch breaks there: this many of its observations are missed, and a list ends the gap. Examples are
    /// a connection cut in the middle of a line, and 410.
    Gap(usize, usize),
    /// The API server is away for a time: nothing is observed, and lists end the gap.
    Outage(usize, Duration),
    /// The recording ends there.
    End(usize),
}

/// Where an observation comes from.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Source {
    Watched(Watched),
    /// The metrics API, which is polled.
    Metrics,
}

/// What is watched or polled; `None` for the run's own observations.
pub(crate) fn source(seen: &Seen) -> Option<Source> {
    match seen {
        Seen::Autoscaler(_) | Seen::AutoscalerGone => Some(Source::Watched(Watched::Autoscaler)),
        Seen::Target(_) | Seen::TargetGone => Some(Source::Watched(Watched::Target)),
        Seen::Pod(_) | Seen::PodGone { .. } => Some(Source::Watched(Watched::Pods)),
        Seen::PodMetrics { .. } | Seen::MetricsUnavailable { .. } => Some(Source::Metrics),
        Seen::Event(_) => Some(Source::Watched(Watched::Events)),
        _ => None,
    }
}

impl Mutation {
    /// Everything that can happen to the `at`-th observation. A polled answer can be lost, but can't come late
    /// or twice, because requests are answered one by one.
    pub(crate) fn each_at(at: usize, seen: &Seen) -> Vec<Self> {
        let seconds = Duration::from_secs;
        if source(seen).is_none() {
            // An observation of the run itself is lost only with everything after it.
            return vec![Self::End(at), Self::Outage(at, seconds(2))];
        }
        if source(seen) == Some(Source::Metrics) {
            return vec![
                Self::Drop(at),
                Self::Gap(at, 4),
                Self::Gap(at, 15),
                Self::Outage(at, seconds(5)),
                Self::End(at),
            ];
        }
        vec![
            Self::Drop(at),
            Self::Delay(at, Duration::from_millis(300)),
            Self::Delay(at, seconds(2)),
            Self::Delay(at, seconds(8)),
            Self::Repeat(at, seconds(1)),
            Self::Repeat(at, seconds(6)),
            Self::Swap(at),
            Self::Gap(at, 1),
            Self::Gap(at, 4),
            Self::Gap(at, 15),
            Self::Outage(at, seconds(1)),
            Self::Outage(at, seconds(5)),
            Self::End(at),
        ]
    }

    /// The recording with this fault.
    pub(crate) fn of(self, recording: &[Observation]) -> Vec<Observation> {
        let mut mutated = recording.to_vec();
        match self {
            Self::Drop(at) => {
                mutated.remove(at);
            }
            Self::Delay(at, by) => {
                let one = mutated.remove(at);
                insert(&mut mutated, one, by);
            }
            Self::Repeat(at, by) => insert(&mut mutated, recording[at].clone(), by),
            Self::Swap(at) => {
                if at + 1 < mutated.len() {
                    let (first, second) = (mutated[at].at, mutated[at + 1].at);
                    mutated.swap(at, at + 1);
                    (mutated[at].at, mutated[at + 1].at) = (first, second);
                }
            }
            Self::Gap(at, length) => return gap(recording, at, length),
            Self::Outage(at, length) => return outage(recording, at, length),
            Self::End(at) => mutated.truncate(at),
        }
        mutated
    }
}

fn insert(recording: &mut Vec<Observation>, mut one: Observation, later: Duration) {
    one.at += later;
    let place = recording.partition_point(|o| o.at <= one.at);
    recording.insert(place, one);
}

/// The watch of one resource is lost before its `at`-th observation, and current again after `length` of its
/// own; a list then shows the outcome.
fn gap(recording: &[Observation], at: usize, length: usize) -> Vec<Observation> {
    let Some(missing) = source(&recording[at].seen) else {
        return recording.to_vec();
    };
    let missed: Vec<usize> = (at..recording.len())
        .filter(|i| source(&recording[*i].seen) == Some(missing))
        .take(length)
        .collect();
    let ended = (missed.len() == length).then(|| missed[length - 1]);
    // Metrics are polled: a missed answer is only that.
    let watches: &[Watched] = match &missing {
        Source::Watched(watched) => std::slice::from_ref(watched),
        Source::Metrics => &[],
    };
    without(recording, &missed, watches, ended)
}

/// All watches are lost, and the metrics API too.
fn outage(recording: &[Observation], at: usize, length: Duration) -> Vec<Observation> {
    let until = recording[at].at + length;
    let missed: Vec<usize> = (at..recording.len())
        .filter(|i| recording[*i].at <= until && source(&recording[*i].seen).is_some())
        .collect();
    let last = (at..recording.len())
        .take_while(|i| recording[*i].at <= until)
        .last();
    let ended = last.filter(|i| i + 1 < recording.len());
    without(
        recording,
        &missed,
        &[
            Watched::Autoscaler,
            Watched::Target,
            Watched::Pods,
            Watched::Events,
        ],
        ended,
    )
}

/// The recording without what was missed. The watches are lost at its start. Where they are current again,
/// lists show the state of each object that exists, and which ones are gone.
fn without(
    recording: &[Observation],
    missed: &[usize],
    watched: &[Watched],
    ended: Option<usize>,
) -> Vec<Observation> {
    let turn = |when: Timestamp, resource: Watched, state| Observation {
        at: when,
        seen: Seen::Watch(Watch {
            resource,
            state,
            error: (state == WatchState::Lost).then(|| "410 Gone".to_owned()),
            since: None,
        }),
    };
    let mut mutated = Vec::new();
    let mut listed: BTreeMap<(&str, String), Observation> = BTreeMap::new();
    for (i, one) in recording.iter().enumerate() {
        if missed.first() == Some(&i) {
            mutated.extend(watched.iter().map(|w| turn(one.at, *w, WatchState::Lost)));
        }
        if !missed.contains(&i) {
            mutated.push(one.clone());
        } else if let Some(Source::Watched(
            watched @ (Watched::Autoscaler | Watched::Target | Watched::Pods),
        )) = source(&one.seen)
        {
            // Events and samples are not listed again: old ones are gone.
            listed.insert((watched.name(), object(&one.seen)), one.clone());
        }
        if ended == Some(i) {
            let listed = std::mem::take(&mut listed).into_values();
            mutated.extend(listed.map(|seen| Observation { at: one.at, ..seen }));
            mutated.extend(
                watched
                    .iter()
                    .map(|w| turn(one.at, *w, WatchState::Current)),
            );
        }
    }
    mutated
}

fn object(seen: &Seen) -> String {
    match seen {
        Seen::Pod(pod) => pod.name.clone(),
        Seen::PodGone { name } => name.clone(),
        _ => String::new(),
    }
}
