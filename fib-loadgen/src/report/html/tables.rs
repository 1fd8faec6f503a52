//! The tables of the page: phases, pods, failures, sizes of n, the generator, the settings.

use std::fmt::Write as _;

use drawing::escape::Xml;

use crate::report::{clock, facts, levels, ms, thousands};
use crate::result::Document;

/// A table that scrolls sideways if the screen is too narrow.
fn table(class: &str, heads: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut html =
        format!("<div class=\"scroll\" tabindex=\"0\"><table class=\"{class}\"><thead><tr>");
    // Writing to a String can't fail.
    for head in heads {
        let _ = write!(html, "<th>{head}</th>");
    }
    html += "</tr></thead><tbody>\n";
    for row in rows {
        html += "<tr>";
        for (at, cell) in row.iter().enumerate() {
            let _ = if at == 0 {
                write!(html, "<th scope=\"row\">{}</th>", Xml(cell))
            } else {
                write!(html, "<td>{}</td>", Xml(cell))
            };
        }
        html += "</tr>\n";
    }
    html + "</tbody></table></div>\n"
}

/// A list of names and values.
fn account(rows: &[(&str, String)]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut html = String::from("<dl class=\"account\">");
    for (name, value) in rows {
        let _ = write!(html, "<dt>{name}</dt><dd>{}</dd>", Xml(value));
    }
    html + "</dl>\n"
}

pub(super) fn phases(document: &Document) -> String {
    let level = if document.plan.model == "open" {
        "Due/s"
    } else {
        "Users"
    };
    let rows: Vec<Vec<String>> = document
        .phases
        .iter()
        .map(|phase| {
            let latency = &phase.latency.response;
            vec![
                if phase.judged {
                    phase.name.clone()
                } else {
                    format!("{} (not judged)", phase.name)
                },
                at(phase.start_s),
                at(phase.end_s),
                levels(phase.users, " → "),
                format!("{:.1}", phase.totals.rps),
                ms(latency.p50),
                ms(latency.p99),
                ms(latency.max),
                thousands(phase.totals.failed),
            ]
        })
        .collect();
    let heads = [
        "Phase", "From", "To", level, "Right/s", "p50, ms", "p99, ms", "Max, ms", "Failed",
    ];
    table("numbers", &heads, &rows)
}

#[expect(clippy::cast_precision_loss, reason = "counts as percentages")]
pub(super) fn pods(document: &Document) -> String {
    let all: u64 = document.pods.iter().map(|pod| pod.requests).sum();
    let rows: Vec<Vec<String>> = document
        .pods
        .iter()
        .map(|pod| {
            vec![
                pod.name.clone(),
                at(pod.first_s),
                pod.after_rise_s
                    .map_or_else(|| "-".to_owned(), |s| format!("{s:.1} s")),
                at(pod.last_s),
                thousands(pod.requests),
                format!("{:.1} %", pod.requests as f64 * 100.0 / all.max(1) as f64),
                thousands(pod.requests - pod.ok.min(pod.requests)),
                ms(pod.p50),
                ms(pod.p99),
            ]
        })
        .collect();
    let Some(seen) = facts::pods(document) else {
        return String::new();
    };
    let fairness = document.fairness_jain.map_or_else(String::new, |jain| {
        format!("; fairness over the run {jain:.3}")
    });
    let heads = [
        "Pod",
        "First answer",
        "After the rise",
        "Last answer",
        "Answers",
        "Share",
        "Failed",
        "p50, ms",
        "p99, ms",
    ];
    format!("<p class=\"note\">{}{fairness}.</p>\n", Xml(seen)) + &table("numbers", &heads, &rows)
}

/// Share and 99th percentile of each pod in each minute.
pub(super) fn minutes(document: &Document) -> String {
    let mut starts: Vec<f64> = document
        .pods
        .iter()
        .flat_map(|pod| &pod.minutes)
        .map(|minute| minute.start_s)
        .collect();
    starts.sort_by(f64::total_cmp);
    starts.dedup();
    if starts.len() < 2 {
        return String::new();
    }
    let heads: Vec<String> = starts.iter().map(|start| at(*start)).collect();
    let heads: Vec<&str> = std::iter::once("Pod")
        .chain(heads.iter().map(String::as_str))
        .collect();
    let rows: Vec<Vec<String>> = document
        .pods
        .iter()
        .map(|pod| {
            let cell = |start: &f64| {
                let minute = pod
                    .minutes
                    .iter()
                    .find(|minute| (minute.start_s - start).abs() < 1e-6);
                minute.map_or_else(String::new, |minute| {
                    format!("{:.1} %, {}", minute.share * 100.0, ms(minute.p99))
                })
            };
            std::iter::once(pod.name.clone())
                .chain(starts.iter().map(cell))
                .collect()
        })
        .collect();
    "<p class=\"note\">Share of all answers, and p99 in ms.</p>\n".to_owned()
        + &table("numbers", &heads, &rows)
}

pub(super) fn failures(document: &Document) -> String {
    let rows: Vec<Vec<String>> = document
        .errors
        .iter()
        .map(|error| {
            vec![
                error.class.to_string(),
                thousands(error.count),
                at(error.first_s),
                at(error.last_s),
                error.example.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let statuses: Vec<String> = document
        .statuses
        .iter()
        .map(|(status, count)| format!("{status}: {}", thousands(*count)))
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let answers = if statuses.is_empty() {
        String::new()
    } else {
        format!(
            "<p class=\"note\">Answers by status: {}.</p>\n",
            Xml(statuses.join(", "))
        )
    };
    answers
        + &table(
            "texts",
            &["Class", "Count", "First", "Last", "Example"],
            &rows,
        )
}

pub(super) fn by_n(document: &Document) -> String {
    let rows: Vec<Vec<String>> = document
        .by_n
        .iter()
        .map(|class| {
            let response = &class.latency.response;
            vec![
                class.n_class.clone(),
                thousands(class.totals.sent),
                thousands(class.totals.failed),
                ms(response.p50),
                ms(response.p99),
                ms(response.max),
            ]
        })
        .collect();
    table(
        "numbers",
        &["n", "Requests", "Failed", "p50, ms", "p99, ms", "Max, ms"],
        &rows,
    )
}

pub(super) fn generator(document: &Document) -> String {
    let generator = &document.generator;
    let connections = &document.connections;
    let mut rows = vec![("Verdict", generator.verdict.word().to_owned())];
    if !generator.reasons.is_empty() {
        rows.push(("Because", generator.reasons.join("; ")));
    }
    rows.push((
        "CPU",
        format!(
            "{:.2} of {:.2} cores",
            generator.cpu_used, generator.cpu_allowed
        ),
    ));
    if let Some(us) = generator.cpu_us_per_request {
        rows.push(("CPU per request", format!("{us:.0} µs")));
    }
    rows.push(("Throttled periods", thousands(generator.throttled_periods)));
    if let Some(us) = generator.timer_lag_p99_us {
        rows.push((
            "Lateness of a 10 ms timer, p99",
            format!("{} ms", ms(Some(us))),
        ));
    }
    rows.push((
        "Requests that found no free user in time",
        thousands(generator.queued),
    ));
    #[expect(clippy::cast_precision_loss, reason = "bytes as megabytes")]
    let megabytes = generator.rss_peak as f64 / 1e6;
    rows.push((
        "Most memory",
        format!(
            "{megabytes:.1} MB, {} bytes a user",
            thousands(generator.bytes_per_user)
        ),
    ));
    rows.push((
        "Connections",
        format!(
            "{} opened, {} recycled, {} closed by the server",
            thousands(connections.opened),
            thousands(connections.recycled_count + connections.recycled_age),
            thousands(connections.closed_by_peer),
        ),
    ));
    account(&rows)
}

pub(super) fn settings(document: &Document) -> String {
    account(&facts::settings(document))
}

fn at(seconds: f64) -> String {
    clock(std::time::Duration::from_secs_f64(seconds.max(0.0)))
}
