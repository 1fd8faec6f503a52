//! Finds the pods that each autoscaler counts, with an index of labels, because a cluster has many of both.

use std::collections::HashMap;

use super::{Namespace, PodSnapshot, Scaler};
use crate::model::selector::Selector;
use crate::observation::PodSample;

/// The pods of a namespace, indexed for selection.
pub(crate) struct Index<'a> {
    pods: &'a [PodSnapshot],
    by_label: HashMap<(&'a str, &'a str), Vec<usize>>,
    /// Samples by pod name.
    pub(crate) samples: HashMap<&'a str, &'a PodSample>,
    /// For each pod, the autoscalers that count it.
    counted_by: HashMap<usize, Vec<&'a str>>,
}

impl<'a> Index<'a> {
    pub(crate) fn of(space: &'a Namespace) -> Self {
        let pods: &[PodSnapshot] = space.pods.as_deref().unwrap_or_default();
        let mut by_label: HashMap<_, Vec<usize>> = HashMap::new();
        for (position, pod) in pods.iter().enumerate() {
            for (key, value) in &*pod.labels {
                let label = (key.as_str(), value.as_str());
                by_label.entry(label).or_default().push(position);
            }
        }
        let mut index = Self {
            pods,
            by_label,
            samples: samples(space),
            counted_by: HashMap::new(),
        };
        // An autoscaler at zero counts no pods, so one of two targets with the same labels may be at zero.
        let awake = |s: &&Scaler| s.workload().is_some_and(|w| w.object.spec_replicas > 0);
        for scaler in space.autoscalers.iter().filter(awake) {
            let selector = scaler.workload().map(|w| w.object.selector.as_str());
            for position in index.matching(selector.unwrap_or_default()) {
                index
                    .counted_by
                    .entry(position)
                    .or_default()
                    .push(&scaler.name);
            }
        }
        index
    }

    /// The pods that a selector matches. The controller treats an empty selector as none.
    pub(crate) fn select(&self, selector: &str) -> Vec<&'a PodSnapshot> {
        let matching = self.matching(selector);
        matching.into_iter().map(|at| &self.pods[at]).collect()
    }

    /// Other autoscalers that count a pod that the selector matches, each with one such pod.
    pub(crate) fn shared(&self, selector: &str, own: &str) -> Vec<(&'a str, &'a str)> {
        let mut shared: Vec<(&str, &str)> = Vec::new();
        for position in self.matching(selector) {
            for other in self.counted_by.get(&position).into_iter().flatten() {
                if *other != own && !shared.iter().any(|(name, _)| name == other) {
                    shared.push((other, &self.pods[position].pod.name));
                }
            }
        }
        shared
    }

    fn matching(&self, selector: &str) -> Vec<usize> {
        if selector.is_empty() {
            return Vec::new();
        }
        let Ok(parsed) = Selector::parse(selector) else {
            return Vec::new();
        };
        let matches = |position: &usize| parsed.matches(&self.pods[*position].labels);
        // One required label narrows the search to the pods that have it.
        match parsed.required_label() {
            Some(label) => {
                let candidates = self.by_label.get(&label).map_or(&[][..], Vec::as_slice);
                candidates.iter().copied().filter(matches).collect()
            }
            None => (0..self.pods.len()).filter(matches).collect(),
        }
    }
}

fn samples(space: &Namespace) -> HashMap<&str, &PodSample> {
    let answer = space.samples.as_ref().and_then(|s| s.as_ref().ok());
    answer
        .into_iter()
        .flatten()
        .map(|sample| (sample.pod.as_str(), sample))
        .collect()
}
