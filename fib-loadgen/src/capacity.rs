//! Searches for the highest rate that meets the rules, with trials that may be wrong.
//!
//! # Method
//!
//! Rates are doubled until a trial fails, or halved until one passes. From there on it is a probabilistic
//! bisection (Horstein 1963; Waeber, Frazier, Henderson 2013): each cell of a grid of rates has a probability
//! of containing the capacity, each trial updates it by Bayes' rule, and the next trial runs where the
//! probability on either side is equal. A trial is assumed to be right with probability [`TRUST`]: near its
//! capacity a server passes one time and fails the next, and a search that trusted every trial would end
//! wherever the first unlucky one pushed it. It ends when 90 % of the probability is within the requested
//! precision, or after the last trial. The reported range contains that 90 %.

use crate::generator::Verdict;
use crate::result::Document;

/// The probability that a single trial is right.
pub const TRUST: f64 = 0.85;
/// The share of the probability in the reported range.
pub const CONFIDENCE: f64 = 0.9;
/// The ratio between neighboring cells of the grid.
const CELL: f64 = 1.02;
/// A network is not blamed for a smaller share of failed connections.
const LOST_CONNECTIONS: f64 = 0.01;
/// A network is blamed for a larger share of retransmitted segments.
const RETRANSMITTED: f64 = 0.01;

/// What to search for, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The first rate, in requests per second.
    pub from: f64,
    /// The highest rate to try.
    pub to: f64,
    /// The search ends when the range is at most this wide, relative to its lower end.
    pub precision: f64,
    /// The most trials.
    pub most: usize,
}

/// A rate that was tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Requests per second.
    pub rate: f64,
    /// Whether it met the rules.
    pub passed: bool,
    /// The bottleneck, if it did not.
    pub limit: Option<Limit>,
}

/// The bottleneck, with evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// The bottleneck.
    pub who: Bottleneck,
    /// The evidence.
    pub why: String,
}

/// The possible bottlenecks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bottleneck {
    /// The service under load.
    Server,
    /// This program.
    Generator,
    /// Everything in between.
    Network,
}

impl Bottleneck {
    /// Its word in output.
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
    /// The result.
    Done(Found),
}

/// The capacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Found {
    /// Between two rates, with [`CONFIDENCE`].
    Between(f64, f64),
    /// Every rate passed, up to the highest one allowed.
    AtLeast(f64),
    /// Even this lowest rate failed.
    Below(f64),
}

/// Below this rate the search gives up.
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

/// The probability that the capacity lies in each cell of a grid, from its rate to [`CELL`] times that.
struct Belief {
    rates: Vec<f64>,
    weights: Vec<f64>,
}

impl Belief {
    /// Uniform before the trials, then updated by Bayes' rule.
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

    /// The cell up to which this share of the probability lies.
    fn quantile(&self, share: f64) -> usize {
        let mut below = 0.0;
        let within = self.weights.iter().position(|weight| {
            below += weight;
            below >= share
        });
        within.unwrap_or(self.weights.len() - 1)
    }

    /// The border between two cells that divides the probability most evenly, which is where a trial tells the
    /// most.
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

    /// The middle part with this share of the probability, from the start of its first cell to the end of its
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
    /// Retransmitted.
    pub again: u64,
}

/// Whether a trial's result meets the rules at the requested rate, and the bottleneck if not.
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
                "{:.1} % of this machine's TCP segments were retransmitted",
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

/// What was wrong with the server's answers.
fn server(document: &Document, sent_all: bool, broken: &[String]) -> String {
    let totals = &document.totals;
    let mut why = broken.to_vec();
    if totals.wrong > 0 {
        why.push(format!("{} answers were wrong", totals.wrong));
    }
    if !sent_all {
        why.push(format!(
            "only {:.1} % of the requests that were due could be sent, because all {} users were waiting for answers",
            totals.achieved_ratio.unwrap_or(0.0) * 100.0,
            document.plan.users
        ));
    }
    if totals.ok == 0 && why.is_empty() {
        why.push("no request was answered correctly".to_owned());
    }
    why.join("; ")
}

/// The bottleneck of the whole search: the most frequent one among the failed trials nearest to the result.
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
