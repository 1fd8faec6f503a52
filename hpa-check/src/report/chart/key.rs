//! The key of a panel: the meaning of each color, on the title's line or, if it does not fit there, on its own
//! lines.

use drawing::layout::TITLE;

use super::Sheet;
use super::canvas::{Anchor, Canvas, text_width};

/// A key's entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'a> {
    /// The class that colors it.
    pub(super) class: &'static str,
    /// Its meaning.
    pub(super) name: &'a str,
    /// How it is drawn.
    pub(super) shape: Shape,
}

/// How a key's entry is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Line,
    Box,
}

/// Width of the color sample, including the gap before its name.
const SIGN: f64 = 21.0;
/// Room between two entries.
const BETWEEN: f64 = 14.0;
/// From a line of the key to the next.
const LINE: f64 = 17.0;
/// How much wider a title's letters are than those of a label.
const BOLD: f64 = 1.15;

impl<'a> Key<'a> {
    pub(super) const fn line(class: &'static str, name: &'a str) -> Self {
        let shape = Shape::Line;
        Self { class, name, shape }
    }

    pub(super) const fn filled(class: &'static str, name: &'a str) -> Self {
        let shape = Shape::Box;
        Self { class, name, shape }
    }

    fn width(&self) -> f64 {
        SIGN + text_width(self.name)
    }

    fn draw(&self, canvas: &mut Canvas, (x, baseline): (f64, f64)) {
        let middle = baseline - 4.0;
        match self.shape {
            Shape::Line => canvas.line(self.class, (x, middle), (x + 16.0, middle)),
            Shape::Box => canvas.rect(self.class, (x, middle - 5.0), (x + 16.0, middle + 5.0), ""),
        }
        canvas.text("key", (x + SIGN, baseline), Anchor::Start, self.name);
    }
}

impl Sheet<'_> {
    /// A panel's title and key.
    pub(super) fn title(&mut self, title: &str, keys: &[Key<'_>]) {
        let (left, right) = (self.left(), self.right());
        let mut baseline = self.y + 15.0;
        self.canvas.raw(format_args!("<g class=\"fixed\">"));
        self.canvas
            .text("title", (left, baseline), Anchor::Start, title);
        let widths = keys.iter().map(|key| key.width() + BETWEEN);
        let whole = widths.sum::<f64>() - BETWEEN;
        let beside = left + text_width(title) * BOLD + BETWEEN;
        let mut x = right - whole;
        if x < beside && !keys.is_empty() {
            baseline += LINE;
            x = left;
        }
        for key in keys {
            // Half a pixel does not justify a new line.
            if x + key.width() > right + 0.5 && x > left {
                baseline += LINE;
                x = left;
            }
            key.draw(&mut self.canvas, (x, baseline));
            x += key.width() + BETWEEN;
        }
        self.canvas.raw(format_args!("</g>"));
        self.y = baseline - 15.0 + TITLE;
    }
}

#[cfg(test)]
mod tests {
    use drawing::layout::Format;

    use super::super::super::fixture;
    use super::super::inline;

    /// The texts of a class: x, baseline, text.
    fn texts(svg: &str, class: &str) -> Vec<(f64, f64, String)> {
        let begin = format!("<text class=\"{class}\" x=\"");
        let parts = svg.split(&begin).skip(1);
        parts
            .map(|part| {
                let mut numbers = part.split('"');
                let x = numbers.next().unwrap().parse().unwrap();
                let y = numbers.nth(1).unwrap().parse().unwrap();
                let text = part.split_once('>').unwrap().1;
                (x, y, text.split_once('<').unwrap().0.to_owned())
            })
            .collect()
    }

    #[test]
    fn no_entry_of_a_key_overlaps_another_or_the_edge() {
        for format in [Format::Wide, Format::Narrow] {
            let keys = texts(&inline(&fixture::passed(), "PASS", format), "key");
            assert!(keys.len() > 10);
            for (x, y, text) in &keys {
                let end = x + super::text_width(text);
                assert!(end <= format.width(), "{format:?}: {text} ends at {end}");
                let next = keys.iter().filter(|k| (k.1 - y).abs() < 0.1 && k.0 > *x);
                for (other, _, name) in next {
                    assert!(other - super::SIGN >= end, "{format:?}: {text} and {name}");
                }
            }
        }
    }
}
