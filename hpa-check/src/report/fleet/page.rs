//! A fleet on one page: the causes and the autoscalers with them, the namespaces, the owners, and every
//! autoscaler with its settings. It loads nothing and works offline; every part can be folded, and one field
//! finds an autoscaler.

use std::fmt::Write as _;

use drawing::page::{self, Header, section};
use hpa_check_core::documents::doctor::{AutoscalerReport, Cause, Part, Report};

use super::super::escape::Xml;
use super::super::html::{self, Shell, tables};
use super::super::settings::rows;
use super::super::words;
use super::{
    cases, conclusion, faulty, gravity, has_owners, plural, requests, settings, subject, word,
};

const FIND: &str = include_str!("page.js");

/// A cause with more autoscalers than this, or a longer list, is folded at first.
const OPEN: usize = 25;
/// How many autoscalers of one cause show their evidence; the JSON document has all of it.
const EVIDENCE: usize = 50;

/// The page.
pub(super) fn page(report: &Report) -> String {
    let badge = report.outcome.badge();
    html::shell(&Shell {
        title: &format!("{badge}: {}", subject(report)),
        content: &content(report),
        data: serde_json::Value::Null,
        allowed: "",
        more: &format!("<script>{FIND}</script>\n"),
    })
}

fn content(report: &Report) -> String {
    let sections = [
        section("causes", "By cause", &causes(report)),
        section(
            "namespaces",
            "By namespace",
            &parts("namespaces", "Namespace", &report.groups.namespaces),
        ),
        if has_owners(report) {
            let table = parts("owners", "Owner", &report.groups.owners);
            section("owners", "By owner", &table)
        } else {
            String::new()
        },
        section("all", "Autoscalers", &autoscalers(report)),
        section("aside", "Not counted", &not_counted(report)),
        section("unseen", "Not seen", &unseen(report)),
        section("settings", "Settings", &rows(&settings(report))),
    ];
    let kubernetes = report.kubernetes.as_ref();
    let kubernetes = kubernetes.map_or_else(String::new, |v| format!(", Kubernetes {v}"));
    let header = Header {
        class: html::class(report.outcome),
        badge: report.outcome.badge(),
        subject: &subject(report),
        cause: &conclusion(report),
        when: &(words::date_and_time(report.at) + &kubernetes),
    };
    let main = format!(
        "{facts}\
         <p class=\"find\" hidden><label>Find <input type=\"search\" id=\"find\" placeholder=\"name, namespace, owner or finding\"></label> \
         <button type=\"button\" id=\"open\">Open all</button> <button type=\"button\" id=\"close\">Close all</button> \
         <span id=\"found\" role=\"status\"></span></p>\n{sections}",
        facts = page::facts(&facts(report)),
        sections = sections.concat(),
    );
    header.over(&main, &html::writer(&report.version, &report.schema))
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let all = report.autoscalers.len();
    let sum = |of: fn(&AutoscalerReport) -> usize| report.autoscalers.iter().map(of).sum::<usize>();
    let count = |number: usize| words::count(number as u64);
    let mut facts = vec![
        ("Autoscalers", count(all)),
        ("With a fault", count(faulty(report))),
        ("Namespaces", words::count(report.namespaces)),
        ("Pods", words::count(report.pods)),
    ];
    if report.baseline.is_some() {
        facts.push(("Known to the baseline", count(sum(|a| a.known.len()))));
    }
    let ignored = sum(|a| a.ignored.len());
    if ignored > 0 {
        facts.push(("Ignored", count(ignored)));
    }
    facts
}

fn causes(report: &Report) -> String {
    let groups = report.groups.causes.iter();
    groups.map(|cause| group(report, cause)).collect()
}

/// What it counts as, such as `wrong, blocker`. A note is a note by both.
fn severity(cause: &Cause) -> String {
    let (gravity, weight) = (gravity(cause.outcome), word(&cause.weight));
    if gravity == weight {
        weight
    } else {
        format!("{gravity}, {weight}")
    }
}

fn group(report: &Report, cause: &Cause) -> String {
    let cases = cases(report, cause);
    let open = if cases.len() <= OPEN { " open" } else { "" };
    let mut html = format!(
        "<article class=\"group {class}\" id=\"cause-{id}\"><details{open}><summary><h3><code>{id}</code></h3> \
         <span class=\"note\">{severity}: {count}</span></summary>\n",
        class = html::class(cause.outcome),
        id = Xml(&cause.id),
        severity = severity(cause),
        count = plural(cases.len() as u64, "autoscaler"),
    );
    // Writing to a String can't fail.
    if let Some(meaning) = &cause.meaning {
        let _ = write!(
            html,
            "<p>{} {}</p>",
            Xml(meaning),
            html::explained(&cause.id)
        );
    }
    // If each has its own advice, it is shown there.
    let same = cases.iter().all(|(_, reason)| reason.fix == cause.fix);
    html += &html::advice(cause.fix.as_deref().filter(|_| same));
    html.push_str("<ul class=\"cases\">\n");
    for (place, (autoscaler, reason)) in cases.iter().enumerate() {
        let _ = write!(
            html,
            "<li data-find>{}: {}",
            anchor(autoscaler),
            Xml(&reason.message)
        );
        if place < EVIDENCE {
            html += &html::seen(&reason.evidence, "");
        }
        html += &html::advice(reason.fix.as_deref().filter(|_| !same));
        html.push_str("</li>\n");
    }
    html.push_str("</ul></details></article>\n");
    html
}

/// A link to the autoscaler's row, which has its settings.
fn anchor(autoscaler: &AutoscalerReport) -> String {
    let name = autoscaler.full_name();
    format!("<a href=\"#{0}\">{0}</a>", Xml(&name))
}

/// The namespaces or the owners, those with the most faults first.
fn parts(id: &str, heading: &str, parts: &[Part]) -> String {
    if parts.is_empty() {
        return String::new();
    }
    let mut html = format!(
        "{}<table><thead><tr><th scope=\"col\">{heading}</th><th scope=\"col\">Autoscalers</th><th scope=\"col\">With a fault</th>\
         <th scope=\"col\">Not counted</th><th scope=\"col\">Findings</th></tr></thead><tbody>\n",
        tables::scroll(id)
    );
    for part in parts {
        let findings: Vec<String> = part
            .findings
            .iter()
            .map(|count| {
                let times = words::count(count.autoscalers);
                format!("{} ×{times}", cause_link(&count.id))
            })
            .collect();
        let _ = writeln!(
            html,
            "<tr data-find><td>{}</td><td>{}</td><td{}>{}</td><td>{}</td><td>{}</td></tr>",
            Xml(part.name.as_deref().unwrap_or("none")),
            words::count(part.autoscalers),
            if part.faulty > 0 { " class=\"no\"" } else { "" },
            words::count(part.faulty),
            words::count(part.known + part.ignored),
            findings.join(", ")
        );
    }
    html.push_str("</tbody></table></div>\n");
    html
}

fn cause_link(id: &str) -> String {
    format!("<a href=\"#cause-{0}\"><code>{0}</code></a>", Xml(id))
}

/// Every autoscaler with the settings that were evaluated, in one table per namespace.
fn autoscalers(report: &Report) -> String {
    let open = if report.autoscalers.len() <= OPEN {
        " open"
    } else {
        ""
    };
    let mut html = String::new();
    for group in report
        .autoscalers
        .chunk_by(|a, b| a.namespace == b.namespace)
    {
        let space = Xml(&group[0].namespace);
        let _ = write!(
            html,
            "<details class=\"space\"{open}><summary><h3>{space}</h3> <span class=\"note\">{}</span></summary>\n\
             <div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Autoscalers of {space}\"><table><thead><tr>\
             <th scope=\"col\">Autoscaler</th><th scope=\"col\">Target</th><th scope=\"col\">Pods</th><th scope=\"col\">Metrics</th>\
             <th scope=\"col\">CPU requests</th><th scope=\"col\">Now</th><th scope=\"col\">Findings</th></tr></thead><tbody>\n",
            plural(group.len() as u64, "autoscaler")
        );
        for autoscaler in group {
            row(&mut html, autoscaler);
        }
        html.push_str("</tbody></table></div></details>\n");
    }
    html
}

fn row(html: &mut String, autoscaler: &AutoscalerReport) {
    let findings: Vec<String> = autoscaler
        .findings
        .iter()
        .map(|finding| cause_link(&finding.id))
        .collect();
    let owner = autoscaler.owner.as_ref().map_or_else(String::new, |owner| {
        format!("<br><span class=\"note\">{}</span>", Xml(owner))
    });
    let metrics = match autoscaler.cpu_target_percent {
        Some(percent) if autoscaler.metrics.is_empty() => format!("cpu at {percent} %"),
        _ => autoscaler.metrics.join("; "),
    };
    let _ = writeln!(
        html,
        "<tr data-find id=\"{}\"><td>{}{owner}</td><td>{}</td><td>{} to {}</td><td>{}</td><td>{}</td><td class=\"now\">{}</td><td>{}</td></tr>",
        Xml(autoscaler.full_name()),
        Xml(&autoscaler.name),
        Xml(&autoscaler.target),
        autoscaler.min_replicas,
        autoscaler.max_replicas,
        Xml(metrics),
        Xml(requests(autoscaler)),
        Xml(autoscaler.explanation.as_deref().unwrap_or("–")),
        if findings.is_empty() {
            "none".to_owned()
        } else {
            findings.join(", ")
        }
    );
}

/// What was ignored, what the baseline has, and which of the baseline's findings are gone.
fn not_counted(report: &Report) -> String {
    let mut rows = String::new();
    let mut row = |what: &str, who: &str, id: &str, why: &str| {
        let _ = writeln!(
            rows,
            "<tr data-find><td>{what}</td><td>{}</td><td><code>{}</code></td><td>{}</td></tr>",
            Xml(who),
            Xml(id),
            Xml(why)
        );
    };
    for autoscaler in &report.autoscalers {
        let name = autoscaler.full_name();
        for one in &autoscaler.ignored {
            row("ignored", &name, &one.finding.id, &one.because);
        }
        for known in &autoscaler.known {
            row("known", &name, &known.id, &known.message);
        }
    }
    for gone in report.baseline.iter().flat_map(|b| &b.gone) {
        let name = format!("{}/{}", gone.namespace, gone.autoscaler);
        row("gone", &name, &gone.finding.id, &gone.finding.message);
    }
    if rows.is_empty() {
        return rows;
    }
    format!(
        "{}<table><thead><tr><th scope=\"col\">What</th><th scope=\"col\">Autoscaler</th><th scope=\"col\">Finding</th>\
         <th scope=\"col\">Because</th></tr></thead><tbody>\n{rows}</tbody></table></div>\n",
        tables::scroll("aside")
    )
}

fn unseen(report: &Report) -> String {
    let mut html = String::new();
    for unseen in &report.unseen {
        let _ = writeln!(
            html,
            "<article class=\"inconclusive\"><h3><code>{}</code></h3><p>{}</p><p class=\"note\">{}</p></article>",
            Xml(&unseen.rule),
            Xml(&unseen.consequence),
            Xml(&unseen.error)
        );
    }
    for warning in &report.warnings {
        let _ = writeln!(
            html,
            "<article class=\"inconclusive\"><p>{}</p></article>",
            Xml(warning)
        );
    }
    html
}
