//! The content of the panel, row by row.

use crossterm::style::{Stylize, style};
use hpa_check_core::observation::Phase;
use hpa_check_core::run::conductor::Progress;
use hpa_check_core::run::state::{PodRecord, RunState};
use hpa_check_core::run::timeline::{Step, SyncRecord, Timeline};
use hpa_check_core::spec::AutoscalerSpec;
use jiff::Timestamp;

use super::chart;
use super::row::{NAMES, Row, flow};
use crate::report::{escape::Terminal, summary, words};

/// The current state of the run, in this many columns and at most this many rows.
pub(super) fn rows(
    now: Timestamp,
    state: &RunState,
    progress: Option<Progress>,
    (columns, most): (usize, usize),
) -> Vec<Row> {
    let Some(timeline) = &state.timeline else {
        return vec![Row::plain("waiting for the first observation").cut(columns)];
    };
    let mut rows = vec![head(now, state, timeline)];
    rows.extend(progress.map(|progress| far(progress, columns)));
    let mut values = load(state, columns);
    values.push(utilization(state, columns));
    values.extend(replicas(state, timeline, now, columns));
    let sync = last_sync(timeline, columns);
    let pods = pods(state, columns);
    let whole = rows.len() + 2 + values.len() + sync.len() + pods.len();
    if whole <= most {
        // There is room for blank rows, and for every pod.
        rows.push(Row::default());
        rows.extend(values);
        rows.extend(history(timeline, now, columns, most - whole));
        rows.push(Row::default());
        rows.extend(pods);
        rows.extend(steps(
            timeline,
            columns,
            most.saturating_sub(rows.len() + sync.len()),
        ));
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

/// The phases, with the current one marked, and the time.
fn head(now: Timestamp, state: &RunState, timeline: &Timeline) -> Row {
    const SHOWN: [Phase; 4] = [Phase::Baseline, Phase::Up, Phase::Hold, Phase::Down];
    let present = state.phase.map(|p| p.value);
    let mut row = Row::plain(" ");
    if present.is_none_or(|phase| !SHOWN.contains(&phase)) {
        let name = present.map_or("Starting", summary::phase);
        row = row.and(name.to_owned().bold()).and(style("  ".to_owned()));
    }
    for (index, phase) in SHOWN.into_iter().enumerate() {
        let arrow = if index == 0 { "" } else { " → " };
        let name = summary::phase(phase).to_owned();
        row = row.and(arrow.to_owned().dark_grey()).and(match present {
            Some(now) if now == phase => name.bold(),
            Some(now) if now > phase => name.green(),
            _ => name.dark_grey(),
        });
    }
    let time = words::clock(timeline.from, now);
    row.and(style(format!("  {time}")))
}

/// The progress of the run, and how long it may still take.
fn far(progress: Progress, columns: usize) -> Row {
    let most = progress.at_most.filter(|most| *most > progress.left);
    let most = most.map_or_else(String::new, |most| {
        format!(
            ", at most {}",
            words::about(most).trim_start_matches("about ")
        )
    });
    let text = format!(" {} left{most}", words::about(progress.left));
    let cells = columns
        .saturating_sub(NAMES + text.chars().count())
        .clamp(8, 40);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a few dozen cells"
    )]
    let filled = (progress.share() * cells as f64) as usize;
    Row::plain(format!(" {:<9}", "progress"))
        .and("█".repeat(filled.min(cells)).green())
        .and("░".repeat(cells - filled.min(cells)).dark_grey())
        .and(style(text))
}

/// The replicas over time, if there is room.
fn history(timeline: &Timeline, now: Timestamp, columns: usize, spare: usize) -> Vec<Row> {
    /// A lower chart adds nothing to the line of replicas; a higher one is only taller.
    const HEIGHT: std::ops::RangeInclusive<usize> = 5..=30;
    let height = (spare * 2 / 3).min(*HEIGHT.end());
    if height < *HEIGHT.start() {
        return Vec::new();
    }
    let mut rows = vec![Row::default()];
    rows.extend(chart::replicas(timeline, now, columns, height - 2));
    rows
}

/// The newest changes of the replicas with their reasons, oldest first, in at most this many rows.
fn steps(timeline: &Timeline, columns: usize, most: usize) -> Vec<Row> {
    let changes = timeline
        .syncs
        .iter()
        .rev()
        .skip(1)
        .filter(|s| s.current != s.desired);
    let mut rows: Vec<Row> = Vec::new();
    for sync in changes {
        let told = told(timeline, sync, columns);
        if rows.len() + told.len() + 1 > most {
            break;
        }
        rows.splice(0..0, told);
    }
    if !rows.is_empty() {
        rows.insert(0, Row::default());
    }
    rows
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
        return name.and("unknown".to_owned().dark_grey());
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

/// The steps of a series in this many cells; the last one is now.
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

/// The pods in short, if there is no room for each.
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
    let newest = timeline.syncs.last();
    newest.map_or_else(Vec::new, |sync| told(timeline, sync, columns))
}

/// A sync's sentence after its time, in at most three rows.
fn told(timeline: &Timeline, sync: &SyncRecord, columns: usize) -> Vec<Row> {
    const MOST: usize = 3;
    let time = words::clock(timeline.from, sync.at);
    let sentence = Terminal(&sync.sentence).to_string();
    let mut parts = words::wrapped(&sentence, columns.saturating_sub(NAMES + 2).max(20));
    if parts.len() > MOST {
        parts.truncate(MOST);
        parts[MOST - 1] += " …";
    }
    let names = std::iter::once(format!(" {time:<9}")).chain(std::iter::repeat(" ".repeat(NAMES)));
    parts
        .into_iter()
        .zip(names)
        .map(|(part, name)| Row::default().and(name.dark_grey()).and(style(part)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hpa_check_core::expectation::Expectation;
    use hpa_check_core::observation::{LoadSecond, Observation, Pod, Seen};
    use hpa_check_core::run::evaluator::Evaluator;
    use jiff::SignedDuration;

    use super::*;

    const FAR: Progress = Progress {
        elapsed: Duration::from_secs(90),
        left: Duration::from_secs(270),
        at_most: Some(Duration::from_secs(390)),
    };

    fn from() -> Timestamp {
        "2026-03-04T10:20:30Z".parse().unwrap()
    }

    /// A run under load with this many pods.
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
    fn the_panel_fits_every_terminal_and_shows_failed_requests() {
        for (columns, most) in [(80, 23), (120, 39), (40, 11), (40, 60), (20, 5), (200, 50)] {
            for pods in [0, 3, 13, 40] {
                let now = from() + SignedDuration::from_secs(90);
                let rows = rows(now, run(pods).timeline(), Some(FAR), (columns, most));
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
    fn the_panel_shows_how_long_the_run_may_still_take() {
        let text = |columns| {
            let rows = rows(from(), run(3).timeline(), Some(FAR), (columns, 23));
            rows.iter()
                .map(|row| row.plain_text() + "\n")
                .collect::<String>()
        };
        assert!(
            text(80).contains("about 5 min left, at most 7 min"),
            "{}",
            text(80)
        );
        assert!(
            text(80).contains("Baseline → Up → Hold → Down"),
            "{}",
            text(80)
        );
    }

    #[test]
    fn a_large_terminal_shows_the_replicas_over_time() {
        let rows = |size| rows(from(), run(10).timeline(), Some(FAR), size).len();
        assert!(rows((200, 49)) > rows((80, 23)));
    }

    #[test]
    fn a_sparkline_ends_with_the_current_value() {
        let at = |s| from() + SignedDuration::from_secs(s);
        let steps = [(0, 0), (5, 10)].map(|(s, value)| Step { at: at(s), value });
        assert_eq!(sparkline(&steps, from(), at(10), 10), "▁▁▁▁██████");
    }
}
