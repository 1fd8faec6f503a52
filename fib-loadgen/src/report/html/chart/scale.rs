//! Logarithmic values from bottom to top, and the frames of panels.

use drawing::axis::ValueAxis;
use drawing::canvas::Anchor;
use drawing::layout::GAP;

use super::Sheet;

/// If labels would be closer than this, only every other line has one.
const CLOSEST: f64 = 16.0;

/// A logarithmic axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogAxis {
    pub(super) bottom: f64,
    top: f64,
    least: f64,
    most: f64,
}

impl LogAxis {
    /// From the power of ten at or below the least value to one, two or five times a power of ten at or above
    /// the most.
    pub(super) fn new(bottom: f64, top: f64, least: f64, most: f64) -> Self {
        let least = 10_f64.powf(least.max(1.0).log10().floor());
        let power = 10_f64.powf(most.max(least).log10().floor());
        let most = [1.0, 2.0, 5.0, 10.0]
            .map(|factor| factor * power)
            .into_iter()
            .find(|value| *value >= most)
            .unwrap_or(power * 10.0);
        Self {
            bottom,
            top,
            least,
            most: most.max(least * 10.0),
        }
    }

    /// The position of a value; values outside are placed at the nearer end.
    pub(super) fn y(&self, value: f64) -> f64 {
        let share = (value.max(self.least) / self.least).ln() / (self.most / self.least).ln();
        self.bottom + share.clamp(0.0, 1.0) * (self.top - self.bottom)
    }

    /// The powers of ten on it.
    pub(super) fn ticks(&self) -> impl Iterator<Item = f64> + use<> {
        let (least, most) = (self.least, self.most);
        (0..12)
            .map(move |power| least * 10_f64.powi(power))
            .take_while(move |tick| *tick <= most * 1.001)
    }
}

/// Microseconds in the unit in which they are shortest.
pub(in crate::report::html) fn short_time(us: f64) -> String {
    if us < 1e3 {
        format!("{us:.0} µs")
    } else if us < 1e6 {
        format!("{} ms", round(us / 1e3))
    } else {
        format!("{} s", round(us / 1e6))
    }
}

fn round(value: f64) -> f64 {
    if value < 10.0 {
        (value * 10.0).round() / 10.0
    } else {
        value.round()
    }
}

impl Sheet<'_> {
    /// Draws the frame of a panel of this height, from zero to the largest value, and returns its axis.
    pub(super) fn frame(&mut self, height: f64, largest: f64, whole: bool) -> ValueAxis {
        let top = self.y;
        let axis = ValueAxis::new(top + height, top, largest, whole);
        let steps = u32::try_from(axis.ticks.len().saturating_sub(1).max(1)).unwrap_or(1);
        let tight = height / f64::from(steps) < CLOSEST;
        for (index, tick) in axis.ticks.iter().enumerate() {
            let label = format!("{}", (tick * 1e6).round() / 1e6);
            let shown = !(tight && index % 2 == 1);
            self.grid_line(axis.y(*tick), if shown { &label } else { "" });
        }
        self.y = top + height + GAP;
        axis
    }

    /// The frame of a panel of times in microseconds.
    pub(super) fn log_frame(&mut self, height: f64, least: f64, most: f64) -> LogAxis {
        let top = self.y;
        let axis = LogAxis::new(top + height, top, least, most);
        for tick in axis.ticks() {
            self.grid_line(axis.y(tick), &short_time(tick));
        }
        self.y = top + height + GAP;
        axis
    }

    fn grid_line(&mut self, y: f64, label: &str) {
        let (left, right) = (self.time.left, self.time.right);
        self.canvas.line("grid", (left, y), (right, y));
        if !label.is_empty() {
            self.canvas
                .text("label", (left - 8.0, y + 4.0), Anchor::End, label);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_of_ten_takes_the_same_room_everywhere() {
        let axis = LogAxis::new(100.0, 0.0, 120.0, 90_000.0);
        assert!((axis.least - 100.0).abs() < 1e-6 && (axis.most - 100_000.0).abs() < 1e-3);
        let step = axis.y(1_000.0) - axis.y(10_000.0);
        assert!((axis.y(10_000.0) - axis.y(100_000.0) - step).abs() < 1e-6);
        assert!(axis.y(1e12).abs() < 1e-6);
        assert_eq!(axis.ticks().count(), 4);
    }

    #[test]
    fn times_are_shown_in_their_shortest_unit() {
        assert_eq!(
            [340.0, 1_900.0, 12_000.0, 1_500_000.0].map(short_time),
            ["340 µs", "1.9 ms", "12 ms", "1.5 s"]
        );
    }
}
