//! The summary at the end.

use std::fmt::Write;
use std::time::Duration;

use super::{clock, facts, levels, ms, thousands};
use crate::result::{Document, Timing};

/// The whole summary, one newline at its end.
pub fn summary(document: &Document) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, document);
    text
}

fn write(out: &mut String, document: &Document) -> std::fmt::Result {
    head(out, document)?;
    latency(out, document)?;
    if document.phases.len() > 1 {
        phases(out, document)?;
    }
    tail(out, document)?;
    for rule in &document.thresholds {
        let word = if rule.passed { "PASS" } else { "FAIL" };
        let ended = if rule.aborted {
            "   (ended the run)"
        } else {
            ""
        };
        writeln!(out, "  {word}  {:<28} {}{ended}", rule.rule, rule.observed)?;
    }
    Ok(())
}

fn head(out: &mut String, document: &Document) -> std::fmt::Result {
    let totals = &document.totals;
    let outcome = if document.exit.code == 0 {
        facts::badge(document).to_owned()
    } else {
        format!(
            "FAIL ({}, exit {})",
            document.exit.reasons.join(", "),
            document.exit.code
        )
    };
    writeln!(
        out,
        "fib-loadgen  {outcome}  {} users, {}, seed {}, {} requests\n",
        document.plan.users,
        clock(Duration::from_secs_f64(totals.elapsed_s)),
        document.run.seed,
        thousands(totals.sent),
    )?;
    let proved = if totals.verified == totals.ok {
        format!("all {}", thousands(totals.ok))
    } else {
        format!("{} of {}", thousands(totals.verified), thousands(totals.ok))
    };
    writeln!(
        out,
        "  sent {}   ok {}   failed {}   wrong {}   ({proved} verified)",
        thousands(totals.sent),
        thousands(totals.ok),
        thousands(totals.failed),
        thousands(totals.wrong),
    )?;
    let lost = facts::lost(totals);
    if !lost.is_empty() {
        let due = thousands(totals.sent + totals.unsent);
        writeln!(out, "  due {due}{lost}")?;
    }
    let offered = totals.offered_rps.map_or_else(String::new, |due| {
        format!(
            " of {due:.1} due ({:.1} %)",
            totals.achieved_ratio.unwrap_or(1.0) * 100.0
        )
    });
    let connections = &document.connections;
    #[expect(clippy::cast_precision_loss, reason = "bytes shown as megabytes")]
    let megabytes = totals.bytes as f64 / 1e6;
    let refused = match connections.refused_retried {
        0 => String::new(),
        count => format!("   refused and retried {}", thousands(count)),
    };
    writeln!(
        out,
        "  rate {:.1}/s{offered}   transfer {megabytes:.1} MB   connections {}   recycled {}{refused}\n",
        totals.rps,
        thousands(connections.opened),
        thousands(connections.recycled_count + connections.recycled_age),
    )
}

fn latency(out: &mut String, document: &Document) -> std::fmt::Result {
    writeln!(
        out,
        "  {:<12}{:>9}{:>9}{:>9}{:>9}{:>9}",
        "time in ms", "p50", "p90", "p99", "p99.9", "max"
    )?;
    let mut row = |name: &str, timing: &Timing, what: &str| {
        let [p50, p90, p99, p999, max] =
            [timing.p50, timing.p90, timing.p99, timing.p999, timing.max].map(ms);
        writeln!(
            out,
            "  {name:<12}{p50:>9}{p90:>9}{p99:>9}{p999:>9}{max:>9}   {what}"
        )
    };
    let latency = &document.latency;
    row("response", &latency.response, "since it was due")?;
    row("service", &latency.service, "since it was sent")?;
    row("first byte", &latency.ttfb, "")?;
    row("send lag", &latency.send_lag, "from due to sent")?;
    writeln!(out)
}

fn phases(out: &mut String, document: &Document) -> std::fmt::Result {
    writeln!(
        out,
        "  {:<14}{:>7}{:>14}{:>10}{:>9}{:>9}",
        "phase",
        "time",
        if document.plan.model == "open" {
            "due/s"
        } else {
            "users"
        },
        "rate/s",
        "p99",
        "failed"
    )?;
    for phase in &document.phases {
        let level = levels(phase.users, ">");
        writeln!(
            out,
            "  {:<14}{:>7}{level:>14}{:>10.1}{:>9}{:>9}",
            phase.name,
            clock(Duration::from_secs_f64(phase.totals.elapsed_s)),
            phase.totals.rps,
            ms(phase.latency.response.p99),
            phase.totals.failed,
        )?;
    }
    writeln!(out)
}

#[expect(clippy::cast_precision_loss, reason = "counts as percentages")]
fn tail(out: &mut String, document: &Document) -> std::fmt::Result {
    if !document.errors.is_empty() {
        let classes: Vec<String> = document
            .errors
            .iter()
            .map(|error| format!("{} {}", error.class, thousands(error.count)))
            .collect();
        writeln!(out, "  failures   {}", classes.join("   "))?;
        if let Some(example) = document.errors[0].example.as_deref() {
            writeln!(out, "             such as: {}", example.escape_debug())?;
        }
    }
    if let (Some(busiest), Some(idlest)) = (document.pods.first(), document.pods.last()) {
        let all: u64 = document.pods.iter().map(|pod| pod.requests).sum();
        let share = |requests: u64| requests as f64 * 100.0 / all.max(1) as f64;
        writeln!(
            out,
            "  pods       {} seen   busiest {:.1} %   idlest {:.1} %   fairness {:.3}",
            document.pods.len(),
            share(busiest.requests),
            share(idlest.requests),
            document.fairness_jain.unwrap_or(1.0),
        )?;
    }
    let generator = &document.generator;
    writeln!(
        out,
        "  generator  {}   (cpu {:.0} % of {:.1}, {} us per request)",
        generator.verdict.word(),
        generator.cpu_used * 100.0 / generator.cpu_allowed.max(1e-9),
        generator.cpu_allowed,
        generator
            .cpu_us_per_request
            .map_or_else(|| "-".to_owned(), |us| format!("{us:.0}")),
    )?;
    for reason in &generator.reasons {
        writeln!(out, "             {reason}")?;
    }
    Ok(())
}
