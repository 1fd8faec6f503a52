//! One self-contained page: the verdict, the timeline to point at, the decisions, the findings. It
//! loads nothing and runs offline.

use std::fmt::Write as _;

use hpa_check_core::result::RunResult;
use hpa_check_core::verdict::{Outcome, Reason};

use super::escape::{Xml, script_json};
use super::{chart, summary, words};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// The page.
pub(crate) fn page(result: &RunResult) -> String {
    let outcome = result.verdict.outcome;
    let subject = summary::subject(result);
    let source = result.setting.as_ref().map_or("run", |s| s.source.as_str());
    let data = serde_json::to_string(&result.timeline).unwrap_or_else(|_| "null".to_owned());
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n\
         <title>{badge}: {subject}</title>\n<style>{chart_style}\n{STYLE}</style>\n</head>\n<body>\n\
         <header class=\"{class}\">\n<p class=\"badge\">{badge}</p>\n<h1>{subject}</h1>\n<p class=\"cause\">{cause}</p>\n\
         <p class=\"when\">{source}, {when}, {length}</p>\n</header>\n<main>\n\
         <dl class=\"facts\">{facts}</dl>\n\
         <section aria-labelledby=\"timeline\">\n<h2 id=\"timeline\">Timeline</h2>\n\
         <div class=\"chart\" tabindex=\"0\" aria-describedby=\"how\">{svg}<div class=\"cross\" hidden></div></div>\n\
         <div class=\"readout\" aria-live=\"polite\"><p id=\"how\">Point at the timeline, or use the arrow keys, to see every value at an instant.</p></div>\n</section>\n\
         <section aria-labelledby=\"why\">\n<h2 id=\"why\">Findings</h2>\n{findings}</section>\n\
         <section aria-labelledby=\"decisions\">\n<h2 id=\"decisions\">Decisions</h2>\n{decisions}</section>\n</main>\n\
         <footer>hpa-check {version}, {schema}</footer>\n\
         <script type=\"application/json\" id=\"data\">{data}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        badge = summary::badge(outcome),
        class = class(outcome),
        subject = Xml(&subject),
        cause = Xml(summary::cause(result)),
        source = Xml(source),
        when = words::date_and_time(result.timeline.from),
        length = words::clock(result.timeline.from, result.timeline.until),
        facts = facts(result),
        chart_style = chart::style(),
        svg = chart::inline(result),
        findings = findings(&result.verdict.reasons),
        decisions = decisions(result),
        version = Xml(&result.version),
        schema = Xml(&result.schema),
        data = script_json(&data),
    )
}

fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Wrong => "wrong",
        Outcome::Surroundings => "surroundings",
        Outcome::Inconclusive => "inconclusive",
    }
}

fn facts(result: &RunResult) -> String {
    summary::facts(result)
        .into_iter()
        .fold(String::new(), |mut html, (name, value)| {
            // Writing to a String can't fail.
            let _ = write!(html, "<div><dt>{name}</dt><dd>{}</dd></div>", Xml(value));
            html
        })
}

fn findings(reasons: &[Reason]) -> String {
    reasons.iter().fold(String::new(), |mut html, reason| {
        let _ = write!(
            html,
            "<article class=\"{}\"><h3><code>{}</code></h3><p>{}</p>",
            class(reason.outcome),
            Xml(&reason.id),
            Xml(&reason.message)
        );
        if !reason.evidence.is_empty() {
            html.push_str("<ul>");
            for evidence in &reason.evidence {
                let _ = write!(html, "<li>{}</li>", Xml(evidence));
            }
            html.push_str("</ul>");
        }
        if let Some(fix) = &reason.fix {
            let _ = write!(
                html,
                "<p class=\"fix\"><strong>Do:</strong> {}</p>",
                Xml(fix)
            );
        }
        html.push_str("</article>\n");
        html
    })
}

fn decisions(result: &RunResult) -> String {
    let mut html = String::from(
        "<div class=\"scroll\"><table><thead><tr><th>Time</th><th>Replicas</th><th>Because</th><th>Model</th></tr></thead><tbody>\n",
    );
    for sync in summary::decisions(&result.timeline.syncs) {
        let agrees = match (sync.explained, sync.model) {
            (true, _) => "agrees".to_owned(),
            (false, Some(model)) => format!("says {model}"),
            (false, None) => "can't tell".to_owned(),
        };
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td>{} → {}</td><td>{}</td><td class=\"{}\">{agrees}</td></tr>",
            words::clock(result.timeline.from, sync.at),
            sync.current,
            sync.desired,
            Xml(&sync.sentence),
            if sync.explained { "yes" } else { "no" },
        );
    }
    html.push_str("</tbody></table></div>\n");
    html
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn the_page_loads_nothing_from_anywhere() {
        let page = page(&fixture::passed());
        let outside = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!outside.contains("http://") && !outside.contains("https://"));
        assert!(!outside.contains("src=") && !outside.contains("@import"));
    }

    #[test]
    fn text_from_the_world_stays_text() {
        let page = page(&fixture::hostile());
        assert_eq!(page.matches("<script").count(), 2, "the page's own two");
        assert_eq!(page.matches("</script>").count(), 2);
    }

    #[test]
    fn every_finding_and_decision_is_on_it() {
        let run = fixture::passed();
        let page = page(&run);
        for reason in &run.verdict.reasons {
            assert!(page.contains(&reason.id), "{}", reason.id);
        }
        assert!(page.contains("3 → 7") && page.contains("7 → 10") && page.contains("10 → 3"));
    }
}
