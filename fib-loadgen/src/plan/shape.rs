//! A level over time made of straight pieces, with its exact area and the inverse.

use std::time::Duration;

use super::Stage;

/// A straight piece.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    /// When it begins, since the start of the load.
    pub start: Duration,
    /// How long it takes; never zero.
    pub length: Duration,
    /// The level at its beginning.
    pub from: f64,
    /// The level at its end.
    pub to: f64,
}

impl Piece {
    /// When it ends.
    pub fn end(&self) -> Duration {
        self.start + self.length
    }

    /// `hold`, `ramp-up` or `ramp-down`.
    #[expect(
        clippy::float_cmp,
        reason = "both were copied from the same number or they differ"
    )]
    pub fn kind(&self) -> &'static str {
        if self.from == self.to {
            "hold"
        } else if self.from < self.to {
            "ramp-up"
        } else {
            "ramp-down"
        }
    }

    fn area(&self) -> f64 {
        f64::midpoint(self.from, self.to) * self.length.as_secs_f64()
    }

    /// The area under the first `x` seconds.
    fn area_until(&self, x: f64) -> f64 {
        let slope = (self.to - self.from) / self.length.as_secs_f64();
        self.from * x + slope * x * x / 2.0
    }

    /// After how many seconds the area reaches `area`: the root of a quadratic, in the form that stays exact
    /// for slopes near zero.
    fn seconds_to(&self, area: f64) -> f64 {
        let slope = (self.to - self.from) / self.length.as_secs_f64();
        let root = (self.from * self.from + 2.0 * slope * area).max(0.0).sqrt();
        let seconds = if area <= 0.0 {
            0.0
        } else {
            2.0 * area / (self.from + root)
        };
        seconds.min(self.length.as_secs_f64())
    }
}

/// Levels over the whole run.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    pieces: Vec<Piece>,
}

impl Shape {
    /// Up to `level`, hold, and down to zero.
    pub fn trapezoid(
        level: f64,
        up: Duration,
        hold: Duration,
        down: Duration,
    ) -> Result<Self, String> {
        Self::new([(up, 0.0, level), (hold, level, level), (down, level, 0.0)])
    }

    /// From `level` through the stages.
    pub fn from_stages(level: f64, stages: &[Stage]) -> Result<Self, String> {
        let mut now = level;
        Self::new(stages.iter().map(|stage| {
            let to = stage.target.level();
            let from = if stage.jump { to } else { now };
            now = to;
            (stage.length, from, to)
        }))
    }

    fn new(parts: impl IntoIterator<Item = (Duration, f64, f64)>) -> Result<Self, String> {
        let mut start = Duration::ZERO;
        let mut pieces = Vec::new();
        for (length, from, to) in parts {
            // A stage without length only sets the level from which the next one starts.
            if !length.is_zero() {
                pieces.push(Piece {
                    start,
                    length,
                    from,
                    to,
                });
                start = start
                    .checked_add(length)
                    .ok_or("the stages are longer than time")?;
            }
        }
        if pieces.is_empty() {
            return Err("the plan takes no time: give a stage or a --run-time above 0".to_owned());
        }
        Ok(Self { pieces })
    }

    /// The same times with other levels.
    #[must_use]
    pub fn map(&self, level: impl Fn(f64) -> f64) -> Self {
        let piece = |piece: &Piece| Piece {
            from: level(piece.from),
            to: level(piece.to),
            ..*piece
        };
        Self {
            pieces: self.pieces.iter().map(piece).collect(),
        }
    }

    /// The pieces in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// When the last piece ends.
    pub fn end(&self) -> Duration {
        self.pieces.last().map_or(Duration::ZERO, Piece::end)
    }

    /// The highest level.
    pub fn peak(&self) -> f64 {
        self.pieces
            .iter()
            .flat_map(|piece| [piece.from, piece.to])
            .fold(0.0, f64::max)
    }

    /// The level at an instant; zero after the end.
    pub fn at(&self, elapsed: Duration) -> f64 {
        self.pieces
            .iter()
            .find(|piece| elapsed < piece.end())
            .map_or(0.0, |piece| {
                let share =
                    elapsed.saturating_sub(piece.start).as_secs_f64() / piece.length.as_secs_f64();
                piece.from + (piece.to - piece.from) * share
            })
    }

    /// The area up to an instant: for a rate, how many requests are due by then.
    pub fn area(&self, elapsed: Duration) -> f64 {
        self.pieces
            .iter()
            .take_while(|piece| piece.start < elapsed)
            .map(|piece| {
                if elapsed >= piece.end() {
                    piece.area()
                } else {
                    piece.area_until(elapsed.saturating_sub(piece.start).as_secs_f64())
                }
            })
            .sum()
    }

    /// When the area reaches `area`; `None` if it never does.
    pub fn inverse(&self, area: f64) -> Option<Duration> {
        let mut left = area;
        for piece in &self.pieces {
            let here = piece.area();
            if left < here {
                return Some(piece.start + Duration::from_secs_f64(piece.seconds_to(left)));
            }
            left -= here;
        }
        None
    }
}
