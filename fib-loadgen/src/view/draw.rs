//! The screen, drawn only from its state; designed for 80 columns and 24 rows, and for anything larger.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Clear, Dataset, GraphType, LineGauge, Paragraph};

mod panels;

use super::keys::HELP;
use super::state::{Panel, Point, State};
use crate::report::{clock, ms, thousands};

/// A longer plan has no end worth showing.
const LONG: Duration = Duration::from_hours(720);

const TITLE: Style = Style::new().add_modifier(Modifier::BOLD);
const SOFT: Style = Style::new().fg(Color::DarkGray);
const GOOD: Style = Style::new().fg(Color::Green);
const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
const ANSWERED: Style = Style::new().fg(Color::Cyan);
const DUE: Style = Style::new().fg(Color::DarkGray);
const P50: Style = Style::new().fg(Color::Cyan);
const P99: Style = Style::new().fg(Color::Magenta);

/// The minimum width for two parts side by side.
const WIDE: u16 = 78;
/// The rows of a part.
const PART: u16 = 7;

/// Draws everything; a small screen shows the numbers first, then whatever fits.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State) {
    let area = frame.area();
    let wide = area.width >= WIDE;
    let room = area.height.saturating_sub(3) / PART;
    let of_numbers = if wide || room < 2 { 1 } else { 2 };
    let (curved, paneled) = (room > of_numbers, room > of_numbers + 1);
    let rows = |shown: bool| {
        if shown {
            Constraint::Min(PART)
        } else {
            Constraint::Length(0)
        }
    };
    let [head, progress, numbers, curves, panels, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(PART * of_numbers),
        rows(curved),
        rows(paneled),
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(title(state)), head);
    frame.render_widget(gauge(state), progress);
    let halves = |area: Rect| Layout::horizontal([Constraint::Percentage(50); 2]).areas(area);
    let two = match (wide, of_numbers) {
        (true, _) => Some(halves(numbers)),
        (false, 1) => None,
        (false, _) => Some(Layout::vertical([Constraint::Length(PART); 2]).areas(numbers)),
    };
    if let Some([left, right]) = two {
        frame.render_widget(part(requests(state), &counts(state)), left);
        frame.render_widget(part(TIMES.to_owned(), &times(state)), right);
    } else {
        // Room for one part: the most important rows of both.
        let ([right, _, failed, _], [p50, _, p99, _]) = (counts(state), times(state));
        frame.render_widget(part(requests(state), &[right, failed, p50, p99]), numbers);
    }
    // Half of a narrow screen would show nothing.
    let split = |area: Rect| {
        if wide {
            halves(area)
        } else {
            [Rect::default(), area]
        }
    };
    let [left, right] = split(curves);
    rate_curve(frame, state, left);
    time_curve(frame, state, right);
    let [left, right] = split(panels);
    frame.render_widget(panels::histogram(state, left), left);
    let panel = match state.panel {
        Panel::Pods => panels::pods(state, right),
        Panel::Failures => panels::failures(state),
        Panel::Generator => panels::generator(state),
    };
    frame.render_widget(panel, right);
    frame.render_widget(Paragraph::new(footer(state)), foot);
    if state.help {
        help(frame);
    }
}

fn block(title: impl Into<Line<'static>>) -> Block<'static> {
    Block::bordered().border_style(SOFT).title(title.into())
}

fn title(state: &State) -> Line<'static> {
    let held = if state.held { "  HELD" } else { "" };
    Line::from(vec![
        Span::styled(" fib-loadgen ", TITLE),
        Span::raw(state.about.target.clone()),
        Span::styled(format!("  seed {}", state.about.seed), SOFT),
        Span::styled(held, BAD),
    ])
}

fn gauge(state: &State) -> LineGauge<'static> {
    let now = Duration::from_millis(state.now.tick.elapsed_ms);
    let end = state.about.end;
    let (share, label) = if end > LONG {
        (0.0, clock(now))
    } else {
        let share = now.as_secs_f64() / end.as_secs_f64().max(1e-9);
        (
            share.clamp(0.0, 1.0),
            format!("{}/{}", clock(now), clock(end)),
        )
    };
    LineGauge::default()
        .ratio(share)
        .filled_symbol("━")
        .unfilled_symbol("─")
        .filled_style(ANSWERED)
        .unfilled_style(SOFT)
        .label(format!(" {:<12} {label}", state.now.tick.phase))
}

/// A row of a table with three columns: the last second, the last ten seconds, and the run.
fn row(name: &str, cells: [String; 3], style: Style) -> Line<'static> {
    let [now, recent, run] = cells;
    Line::from(vec![
        Span::raw(format!("{name:<9}")),
        Span::styled(format!("{now:>9}{recent:>9}{run:>10}"), style),
    ])
}

fn head() -> Line<'static> {
    let cells = ["now", "10 s", "run"].map(str::to_owned);
    row("", cells, SOFT)
}

/// Rows of numbers under the columns' names.
fn part(title: String, rows: &[Line<'static>]) -> Paragraph<'static> {
    let lines: Vec<Line<'static>> = std::iter::once(head())
        .chain(rows.iter().cloned())
        .collect();
    Paragraph::new(lines).block(block(title))
}

fn requests(state: &State) -> String {
    let tick = &state.now.tick;
    format!(
        " Requests: {} in flight, {}/{} users ",
        tick.in_flight, tick.users, state.about.users
    )
}

/// A rate; a low one with a digit more.
fn rate(rate: f64) -> String {
    if rate > 0.0 && rate < 9.95 {
        format!("{rate:.1}")
    } else {
        format!("{rate:.0}")
    }
}

fn counts(state: &State) -> [Line<'static>; 4] {
    let tick = &state.now.tick;
    let seconds = Duration::from_millis(tick.elapsed_ms)
        .as_secs_f64()
        .max(1e-9);
    #[expect(clippy::cast_precision_loss, reason = "a count of requests")]
    let whole = tick.ok as f64 / seconds;
    let due = |due: Option<f64>| due.map_or_else(|| "-".to_owned(), rate);
    let area = state.about.levels.area(Duration::from_secs_f64(seconds));
    let alarm = |count: u64| if count > 0 { BAD } else { GOOD };
    let recent_rate = state.recent_mean(|moment| moment.tick.rps);
    let recent_due = state.recent_mean(|moment| moment.tick.offered_rps.unwrap_or(0.0));
    [
        row(
            "right/s",
            [rate(tick.rps), rate(recent_rate), rate(whole)],
            ANSWERED,
        ),
        row(
            "due/s",
            [
                due(tick.offered_rps),
                due(state.about.open_model.then_some(recent_due)),
                due(state.about.open_model.then_some(area / seconds)),
            ],
            SOFT,
        ),
        row(
            "failed",
            [
                thousands(state.now.failed),
                thousands(state.recent_failures()),
                thousands(tick.failed),
            ],
            alarm(tick.failed),
        ),
        row(
            "wrong",
            [String::new(), String::new(), thousands(tick.wrong)],
            alarm(tick.wrong),
        ),
    ]
}

const TIMES: &str = " Response time, ms ";

fn times(state: &State) -> [Line<'static>; 4] {
    let recent = state.recent_times();
    let of = |histogram: &hdrhistogram::Histogram<u64>, quantile: f64| {
        ms((!histogram.is_empty()).then(|| histogram.value_at_quantile(quantile)))
    };
    let now = |quantile: f64| {
        state
            .now
            .response
            .as_ref()
            .map_or_else(|| "-".to_owned(), |h| of(h, quantile))
    };
    let rows = [
        ("p50", 0.5, P50),
        ("p90", 0.9, Style::new()),
        ("p99", 0.99, P99),
        ("p99.9", 0.999, Style::new()),
    ];
    rows.map(|(name, quantile, style)| {
        row(
            name,
            [
                now(quantile),
                of(&recent, quantile),
                of(&state.whole, quantile),
            ],
            style,
        )
    })
}

fn rate_curve(frame: &mut Frame<'_>, state: &State, area: Rect) {
    let points = state.shown();
    let answered: Vec<(f64, f64)> = points.iter().map(|point| (point.at, point.rps)).collect();
    let due: Vec<(f64, f64)> = points
        .iter()
        .filter_map(|point| Some((point.at, point.offered?)))
        .collect();
    let most = answered
        .iter()
        .chain(&due)
        .map(|point| point.1)
        .fold(1.0, f64::max)
        * 1.05;
    let sets = vec![set(&due, DUE), set(&answered, ANSWERED)];
    let title = Line::from(vec![
        Span::raw(format!(" Requests/s, {}: ", state.window.word())),
        Span::styled("right ", ANSWERED),
        Span::styled("due ", DUE),
    ]);
    let labels = ["0".to_owned(), format!("{most:.0}")];
    chart(frame, area, title, sets, points, [0.0, most], labels);
}

/// Response times on a logarithmic scale, so a tail that is ten times as long does not flatten the median.
fn time_curve(frame: &mut Frame<'_>, state: &State, area: Rect) {
    let points = state.shown();
    #[expect(clippy::cast_precision_loss, reason = "microseconds on a screen")]
    let line = |of: fn(&Point) -> Option<u64>| -> Vec<(f64, f64)> {
        let known = points
            .iter()
            .filter_map(|point| Some((point.at, of(point)?)));
        known
            .map(|(at, us)| (at, (us.max(1) as f64).log10()))
            .collect()
    };
    let (p50, p99) = (line(|point| point.p50), line(|point| point.p99));
    let all = || p50.iter().chain(&p99).map(|point| point.1);
    let least = all().fold(f64::INFINITY, f64::min).min(5.0).floor();
    let most = all().fold(least + 1.0, f64::max).ceil();
    let sets = vec![set(&p99, P99), set(&p50, P50)];
    let title = Line::from(vec![
        Span::raw(" Response time: "),
        Span::styled("p50 ", P50),
        Span::styled("p99 ", P99),
    ]);
    let labels = [least, most].map(short_power);
    chart(frame, area, title, sets, points, [least, most], labels);
}

/// A power of ten of microseconds: `1ms`, `100ms`, `10s`.
fn short_power(power: f64) -> String {
    let us = 10_f64.powf(power);
    if us < 1e3 {
        format!("{us:.0}us")
    } else if us < 1e6 {
        format!("{:.0}ms", us / 1e3)
    } else {
        format!("{:.0}s", us / 1e6)
    }
}

fn set(points: &[(f64, f64)], style: Style) -> Dataset<'_> {
    Dataset::default()
        .data(points)
        .marker(Marker::Braille)
        .graph_type(GraphType::Line)
        .style(style)
}

fn chart(
    frame: &mut Frame<'_>,
    area: Rect,
    title: Line<'static>,
    sets: Vec<Dataset<'_>>,
    points: &[Point],
    bounds: [f64; 2],
    labels: [String; 2],
) {
    let from = points.first().map_or(0.0, |point| point.at);
    let until = points.last().map_or(1.0, |point| point.at).max(from + 1.0);
    let chart = Chart::new(sets)
        .block(block(title))
        .x_axis(Axis::default().style(SOFT).bounds([from, until]))
        .y_axis(Axis::default().style(SOFT).bounds(bounds).labels(labels));
    frame.render_widget(chart, area);
}

fn footer(state: &State) -> Line<'static> {
    let own = &state.now.own;
    let share = own.cpu_used * 100.0 / own.cpu_allowed.max(1e-9);
    let style = if share > 80.0 { BAD } else { GOOD };
    Line::from(vec![
        Span::raw(" generator "),
        Span::styled(format!("{share:.0} % CPU"), style),
        Span::raw(format!(", {} MB", own.rss / 1_000_000)),
        Span::styled("   q stop  + - past  Tab panel  Space hold  ? keys", SOFT),
    ])
}

fn help(frame: &mut Frame<'_>) {
    let area = frame.area();
    let width = 62.min(area.width);
    let height = u16::try_from(HELP.len() + 2).unwrap_or(10).min(area.height);
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    let lines: Vec<Line<'static>> = HELP
        .iter()
        .map(|(key, what)| {
            Line::from(vec![
                Span::styled(format!(" {key:<10}"), TITLE),
                Span::raw(*what),
            ])
        })
        .collect();
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).block(block(" Keys ")), place);
}

#[cfg(test)]
mod tests;
