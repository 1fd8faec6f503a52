//! The highest rate that meets the rules, searched for with trials that may err.
//!
//! # Method
//!
//! Rates are doubled until a trial fails, or halved until one passes. From there on it is a probabilistic bisection
//! (Horstein 1963; Waeber, Frazier, Henderson 2013): each cell of a grid of rates has a probability of holding the capacity, each
//! trial shifts it by Bayes' rule, and the next trial is made where the probability on either side is the same. A trial is taken to be right with a
//! probability of [`TRUST`]: near the capacity a server passes one time and fails the next, and a search that believes
//! every trial ends wherever the first unlucky one pushed it. It ends when 90 % of the probability lie within the
//! precision that was asked for, or with the last trial. The range reported holds that 90 %.

use crate::generator::Verdict;
use crate::result::Document;

/// How far a single trial is believed.
pub const TRUST: f64 = 0.85;
/// The share of the probability that the range holds.
pub const CONFIDENCE: f64 = 0.9;
/// The grid's cells are by this factor apart.
const CELL: f64 = 1.02;
/// Less than this share of failed connections is nothing to blame a network for.
const LOST_CONNECTIONS: f64 = 0.01;
/// More retransmitted segments than this share are loss that a network is to blame for.
const RETRANSMITTED: f64 = 0.01;

/// What is searched for, and how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The first rate, in requests a second.
    pub from: f64,
    /// No trial is made above it.
    pub to: f64,
    /// The search ends when the range's ends are by no more than this share apart.
    pub precision: f64,
    /// Trials at most.
    pub most: usize,
}

/// A rate that was tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Requests a second.
    pub rate: f64,
    /// Whether it met the rules.
    pub passed: bool,
    /// Who was the limit, when it did not.
    pub limit: Option<Limit>,
}

/// Who was the limit, and what says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Who.
    pub who: Bottleneck,
    /// What says so.
    pub why: String,
}

/// Who can be the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bottleneck {
    /// The service under load.
    Server,
    /// This program.
    Generator,
    /// What lies between them.
    Network,
}

impl Bottleneck {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Generator => "generator",
            Self::Network => "network",
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Try this rate.
    Try(f64),
    /// This is what there is to say.
    Done(Found),
}

/// Where the capacity lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Found {
    /// Between two rates, with [`CONFIDENCE`].
    Between(f64, f64),
    /// Every rate passed, up to the highest that was allowed.
    AtLeast(f64),
    /// Not even this lowest rate passed.
    Below(f64),
}

/// Below this rate there is no capacity worth the name.
const LOWEST: f64 = 0.1;

/// What to do after these trials, in order.
pub fn next(trials: &[Trial], bounds: &Bounds) -> Next {
    let passed = trials
        .iter()
        .filter(|trial| trial.passed)
        .map(|trial| trial.rate);
    let failed = trials
        .iter()
        .filter(|trial| !trial.passed)
        .map(|trial| trial.rate);
    let (highest_pass, lowest_fail) = (passed.reduce(f64::max), failed.reduce(f64::min));
    match (highest_pass, lowest_fail) {
        (None, None) => Next::Try(bounds.from.min(bounds.to)),
        (Some(pass), None) if pass >= bounds.to => Next::Done(Found::AtLeast(pass)),
        (Some(pass), None) => over(
            trials,
            bounds,
            (pass * 2.0).min(bounds.to),
            Found::AtLeast(pass),
        ),
        (None, Some(fail)) if fail / 2.0 < LOWEST => Next::Done(Found::Below(fail)),
        (None, Some(fail)) => over(trials, bounds, fail / 2.0, Found::Below(fail)),
        (Some(pass), Some(fail)) => {
            let belief = Belief::after(
                trials,
                pass.min(fail) / 2.0,
                (pass.max(fail) * 2.0).min(bounds.to.max(fail)),
            );
            let (low, high) = belief.range(CONFIDENCE);
            let found = Found::Between(low, high);
            if high <= low * (1.0 + bounds.precision) {
                return Next::Done(found);
            }
            over(trials, bounds, belief.middle().min(bounds.to), found)
        }
    }
}

/// The next trial, unless there were enough.
fn over(trials: &[Trial], bounds: &Bounds, rate: f64, found: Found) -> Next {
    if trials.len() >= bounds.most {
        Next::Done(found)
    } else {
        Next::Try(rate)
    }
}

/// How probable it is that the capacity lies in each cell of a grid, from its rate to [`CELL`] times that.
struct Belief {
    rates: Vec<f64>,
    weights: Vec<f64>,
}

impl Belief {
    /// Every rate as probable as any other before the trials, and by Bayes' rule after them.
    fn after(trials: &[Trial], low: f64, high: f64) -> Self {
        let mut rates = vec![low];
        while rates.last().is_some_and(|last| *last < high) {
            rates.push(rates[rates.len() - 1] * CELL);
        }
        let mut weights = vec![1.0; rates.len()];
        for trial in trials {
            for (rate, weight) in rates.iter().zip(&mut weights) {
                // A border is computed in two ways, which may differ in the last bit.
                let could = *rate >= trial.rate * (1.0 - 1e-9);
                *weight *= if could == trial.passed {
                    TRUST
                } else {
                    1.0 - TRUST
                };
            }
        }
        let sum: f64 = weights.iter().sum();
        for weight in &mut weights {
            *weight /= sum;
        }
        Self { rates, weights }
    }

    /// The cell up to which so much of the probability lies.
    fn quantile(&self, share: f64) -> usize {
        let mut below = 0.0;
        let within = self.weights.iter().position(|weight| {
            below += weight;
            below >= share
        });
        within.unwrap_or(self.weights.len() - 1)
    }

    /// The border between two cells that parts the probability most evenly. A trial there tells them apart.
    fn middle(&self) -> f64 {
        let mut below = 0.0;
        let mut best = (f64::INFINITY, self.rates[0]);
        for (rate, weight) in self.rates.iter().zip(&self.weights) {
            below += weight;
            let uneven = (below - 0.5_f64).abs();
            if uneven < best.0 {
                best = (uneven, rate * CELL);
            }
        }
        best.1
    }

    /// The middle part that holds so much of the probability, from the beginning of its first cell to the end of its
    /// last.
    fn range(&self, share: f64) -> (f64, f64) {
        let tail = (1.0 - share) / 2.0;
        let (first, last) = (self.quantile(tail), self.quantile(1.0 - tail));
        (self.rates[first], self.rates[last] * CELL)
    }
}

/// TCP segments of this machine during a trial.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Segments {
    /// Sent.
    pub sent: u64,
    /// Sent again.
    pub again: u64,
}

/// Whether a trial's result meets the rules at the rate that was asked for, and who was the limit if not.
#[expect(clippy::cast_precision_loss, reason = "counts as shares")]
pub fn judge(document: &Document, rate: f64, segments: Segments) -> Trial {
    let totals = &document.totals;
    let sent_all = totals.achieved_ratio.is_none_or(|ratio| ratio >= 0.99);
    let broken: Vec<String> = document
        .thresholds
        .iter()
        .filter(|rule| !rule.passed)
        .map(|rule| format!("{} was {}", rule.rule, rule.observed))
        .collect();
    let saturated = document.generator.verdict == Verdict::Saturated;
    let passed = sent_all && broken.is_empty() && !saturated && totals.wrong == 0 && totals.ok > 0;
    if passed {
        return Trial {
            rate,
            passed,
            limit: None,
        };
    }
    let ended = (totals.ok + totals.failed).max(1);
    let lost: u64 = document
        .errors
        .iter()
        .filter(|error| {
            matches!(
                error.class.as_ref(),
                "connect.timeout" | "connect.reset" | "dns" | "tls"
            )
        })
        .map(|error| error.count)
        .sum();
    let lost = lost as f64 / ended as f64;
    let again = segments.again as f64 / segments.sent.max(1) as f64;
    let limit = if saturated {
        Limit {
            who: Bottleneck::Generator,
            why: document.generator.reasons.join("; "),
        }
    } else if again > RETRANSMITTED {
        Limit {
            who: Bottleneck::Network,
            why: format!(
                "{:.1} % of this machine's TCP segments were sent again",
                again * 100.0
            ),
        }
    } else if lost > LOST_CONNECTIONS {
        Limit {
            who: Bottleneck::Network,
            why: format!("{:.1} % of the requests got no connection", lost * 100.0),
        }
    } else {
        Limit {
            who: Bottleneck::Server,
            why: server(document, sent_all, &broken),
        }
    };
    Trial {
        rate,
        passed,
        limit: Some(limit),
    }
}

/// What of the server's answers fell short.
fn server(document: &Document, sent_all: bool, broken: &[String]) -> String {
    let totals = &document.totals;
    let mut why = broken.to_vec();
    if totals.wrong > 0 {
        why.push(format!("{} answers were wrong", totals.wrong));
    }
    if !sent_all {
        why.push(format!(
            "only {:.1} % of the requests that were due could be sent, for all {} users waited for answers",
            totals.achieved_ratio.unwrap_or(0.0) * 100.0,
            document.plan.users
        ));
    }
    if totals.ok == 0 && why.is_empty() {
        why.push("no request was answered rightly".to_owned());
    }
    why.join("; ")
}

/// Who was the limit of the whole search: of the failed trials nearest to what was found, the one named most often.
pub fn limit(trials: &[Trial]) -> Option<&Limit> {
    let mut failed: Vec<&Trial> = trials.iter().filter(|trial| !trial.passed).collect();
    failed.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    let nearest: Vec<&Limit> = failed
        .iter()
        .take(3)
        .filter_map(|trial| trial.limit.as_ref())
        .collect();
    let named = |who: Bottleneck| nearest.iter().filter(|limit| limit.who == who).count();
    nearest.iter().copied().max_by_key(|limit| named(limit.who))
}

#[cfg(test)]
mod tests;
