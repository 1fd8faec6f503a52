//! Text for a terminal, with long lines wrapped between words.

use std::fmt::{Display, Write as _};

use super::escape::Terminal;
use super::words;

/// The text so far, and the available width.
pub(super) struct Lines {
    pub(super) text: String,
    columns: usize,
}

impl Lines {
    /// Without a number of columns no line is wrapped.
    pub(super) fn new(columns: Option<usize>) -> Self {
        Self {
            text: String::new(),
            columns: columns.unwrap_or(usize::MAX),
        }
    }

    pub(super) fn line(&mut self, line: impl Display) {
        // Writing to a String can't fail.
        let _ = writeln!(self.text, "{line}");
    }

    /// Text after a name; wrapped lines are indented to its start.
    pub(super) fn hanging(&mut self, name: &str, text: &str) {
        let indent = name.chars().count();
        let text = Terminal(text).to_string();
        let room = self.columns.saturating_sub(indent).max(20);
        for (index, part) in words::wrapped(&text, room).iter().enumerate() {
            match index {
                0 => self.line(format_args!("{name}{part}")),
                _ => self.line(format_args!("{:indent$}{part}", "")),
            }
        }
    }
}
