//! Compares two results: is the second worse, or is it noise?
//!
//! # Method
//!
//! A run varies by itself, and its seconds are not independent of each other. So each run is cut into blocks of
//! 5 s, longer in runs of more than 5 min, and both runs are resampled 400 times from blocks drawn with
//! replacement (the block bootstrap of Künsch 1989, with non-overlapping blocks as in Carlstein 1986). Each
//! time the ratio of the two runs is computed for each measure; the middle 99 % of these ratios are its noise
//! bounds. A measure is worse if the bounds lie completely on the worse side of the tolerance, and better in
//! the opposite case.
//!
//! The bounds cover variation within the runs. They can't show variation between runs (another node, a cold
//! cache); the tolerance is for that.

use hdrhistogram::Histogram;

mod blocks;

use blocks::{Block, blocks, drawn};

use crate::generator::Verdict;
use crate::result::Document;

/// Seconds per block: longer than effects in a server's queues last.
const BLOCK_S: f64 = 5.0;
/// How often both runs are resampled.
const DRAWS: u64 = 400;
/// The share of draws beyond each bound. Five measures are judged, so 99 % for each is 95 % for all
/// (Bonferroni).
const TAIL: f64 = 0.005;
/// A long run has at most this many blocks, which are longer then.
const MOST_BLOCKS: f64 = 60.0;
/// With fewer blocks than this, the bounds mean nothing.
const FEWEST_BLOCKS: usize = 4;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Correct answers per second.
    Rate,
    /// A percentile of the response time, in tenths of a percent.
    Percentile(u16),
    /// Failures as a share of all requests.
    Failures,
}

impl Measure {
    /// All measures.
    pub const ALL: [Self; 6] = [
        Self::Rate,
        Self::Percentile(500),
        Self::Percentile(900),
        Self::Percentile(990),
        Self::Percentile(999),
        Self::Failures,
    ];

    /// Its name.
    pub fn name(self) -> String {
        match self {
            Self::Rate => "correct answers/s".to_owned(),
            Self::Percentile(tenths) => format!("response p{}", f64::from(tenths) / 10.0),
            Self::Failures => "failed share".to_owned(),
        }
    }

    /// Whether more of it is better.
    fn more_is_better(self) -> bool {
        self == Self::Rate
    }

    /// The value for a run or for some of its blocks; `None` if it has none.
    #[expect(clippy::cast_precision_loss, reason = "counts and microseconds")]
    fn of(self, whole: &Block) -> Option<f64> {
        match self {
            Self::Rate => (whole.seconds > 0.0).then(|| whole.ok as f64 / whole.seconds),
            Self::Percentile(tenths) => {
                let response = whole.response.as_ref().filter(|r| !r.is_empty())?;
                Some(response.value_at_quantile(f64::from(tenths) / 1_000.0) as f64)
            }
            Self::Failures => {
                let ended = whole.ok + whole.failed;
                (ended > 0).then(|| whole.failed as f64 / ended as f64)
            }
        }
    }

    /// A percentile needs enough requests for meaningful bounds: ten beyond it.
    fn enough(self, whole: &Block) -> bool {
        match self {
            Self::Percentile(tenths) => {
                let beyond = 1.0 - f64::from(tenths) / 1_000.0;
                whole
                    .response
                    .as_ref()
                    .is_some_and(|r| len(r) * beyond >= 10.0)
            }
            Self::Rate | Self::Failures => true,
        }
    }
}

/// How a measure changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// No difference beyond noise and tolerance.
    Same,
    /// Better beyond both.
    Better,
    /// Worse beyond both.
    Worse,
    /// There is not enough data.
    Unknown,
}

/// One measure of both runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The measure.
    pub measure: Measure,
    /// The value in the first run; a rate, microseconds or a share.
    pub a: Option<f64>,
    /// The value in the second run.
    pub b: Option<f64>,
    /// The second relative to the first: 0.1 is a tenth more. For the failed share, the difference itself.
    pub change: Option<f64>,
    /// The middle 99 % of `change` over all draws.
    pub bounds: Option<(f64, f64)>,
    /// Whether that is better or worse.
    pub verdict: Change,
}

/// Both runs, compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// One row per measure.
    pub rows: Vec<Row>,
    /// Notes for the reader, one sentence each.
    pub notes: Vec<String>,
    /// Whether a generator was the bottleneck, so that the runs prove nothing about the server.
    pub saturated: bool,
}

impl Comparison {
    /// Whether the second run is worse.
    pub fn is_worse(&self) -> bool {
        self.rows.iter().any(|row| row.verdict == Change::Worse)
    }

    /// Whether there is any conclusion.
    pub fn tells_something(&self) -> bool {
        self.rows.iter().any(|row| row.verdict != Change::Unknown)
    }
}

/// Compares the judged part of two runs. Changes up to `tolerance` (0.05 is 5 %) are never worse or better.
pub fn compare(a: &Document, b: &Document, tolerance: f64) -> Result<Comparison, String> {
    let length = |document: &Document| BLOCK_S.max(document.totals.elapsed_s / MOST_BLOCKS);
    let (a_blocks, b_blocks) = (blocks(a, length(a))?, blocks(b, length(b))?);
    let (a_whole, b_whole) = (Block::sum(&a_blocks), Block::sum(&b_blocks));
    let enough = a_blocks.len() >= FEWEST_BLOCKS && b_blocks.len() >= FEWEST_BLOCKS;
    let draws: Vec<(Block, Block)> = (0..if enough { DRAWS } else { 0 })
        .map(|draw| (drawn(&a_blocks, 2 * draw), drawn(&b_blocks, 2 * draw + 1)))
        .collect();
    let rows = Measure::ALL
        .into_iter()
        .map(|measure| row(measure, (&a_whole, &b_whole), &draws, tolerance))
        .collect();
    let mut notes = notes(a, b);
    if !enough {
        notes.push(format!(
            "the runs are too short to tell a change from noise: each needs at least {:.0} s outside the warm-up, and a result of a version that keeps a histogram of each second",
            BLOCK_S * f64::from(u32::try_from(FEWEST_BLOCKS).unwrap_or(4))
        ));
    }
    let saturated = |document: &Document| document.generator.verdict == Verdict::Saturated;
    Ok(Comparison {
        rows,
        notes,
        saturated: saturated(a) || saturated(b),
    })
}

fn row(
    measure: Measure,
    (a, b): (&Block, &Block),
    draws: &[(Block, Block)],
    tolerance: f64,
) -> Row {
    let (seen_a, seen_b) = (measure.of(a), measure.of(b));
    let change = seen_a
        .zip(seen_b)
        .and_then(|(a, b)| difference(measure, a, b));
    let enough = measure.enough(a) && measure.enough(b);
    let mut changes: Vec<f64> = draws
        .iter()
        .filter(|_| enough)
        .filter_map(|(a, b)| difference(measure, measure.of(a)?, measure.of(b)?))
        .collect();
    changes.sort_by(f64::total_cmp);
    let bounds = (!changes.is_empty()).then(|| (at(&changes, TAIL), at(&changes, 1.0 - TAIL)));
    // A failure share is compared absolutely: 5 % more than almost nothing is nothing.
    let tolerated = if measure == Measure::Failures {
        tolerance / 10.0
    } else {
        tolerance
    };
    let verdict = match bounds {
        None => Change::Unknown,
        Some((low, high)) => {
            let (less, more) = if measure.more_is_better() {
                (Change::Worse, Change::Better)
            } else {
                (Change::Better, Change::Worse)
            };
            if low > tolerated {
                more
            } else if high < -tolerated {
                less
            } else {
                Change::Same
            }
        }
    };
    Row {
        measure,
        a: seen_a,
        b: seen_b,
        change,
        bounds,
        verdict,
    }
}

fn difference(measure: Measure, a: f64, b: f64) -> Option<f64> {
    match measure {
        Measure::Failures => Some(b - a),
        Measure::Rate | Measure::Percentile(_) => (a > 0.0).then(|| b / a - 1.0),
    }
}

/// The value below which this share of a sorted list lies.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index into some hundred draws"
)]
fn at(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len() - 1;
    sorted[((last as f64 * share).round() as usize).min(last)]
}

/// What makes two runs hard to compare.
fn notes(a: &Document, b: &Document) -> Vec<String> {
    let mut notes = Vec::new();
    let corners = |document: &Document| {
        let steps = document.plan.steps.iter();
        steps
            .map(|step| format!("{:.3} {:?} {:?}", step.t_s, step.users, step.rate))
            .collect::<Vec<_>>()
    };
    let mut differ = |what: &str, differs: bool| {
        if differs {
            notes.push(format!(
                "the runs have different plans: their {what} differ"
            ));
        }
    };
    differ("models", a.plan.model != b.plan.model);
    differ("loads", corners(a) != corners(b));
    differ("distributions of n", a.plan.n_spec != b.plan.n_spec);
    differ("connections", a.plan.conn != b.plan.conn);
    for (name, document) in [("first", a), ("second", b)] {
        let generator = &document.generator;
        if generator.verdict != Verdict::Ok {
            notes.push(format!(
                "the generator of the {name} run was {}: {}",
                generator.verdict.word(),
                generator.reasons.join("; ")
            ));
        }
        if document.totals.wrong > 0 {
            notes.push(format!(
                "the {name} run had {} wrong answers",
                document.totals.wrong
            ));
        }
    }
    notes
}

#[expect(clippy::cast_precision_loss, reason = "a count of requests")]
fn len(histogram: &Histogram<u64>) -> f64 {
    histogram.len() as f64
}

#[cfg(test)]
mod tests;
