//! Tables. The decisions and the events have one row each, folded by time in a long run.

use std::collections::HashMap;
use std::fmt::Write as _;

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::run::timeline::{Mark, SyncRecord, Timeline};
use jiff::Timestamp;

use crate::report::condense::thinned;
use crate::report::escape::Xml;
use crate::report::{summary, words};

/// More rows than this are folded.
const MOST_OPEN: usize = 100;
/// A page has at most this many rows of one table. The result document has all of them.
const MOST_ROWS: usize = 1_200;
/// Where the complete data is.
const IN_THE_RESULT: &str = ", and all in the JSON result (<code>-o json=FILE</code>)";
/// The possible lengths of a fold in seconds, and the most folds.
const FOLDS: [i64; 8] = [60, 300, 900, 3_600, 7_200, 21_600, 86_400, 604_800];
const MOST_FOLDS: i64 = 28;

/// Starts a table that is wider than a narrow screen; it takes the focus, so that the arrow keys scroll it.
pub(in crate::report) fn scroll(heading: &str) -> String {
    format!("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-labelledby=\"{heading}\">")
}

/// A table that can be scrolled by keyboard if it is wider than the screen; empty without rows.
pub(in crate::report) fn table(
    heading: &str,
    head: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> String {
    let mut body = String::new();
    for cells in rows {
        body.push_str("<tr>");
        for cell in cells {
            // Writing to a String can't fail.
            let _ = write!(body, "<td>{}</td>", Xml(cell));
        }
        body.push_str("</tr>\n");
    }
    if body.is_empty() {
        return body;
    }
    format!(
        "{}<table class=\"cells\"><thead><tr><th>{}</th></tr></thead><tbody>\n{body}</tbody></table></div>\n",
        scroll(heading),
        head.join("</th><th>"),
    )
}

/// A row with an instant.
pub(in crate::report) struct Row {
    /// When.
    pub(in crate::report) at: Timestamp,
    /// The cells after the time.
    pub(in crate::report) cells: String,
    /// Whether it is important: kept before all others, and visible at once while there are few of its kind.
    pub(in crate::report) telling: bool,
}

/// A table of rows with their times; `what` is their plural name.
pub(in crate::report) struct Times<'a> {
    pub(in crate::report) heading: &'a str,
    pub(in crate::report) head: &'a [&'a str],
    pub(in crate::report) what: &'a str,
    /// What an important row is.
    pub(in crate::report) telling: &'a str,
    /// Where the omitted rows are, appended to a sentence.
    pub(in crate::report) elsewhere: &'a str,
    /// The first and the last instant of the run.
    pub(in crate::report) span: (Timestamp, Timestamp),
}

impl Times<'_> {
    /// The rows in one table, or if there are many, in one folded table per stretch of time. The first
    /// stretches with important rows are open.
    pub(in crate::report) fn of(&self, rows: &[Row]) -> String {
        if rows.is_empty() {
            return String::new();
        }
        if rows.len() <= MOST_OPEN {
            return self.table(rows.iter());
        }
        let (from, until) = self.span;
        let seconds = |at: Timestamp| (at.as_second() - from.as_second()).max(0);
        let fold = FOLDS
            .into_iter()
            .find(|fold| seconds(until) / fold < MOST_FOLDS)
            .unwrap_or(i64::MAX);
        let kept = thinned(rows, MOST_ROWS, |row| row.telling);
        let (mut html, mut open_rows) = (String::new(), 0);
        for all in rows.chunk_by(|a, b| seconds(a.at) / fold == seconds(b.at) / fold) {
            let (first, last) = (all[0].at, all[all.len() - 1].at);
            let begun = seconds(first) / fold * fold;
            let low = kept.partition_point(|row| row.at < first);
            let high = kept.partition_point(|row| row.at <= last);
            let shown = &kept[low..high];
            let telling = all.iter().filter(|row| row.telling).count();
            let open = telling > 0 && open_rows < MOST_OPEN;
            open_rows += if open { shown.len() } else { 0 };
            let name = format!(
                "{} to {}",
                words::clock_seconds(begun),
                words::clock_seconds(begun.saturating_add(fold).min(seconds(until)))
            );
            let told = match telling {
                0 => String::new(),
                _ => format!(", {telling} {}", self.telling),
            };
            let left_out = match all.len().saturating_sub(shown.len()) {
                0 => String::new(),
                _ => format!(", {} of them here", shown.len()),
            };
            // Writing to a String can't fail.
            let _ = writeln!(
                html,
                "<details class=\"rows\" data-name=\"{} {name}\"{}><summary>{name}: {} {}{told}{left_out}</summary>{}</details>",
                self.what,
                if open { " open" } else { "" },
                all.len(),
                self.what,
                self.table(shown.iter().copied()),
            );
        }
        if kept.len() < rows.len() {
            let _ = writeln!(
                html,
                "<p class=\"note\">{} of {} are here{}.</p>",
                kept.len(),
                rows.len(),
                self.elsewhere
            );
        }
        html
    }

    fn table<'r>(&self, rows: impl Iterator<Item = &'r Row>) -> String {
        let mut html = format!(
            "{}<table class=\"times\"><thead><tr><th>{}</th></tr></thead><tbody>\n",
            scroll(self.heading),
            self.head.join("</th><th>")
        );
        for row in rows {
            let time = words::clock(self.span.0, row.at);
            // Writing to a String can't fail.
            let _ = writeln!(html, "<tr><td>{time}</td>{}</tr>", row.cells);
        }
        html.push_str("</tbody></table></div>\n");
        html
    }
}

/// The decisions that changed something or are not explained.
pub(super) fn decisions(result: &RunResult) -> String {
    let all = &result.timeline.syncs;
    if all.is_empty() {
        return String::new();
    }
    let rows: Vec<Row> = summary::decisions(all).map(decision).collect();
    let (observed, explained) = (result.syncs.observed, result.syncs.explained);
    let note = format!(
        "<p class=\"note\">{observed} syncs were seen, and the model follows {explained} of them. Shown are those that \
         changed the replicas and those that are not explained.</p>\n"
    );
    let table = Times {
        heading: "decisions",
        head: &["Time", "Replicas", "Because", "Model"],
        what: "decisions",
        telling: "not explained",
        elsewhere: IN_THE_RESULT,
        span: (result.timeline.from, result.timeline.until),
    };
    note + &table.of(&rows)
}

fn decision(sync: &SyncRecord) -> Row {
    let (class, agrees) = match (sync.explained, sync.model) {
        (true, _) => ("yes", "agrees".to_owned()),
        (false, Some(model)) => ("no", format!("says {model}")),
        (false, None) => ("no", "can't tell".to_owned()),
    };
    Row {
        at: sync.at,
        cells: format!(
            "<td>{} → {}</td><td>{}</td><td class=\"{class}\">{agrees}</td>",
            sync.current,
            sync.desired,
            Xml(&sync.sentence),
        ),
        telling: !sync.explained,
    }
}

/// The same event, each time it was seen.
struct Repeated<'a> {
    first: &'a Mark,
    last: Timestamp,
    times: usize,
}

/// Each different event at its first time: Kubernetes repeats some every few seconds.
fn repeated(marks: &[Mark]) -> Vec<Repeated<'_>> {
    let (mut all, mut known) = (Vec::<Repeated<'_>>::new(), HashMap::new());
    for mark in marks {
        let index = *known.entry((&mark.kind, &mark.text)).or_insert(all.len());
        if let Some(before) = all.get_mut(index) {
            before.last = mark.at;
            before.times += 1;
        } else {
            all.push(Repeated {
                first: mark,
                last: mark.at,
                times: 1,
            });
        }
    }
    all
}

/// The cluster's own events.
pub(super) fn events(timeline: &Timeline) -> String {
    let row = |event: &Repeated<'_>| {
        let mark = event.first;
        let normal = mark.kind == "Normal";
        let again = if event.times > 1 {
            let last = words::clock(timeline.from, event.last);
            format!(" ({} times until {last})", event.times)
        } else {
            String::new()
        };
        Row {
            at: mark.at,
            cells: format!(
                "<td class=\"{}\">{}</td><td>{}{again}</td>",
                if normal { "" } else { "no" },
                Xml(&mark.kind),
                Xml(&mark.text),
            ),
            telling: !normal,
        }
    };
    let rows: Vec<Row> = repeated(&timeline.marks).iter().map(row).collect();
    let table = Times {
        heading: "events",
        head: &["Time", "Kind", "What"],
        what: "events",
        telling: "warnings",
        elsewhere: IN_THE_RESULT,
        span: (timeline.from, timeline.until),
    };
    table.of(&rows)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::super::fixture;
    use super::*;

    #[test]
    fn a_repeated_event_is_one_row_with_its_number_and_its_last_time() {
        let mut timeline = fixture::passed().timeline;
        let seen = |second: i64, text: &str| Mark {
            at: timeline.from + SignedDuration::from_secs(second),
            kind: "Warning".to_owned(),
            text: text.to_owned(),
        };
        let marks = vec![
            seen(1, "Pod/a: Unhealthy"),
            seen(2, "Pod/b: Unhealthy"),
            seen(9, "Pod/a: Unhealthy"),
            seen(70, "Pod/a: Unhealthy"),
        ];
        timeline.marks = marks;
        let html = events(&timeline);
        assert_eq!(html.matches("<tr><td>").count(), 2, "{html}");
        assert!(html.contains("<tr><td>0:01</td>"), "{html}");
        assert!(
            html.contains("Pod/a: Unhealthy (3 times until 1:10)</td>"),
            "{html}"
        );
        assert!(html.contains("Pod/b: Unhealthy</td>"), "{html}");
    }

    /// A run with this many decisions, one every 15 s.
    fn deciding(count: i64) -> RunResult {
        let mut run = fixture::passed();
        let timeline = &mut run.timeline;
        let (from, sync) = (timeline.from, timeline.syncs[7].clone());
        timeline.syncs = (0..count)
            .map(|n| SyncRecord {
                at: from + SignedDuration::from_secs(n * 15),
                current: 3,
                desired: 7,
                ..sync.clone()
            })
            .collect();
        timeline.until = from + SignedDuration::from_secs(count * 15);
        run
    }

    #[test]
    fn a_few_decisions_are_one_table_and_many_are_folded_by_time() {
        let few = decisions(&deciding(90));
        assert!(!few.contains("<details") && few.matches("<tr>").count() == 91);
        let many = decisions(&deciding(960));
        assert_eq!(many.matches("<details").count(), 16, "four hours");
        assert!(many.contains("<summary>1:00:00 to 1:15:00: 60 decisions</summary>"));
        assert_eq!(many.matches("3 → 7").count(), 960, "all are there");
        assert!(!many.contains("JSON"));
    }

    #[test]
    fn most_rows_stay_folded_if_every_row_is_important() {
        let mut run = deciding(2_400);
        for sync in &mut run.timeline.syncs {
            sync.explained = false;
        }
        let html = decisions(&run);
        assert_eq!(html.matches("<details").count(), 10);
        assert_eq!(html.matches("\" open>").count(), 1);
    }

    #[test]
    fn an_unexplained_decision_is_open_and_kept_however_many_others_there_are() {
        let mut run = deciding(5_760);
        let odd = &mut run.timeline.syncs[3_001];
        odd.explained = false;
        odd.sentence = "nobody knows why".to_owned();
        let html = decisions(&run);
        assert!(html.contains("nobody knows why"));
        assert_eq!(html.matches("\" open>").count(), 1);
        assert!(html.contains("240 decisions, 1 not explained, 51 of them here"));
        assert_eq!(html.matches("3 → 7").count(), MOST_ROWS);
        assert!(html.contains("1200 of 5760 are here, and all in the JSON result"));
        assert!(html.contains("0:00 to 1:00:00: 240 decisions, 50 of them here"));
    }
}
