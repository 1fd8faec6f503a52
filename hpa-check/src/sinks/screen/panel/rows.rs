//! What the panel says, row by row.

use crossterm::style::{Stylize, style};
use hpa_check_core::run::state::{PodRecord, RunState};
use hpa_check_core::run::timeline::{Step, Timeline};
use hpa_check_core::spec::AutoscalerSpec;
use jiff::Timestamp;

use super::row::{NAMES, Row, flow};
use crate::report::{escape::Terminal, summary, words};

/// The run as it is now, on so many columns and at most so many rows.
pub(super) fn rows(now: Timestamp, state: &RunState, (columns, most): (usize, usize)) -> Vec<Row> {
    let Some(timeline) = &state.timeline else {
        return vec![Row::plain("waiting for the first observation").cut(columns)];
    };
    let phase = state.phase.map_or("Starting", |p| summary::phase(p.value));
    let time = words::clock(timeline.from, now);
    let head = Row::plain(" ")
        .and(phase.to_owned().bold())
        .and(style(format!("  {time}")).dark_grey());
    let mut values = load(state, columns);
    values.push(utilization(state, columns));
    values.extend(replicas(state, timeline, now, columns));
    let sync = last_sync(timeline, columns);
    let pods = pods(state, columns);
    let whole = 3 + values.len() + sync.len() + pods.len();
    let mut rows = vec![head];
    if whole <= most {
        // There is room for air, and for every pod.
        rows.push(Row::default());
        rows.extend(values);
        rows.push(Row::default());
        rows.extend(pods);
    } else {
        rows.extend(values);
        if rows.len() + pods.len() + sync.len() <= most {
            rows.extend(pods);
        } else {
            rows.push(pods_in_short(state));
        }
    }
    rows.extend(sync);
    rows.truncate(most);
    rows.into_iter().map(|row| row.cut(columns)).collect()
}

fn load(state: &RunState, columns: usize) -> Vec<Row> {
    let Some(load) = &state.load else {
        let none = Row::default().and("none yet".to_owned().dark_grey());
        return flow("load", vec![none], columns);
    };
    let counts = format!("failed {}  wrong {}", load.failed, load.wrong);
    let counts = if load.failed + load.wrong == 0 {
        counts.green()
    } else {
        counts.red()
    };
    let p99 = load
        .p99_us
        .map(|us| Row::plain(format!("p99 {}", words::microseconds(us))));
    let pieces = [Row::plain(format!("{:.0}/s", load.rps))]
        .into_iter()
        .chain(p99)
        .chain([
            Row::default().and(counts),
            Row::plain(format!("verified {}", words::count(load.verified))),
        ]);
    flow("load", pieces.collect(), columns)
}

fn utilization(state: &RunState, columns: usize) -> Row {
    const FULL: i32 = 200;
    let name = Row::plain(format!(" {:<9}", "CPU"));
    let Some(now) = state.utilization() else {
        return name.and("not known yet".to_owned().dark_grey());
    };
    let target = state.spec().and_then(AutoscalerSpec::cpu_target_percent);
    let text = target.map_or_else(String::new, |t| format!(" of a target of {t} %"));
    let room = columns.saturating_sub(NAMES + 8 + text.chars().count());
    let bar = room.clamp(8, 40);
    let cell = |percent: i32| usize::try_from(percent.clamp(0, FULL)).unwrap_or(0) * bar / 200;
    let (filled, mark) = (cell(now), target.map(cell));
    let bar: String = (0..bar)
        .map(|i| match i {
            i if Some(i) == mark => '┃',
            i if i < filled => '█',
            _ => '░',
        })
        .collect();
    name.and(bar.blue())
        .and(style(format!(" {now:>4} %")))
        .and(text.dark_grey())
}

fn replicas(state: &RunState, timeline: &Timeline, now: Timestamp, columns: usize) -> Vec<Row> {
    let ready = Row::plain("ready ").and(state.ready().to_string().bold());
    let set = state.target.as_ref().map_or(0, |t| t.spec_replicas);
    let decided = state.status().map_or(0, |s| s.desired_replicas);
    let cells = columns.saturating_sub(NAMES + 36).clamp(20, 60);
    let history = sparkline(&timeline.ready, timeline.from, now, cells);
    let pieces = vec![
        ready,
        Row::plain(format!("set {set}")),
        Row::plain(format!("decided {decided}")),
        Row::default().and(history.cyan()),
    ];
    flow("replicas", pieces, columns)
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

fn living(state: &RunState) -> impl Iterator<Item = (&String, &PodRecord)> {
    state.pods.iter().filter(|(_, pod)| pod.gone_at.is_none())
}

fn pods(state: &RunState, columns: usize) -> Vec<Row> {
    const NAME: usize = 9;
    let cells = living(state).map(|(name, pod)| {
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
        let letters = name.chars().count();
        let end: String = name.chars().skip(letters.saturating_sub(NAME)).collect();
        Row::plain(format!("{sign} {end:<NAME$}{cpu:>6}"))
    });
    flow("pods", cells.collect(), columns)
}

/// The pods where there is no room for each.
fn pods_in_short(state: &RunState) -> Row {
    let (mut ready, mut starting, mut ending) = (0, 0, 0);
    for (_, pod) in living(state) {
        let count = if pod.pod.deleting {
            &mut ending
        } else if pod.is_ready() {
            &mut ready
        } else {
            &mut starting
        };
        *count += 1;
    }
    Row::plain(format!(
        " {:<9}{ready} ready, {starting} starting, {ending} ending",
        "pods"
    ))
}

/// The arithmetic of the newest sync.
fn last_sync(timeline: &Timeline, columns: usize) -> Vec<Row> {
    const MOST: usize = 3;
    let Some(sync) = timeline.syncs.last() else {
        return Vec::new();
    };
    let time = words::clock(timeline.from, sync.at);
    let sentence = Terminal(&sync.sentence).to_string();
    let parts = words::wrapped(&sentence, columns.saturating_sub(NAMES).max(20));
    let names = std::iter::once(format!(" {time:<9}")).chain(std::iter::repeat(" ".repeat(NAMES)));
    parts
        .into_iter()
        .take(MOST)
        .zip(names)
        .map(|(part, name)| Row::default().and(name.dark_grey()).and(style(part)))
        .collect()
}

#[cfg(test)]
mod tests {
    use hpa_check_core::expectation::Expectation;
    use hpa_check_core::observation::{LoadSecond, Observation, Phase, Pod, Seen};
    use hpa_check_core::run::evaluator::Evaluator;
    use jiff::SignedDuration;

    use super::*;

    fn from() -> Timestamp {
        "2026-03-04T10:20:30Z".parse().unwrap()
    }

    /// A run under load with that many pods.
    fn run(pods: usize) -> Evaluator {
        let mut evaluator = Evaluator::new(Expectation::default());
        let mut see = |seen| evaluator.observe(&Observation { at: from(), seen });
        see(Seen::Phase { phase: Phase::Up });
        for number in 0..pods {
            see(Seen::Pod(Pod {
                name: format!("fib-server-6d5f8c7b9-{number:05}"),
                uid: String::new(),
                phase: "Running".to_owned(),
                deleting: false,
                started: None,
                ready: None,
                containers: Vec::new(),
                ..Pod::default()
            }));
        }
        see(Seen::Load(LoadSecond {
            rps: 12345.0,
            p99_us: Some(1_250_000),
            failed: 123,
            verified: 1_234_567,
            ..LoadSecond::default()
        }));
        evaluator
    }

    #[test]
    fn it_fits_on_every_terminal_and_says_whether_requests_failed() {
        for (columns, most) in [(80, 23), (120, 39), (40, 11), (40, 60), (20, 5), (200, 50)] {
            for pods in [0, 3, 13, 40] {
                let rows = rows(from(), run(pods).timeline(), (columns, most));
                assert!(rows.len() <= most, "{columns}x{most}, {pods} pods");
                let widest = rows.iter().map(Row::width).max();
                assert!(widest <= Some(columns), "{columns}x{most}: {widest:?}");
                let text: Vec<String> = rows.iter().map(Row::to_string).collect();
                if columns >= 40 {
                    assert!(text.concat().contains("failed 123"), "{text:#?}");
                }
            }
        }
    }

    #[test]
    fn a_sparkline_ends_with_the_present_value() {
        let at = |s| from() + SignedDuration::from_secs(s);
        let steps = [(0, 0), (5, 10)].map(|(s, value)| Step { at: at(s), value });
        assert_eq!(sparkline(&steps, from(), at(10), 10), "▁▁▁▁██████");
    }
}
