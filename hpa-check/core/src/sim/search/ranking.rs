//! The order of tried settings.

/// How many are reported.
const BEST: usize = 10;
const NEAREST: usize = 3;

/// The criteria for ranking settings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Score {
    pub(super) kept: bool,
    pub(super) core_hours: f64,
    pub(super) scalings: u64,
    /// How many settings differ from the current ones.
    pub(super) changes: usize,
    pub(super) miss: f64,
}

/// The cheapest within the bound, and among the cheaper ones those that exceed it the least. At equal cost,
/// fewer scalings win, then fewer changed settings, then the first one tried.
pub(super) fn ranked(scores: &[Score]) -> (Vec<usize>, Vec<usize>) {
    let of = |kept: bool| (0..scores.len()).filter(move |i| scores[*i].kept == kept);
    let mut best: Vec<usize> = of(true).collect();
    best.sort_by(|a, b| {
        let (a, b) = (&scores[*a], &scores[*b]);
        a.core_hours
            .total_cmp(&b.core_hours)
            .then(a.scalings.cmp(&b.scalings))
            .then(a.changes.cmp(&b.changes))
    });
    best.truncate(BEST);
    let cost = best
        .first()
        .map_or(f64::INFINITY, |i| scores[*i].core_hours);
    let mut nearest: Vec<usize> = of(false).filter(|i| scores[*i].core_hours < cost).collect();
    nearest.sort_by(|a, b| {
        let (a, b) = (&scores[*a], &scores[*b]);
        a.miss.total_cmp(&b.miss).then(a.changes.cmp(&b.changes))
    });
    nearest.truncate(NEAREST);
    (best, nearest)
}
