//! Requests by who answered.

use std::collections::HashMap;

use super::sample::Sample;
use super::tally::PodTally;

/// More names than this in one run are probably a mistake; the rest is counted together.
pub(super) const MOST_PODS: usize = 1_000;

/// Tallies by pod, found without hashing as long as the same pod answers.
#[derive(Debug, Default)]
pub struct Pods {
    list: Vec<(String, PodTally)>,
    places: HashMap<String, usize>,
    last: usize,
}

impl Pods {
    /// Counts an answer of a pod.
    pub fn record(&mut self, name: &str, sample: &Sample<'_>) {
        let full = self.list.len() >= MOST_PODS && self.place(name).is_none();
        self.entry(if full { "(others)" } else { name })
            .record(sample);
    }

    /// The tally of a pod; its name is copied only when it is new.
    pub fn entry(&mut self, name: &str) -> &mut PodTally {
        self.last = self.place(name).unwrap_or_else(|| {
            let new = self.list.len();
            self.list.push((name.to_owned(), PodTally::default()));
            self.places.insert(name.to_owned(), new);
            new
        });
        &mut self.list[self.last].1
    }

    fn place(&self, name: &str) -> Option<usize> {
        match self.list.get(self.last) {
            Some((last, _)) if last == name => Some(self.last),
            _ => self.places.get(name).copied(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether none has answered yet.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them, in the order of their first answers.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &PodTally)> {
        self.list.iter().map(|(name, tally)| (name, tally))
    }

    /// All of them, to take from.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&String, &mut PodTally)> {
        self.list.iter_mut().map(|(name, tally)| (&*name, tally))
    }
}
