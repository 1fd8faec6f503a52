//! A row of the panel: styled pieces of text, never wider than the terminal. A row that wraps would put every
//! later redraw in the wrong place.

use std::fmt;

use crossterm::style::{StyledContent, style};

/// One row.
#[derive(Debug, Clone, Default)]
pub(super) struct Row(Vec<StyledContent<String>>);

impl Row {
    /// A row of one piece without a style.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::default().and(style(text.into()))
    }

    /// Adds a piece.
    pub(super) fn and(mut self, piece: StyledContent<String>) -> Self {
        self.0.push(piece);
        self
    }

    /// Adds the pieces of another row.
    fn join(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Its text without the styles.
    #[cfg(test)]
    pub(super) fn plain_text(&self) -> String {
        self.0
            .iter()
            .map(|piece| piece.content().as_str())
            .collect()
    }

    /// Its width in terminal cells.
    pub(super) fn width(&self) -> usize {
        self.0.iter().map(|p| p.content().chars().count()).sum()
    }

    /// As much of it as fits.
    pub(super) fn cut(self, width: usize) -> Self {
        let mut left = width;
        let pieces = self.0.into_iter().map(|piece| {
            let kept: String = piece.content().chars().take(left).collect();
            left -= kept.chars().count();
            StyledContent::new(*piece.style(), kept)
        });
        Self(pieces.collect())
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| write!(f, "{piece}"))
    }
}

/// The width in cells of the column with the rows' names.
pub(super) const NAMES: usize = 10;

/// The pieces after a name, two spaces apart, on as many rows as they need.
pub(super) fn flow(name: &str, pieces: Vec<Row>, width: usize) -> Vec<Row> {
    let mut rows = vec![Row::plain(format!(" {name:<9}"))];
    for piece in pieces {
        let row = rows.pop().unwrap_or_default();
        let first = row.width() <= NAMES;
        let gap = if first { "" } else { "  " };
        if !first && row.width() + gap.len() + piece.width() > width {
            rows.push(row);
            rows.push(Row::plain(" ".repeat(NAMES)).join(piece));
        } else {
            rows.push(row.join(Row::plain(gap)).join(piece));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_that_do_not_fit_on_one_row_continue_below() {
        let pieces = ["one", "two", "three"].map(Row::plain).to_vec();
        let rows: Vec<String> = flow("load", pieces, 20)
            .iter()
            .map(Row::to_string)
            .collect();
        assert_eq!(rows, [" load     one  two", "          three"]);
    }

    #[test]
    fn a_row_is_cut_by_cells_and_not_by_bytes() {
        assert_eq!(Row::plain("▁▂▃▄").cut(2).to_string(), "▁▂");
        assert_eq!(
            Row::plain("a").and(style("bcd".to_owned())).cut(3).width(),
            3
        );
    }
}
