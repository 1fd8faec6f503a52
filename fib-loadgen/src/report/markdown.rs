//! The result as Markdown, for a pull request or the summary of a CI job.

use std::fmt::Write as _;

use drawing::escape::Markdown;

use super::{facts, ms, thousands};
use crate::result::{Document, Timing};

/// A heading, the rules, the latencies, the phases, the failures and the pods.
pub(super) fn markdown(document: &Document) -> String {
    let mut text = String::new();
    // Writing to a String can't fail.
    let _ = write(&mut text, document);
    text
}

fn write(out: &mut String, document: &Document) -> std::fmt::Result {
    let totals = &document.totals;
    writeln!(out, "## fib-loadgen: {}\n", facts::badge(document))?;
    writeln!(out, "{}  ", Markdown(facts::subject(document)))?;
    writeln!(out, "{}\n", Markdown(facts::cause(document)))?;
    writeln!(
        out,
        "{} requests in {}, {:.1} correct answers/s, {} failed, {} wrong{}. Generator: {}.\n",
        thousands(totals.sent),
        facts::length(document),
        totals.rps,
        thousands(totals.failed),
        thousands(totals.wrong),
        facts::lost(totals),
        document.generator.verdict.word(),
    )?;
    if !document.thresholds.is_empty() {
        writeln!(out, "| Rule | Observed | |\n|---|---|---|")?;
        for rule in &document.thresholds {
            let word = if rule.passed { "met" } else { "**not met**" };
            writeln!(
                out,
                "| {} | {} | {word} |",
                Markdown(&rule.rule),
                Markdown(&rule.observed)
            )?;
        }
        writeln!(out)?;
    }
    writeln!(
        out,
        "| Time in ms | p50 | p90 | p99 | p99.9 | max |\n|---|--:|--:|--:|--:|--:|"
    )?;
    let latency = &document.latency;
    timing(out, "response", &latency.response)?;
    timing(out, "service", &latency.service)?;
    timing(out, "first byte", &latency.ttfb)?;
    timing(out, "send lag", &latency.send_lag)?;
    phases(out, document)?;
    if !document.errors.is_empty() {
        writeln!(out, "\n| Failure | Count | Example |\n|---|--:|---|")?;
        for error in &document.errors {
            writeln!(
                out,
                "| {} | {} | {} |",
                Markdown(&error.class),
                thousands(error.count),
                Markdown(error.example.as_deref().unwrap_or("")),
            )?;
        }
    }
    if let Some(pods) = facts::pods(document) {
        writeln!(
            out,
            "\nPods: {pods}; fairness {:.3}.",
            document.fairness_jain.unwrap_or(1.0)
        )?;
    }
    for reason in &document.generator.reasons {
        writeln!(out, "\nThe generator: {}.", Markdown(reason))?;
    }
    Ok(())
}

fn timing(out: &mut String, name: &str, timing: &Timing) -> std::fmt::Result {
    let [p50, p90, p99, p999, max] =
        [timing.p50, timing.p90, timing.p99, timing.p999, timing.max].map(ms);
    writeln!(out, "| {name} | {p50} | {p90} | {p99} | {p999} | {max} |")
}

fn phases(out: &mut String, document: &Document) -> std::fmt::Result {
    if document.phases.len() < 2 {
        return Ok(());
    }
    writeln!(
        out,
        "\n| Phase | From | To | Rate/s | p99 in ms | Failed |\n|---|--:|--:|--:|--:|--:|"
    )?;
    for phase in &document.phases {
        writeln!(
            out,
            "| {} | {:.0} s | {:.0} s | {:.1} | {} | {} |",
            Markdown(&phase.name),
            phase.start_s,
            phase.end_s,
            phase.totals.rps,
            ms(phase.latency.response.p99),
            thousands(phase.totals.failed),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_rules_are_in_a_table_with_what_was_observed() {
        let text = markdown(&fixture::failed());
        assert!(
            text.contains("| p99&lt;250ms | 812.0 ms | **not met** |"),
            "{text}"
        );
        assert!(text.starts_with("## fib-loadgen: FAIL\n"), "{text}");
    }

    #[test]
    fn text_from_outside_breaks_no_table() {
        let text = markdown(&fixture::failed());
        assert!(
            text.contains("\\<b\\>") || text.contains("&lt;b&gt;"),
            "{text}"
        );
    }
}
