//! The load over time: work in millicores, or requests a second at a cost each.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A load over time. Between two points it goes in a straight line; two points at one time are a
/// jump; before the first and after the last it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadProfile {
    /// The points, in order of time.
    pub points: Vec<Point>,
    /// CPU time of one request in microseconds, where the load was given in requests a second.
    pub cost_us: Option<f64>,
    /// Where a measured load is from, and of when it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// A point of a load profile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// Seconds from the beginning.
    pub second: f64,
    /// Work wanted, in millicores.
    pub millicores: f64,
}

impl LoadProfile {
    /// Reads points such as `0s:0m 60s:1500m 5m:1500m`, or `0s:20/s 1m:400/s` with the CPU time that a
    /// request costs. Points stand apart by spaces, commas or line ends; `#` begins a comment.
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
                    "`{word}` lies before the point in front of it: give the points in order of time"
                ));
            }
            points.push(point);
        }
        if points.is_empty() {
            return Err("no point is there: give some, such as 0s:100m 60s:1500m".to_owned());
        }
        Ok(Self {
            points,
            cost_us: cost.map(|c| c.as_secs_f64() * 1e6),
            source: None,
        })
    }

    /// The work wanted that many seconds after the beginning, in millicores.
    pub fn at(&self, now: f64) -> f64 {
        let later = self.points.partition_point(|p| p.second <= now);
        self.between(later, now)
    }

    /// The work wanted at that time, of which so many points are not later.
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

    /// The work wanted at the beginning of each second, in millicores.
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

    /// The requests a second at that time, where the load was given so.
    pub fn rate(&self, second: f64) -> Option<f64> {
        let cost = self.cost_us.filter(|c| *c > 0.0)?;
        Some(self.at(second) * 1000.0 / cost)
    }

    /// The last point's time.
    pub fn end(&self) -> Duration {
        let last = self.points.last().map_or(0.0, |p| p.second);
        Duration::try_from_secs_f64(last).unwrap_or_default()
    }

    /// The same load, so many times as much.
    #[must_use]
    pub fn times(mut self, factor: f64) -> Self {
        for point in &mut self.points {
            point.millicores *= factor;
        }
        self
    }
}

fn point(word: &str, cost: Option<Duration>) -> Result<Point, String> {
    let form =
        || format!("`{word}` is no point: write TIME:WORK, such as 90s:1500m, 2m:1.5 or 60s:400/s");
    let (time, load) = word.split_once(':').ok_or_else(form)?;
    let second = crate::duration::parse(time)
        .map_err(|_| form())?
        .as_secs_f64();
    let number = |text: &str| {
        text.parse::<f64>()
            .ok()
            .filter(|n| n.is_finite() && (0.0..=1e12).contains(n))
    };
    let millicores = if let Some(rate) = load.strip_suffix("/s") {
        let cost = cost.ok_or_else(|| {
            format!("`{word}` is in requests a second: say what one costs, such as --cost 3.5ms")
        })?;
        number(rate).ok_or_else(form)? * cost.as_secs_f64() * 1000.0
    } else if cost.is_some() {
        return Err(format!(
            "`{word}` is no rate, and --cost gives the CPU time of a request: write {time}:{load}/s, or leave --cost out"
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
    fn a_profile_goes_straight_between_points_jumps_at_a_doubled_time_and_holds_at_its_ends() {
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
    fn requests_a_second_are_work_by_what_one_costs() {
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
    fn what_is_no_profile_is_refused_with_the_word() {
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
