//! The reports of a simulation. They say that nothing was observed, what was simulated, and whether the
//! requested bounds are kept. Instants are seconds since the simulation's start, since it has no date.

pub(crate) mod text;
mod winner;

use std::fmt::Write as _;

use drawing::page::{self, Header, section};
use hpa_check_core::run::timeline::{SyncRecord, Timeline};
use hpa_check_core::settings::of_simulation;
use hpa_check_core::sim::{Bound, Simulation, Summary};

use super::chart::{self, Picture, Work};
use super::escape::{Markdown, Xml};
use super::html::tables::{Row, Times};
use super::{html, markdown, settings, summary, words};
use crate::outputs::ReportFormat;
use winner::winner;

/// A simulation, and what a watcher of a cluster would have observed.
pub(crate) struct Simulated<'a> {
    pub(crate) simulation: &'a Simulation,
    pub(crate) timeline: &'a Timeline,
}

/// What `simulate` can write.
pub(crate) const KINDS: [ReportFormat; 4] = [
    ReportFormat::Json,
    ReportFormat::Html,
    ReportFormat::Svg,
    ReportFormat::Md,
];

/// The report of this kind; `None` if a simulation does not have it.
pub(crate) fn render(kind: ReportFormat, simulated: &Simulated<'_>) -> Option<String> {
    match kind {
        ReportFormat::Json => Some(super::json(simulated.simulation)),
        ReportFormat::Html => Some(simulated.page()),
        ReportFormat::Svg => Some(chart::alone(&simulated.picture())),
        ReportFormat::Md => Some(simulated.markdown()),
        _ => None,
    }
}

/// A requested bound and its result.
struct Asked {
    name: &'static str,
    most: String,
    found: String,
    kept: bool,
}

fn bounds(bound: Bound, summary: &Summary) -> Vec<Asked> {
    let percent = |name, most: Option<f64>, found: f64, digits: usize| {
        most.map(|most| Asked {
            name,
            most: format!("{most} %"),
            found: format!("{found:.digits$} %"),
            kept: found <= most,
        })
    };
    let time = |seconds: u64| words::milliseconds(seconds * 1000);
    let short = bound.short_seconds.map(|most| Asked {
        name: "Time to capacity",
        most: time(most),
        found: time(summary.longest_short_seconds),
        kept: summary.longest_short_seconds <= most,
    });
    let (p95, unserved) = (bound.p95_utilization, bound.unserved_percent);
    [
        percent("p95 utilization", p95, summary.p95_utilization, 0),
        percent(
            "Work not done on time",
            unserved,
            summary.unserved_percent,
            2,
        ),
        short,
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Simulated<'_> {
    fn picture(&self) -> Picture<'_> {
        let scenario = &self.simulation.scenario;
        Picture {
            timeline: self.timeline,
            title: format!(
                "{}: {}",
                self.simulation.badge(),
                text::way(&self.simulation.summary.path)
            ),
            work: Some(Work {
                load: &scenario.load,
                pod: &scenario.pod,
            }),
        }
    }

    /// Whether the bounds are kept, in a sentence.
    fn outcome(&self) -> String {
        let bounds = bounds(self.simulation.bound, &self.simulation.summary);
        let broken: Vec<String> = bounds
            .iter()
            .filter(|b| !b.kept)
            .map(|b| {
                format!(
                    "{} is {}, but at most {} was requested",
                    b.name, b.found, b.most
                )
            })
            .collect();
        match (bounds.is_empty(), broken.is_empty()) {
            (true, _) => "No bound was requested.".to_owned(),
            (false, true) => "The requested bounds are kept.".to_owned(),
            (false, false) => format!("The requested bounds are not kept: {}.", broken.join("; ")),
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let summary = &self.simulation.summary;
        let mut facts = vec![
            (
                "Replicas",
                format!("{} to {}", summary.fewest, summary.most),
            ),
            ("Scaling events", words::count(summary.scalings)),
            (
                "Utilization, p95",
                format!("{:.0} %", summary.p95_utilization),
            ),
            (
                "Utilization, mean",
                format!("{:.0} %", summary.mean_utilization),
            ),
            (
                "Not done on time",
                format!("{:.2} %", summary.unserved_percent),
            ),
            (
                "Time to capacity",
                words::milliseconds(summary.longest_short_seconds * 1000),
            ),
            ("Pod-hours", format!("{:.2}", summary.pod_hours)),
            ("Core-hours requested", format!("{:.2}", summary.core_hours)),
        ];
        if let Some(needed) = text::needed(&self.simulation.scenario) {
            facts.push(("Peak of the load", needed));
        }
        if summary.most_waiting > 0.0 {
            let waiting = format!("{:.1} core-seconds", summary.most_waiting);
            facts.push(("Most waiting work", waiting));
        }
        facts
    }

    fn page(&self) -> String {
        let simulation = self.simulation;
        let class = if simulation.kept {
            "simulated"
        } else {
            "wrong"
        };
        let chart = html::chart(&self.picture());
        let sections = [
            section("bounds", "Bounds", &self.bounds_table()),
            section("timeline", "Timeline", &chart),
            section("search", "Search", &self.search()),
            section(
                "settings",
                "Settings",
                &settings::rows(&of_simulation(simulation)),
            ),
            section("decisions", "Decisions", &self.decisions()),
        ];
        let sentence = text::sentence(&simulation.summary);
        let length = words::milliseconds(simulation.summary.seconds * 1000);
        let header = Header {
            class,
            badge: simulation.badge(),
            subject: &simulation.scenario.spec.scale_target_ref.name,
            cause: &format!("{sentence} {}", self.outcome()),
            when: &format!("{length} simulated; computed, not observed on a cluster"),
        };
        let main = page::facts(&self.facts()) + &sections.concat();
        html::shell(&html::Shell {
            title: &format!("{}: {}", header.badge, header.subject),
            content: &header.over(
                &main,
                &html::writer(&simulation.version, &simulation.schema),
            ),
            data: html::data::compact(self.timeline),
            allowed: "",
            more: "",
        })
    }

    fn bounds_table(&self) -> String {
        let bounds = bounds(self.simulation.bound, &self.simulation.summary);
        let rows = bounds.iter().map(|bound| {
            let word = if bound.kept { "kept" } else { "not kept" };
            let cells = [bound.name, &bound.most, &bound.found, word];
            cells.map(str::to_owned).to_vec()
        });
        html::table("bounds", &["Bound", "At most", "Found", "Kept"], rows)
    }

    fn search(&self) -> String {
        let Some(search) = &self.simulation.search else {
            return String::new();
        };
        let note = Xml(text::found(search)).to_string();
        let row = |(name, candidate): (&str, &_)| {
            let mut cells = vec![name.to_owned()];
            cells.extend(text::cells(candidate));
            cells
        };
        let best = search.best.iter().map(|c| ("keeps the bounds", c));
        let now = if search.current.kept {
            "now"
        } else {
            "now, not kept"
        };
        let missed = search.nearest.iter().map(|c| ("missed", c));
        let rows = best.chain([(now, &search.current)]).chain(missed);
        let head = [&["Settings"], &text::HEAD[..]].concat();
        let all = html::table("search", &head, rows.map(row));
        let mut html = format!("<p class=\"note\">{note}</p>\n{all}");
        if let Some(winner) = winner(self.simulation) {
            for (name, code) in [("As YAML", &winner.manifest), ("As a patch", &winner.patch)] {
                let _ = writeln!(
                    html,
                    "<details open><summary>{name}</summary><pre tabindex=\"0\">{}</pre></details>",
                    Xml(code)
                );
            }
        }
        html
    }

    fn decisions(&self) -> String {
        let row = |sync: &SyncRecord| Row {
            at: sync.at,
            cells: format!(
                "<td>{} → {}</td><td>{}</td>",
                sync.current,
                sync.desired,
                Xml(&sync.sentence)
            ),
            telling: false,
        };
        let rows: Vec<Row> = summary::decisions(&self.timeline.syncs).map(row).collect();
        let table = Times {
            heading: "decisions",
            head: &["Time", "Replicas", "Because"],
            what: "decisions",
            telling: "not explained",
            elsewhere: "; a shorter simulation shows each",
            span: (self.timeline.from, self.timeline.until),
        };
        table.of(&rows)
    }

    fn markdown(&self) -> String {
        let text = format!(
            "## {}: {}\n\n{} {} Nothing of this was observed on a cluster.\n",
            self.simulation.badge(),
            Markdown(&self.simulation.scenario.spec.scale_target_ref.name),
            Markdown(text::sentence(&self.simulation.summary)),
            Markdown(self.outcome()),
        );
        text + &markdown::facts(self.facts())
            + &markdown::decisions(self.timeline)
            + &settings::table(&of_simulation(self.simulation))
    }
}
