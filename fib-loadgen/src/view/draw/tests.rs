//! The screen shows what it should, at 80 by 24 and at any other size.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::state::tests::state;
use super::*;

fn screen(state: &State, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let rows = buffer.content().chunks(usize::from(width));
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>() + "\n")
        .collect()
}

#[test]
fn at_80_by_24_everything_important_is_visible() {
    let screen = screen(&state(30), 80, 24);
    for text in [
        "http://fib-server:8080/",
        "seed 4242",
        "hold",
        "00:30/04:00",
        "3 in flight, 500/500 users",
        "right/s",
        "430",
        "due/s",
        "failed",
        "wrong",
        "p50",
        "p99.9",
        "Requests/s, 1 min",
        "Histogram",
        "Pods: 2 answer",
        "50 %",
        "generator",
        "q stop",
        "? keys",
    ] {
        assert!(screen.contains(text), "{text}:\n{screen}");
    }
}

#[test]
fn each_panel_and_the_help_are_drawn() {
    let mut state = state(5);
    for (panel, text) in [
        (Panel::Failures, "Failures and statuses"),
        (Panel::Generator, "timer late"),
    ] {
        state.panel = panel;
        assert!(screen(&state, 80, 24).contains(text), "{text}");
    }
    state.help = true;
    let screen = screen(&state, 80, 24);
    assert!(
        HELP.iter()
            .all(|(key, what)| screen.contains(key) && screen.contains(what)),
        "{screen}"
    );
}

#[test]
fn a_small_screen_shows_the_numbers_and_then_whatever_fits() {
    let shown = |width, height, texts: [&str; 6]| {
        let screen = screen(&state(30), width, height);
        texts.map(|text| screen.contains(text))
    };
    let texts = [
        "right/s",
        "p99.9",
        "Requests/s, 1 min",
        "Response time: p50",
        "Pods: 2",
        "q stop",
    ];
    let cases = [
        (80, 10, [true, true, false, false, false, true]),
        (80, 17, [true, true, true, true, false, true]),
        (40, 10, [true, false, false, false, false, true]),
        (40, 17, [true, true, false, false, false, true]),
        (40, 31, [true, true, false, true, true, true]),
    ];
    for (width, height, expected) in cases {
        assert_eq!(shown(width, height, texts), expected, "{width} by {height}");
    }
}

#[test]
fn a_screen_with_room_for_one_part_shows_rates_failures_and_response_times() {
    let screen = screen(&state(30), 40, 12);
    for text in ["right/s", "failed", "p50", "p99", "q stop"] {
        assert!(screen.contains(text), "{text}:\n{screen}");
    }
}

#[test]
fn a_low_rate_keeps_a_digit() {
    let shown = [0.0, 0.1, 9.9, 9.96, 430.4].map(rate);
    assert_eq!(shown, ["0", "0.1", "9.9", "10", "430"]);
}

#[test]
fn any_size_and_any_number_of_seconds_can_be_drawn() {
    for (width, height) in [
        (1, 1),
        (20, 5),
        (40, 10),
        (40, 24),
        (77, 17),
        (80, 24),
        (200, 60),
    ] {
        for seconds in [0, 1, 2, 700] {
            screen(&state(seconds), width, height);
        }
    }
}
