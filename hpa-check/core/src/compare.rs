//! Compares two runs or simulations: what differs, and whether the second is worse.
//!
//! # Rule
//!
//! The second is a regression if
//!
//! 1. the first passed, or kept its bounds, and the second is wrong or breaks them;
//! 2. the second has a fault that the first lacks; or
//! 3. a measure is worse by more than the tolerance, and by more than the smallest difference that matters
//!    ([`Measure::least`]). For every measure, less is better.
//!
//! If the environment limited one of them, or too little was observed, there is no conclusion.

mod measure;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use measure::Measure;

use crate::documents::result::RunResult;
use crate::observation::Phase;
use crate::run::timeline::Timeline;
use crate::settings::{self, COMMAND, Settings};
use crate::sim::Simulation;
use crate::verdict::Outcome;

/// The schema's name and version of a comparison written as JSON.
pub const SCHEMA: &str = "hpa-check-comparison/1";

/// How a side ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// A run that passed, or a simulation within its bounds or without any.
    Good,
    /// A run that is wrong, or a simulation that breaks its bounds.
    Bad,
    /// A run that proves nothing about the autoscaler.
    Unknown,
}

/// One of the two sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// The name of its file.
    pub name: String,
    /// How it ended.
    pub standing: Standing,
    /// How it ended, for display: `PASS`, `SIMULATED`.
    pub outcome: String,
    /// Names of the faults found.
    pub faults: Vec<String>,
    /// The settings that were evaluated.
    pub settings: Settings,
    /// The measured values.
    pub measures: Vec<(Measure, f64)>,
    /// The controller's sync period in seconds, which limits how precisely times are known.
    pub sync_seconds: f64,
    /// The side's timeline.
    pub timeline: Timeline,
}

impl Side {
    /// A run, live, rehearsed or replayed.
    pub fn of_run(name: &str, result: RunResult) -> Self {
        let standing = match result.verdict.outcome {
            Outcome::Pass => Standing::Good,
            Outcome::Wrong => Standing::Bad,
            Outcome::Environment | Outcome::Inconclusive => Standing::Unknown,
        };
        let reasons = result.verdict.reasons.iter();
        let faults = reasons.filter(|r| r.outcome == Outcome::Wrong);
        let period = result.setting.as_ref().map(|s| s.controller.sync_period);
        Self {
            name: name.to_owned(),
            standing,
            outcome: result.verdict.outcome.badge().to_owned(),
            faults: faults.map(|r| r.id.clone()).collect(),
            settings: settings::of_run(&result),
            measures: measure::of_run(&result),
            sync_seconds: period.unwrap_or_default().as_secs_f64(),
            timeline: result.timeline,
        }
    }

    /// A simulation, with the observations that a watcher would have made.
    pub fn of_simulation(name: &str, simulation: &Simulation, timeline: Timeline) -> Self {
        let standing = if simulation.kept {
            Standing::Good
        } else {
            Standing::Bad
        };
        Self {
            name: name.to_owned(),
            standing,
            outcome: simulation.badge().to_owned(),
            faults: Vec::new(),
            settings: settings::of_simulation(simulation),
            measures: measure::of_simulation(simulation),
            sync_seconds: simulation.scenario.controller.sync_period.as_secs_f64(),
            timeline,
        }
    }

    /// When the load begins to rise, or else the start. The two sides are aligned at this instant.
    pub fn begin(&self) -> Timestamp {
        let mut phases = self.timeline.phases.iter();
        phases
            .find(|span| span.phase == Phase::Up)
            .map_or(self.timeline.from, |span| span.from)
    }

    fn setting(&self, name: &str) -> Option<&str> {
        let found = self.settings.iter().find(|(n, _)| *n == name);
        found.map(|(_, value)| value.as_str())
    }

    fn value(&self, measure: Measure) -> Option<f64> {
        let found = self.measures.iter().find(|(m, _)| *m == measure);
        found.map(|(_, value)| *value)
    }
}

/// How a measure changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// No difference that matters.
    Same,
    /// Less.
    Better,
    /// More.
    Worse,
    /// One side lacks it.
    Unknown,
}

/// One measure of both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparisonRow {
    /// The measure.
    pub measure: Measure,
    /// Its unit.
    pub unit: String,
    /// The value in the first.
    pub a: Option<f64>,
    /// The value in the second.
    pub b: Option<f64>,
    /// The second relative to the first: 0.1 is 10 % more; `None` if the first is 0.
    pub change: Option<f64>,
    /// Whether that is better or worse.
    pub verdict: Change,
}

/// A setting that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// The setting.
    pub setting: String,
    /// Its value in the first.
    pub a: Option<String>,
    /// Its value in the second.
    pub b: Option<String>,
}

/// A setting that both have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shared {
    /// The setting.
    pub setting: String,
    /// The value that both have.
    pub value: String,
}

/// One of the two sides, as named in the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Named {
    /// The name of its file.
    pub name: String,
    /// How it ended, for display.
    pub outcome: String,
    /// The same as a category.
    pub standing: Standing,
    /// The command line it was made with, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// The comparison document, `hpa-check-comparison/1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The program's version.
    pub version: String,
    /// The command line, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The first side.
    pub a: Named,
    /// The second side.
    pub b: Named,
    /// Settings that differ.
    pub differences: Vec<Difference>,
    /// Settings that are the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same: Vec<Shared>,
    /// One row per measure that either side has.
    pub rows: Vec<ComparisonRow>,
    /// Faults that only the second has.
    pub new_faults: Vec<String>,
    /// Faults that only the first has.
    pub gone_faults: Vec<String>,
    /// A measure may be worse by this share without being a regression.
    pub tolerance: f64,
    /// Why the second is a regression, one sentence each; empty if it is not.
    pub regressions: Vec<String>,
    /// Why there is no conclusion, one sentence each.
    pub doubts: Vec<String>,
    /// Warnings for the reader, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Comparison {
    /// Whether there is a conclusion.
    pub fn is_conclusive(&self) -> bool {
        self.doubts.is_empty()
    }

    /// Whether the second is worse.
    pub fn is_regression(&self) -> bool {
        self.is_conclusive() && !self.regressions.is_empty()
    }
}

/// Compares two sides. Measures may be worse by up to `tolerance` (0.05 is 5 %) without being a regression.
pub fn compare(a: &Side, b: &Side, version: &str, tolerance: f64) -> Comparison {
    let least = a.sync_seconds.max(b.sync_seconds);
    let rows: Vec<ComparisonRow> = Measure::ALL
        .into_iter()
        .filter_map(|measure| row(measure, a, b, least, tolerance))
        .collect();
    let without = |all: &[String], other: &[String]| -> Vec<String> {
        let new = all.iter().filter(|fault| !other.contains(fault));
        new.cloned().collect()
    };
    let new_faults = without(&b.faults, &a.faults);
    let named = |side: &Side| Named {
        name: side.name.clone(),
        outcome: side.outcome.clone(),
        standing: side.standing,
        command: side.setting(COMMAND).map(str::to_owned),
    };
    let mut regressions = Vec::new();
    if a.standing == Standing::Good && b.standing == Standing::Bad {
        regressions.push(format!("A is {}, B is {}", a.outcome, b.outcome));
    }
    if !new_faults.is_empty() {
        regressions.push(format!("B has {}, which A lacks", new_faults.join(", ")));
    }
    let worse = rows.iter().filter(|row| row.verdict == Change::Worse);
    regressions.extend(worse.map(|row| {
        let change = row
            .change
            .map_or_else(String::new, |share| format!(", {:+.0} %", share * 100.0));
        format!(
            "{} went from {} to {}{change}",
            row.measure.name(),
            row.measure.told(row.a),
            row.measure.told(row.b),
        )
    }));
    let doubts = [("A", a), ("B", b)]
        .into_iter()
        .filter(|(_, side)| side.standing == Standing::Unknown)
        .map(|(name, side)| {
            format!(
                "{name} is {}, so it proves nothing about the autoscaler",
                side.outcome
            )
        });
    Comparison {
        schema: SCHEMA.to_owned(),
        version: version.to_owned(),
        command: None,
        a: named(a),
        b: named(b),
        differences: differences(a, b),
        same: same(a, b),
        rows,
        gone_faults: without(&a.faults, &b.faults),
        new_faults,
        tolerance,
        regressions,
        doubts: doubts.collect(),
        notes: Vec::new(),
    }
}

/// The settings that differ, in the first side's order.
fn differences(a: &Side, b: &Side) -> Vec<Difference> {
    let of_b_alone = b.settings.iter().filter(|(n, _)| a.setting(n).is_none());
    let names = a.settings.iter().chain(of_b_alone).map(|(name, _)| *name);
    let all = names
        .filter(|name| *name != COMMAND)
        .map(|name| Difference {
            setting: name.to_owned(),
            a: a.setting(name).map(str::to_owned),
            b: b.setting(name).map(str::to_owned),
        });
    all.filter(|difference| difference.a != difference.b)
        .collect()
}

fn same(a: &Side, b: &Side) -> Vec<Shared> {
    let settings = a.settings.iter().filter(|(name, _)| *name != COMMAND);
    let same = settings.filter(|(name, value)| b.setting(name) == Some(value));
    same.map(|(name, value)| Shared {
        setting: (*name).to_owned(),
        value: value.clone(),
    })
    .collect()
}

fn row(
    measure: Measure,
    a: &Side,
    b: &Side,
    sync_seconds: f64,
    tolerance: f64,
) -> Option<ComparisonRow> {
    let (seen_a, seen_b) = (a.value(measure), b.value(measure));
    seen_a.or(seen_b)?;
    let verdict = match seen_a.zip(seen_b) {
        None => Change::Unknown,
        Some((a, b)) => {
            let counts = (b - a).abs() > measure.least(sync_seconds) + 1e-9;
            if counts && b > a * (1.0 + tolerance) {
                Change::Worse
            } else if counts && b < a * (1.0 - tolerance) {
                Change::Better
            } else {
                Change::Same
            }
        }
    };
    let both = seen_a.zip(seen_b).filter(|(a, _)| *a > 0.0);
    Some(ComparisonRow {
        measure,
        unit: measure.unit().to_owned(),
        a: seen_a,
        b: seen_b,
        change: both.map(|(a, b)| b / a - 1.0),
        verdict,
    })
}

/// Aligns both sides on one time axis: the start of each, and the length of the axis.
pub fn one_axis(
    a: &Timeline,
    a_begin: Timestamp,
    b: &Timeline,
    b_begin: Timestamp,
) -> (Timestamp, Timestamp, SignedDuration) {
    let lead = a_begin
        .duration_since(a.from)
        .max(b_begin.duration_since(b.from));
    let rest = a
        .until
        .duration_since(a_begin)
        .max(b.until.duration_since(b_begin));
    (a_begin - lead, b_begin - lead, lead + rest)
}

#[cfg(test)]
mod tests;
