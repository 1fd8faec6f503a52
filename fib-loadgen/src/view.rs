//! What is shown during the load: the full screen on a terminal, else a line every ten seconds.
//!
//! The screen has a thread of its own that draws and reads keys, so a slow terminal delays neither the load nor
//! its recording.

use std::io::{self, Stderr, Write};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use crossterm::event::{self, Event};
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute};
use program_common::terminal;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

mod draw;
mod keys;
mod moment;
mod state;

pub use moment::{Moment, Own, SoFar};
use state::{About, State};

use crate::outputs::Ui;
use crate::plan::Model;
use crate::report::line;
use crate::stop::Stop;
use crate::user::Load;

/// How often a line is shown without a terminal.
const LINE_EVERY: u64 = 10;
/// How often keys are read.
const KEYS: Duration = Duration::from_millis(50);

/// What is shown, and how.
#[derive(Debug)]
pub enum View {
    /// On a terminal.
    Screen(Screen),
    /// For a log.
    Line,
    /// Only errors.
    Nothing,
}

impl View {
    /// The requested view, or the one that suits the terminal.
    pub fn new(ui: Ui, load: &Load) -> Self {
        if ui != Ui::None {
            say(&format!("fib-loadgen  {}  seed {}", load.base, load.seed));
        }
        match ui {
            Ui::None => Self::Nothing,
            Ui::Line => Self::Line,
            Ui::Auto if !terminal::can_draw_on(&io::stderr()) => Self::Line,
            // A terminal that can't be drawn on loses the picture, never the run.
            Ui::Auto | Ui::Tui => Screen::open(load).map_or(Self::Line, Self::Screen),
        }
    }

    /// Shows the last second.
    pub fn show(&mut self, moment: Moment, load: &Load) {
        match self {
            Self::Screen(screen) => screen.show(moment),
            Self::Line if ((moment.tick.elapsed_ms + 500) / 1000).is_multiple_of(LINE_EVERY) => {
                say(&line(&moment.tick, load.plan.shape.end()));
            }
            Self::Line | Self::Nothing => {}
        }
    }

    /// Restores the terminal.
    pub fn end(self) {
        if let Self::Screen(screen) = self {
            screen.end();
        }
    }
}

/// The screen's thread.
#[derive(Debug)]
pub struct Screen {
    moments: mpsc::Sender<Moment>,
    thread: JoinHandle<()>,
}

impl Screen {
    fn open(load: &Load) -> io::Result<Self> {
        let about = About {
            target: load.base.to_string(),
            seed: load.seed,
            end: load.plan.shape.end(),
            users: load.plan.users(),
            open_model: matches!(load.plan.model, Model::Open { .. }),
            levels: load.plan.shape.clone(),
        };
        let stop = Arc::clone(&load.stop);
        let mut display = Display::open()?;
        let (moments, coming) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("screen".to_owned())
            .spawn(move || {
                // If drawing or reading fails, only the picture is lost.
                let _ = run(&mut display, State::new(about), &coming, &stop);
            })?;
        Ok(Self { moments, thread })
    }

    fn show(&self, moment: Moment) {
        // The thread may have lost its terminal.
        let _ = self.moments.send(moment);
    }

    fn end(self) {
        drop(self.moments);
        let _ = self.thread.join();
    }
}

/// Draws each second and after each key, until there are no more seconds.
fn run(
    display: &mut Display,
    mut state: State,
    moments: &mpsc::Receiver<Moment>,
    stop: &Stop,
) -> io::Result<()> {
    let mut has_keys = true;
    display.draw(&state)?;
    loop {
        let mut changed = false;
        if has_keys {
            match read_key() {
                Ok(Some(Event::Key(key))) => {
                    changed = true;
                    if keys::press(&mut state, key) == Some(keys::Action::Stop) {
                        stop.interrupt();
                    }
                }
                Ok(Some(_)) => changed = true,
                Ok(None) => {}
                // Keys can't be read if standard input is not a terminal and none can be opened.
                Err(_) => has_keys = false,
            }
        }
        let wait = if has_keys { Duration::ZERO } else { KEYS };
        match moments.recv_timeout(wait) {
            Ok(moment) => {
                state.take(moment);
                changed = true;
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(()),
        }
        if changed {
            display.draw(&state)?;
        }
    }
}

fn read_key() -> io::Result<Option<Event>> {
    if event::poll(KEYS)? {
        event::read().map(Some)
    } else {
        Ok(None)
    }
}

/// The terminal's alternate screen, which is always restored.
struct Display(Terminal<CrosstermBackend<Stderr>>);

impl Display {
    fn open() -> io::Result<Self> {
        let terminal = Terminal::new(CrosstermBackend::new(io::stderr()))?;
        // If keys can't be read one by one, there is still the picture.
        let _ = enable_raw_mode();
        execute!(io::stderr(), EnterAlternateScreen, cursor::Hide)?;
        Ok(Self(terminal))
    }

    fn draw(&mut self, state: &State) -> io::Result<()> {
        self.0.draw(|frame| draw::draw(frame, state)).map(drop)
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = execute!(io::stderr(), LeaveAlternateScreen, cursor::Show);
        let _ = disable_raw_mode();
    }
}

/// A line for people, on standard error.
pub fn say(text: &str) {
    // There may be no reader any more.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
