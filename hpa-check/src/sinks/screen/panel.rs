//! A panel as large as the terminal allows, redrawn in place; the last state stays on the screen.

mod chart;
mod row;
mod rows;

use std::io::{self, Write};

use crossterm::cursor::{Hide, MoveToColumn, MoveUp, Show};
use crossterm::queue;
use crossterm::style::{Print, ResetColor};
use crossterm::terminal::{self, Clear, ClearType};
use hpa_check_core::run::conductor::Progress;
use hpa_check_core::run::state::RunState;
use jiff::Timestamp;

use self::row::Row;

/// Redrawn at most this often: nobody reads faster than ten times a second.
const FRAME_MS: i64 = 100;

/// The panel.
#[derive(Debug, Default)]
pub(crate) struct Panel {
    drawn: Option<Timestamp>,
    height: u16,
}

impl Panel {
    /// Draws the current state of the run.
    pub(crate) fn show(
        &mut self,
        now: Timestamp,
        state: &RunState,
        progress: impl FnOnce() -> Option<Progress>,
    ) {
        let soon = self
            .drawn
            .is_some_and(|at| now.as_millisecond() - at.as_millisecond() < FRAME_MS);
        if soon {
            return;
        }
        self.drawn = Some(now);
        let (columns, lines) = terminal::size().unwrap_or((80, 24));
        // The cursor waits on its own row below the last one.
        let size = (
            usize::from(columns).max(1),
            usize::from(lines).saturating_sub(1).max(1),
        );
        // A terminal that can't be written to any more does not end the run.
        let _ = self.draw(&rows::rows(now, state, progress(), size));
    }

    fn draw(&mut self, rows: &[Row]) -> io::Result<()> {
        let mut out = io::stderr().lock();
        queue!(out, Hide)?;
        if self.height > 0 {
            queue!(out, MoveUp(self.height))?;
        }
        for row in rows {
            queue!(
                out,
                MoveToColumn(0),
                Clear(ClearType::CurrentLine),
                Print(row),
                ResetColor,
                Print("\r\n")
            )?;
        }
        queue!(out, Clear(ClearType::FromCursorDown))?;
        self.height = u16::try_from(rows.len()).unwrap_or(0);
        out.flush()
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        let mut out = io::stderr().lock();
        let _ = queue!(out, ResetColor, Show).and_then(|()| out.flush());
    }
}
