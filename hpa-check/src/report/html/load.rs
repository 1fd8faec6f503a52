//! The load generator's result, together with what its seconds show.

use std::fmt::Write as _;

use hpa_check_core::documents::result::RunResult;

use crate::report::escape::Xml;
use crate::report::words;

/// A list of names and values; empty without load.
pub(super) fn account(result: &RunResult) -> String {
    let seconds = &result.timeline.load;
    if result.load.is_none() && seconds.is_empty() {
        return String::new();
    }
    let mut rows: Vec<(&str, String)> = Vec::new();
    if let Some(load) = &result.load {
        rows.push(("Requests", words::count(load.requests)));
        if load.verified > 0 {
            rows.push(("Verified answers", words::count(load.verified)));
        }
        rows.push(("Failed", words::count(load.failed)));
        rows.push(("Wrong answers", words::count(load.wrong)));
    }
    let busiest = seconds.iter().map(|s| s.rps).fold(0.0, f64::max);
    if busiest > 0.0 {
        rows.push(("Peak rate", format!("{busiest:.0} requests")));
    }
    let mut slow: Vec<u64> = seconds.iter().filter_map(|s| s.p99_us).collect();
    slow.sort_unstable();
    if let (Some(median), Some(worst)) = (slow.get(slow.len() / 2), slow.last()) {
        let (median, worst) = (words::microseconds(*median), words::microseconds(*worst));
        let text = format!("{median} in the median second, {worst} in the worst");
        rows.push(("Response time, p99", text));
    }
    if let Some(load) = &result.load {
        let reasons = load.generator_reasons.join("; ");
        let text = if reasons.is_empty() {
            load.generator.to_string()
        } else {
            format!("{}: {reasons}", load.generator)
        };
        rows.push(("Generator's self-check", text));
    }
    let mut html = String::from("<dl class=\"account\">");
    for (name, value) in rows {
        // Writing to a String can't fail.
        let _ = write!(html, "<dt>{name}</dt><dd>{}</dd>", Xml(value));
    }
    html.push_str("</dl>\n");
    html
}
