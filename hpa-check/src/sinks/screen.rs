//! What people see during a run: a panel on a terminal, lines elsewhere. It goes to standard error, so that
//! standard output stays clean for machines.

mod lines;
mod panel;

use std::io::{self, IsTerminal};

use hpa_check_core::run::conductor::Progress;
use hpa_check_core::run::state::RunState;
use jiff::Timestamp;
use program_common::terminal::can_draw_on;

use crate::outputs::Ui;

/// The chosen way to show a run.
pub(crate) enum Screen {
    /// A panel, redrawn in place.
    Panel(panel::Panel),
    /// One line per change.
    Lines(lines::LineScreen),
    /// Nothing.
    Off,
}

impl Screen {
    /// As the flags say; by default, what suits standard error.
    pub(crate) fn new(ui: Ui) -> Self {
        match ui {
            Ui::Tui => Self::Panel(panel::Panel::default()),
            Ui::Line => Self::Lines(lines::LineScreen::default()),
            Ui::None => Self::Off,
            Ui::Auto if can_draw_on(&io::stderr()) => Self::Panel(panel::Panel::default()),
            Ui::Auto => Self::Lines(lines::LineScreen::default()),
        }
    }

    /// Shows the current state of the run, and its progress if known. Progress is computed only when something
    /// is drawn.
    pub(crate) fn show(
        &mut self,
        now: Timestamp,
        state: &RunState,
        progress: impl FnOnce() -> Option<Progress>,
    ) {
        match self {
            Self::Panel(panel) => panel.show(now, state, progress),
            Self::Lines(lines) => lines.show(now, state, progress),
            Self::Off => {}
        }
    }
}

/// The number of columns if standard error is a terminal, else `None`.
pub(crate) fn columns() -> Option<usize> {
    columns_of(&io::stderr())
}

/// The same for any stream.
pub(crate) fn columns_of(stream: &impl IsTerminal) -> Option<usize> {
    let size = stream
        .is_terminal()
        .then(|| crossterm::terminal::size().ok())
        .flatten();
    size.map(|(columns, _)| usize::from(columns).max(20))
}
