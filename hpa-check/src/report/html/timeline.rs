//! The timeline's picture, and what its script needs to zoom and to show values.

use std::fmt::Write as _;

use drawing::layout::Format;
use hpa_check_core::documents::result::RunResult;

use super::data;
use crate::report::chart::{self, Picture};

/// A run that ended before its first sync has nothing for a picture.
pub(super) fn is_shown(result: &RunResult) -> bool {
    !(result.timeline.syncs.is_empty() && result.timeline.load.is_empty())
}

/// The picture in two formats; the style shows the one that fits. Its script shows the values at an instant.
pub(super) fn of(result: &RunResult, badge: &str) -> String {
    if !is_shown(result) {
        return String::new();
    }
    chart(&Picture::of(result, badge))
}

/// The picture in both formats, with the data for its script.
pub(in crate::report) fn chart(picture: &Picture<'_>) -> String {
    let timeline = picture.timeline;
    let length = timeline.until.as_millisecond() - timeline.from.as_millisecond();
    let drawn = |format| chart::inside(picture, format);
    let pictures = format!("{}{}", drawn(Format::Wide), drawn(Format::Narrow));
    framed(&pictures, length.max(0) / 1000) + &joined(picture)
}

/// A note on what a long run's picture and readout combine, and where all data is; empty for a run that is
/// shown completely.
fn joined(picture: &Picture<'_>) -> String {
    let timeline = picture.timeline;
    let column = chart::seconds_in_a_column(timeline);
    let seconds = data::joined_seconds(timeline);
    if column < 5.0 && seconds == 1 {
        return String::new();
    }
    let mut note = format!(
        "Of every {column:.0} s the picture shows the first, lowest, highest and last value, even when zoomed in."
    );
    if seconds > 1 {
        // Writing to a String can't fail.
        let _ = write!(
            note,
            " The values beside the pointer join {seconds} seconds of load: the mean, the lowest and the highest rate, and the worst p99."
        );
    }
    if data::leaves_out_syncs(timeline) {
        note += " Between the syncs that changed something they name some of the others.";
    }
    // The document of a simulation has no timeline.
    if picture.work.is_none() {
        note += " All values are in the JSON result (<code>-o json=FILE</code>).";
    }
    format!("<p class=\"note\">{note}</p>\n")
}

/// Pictures of this many seconds, with the readout that the script fills and the zoom buttons.
pub(in crate::report) fn framed(pictures: &str, seconds: i64) -> String {
    format!(
        "<div class=\"stage\">\n<div class=\"chart\" tabindex=\"0\" role=\"slider\" aria-label=\"Instant of the timeline, in seconds\" \
         aria-valuemin=\"0\" aria-valuemax=\"{seconds}\" aria-valuenow=\"0\" aria-describedby=\"how\">{pictures}\
         <div class=\"cross\" hidden></div><div class=\"zone\" hidden></div></div>\n\
         <div class=\"readout\" hidden></div>\n</div>\n\
         <p class=\"zoom\"><button type=\"button\" value=\"in\">Zoom in</button> <button type=\"button\" value=\"out\">Zoom out</button> \
         <button type=\"button\" value=\"all\">All</button> <output></output>\
         <span id=\"how\">Point at the timeline, or use the arrow keys, to read the values. Drag, or press + and −, to zoom; 0 shows all.</span></p>\n"
    )
}
