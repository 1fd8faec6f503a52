//! The panels of the picture, each a function that draws itself below the previous one.

pub(super) mod cpu;
pub(super) mod load;
pub(super) mod pods;
pub(super) mod replicas;
pub(super) mod work;

use drawing::layout::GAP;

use super::Sheet;
use super::axis::ValueAxis;
use super::canvas::Anchor;

/// The scale of a panel.
pub(super) struct ValueRange {
    /// The largest value that must fit.
    pub(super) largest: f64,
    /// Whether only whole numbers make sense.
    pub(super) whole: bool,
    /// The unit after each number.
    pub(super) unit: &'static str,
}

/// If labels of the value axis would be closer than this, only every other line has one.
const CLOSEST: f64 = 16.0;

impl Sheet<'_> {
    /// Draws the frame and grid of a panel of this height, and returns its axis.
    pub(super) fn frame(&mut self, height: f64, scale: &ValueRange) -> ValueAxis {
        let (left, right, top) = (self.left(), self.right(), self.y);
        let axis = ValueAxis::new(top + height, top, scale.largest, scale.whole);
        let steps = axis.ticks.len().saturating_sub(1).max(1);
        #[expect(clippy::cast_precision_loss, reason = "an axis has few labels")]
        let tight = height / (steps as f64) < CLOSEST;
        self.canvas.raw(format_args!("<g class=\"fixed\">"));
        for (index, tick) in axis.ticks.iter().enumerate() {
            let y = axis.y(*tick);
            self.canvas.line("grid", (left, y), (right, y));
            if tight && index % 2 == 1 {
                continue;
            }
            self.canvas.text(
                "label",
                (left - 8.0, y + 4.0),
                Anchor::End,
                &format!("{}{}", short(*tick), scale.unit),
            );
        }
        self.canvas.raw(format_args!("</g>"));
        self.y = top + height + GAP;
        axis
    }
}

/// Without the rounding noise of binary fractions.
fn short(tick: f64) -> f64 {
    (tick * 1e6).round() / 1e6
}
