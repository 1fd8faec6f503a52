//! Load profiles by name: `--profile spike:base=40/s,peak=400/s`. Each is a list of stages, so a profile can do
//! everything that stages can.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::str::FromStr;
use std::time::Duration;

use program_common::duration;

mod autoscaler;
mod replicas;

pub use replicas::{Autoscaler, Replicas, expected};

use super::{Stage, StageLevel};
use crate::quantity;

/// A requested profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// As written.
    pub spec: String,
    /// The load over time.
    pub stages: Vec<Stage>,
    /// The autoscaler for which an `hpa-` profile is made.
    pub autoscaler: Option<Autoscaler>,
    /// Whether its load still depends on an unknown cost per request: its stages are a guess.
    pub lacks_cost: bool,
}

impl Profile {
    /// The same with the cost of a request.
    pub fn with_cost(&self, cost: Duration) -> Result<Self, String> {
        let join = if self.spec.contains(':') { ',' } else { ':' };
        let micros = cost.as_secs_f64() * 1e6;
        format!("{}{join}cost={micros:.1}us", self.spec).parse()
    }
}

/// Pieces per period of a sine: with 24, it is at most 1 % of its amplitude off.
const SINE_PIECES: u32 = 24;

/// A known profile: its name, its description, and its settings with their defaults.
type Known = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// What each generic profile is, and its settings with their defaults.
const GENERIC: [Known; 6] = [
    (
        "constant",
        "one level",
        &[("level", "100/s"), ("for", "5m")],
    ),
    (
        "ramp",
        "up evenly, and hold",
        &[
            ("from", "0/s"),
            ("to", "400/s"),
            ("over", "2m"),
            ("hold", "3m"),
        ],
    ),
    (
        "step",
        "up in equal steps",
        &[
            ("from", "100/s"),
            ("to", "400/s"),
            ("steps", "4"),
            ("each", "1m"),
        ],
    ),
    (
        "spike",
        "a sudden peak between two rests",
        &[
            ("base", "40/s"),
            ("peak", "400/s"),
            ("before", "1m"),
            ("for", "30s"),
            ("after", "3m"),
        ],
    ),
    (
        "sine",
        "waves around a level",
        &[
            ("level", "200/s"),
            ("by", "100/s"),
            ("period", "2m"),
            ("periods", "3"),
        ],
    ),
    (
        "soak",
        "one level for long",
        &[("level", "100/s"), ("ramp", "1m"), ("for", "8h")],
    ),
];

/// A profile's name and settings, with defaults for missing ones.
struct Settings {
    name: String,
    values: BTreeMap<String, String>,
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(spec: &str) -> Result<Self, String> {
        let (name, given) = spec.split_once(':').unwrap_or((spec, ""));
        let known = GENERIC.iter().chain(&autoscaler::PROFILES);
        let Some((_, _, defaults)) = known.clone().find(|(known, ..)| *known == name) else {
            let names: Vec<&str> = known.map(|(name, ..)| *name).collect();
            return Err(format!(
                "`{name}` is not a profile: expected one of {}",
                names.join(", ")
            ));
        };
        let mut settings = Settings::new(name, given, defaults)?;
        let lacks_cost = settings.values.get("cost").is_some_and(String::is_empty);
        if lacks_cost {
            // Other mistakes are reported first.
            settings.values.insert("cost".to_owned(), "1ms".to_owned());
        }
        let (stages, autoscaler) = if name.starts_with("hpa-") {
            let autoscaler = Autoscaler::new(&settings)?;
            let stages = autoscaler::stages(&settings, &autoscaler)?;
            (stages, Some(autoscaler))
        } else {
            (settings.generic()?, None)
        };
        Ok(Self {
            spec: spec.to_owned(),
            stages,
            autoscaler,
            lacks_cost,
        })
    }
}

impl Settings {
    fn new(name: &str, given: &str, defaults: &[(&str, &str)]) -> Result<Self, String> {
        let mut values: BTreeMap<String, String> = defaults
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        for setting in given.split(',').filter(|setting| !setting.is_empty()) {
            let keys = || {
                defaults
                    .iter()
                    .map(|(key, _)| *key)
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let (key, value) = setting.split_once('=').ok_or_else(|| {
                format!(
                    "`{setting}` is not a setting of {name}: write KEY=VALUE with a key of {}",
                    keys()
                )
            })?;
            match values.get_mut(key) {
                Some(old) => value.clone_into(old),
                None => return Err(format!("{name} has no setting `{key}`: it has {}", keys())),
            }
        }
        Ok(Self {
            name: name.to_owned(),
            values,
        })
    }

    /// One of the profile's settings.
    fn get<T>(&self, key: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<T, String> {
        let value = self.values.get(key).map_or("", String::as_str);
        if value.is_empty() {
            return Err(format!("{} needs {key}=…", self.name));
        }
        read(value).map_err(|why| format!("{}: {key}: {why}", self.name))
    }

    fn time(&self, key: &str) -> Result<Duration, String> {
        self.get(key, duration::parse)
    }

    fn count(&self, key: &str) -> Result<u32, String> {
        self.get(key, |text| {
            quantity::count(text).and_then(|count| {
                u32::try_from(count)
                    .ok()
                    .filter(|count| *count <= 1_000)
                    .ok_or_else(|| format!("`{text}` is too many: at most 1000"))
            })
        })
    }

    /// A level: users, or a rate.
    fn level(&self, key: &str) -> Result<StageLevel, String> {
        self.get(key, |text| {
            if text.contains('/') {
                return quantity::rate(text).map(StageLevel::Rate);
            }
            text.parse().map(StageLevel::Users).map_err(|_| {
                format!("`{text}` is not a level: write a number of users, or a rate such as 430/s")
            })
        })
    }

    /// Two levels, both of users or both rates.
    fn levels(&self, a: &str, b: &str) -> Result<(StageLevel, StageLevel), String> {
        let (low, high) = (self.level(a)?, self.level(b)?);
        match (low, high) {
            (StageLevel::Users(_), StageLevel::Users(_))
            | (StageLevel::Rate(_), StageLevel::Rate(_)) => Ok((low, high)),
            _ => Err(format!(
                "{}: {a} and {b} must both be users or both be rates",
                self.name
            )),
        }
    }

    fn generic(&self) -> Result<Vec<Stage>, String> {
        match self.name.as_str() {
            "constant" => Ok(vec![jump(self.time("for")?, self.level("level")?)]),
            "ramp" => {
                let (from, to) = self.levels("from", "to")?;
                Ok(vec![
                    jump(Duration::ZERO, from),
                    ramp(self.time("over")?, to),
                    jump(self.time("hold")?, to),
                ])
            }
            "step" => {
                let (from, to) = self.levels("from", "to")?;
                let (steps, each) = (self.count("steps")?, self.time("each")?);
                let last = f64::from(steps.saturating_sub(1).max(1));
                Ok((0..steps)
                    .map(|step| jump(each, between(from, to, f64::from(step) / last)))
                    .collect())
            }
            "spike" => {
                let (base, peak) = self.levels("base", "peak")?;
                Ok(vec![
                    jump(self.time("before")?, base),
                    jump(self.time("for")?, peak),
                    jump(self.time("after")?, base),
                ])
            }
            "sine" => self.sine(),
            _ => {
                let level = self.level("level")?;
                let ramp_time = self.time("ramp")?;
                Ok(vec![
                    ramp(ramp_time, level),
                    jump(self.time("for")?, level),
                    ramp(ramp_time, scaled(level, 0.0)),
                ])
            }
        }
    }

    fn sine(&self) -> Result<Vec<Stage>, String> {
        let (level, by) = self.levels("level", "by")?;
        if by.level() > level.level() {
            return Err(
                "sine: `by` must not be more than `level`, since a load can't be negative"
                    .to_owned(),
            );
        }
        let (period, periods) = (self.time("period")?, self.count("periods")?);
        let piece = period / SINE_PIECES;
        let at = |step: u32| {
            let angle = f64::from(step) * std::f64::consts::TAU / f64::from(SINE_PIECES);
            scaled(
                level,
                1.0 + angle.sin() * by.level() / level.level().max(1e-9),
            )
        };
        let first = jump(Duration::ZERO, level);
        let rest = (1..=SINE_PIECES * periods).map(|step| ramp(piece, at(step)));
        Ok(std::iter::once(first).chain(rest).collect())
    }
}

/// Jumps to the level and holds it.
fn jump(length: Duration, target: StageLevel) -> Stage {
    Stage {
        length,
        target,
        jump: true,
    }
}

/// Ramps evenly from the end of the previous stage.
fn ramp(length: Duration, target: StageLevel) -> Stage {
    Stage {
        length,
        target,
        jump: false,
    }
}

fn between(from: StageLevel, to: StageLevel, share: f64) -> StageLevel {
    let level = from.level() + (to.level() - from.level()) * share;
    scaled(to, level / to.level().max(1e-9))
}

fn scaled(target: StageLevel, factor: f64) -> StageLevel {
    match target {
        StageLevel::Rate(rate) => StageLevel::Rate((rate * factor).max(0.0)),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "users are u32, and a cast saturates"
        )]
        StageLevel::Users(users) => StageLevel::Users((f64::from(users) * factor).round() as u32),
    }
}

/// Every profile with its settings, for the help.
pub fn help() -> String {
    let mut text = String::from("Profiles, with their settings and defaults:\n");
    for (name, what, defaults) in GENERIC.iter().chain(&autoscaler::PROFILES) {
        let settings: Vec<String> = defaults
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "  {name:<14} {what}\n                 {}",
            settings.join(",")
        );
    }
    text
}

#[cfg(test)]
mod tests;
