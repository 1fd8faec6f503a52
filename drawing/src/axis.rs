//! Scales: instants to pixels from left to right, values to pixels from bottom to top.

use jiff::Timestamp;

/// The horizontal axis that all panels share.
#[derive(Debug, Clone, Copy)]
pub struct TimeAxis {
    /// The first instant, at `left`.
    pub from: Timestamp,
    /// The last instant, at `right`.
    pub until: Timestamp,
    /// Pixels.
    pub left: f64,
    /// Pixels.
    pub right: f64,
}

impl TimeAxis {
    /// The instant's position; instants outside the axis are placed at its nearer end.
    pub fn x(&self, at: Timestamp) -> f64 {
        let share = millis(self.from, at) / millis(self.from, self.until).max(1.0);
        self.left + share.clamp(0.0, 1.0) * (self.right - self.left)
    }

    /// Whole seconds since the start to label, at least `apart` pixels from each other.
    pub fn ticks(&self, apart: f64) -> Vec<(i64, f64)> {
        const STEPS: [i64; 17] = [
            1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200,
            86_400,
        ];
        let length = millis(self.from, self.until).max(1.0) / 1_000.0;
        let pixels_a_second = (self.right - self.left) / length;
        let step = STEPS
            .into_iter()
            .find(|step| as_f64(*step) * pixels_a_second >= apart)
            .unwrap_or(86_400);
        (0..)
            .map(|index| index * step)
            .take_while(|second| as_f64(*second) <= length)
            .map(|second| (second, self.left + as_f64(second) * pixels_a_second))
            .take(100)
            .collect()
    }
}

/// A vertical axis from zero up.
#[derive(Debug, Clone)]
pub struct ValueAxis {
    /// Pixels of the value zero.
    pub bottom: f64,
    /// Pixels of the largest value.
    pub top: f64,
    /// The largest value.
    pub max: f64,
    /// The values to label.
    pub ticks: Vec<f64>,
}

impl ValueAxis {
    /// An axis that holds `largest`, with two to five round labels; whole ones if `whole`.
    pub fn new(bottom: f64, top: f64, largest: f64, whole: bool) -> Self {
        let largest = if largest.is_finite() {
            largest.max(1e-9)
        } else {
            1.0
        };
        let step = round_step(largest, whole);
        let max = (largest / step).ceil() * step;
        let ticks = (0_i32..=6)
            .map(|index| f64::from(index) * step)
            .take_while(|tick| *tick <= max * 1.001)
            .collect();
        Self {
            bottom,
            top,
            max,
            ticks,
        }
    }

    /// The value's position; values above the axis are placed at its top.
    pub fn y(&self, value: f64) -> f64 {
        let share = (value / self.max).clamp(0.0, 1.0);
        self.bottom + share * (self.top - self.bottom)
    }
}

/// The smallest of 1, 2, 5 times a power of ten for which five steps reach the largest value.
fn round_step(largest: f64, whole: bool) -> f64 {
    let power = 10_f64.powf((largest / 5.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| step * 5.0 >= largest)
        .unwrap_or(largest);
    if whole { step.max(1.0) } else { step }
}

fn millis(from: Timestamp, until: Timestamp) -> f64 {
    as_f64(until.as_millisecond() - from.as_millisecond())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "runs are far shorter than 2^52 ms"
)]
fn as_f64(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn axis(seconds: i64, width: f64) -> TimeAxis {
        let from: Timestamp = "2026-03-04T10:20:30Z".parse().unwrap();
        TimeAxis {
            from,
            until: from + SignedDuration::from_secs(seconds),
            left: 50.0,
            right: 50.0 + width,
        }
    }

    #[test]
    fn an_instant_has_its_position_and_stays_on_the_sheet() {
        let axis = axis(100, 1_000.0);
        let x = |s| axis.x(axis.from + SignedDuration::from_secs(s));
        assert!((x(25) - 300.0).abs() < 1e-6);
        assert!((x(-5) - 50.0).abs() < 1e-6);
        assert!((x(500) - 1_050.0).abs() < 1e-6);
    }

    #[test]
    fn time_labels_never_touch() {
        for seconds in [0, 1, 7, 60, 150, 900, 7_000, 200_000] {
            for width in [250.0, 1_000.0] {
                let ticks = axis(seconds, width).ticks(60.0);
                assert!(!ticks.is_empty());
                for pair in ticks.windows(2) {
                    assert!(
                        pair[1].1 - pair[0].1 >= 60.0,
                        "{seconds} s on {width} px: {pair:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn value_labels_are_round_and_hold_the_largest() {
        for largest in [0.0, 0.3, 1.0, 7.0, 10.0, 14.0, 99.0, 217.0, 730.0, 1e6] {
            let axis = ValueAxis::new(100.0, 0.0, largest, false);
            assert!(axis.max >= largest);
            assert!((2..=7).contains(&axis.ticks.len()), "{largest}: {axis:?}");
        }
        assert_eq!(
            ValueAxis::new(100.0, 0.0, 3.0, true).ticks,
            [0.0, 1.0, 2.0, 3.0]
        );
    }

    #[test]
    fn a_value_above_the_axis_is_placed_at_its_top() {
        let axis = ValueAxis::new(100.0, 0.0, 10.0, true);
        assert!(axis.y(1e9).abs() < 1e-9);
        assert!((axis.y(0.0) - 100.0).abs() < 1e-9);
    }
}
