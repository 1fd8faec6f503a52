//! The effect of each key.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::state::{Panel, State, Window};

/// What a key requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// End the load; pressed again, give up requests in flight.
    Stop,
}

/// The keys, for the help.
pub(super) const HELP: [(&str, &str); 8] = [
    (
        "q, Ctrl-C",
        "end the load; again: give up what is in flight",
    ),
    ("+  -", "show more or less of the past"),
    ("Tab", "next panel"),
    ("p", "pods"),
    ("e", "statuses and failures"),
    ("g", "the generator itself"),
    ("Space", "freeze the picture; the load continues"),
    ("?", "these keys"),
];

/// Applies a key.
pub(super) fn press(state: &mut State, key: KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if control => return Some(Action::Stop),
        KeyCode::Char('q') => return Some(Action::Stop),
        KeyCode::Char('+' | '=') => state.window = state.window.longer(),
        KeyCode::Char('-') => state.window = state.window.shorter(),
        KeyCode::Tab => state.panel = state.panel.next(),
        KeyCode::Char('p') => state.panel = Panel::Pods,
        KeyCode::Char('e') => state.panel = Panel::Failures,
        KeyCode::Char('g') => state.panel = Panel::Generator,
        KeyCode::Char(' ') => state.held = !state.held,
        KeyCode::Char('?' | 'h') => state.help = !state.help,
        KeyCode::Esc => state.help = false,
        _ => {}
    }
    None
}

impl Window {
    fn longer(self) -> Self {
        match self {
            Self::Minute => Self::FiveMinutes,
            Self::FiveMinutes | Self::Run => Self::Run,
        }
    }

    fn shorter(self) -> Self {
        match self {
            Self::Run => Self::FiveMinutes,
            Self::FiveMinutes | Self::Minute => Self::Minute,
        }
    }
}

impl Panel {
    fn next(self) -> Self {
        match self {
            Self::Pods => Self::Failures,
            Self::Failures => Self::Generator,
            Self::Generator => Self::Pods,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::tests::state;
    use super::*;

    fn typed(state: &mut State, code: KeyCode) -> Option<Action> {
        press(state, KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn q_and_control_c_end_the_load_and_c_alone_does_not() {
        let mut state = state(0);
        assert_eq!(typed(&mut state, KeyCode::Char('q')), Some(Action::Stop));
        let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(press(&mut state, control_c), Some(Action::Stop));
        assert_eq!(typed(&mut state, KeyCode::Char('c')), None);
    }

    #[test]
    fn tab_cycles_through_the_panels_and_letters_select_them() {
        let mut state = state(0);
        for expected in [Panel::Failures, Panel::Generator, Panel::Pods] {
            typed(&mut state, KeyCode::Tab);
            assert_eq!(state.panel, expected);
        }
        typed(&mut state, KeyCode::Char('g'));
        assert_eq!(state.panel, Panel::Generator);
    }

    #[test]
    fn plus_and_minus_stop_at_the_ends() {
        let mut state = state(0);
        for _ in 0..5 {
            typed(&mut state, KeyCode::Char('+'));
        }
        assert_eq!(state.window, Window::Run);
        for _ in 0..5 {
            typed(&mut state, KeyCode::Char('-'));
        }
        assert_eq!(state.window, Window::Minute);
    }

    #[test]
    fn every_key_of_the_help_is_bound() {
        for key in ['+', '-', 'p', 'e', 'g', ' ', '?'] {
            let mut state = state(0);
            state.window = Window::FiveMinutes;
            state.panel = if key == 'p' {
                Panel::Failures
            } else {
                Panel::Pods
            };
            let before = format!("{state:?}");
            typed(&mut state, KeyCode::Char(key));
            assert_ne!(before, format!("{state:?}"), "{key}");
        }
    }
}
