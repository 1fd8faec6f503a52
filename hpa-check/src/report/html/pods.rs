//! How the work was spread: what each pod used under load. An average hides one hot pod among idle ones.

use std::fmt::Write as _;

use hpa_check_core::observation::Phase;
use hpa_check_core::run::timeline::{PodSeries, Timeline};
use jiff::Timestamp;

use crate::report::escape::Xml;
use crate::report::words;

use super::tables;

/// Of more than twice this many pods, only this many of the busiest and of the idlest have a row.
const MOST_OF_A_KIND: usize = 50;

/// A pod's use under load, in millicores.
struct Use<'a> {
    pod: &'a PodSeries,
    mean: i64,
    least: i64,
    most: i64,
}

/// One row per pod; empty if no pod was measured under load.
pub(super) fn spread(timeline: &Timeline) -> String {
    let Some((from, until)) = loaded(timeline) else {
        return String::new();
    };
    let uses: Vec<Use<'_>> = timeline
        .pods
        .iter()
        .filter_map(|pod| used(pod, from, until))
        .collect();
    let Some(widest) = uses.iter().map(|u| u.most).max() else {
        return String::new();
    };
    let measured = uses.len();
    let uses = extremes(uses);
    let mut html = String::new();
    if uses.len() < measured {
        // Writing to a String can't fail.
        let _ = writeln!(
            html,
            "<p class=\"note\">{measured} pods were measured under load. Here are the {MOST_OF_A_KIND} busiest and the \
             {MOST_OF_A_KIND} idlest; all are in the JSON result (<code>-o json=FILE</code>).</p>"
        );
    }
    html.push_str(&tables::scroll("pods"));
    html.push_str(
        "<table class=\"spread\"><thead><tr><th>Pod</th><th>Ready</th><th>Mean use</th><th>Of its request</th><th>From least to most, with the mean</th></tr></thead><tbody>\n",
    );
    for one in &uses {
        let place = |value: i64| value * 100 / widest.max(1);
        let ready = one
            .pod
            .ready_at
            .map_or_else(|| "never".to_owned(), |at| words::clock(timeline.from, at));
        let request = one.pod.request_milli.filter(|r| *r > 0);
        let share = request.map_or_else(
            || "no request".to_owned(),
            |r| format!("{} %", one.mean * 100 / r),
        );
        let (left, mean) = (place(one.least), place(one.mean));
        let width = (place(one.most) - left).max(1);
        // Writing to a String can't fail.
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td>{ready}</td><td>{}m</td><td>{share}</td><td class=\"range\">\
             <div title=\"{}m to {}m\"><span class=\"bar\" style=\"left:{left}%;width:{width}%\"></span>\
             <span class=\"mean\" style=\"left:{mean}%\"></span></div></td></tr>",
            Xml(&one.pod.pod),
            one.mean,
            one.least,
            one.most,
        );
    }
    html.push_str("</tbody></table></div>\n");
    html
}

/// The busiest and the idlest pods if there are too many for a table, in the order of the run.
fn extremes(uses: Vec<Use<'_>>) -> Vec<Use<'_>> {
    if uses.len() <= 2 * MOST_OF_A_KIND {
        return uses;
    }
    let mut means: Vec<i64> = uses.iter().map(|u| u.mean).collect();
    means.sort_unstable();
    let (idle, busy) = (
        means[MOST_OF_A_KIND - 1],
        means[means.len() - MOST_OF_A_KIND],
    );
    let (mut idlest, mut busiest) = (MOST_OF_A_KIND, MOST_OF_A_KIND);
    let mut take = |one: &Use<'_>| {
        let room = if one.mean >= busy && busiest > 0 {
            &mut busiest
        } else if one.mean <= idle {
            &mut idlest
        } else {
            return false;
        };
        let kept = *room > 0;
        *room = room.saturating_sub(1);
        kept
    };
    uses.into_iter().filter(|one| take(one)).collect()
}

/// From the load's rise to its fall.
fn loaded(timeline: &Timeline) -> Option<(Timestamp, Timestamp)> {
    let mut loaded = timeline
        .phases
        .iter()
        .filter(|span| matches!(span.phase, Phase::Up | Phase::Hold));
    let first = loaded.next()?;
    Some((first.from, loaded.next_back().unwrap_or(first).until))
}

fn used(pod: &PodSeries, from: Timestamp, until: Timestamp) -> Option<Use<'_>> {
    let samples = pod.cpu_milli.iter();
    let values: Vec<i64> = samples
        .filter(|s| from < s.at && s.at <= until)
        .map(|s| s.value)
        .collect();
    let (least, most) = (*values.iter().min()?, *values.iter().max()?);
    let count = i64::try_from(values.len()).ok()?;
    Some(Use {
        pod,
        mean: values.iter().sum::<i64>() / count,
        least,
        most,
    })
}
