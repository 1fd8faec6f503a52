//! A small panel, redrawn in place: it needs a terminal and 80 columns, and leaves the last state there.

use std::io::{self, Write};

use crossterm::cursor::{Hide, MoveToColumn, MoveUp, Show};
use crossterm::queue;
use crossterm::style::{Print, ResetColor, Stylize};
use crossterm::terminal::{self, Clear, ClearType};
use hpa_check_core::timeline::{Step, Timeline, TimelineSoFar};
use jiff::Timestamp;

use crate::report::{escape::Terminal, summary, words};

/// Redrawn at most this often: ten times a second is as fast as anybody reads.
const FRAME_MS: i64 = 100;

/// The panel.
#[derive(Debug, Default)]
pub(crate) struct Panel {
    drawn: Option<Timestamp>,
    height: u16,
}

impl Panel {
    /// Draws the run as it is now.
    pub(crate) fn show(&mut self, now: Timestamp, state: &TimelineSoFar) {
        let soon = self
            .drawn
            .is_some_and(|at| now.as_millisecond() - at.as_millisecond() < FRAME_MS);
        if soon {
            return;
        }
        self.drawn = Some(now);
        let width = terminal::size()
            .map_or(80, |(columns, _)| usize::from(columns))
            .clamp(40, 120);
        let lines = lines(now, state, width);
        // A terminal that can't be written to any more is nothing to end a run for.
        let _ = self.draw(&lines);
    }

    fn draw(&mut self, lines: &[String]) -> io::Result<()> {
        let mut out = io::stderr().lock();
        queue!(out, Hide)?;
        if self.height > 0 {
            queue!(out, MoveUp(self.height))?;
        }
        for line in lines {
            queue!(
                out,
                MoveToColumn(0),
                Clear(ClearType::CurrentLine),
                Print(line),
                ResetColor,
                Print("\r\n")
            )?;
        }
        queue!(out, Clear(ClearType::FromCursorDown))?;
        self.height = u16::try_from(lines.len()).unwrap_or(0);
        out.flush()
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        let mut out = io::stderr().lock();
        let _ = queue!(out, ResetColor, Show).and_then(|()| out.flush());
    }
}

fn lines(now: Timestamp, state: &TimelineSoFar, width: usize) -> Vec<String> {
    let Some(timeline) = &state.timeline else {
        return vec!["waiting for the first observation".to_owned()];
    };
    let phase = state.phase.map_or("Starting", |p| summary::phase(p.value));
    let time = words::clock(timeline.from, now);
    let mut lines = vec![
        format!(" {}  {}", phase.bold(), time.dark_grey()),
        String::new(),
        load(state),
        utilization(state),
        replicas(state, timeline, now, width),
        String::new(),
    ];
    lines.extend(pods(state, width));
    if let Some(sync) = timeline.syncs.last() {
        let time = words::clock(timeline.from, sync.at);
        let sentence = Terminal(&sync.sentence).to_string();
        for (index, part) in wrapped(&sentence, width - 11)
            .into_iter()
            .take(3)
            .enumerate()
        {
            let label = if index == 0 {
                format!("{time:>7}")
            } else {
                " ".repeat(7)
            };
            lines.push(format!(" {}  {part}", label.dark_grey()));
        }
    }
    lines
}

fn load(state: &TimelineSoFar) -> String {
    let Some(load) = &state.load else {
        return format!(" {:<10} {}", "load", "none yet".dark_grey());
    };
    let p99 = load.p99_us.map_or_else(String::new, |us| {
        format!("  p99 {}", words::microseconds(us))
    });
    let bad = load.failed + load.wrong;
    let counts = format!("failed {}  wrong {}", load.failed, load.wrong);
    let counts = if bad == 0 {
        counts.green()
    } else {
        counts.red()
    };
    format!(
        " {:<10} {:>5.0}/s{p99}  verified {}  {counts}",
        "load",
        load.rps,
        words::count(load.verified)
    )
}

fn utilization(state: &TimelineSoFar) -> String {
    const BAR: usize = 40;
    const FULL: i32 = 200;
    let target = state
        .spec()
        .and_then(hpa_check_core::spec::AutoscalerSpec::cpu_target_percent);
    let Some(now) = state.utilization() else {
        return format!(" {:<10} {}", "CPU", "not known yet".dark_grey());
    };
    let cell = |percent: i32| usize::try_from(percent.clamp(0, FULL)).unwrap_or(0) * BAR / 200;
    let (filled, mark) = (cell(now), target.map(cell));
    let bar: String = (0..BAR)
        .map(|i| {
            if Some(i) == mark {
                '┃'
            } else if i < filled {
                '█'
            } else {
                '░'
            }
        })
        .collect();
    let target = target.map_or_else(String::new, |t| format!(" of a target of {t} %"));
    format!(
        " {:<10} {} {now:>4} %{}",
        "CPU",
        bar.blue(),
        target.dark_grey()
    )
}

fn replicas(state: &TimelineSoFar, timeline: &Timeline, now: Timestamp, width: usize) -> String {
    let spec = state.target.as_ref().map_or(0, |t| t.spec_replicas);
    let wanted = state.status().map_or(0, |s| s.desired_replicas);
    let history = sparkline(
        &timeline.ready,
        timeline.from,
        now,
        width.saturating_sub(52).clamp(10, 60),
    );
    format!(
        " {:<10} ready {}  spec {spec}  wanted {wanted}   {}",
        "replicas",
        state.ready().to_string().bold(),
        history.cyan()
    )
}

/// The steps of a series in as many cells, the last one now.
fn sparkline(steps: &[Step<i32>], from: Timestamp, until: Timestamp, cells: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = steps.iter().map(|s| s.value).max().unwrap_or(1).max(8);
    let span = (until.as_millisecond() - from.as_millisecond()).max(1);
    (1..=cells)
        .map(|cell| {
            let share = i64::try_from(cell).unwrap_or(1);
            let at =
                from.as_millisecond() + span * share / i64::try_from(cells.max(1)).unwrap_or(1);
            let value = steps
                .iter()
                .rev()
                .find(|s| s.at.as_millisecond() <= at)
                .map_or(0, |s| s.value);
            let bar = usize::try_from(value.max(0) * 7 / most).unwrap_or(0);
            BARS[bar.min(7)]
        })
        .collect()
}

fn pods(state: &TimelineSoFar, width: usize) -> Vec<String> {
    const EACH: usize = 18;
    let shown: Vec<String> = state
        .pods
        .iter()
        .filter(|(_, pod)| pod.gone_at.is_none())
        .map(|(name, pod)| {
            let cpu = pod
                .cpu_milli
                .map_or_else(|| "-".to_owned(), |milli| format!("{milli}m"));
            let sign = if pod.pod.deleting {
                "×"
            } else if pod.is_ready() {
                "●"
            } else {
                "○"
            };
            let name = Terminal(name).to_string();
            let short: String = name
                .chars()
                .rev()
                .take(9)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect();
            format!("{sign} {short:<9}{cpu:>6}")
        })
        .collect();
    let each_line = ((width - 12) / EACH).max(1);
    shown
        .chunks(each_line)
        .enumerate()
        .map(|(index, row)| {
            format!(
                " {:<10} {}",
                if index == 0 { "pods" } else { "" },
                row.join(" ")
            )
        })
        .collect()
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().map_or(0, |l| l.chars().count());
        if line > 0 && line + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else if let Some(last) = lines.last_mut() {
            if line > 0 {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_long_sentence_is_wrapped_at_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("unbreakable", 4), ["unbreakable"]);
    }

    #[test]
    fn a_sparkline_ends_with_the_present_value() {
        let from: Timestamp = "2026-03-04T10:20:30Z".parse().unwrap();
        let at = |s| from + SignedDuration::from_secs(s);
        let steps = [
            Step {
                at: at(0),
                value: 0,
            },
            Step {
                at: at(5),
                value: 10,
            },
        ];
        assert_eq!(sparkline(&steps, from, at(10), 10), "▁▁▁▁██████");
    }
}
