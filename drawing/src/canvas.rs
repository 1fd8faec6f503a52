//! A sheet to draw SVG elements on: escapes every text and rounds every number.

use std::fmt::{self, Display, Write};

use crate::escape::Xml;

/// A coordinate with at most one decimal; a tenth of a pixel is not visible.
#[derive(Clone, Copy)]
pub struct Px(pub f64);

impl Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = (self.0 * 10.0).round() / 10.0;
        write!(f, "{}", if rounded == 0.0 { 0.0 } else { rounded })
    }
}

/// The alignment of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// Starts at its point.
    Start,
    /// Is centered on its point.
    Middle,
    /// Ends at its point.
    End,
}

/// SVG elements, in the order drawn.
#[derive(Debug, Default)]
pub struct Canvas {
    out: String,
}

impl Canvas {
    /// The SVG.
    pub fn into_svg(self) -> String {
        self.out
    }

    /// Markup written by this program, unescaped.
    pub fn raw(&mut self, markup: fmt::Arguments<'_>) {
        self.out
            .write_fmt(markup)
            .expect("writing to a String can't fail");
    }

    /// A straight line.
    pub fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        self.raw(format_args!(
            "<path class=\"{class}\" d=\"M{} {}L{} {}\"/>",
            Px(from.0),
            Px(from.1),
            Px(to.0),
            Px(to.1)
        ));
    }

    /// A path from its `d`; nothing if that is empty.
    pub fn path(&mut self, class: &str, d: &str) {
        if !d.is_empty() {
            self.raw(format_args!("<path class=\"{class}\" d=\"{d}\"/>"));
        }
    }

    /// A rectangle from two corners, with a title for pointers and screen readers unless that is empty.
    pub fn rect(&mut self, class: &str, from: (f64, f64), to: (f64, f64), title: &str) {
        self.raw(format_args!(
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"",
            Px(from.0),
            Px(from.1),
            Px((to.0 - from.0).max(0.0)),
            Px((to.1 - from.1).max(0.0))
        ));
        if title.is_empty() {
            self.raw(format_args!("/>"));
        } else {
            self.raw(format_args!("><title>{}</title></rect>", Xml(title)));
        }
    }

    /// A line of text whose baseline starts, is centered or ends at `at`.
    pub fn text(&mut self, class: &str, at: (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        self.raw(format_args!(
            "<text class=\"{class}\" x=\"{}\" y=\"{}\"{anchor}>{}</text>",
            Px(at.0),
            Px(at.1),
            Xml(text)
        ));
    }
}

/// The width of a text at 12 px, in px. It is an upper estimate, since the reader's font is unknown.
#[expect(clippy::cast_precision_loss, reason = "labels are short")]
pub fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * 6.9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(Px(3.0).to_string(), "3");
        assert_eq!(Px(2.345).to_string(), "2.3");
        assert_eq!(Px(-0.01).to_string(), "0");
    }

    #[test]
    fn text_is_escaped() {
        let mut canvas = Canvas::default();
        canvas.text("a", (0.0, 1.0), Anchor::End, "<b>");
        canvas.rect("a", (0.0, 0.0), (1.0, 1.0), "\"&");
        let svg = canvas.into_svg();
        assert!(svg.contains(">&lt;b&gt;</text>"), "{svg}");
        assert!(svg.contains("<title>&quot;&amp;</title>"), "{svg}");
    }
}
