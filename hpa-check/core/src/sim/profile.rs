//! The load over time: work in millicores, or requests per second with a cost each.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A load over time. It is linear between two points; two points at the same time are a jump; before the first
/// and after the last point it is constant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadProfile {
    /// The points, in order of time.
    pub points: Vec<Point>,
    /// CPU time of one request in microseconds, if the load was given in requests per second.
    pub cost_us: Option<f64>,
    /// The origin and time of a measured load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// A point of a load profile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// Seconds from the start.
    pub second: f64,
    /// The work requested, in millicores.
    pub millicores: f64,
}

impl LoadProfile {
    /// Parses points such as `0s:0m 60s:1500m 5m:1500m`, or `0s:20/s 1m:400/s` with the CPU time of one
    /// request. Spaces, commas or newlines separate points; `#` begins a comment.
    pub fn parse(text: &str, cost: Option<Duration>) -> Result<Self, String> {
        let lines = text
            .lines()
            .map(|l| l.split('#').next().unwrap_or_default());
        let words = lines
            .flat_map(|l| l.split([' ', '\t', ',']))
            .filter(|w| !w.is_empty());
        let mut points: Vec<Point> = Vec::new();
        for word in words {
            let point = point(word, cost)?;
            if points.last().is_some_and(|last| last.second > point.second) {
                return Err(format!(
                    "`{word}` is earlier than the point before it: give the points in order of time"
                ));
            }
            points.push(point);
        }
        if points.is_empty() {
            return Err("there are no points: give some, such as 0s:100m 60s:1500m".to_owned());
        }
        Ok(Self {
            points,
            cost_us: cost.map(|c| c.as_secs_f64() * 1e6),
            source: None,
        })
    }

    /// The work requested this many seconds after the start, in millicores.
    pub fn at(&self, now: f64) -> f64 {
        let later = self.points.partition_point(|p| p.second <= now);
        self.between(later, now)
    }

    /// The work requested at `now`, given how many points are not later.
    fn between(&self, later: usize, now: f64) -> f64 {
        match (
            later.checked_sub(1).map(|i| self.points[i]),
            self.points.get(later),
        ) {
            (Some(from), Some(to)) => {
                let share = (now - from.second) / (to.second - from.second);
                from.millicores + (to.millicores - from.millicores) * share
            }
            (Some(only), None) => only.millicores,
            (None, Some(first)) => first.millicores,
            (None, None) => 0.0,
        }
    }

    /// The work requested at the start of each second, in millicores.
    #[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^52")]
    pub(super) fn each_second(&self, seconds: usize) -> Vec<f64> {
        let mut later = 0;
        let at = |second| {
            let now = second as f64;
            while self.points.get(later).is_some_and(|p| p.second <= now) {
                later += 1;
            }
            self.between(later, now)
        };
        (0..seconds).map(at).collect()
    }

    /// The requests per second at that time, if the load was given that way.
    pub fn rate(&self, second: f64) -> Option<f64> {
        let cost = self.cost_us.filter(|c| *c > 0.0)?;
        Some(self.at(second) * 1000.0 / cost)
    }

    /// The last point's time.
    pub fn end(&self) -> Duration {
        let last = self.points.last().map_or(0.0, |p| p.second);
        Duration::try_from_secs_f64(last).unwrap_or_default()
    }

    /// The same load times a factor.
    #[must_use]
    pub fn times(mut self, factor: f64) -> Self {
        for point in &mut self.points {
            point.millicores *= factor;
        }
        if let (Some(source), true) = (&mut self.source, (factor - 1.0).abs() > f64::EPSILON) {
            *source += &format!(", times {factor}");
        }
        self
    }
}

fn point(word: &str, cost: Option<Duration>) -> Result<Point, String> {
    let form = || {
        format!("`{word}` is not a point: write TIME:WORK, such as 90s:1500m, 2m:1.5 or 60s:400/s")
    };
    let (time, load) = word.split_once(':').ok_or_else(form)?;
    let second = program_common::duration::parse(time)
        .map_err(|_| form())?
        .as_secs_f64();
    let number = |text: &str| {
        text.parse::<f64>()
            .ok()
            .filter(|n| n.is_finite() && (0.0..=1e12).contains(n))
    };
    let millicores = if let Some(rate) = load.strip_suffix("/s") {
        let cost = cost.ok_or_else(|| {
            format!(
                "`{word}` is in requests per second: give the CPU time of one, such as --cost 3.5ms"
            )
        })?;
        number(rate).ok_or_else(form)? * cost.as_secs_f64() * 1000.0
    } else if cost.is_some() {
        let rate = number(load).map_or_else(|| "400/s".to_owned(), |_| format!("{load}/s"));
        return Err(format!(
            "`{word}` is not a rate, which --cost requires: write {time}:{rate}, or omit --cost"
        ));
    } else if let Some(milli) = load.strip_suffix('m') {
        number(milli).ok_or_else(form)?
    } else {
        number(load).ok_or_else(form)? * 1000.0
    };
    Ok(Point { second, millicores })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_linear_between_points_jumps_at_a_repeated_time_and_is_constant_outside() {
        let profile =
            LoadProfile::parse("10s:100m 20s:200m, 20s:1 # a jump\n1m:500m", None).unwrap();
        let at = |second: u32| profile.at(second.into()).round().to_string();
        assert_eq!([at(0), at(10), at(15)], ["100", "100", "150"]);
        assert_eq!(
            [at(20), at(40), at(60), at(900)],
            ["1000", "750", "500", "500"]
        );
        assert_eq!(profile.end(), Duration::from_mins(1));
    }

    #[test]
    fn requests_per_second_become_work_by_the_cost_of_one() {
        let cost = Some(Duration::from_micros(3_500));
        let profile = LoadProfile::parse("0:0/s 1m:400/s", cost).unwrap();
        assert!((profile.at(60.0) - 1400.0).abs() < 1e-6);
        assert_eq!(profile.rate(30.0).map(f64::round), Some(200.0));
        for (text, cost) in [("0:400/s", None), ("1m:400", cost), ("0:100m", cost)] {
            let error = LoadProfile::parse(text, cost).unwrap_err();
            assert!(error.contains("--cost"), "{text}: {error}");
        }
    }

    #[test]
    fn an_invalid_profile_is_refused_with_the_word() {
        for text in [
            "",
            "# nothing",
            "5",
            "5s:",
            "x:1m",
            "5s:-1m",
            "5d:1m",
            "5s:1mm",
            "5s:inf",
            "9s:1m 5s:1m",
        ] {
            assert!(LoadProfile::parse(text, None).is_err(), "{text}");
        }
    }
}
