//! Values by pod name, without copying names, for the computation of one decision.

/// Values by pod, sorted by name. If a pod has two values, the later one counts.
#[derive(Debug, Clone)]
pub struct ByPod<'a, T>(Vec<(&'a str, T)>);

impl<'a, T> From<Vec<(&'a str, T)>> for ByPod<'a, T> {
    fn from(values: Vec<(&'a str, T)>) -> Self {
        let mut all = Self(values);
        all.settle();
        all
    }
}

impl<'a, T> FromIterator<(&'a str, T)> for ByPod<'a, T> {
    fn from_iter<I: IntoIterator<Item = (&'a str, T)>>(values: I) -> Self {
        Self::from(Vec::from_iter(values))
    }
}

impl<'a, T> Extend<(&'a str, T)> for ByPod<'a, T> {
    fn extend<I: IntoIterator<Item = (&'a str, T)>>(&mut self, values: I) {
        self.0.extend(values);
        self.settle();
    }
}

impl<T> ByPod<'_, T> {
    /// Sorts by name. An API that lists pods by name has done so already.
    fn settle(&mut self) {
        if self.0.is_sorted_by(|a, b| a.0 < b.0) {
            return;
        }
        // The sort is stable, so the last of equal names is the latest.
        self.0.sort_by(|a, b| a.0.cmp(b.0));
        self.0.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
    }

    /// A pod's value. `place` is a hint: pods looked up in order are found there at once.
    pub fn get(&self, place: usize, pod: &str) -> Option<&T> {
        let found = match self.0.get(place) {
            Some((name, _)) if *name == pod => place,
            _ => self.0.binary_search_by(|(name, _)| (*name).cmp(pod)).ok()?,
        };
        Some(&self.0[found].1)
    }

    /// The values of the pods that are in both.
    pub fn joined<'b, U>(
        &'b self,
        other: &'b ByPod<'_, U>,
    ) -> impl Iterator<Item = (&'b T, &'b U)> {
        let all = self.0.iter().enumerate();
        all.filter_map(|(place, (pod, value))| Some((value, other.get(place, pod)?)))
    }

    /// Keeps only some pods' values.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|(pod, _)| keep(pod));
    }

    /// All values.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, value)| value)
    }

    /// The number of pods with a value.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no pod has a value.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_of_two_values_of_one_pod_counts_in_any_order() {
        let mut all: ByPod<'_, i64> = [("b", 1), ("a", 2), ("b", 3)].into_iter().collect();
        assert_eq!(all.values().copied().collect::<Vec<_>>(), [2, 3]);
        all.extend([("a", 4), ("c", 5)]);
        assert_eq!(all.values().copied().collect::<Vec<_>>(), [4, 3, 5]);
    }

    #[test]
    fn a_pod_is_found_with_any_hint() {
        let all: ByPod<'_, i64> = [("a", 1), ("b", 2), ("c", 3)].into_iter().collect();
        for place in 0..5 {
            assert_eq!(all.get(place, "b"), Some(&2));
            assert_eq!(all.get(place, "d"), None);
        }
        let other: ByPod<'_, i64> = [("b", 10), ("c", 20), ("d", 30)].into_iter().collect();
        let joined: Vec<i64> = all.joined(&other).map(|(a, b)| a * b).collect();
        assert_eq!(joined, [20, 60]);
    }
}
