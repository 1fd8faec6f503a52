//! Compares `docs/truth-table.md` with its sources: the scenarios' own expectations, the names of findings, and the
//! gallery.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hpa_check_core::documents::doctor::Report;
use hpa_check_core::documents::trace::Reader;
use hpa_check_core::findings::catalog;
use hpa_check_core::run::evaluator::Evaluator;
use hpa_check_core::verdict::Verdict;
use serde_json::Value;

/// Entries that must be shown on a real control plane.
const LEAST: usize = 25;

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(project().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// All source files under a folder, concatenated.
fn sources(folder: &str) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(project().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().into_string().unwrap());
        text += &if entry.path().is_dir() {
            sources(&path)
        } else {
            read(&path)
        };
    }
    text
}

/// One row of the table.
struct Row {
    number: usize,
    scenario: Option<String>,
    modes: String,
    id: String,
    memory: String,
}

fn rows(page: &str) -> Vec<Row> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, number, _, scenario, modes, id, memory, _] = cells[..] else {
            return None;
        };
        Some(Row {
            number: number.parse().ok()?,
            scenario: (scenario != "—").then(|| scenario.to_owned()),
            modes: modes.to_owned(),
            id: id.trim_matches('`').to_owned(),
            memory: memory.to_owned(),
        })
    };
    page.lines().filter_map(row).collect()
}

/// A scenario with the members it inherits.
fn scenario(name: &str) -> Value {
    let text = read(&format!("e2e/scenarios/{name}.yaml"));
    let mut own: Value = serde_saphyr::from_str(&text).unwrap();
    if let Some(from) = own["from"].as_str() {
        let neighbor = scenario(from);
        if own["modes"].is_null() {
            own["modes"] = neighbor["modes"].clone();
        }
    }
    own
}

#[test]
fn each_of_the_38_entries_has_one_row() {
    let numbers: Vec<usize> = rows(&read("docs/truth-table.md"))
        .iter()
        .map(|r| r.number)
        .collect();
    assert_eq!(numbers, (1..=38).collect::<Vec<_>>());
}

#[test]
fn a_scenario_of_the_table_expects_what_the_table_says() {
    for row in rows(&read("docs/truth-table.md")) {
        let Some(name) = &row.scenario else {
            assert_eq!(row.modes, "—", "entry {}", row.number);
            continue;
        };
        let scenario = scenario(name);
        assert_eq!(scenario["expect"]["reason"], row.id.as_str(), "{name}");
        assert_ne!(scenario["expect"]["exit"], 0, "{name} is a healthy one");
        let modes = match scenario["modes"].as_array() {
            None => "control-plane, node".to_owned(),
            Some(modes) => {
                let modes: Vec<&str> = modes.iter().map(|m| m.as_str().unwrap()).collect();
                modes.join(", ")
            }
        };
        assert_eq!(row.modes, modes, "{name}");
    }
}

#[test]
fn every_name_in_the_table_is_a_finding() {
    let findings = read("docs/findings.md");
    let page = read("docs/truth-table.md");
    for row in rows(&page) {
        let Row { number, id, .. } = row;
        let listed = format!("| `{id}` |");
        assert!(findings.contains(&listed), "entry {number}: {id}");
    }
}

#[test]
fn an_entry_shown_in_memory_names_an_existing_test() {
    let doctor = sources("hpa-check/core/src/doctor/tests");
    let evaluation = sources("hpa-check/core/tests/evaluation");
    for row in rows(&read("docs/truth-table.md")) {
        // One name per fault: no entry has a different one for the doctor.
        let id = row.id.as_str();
        let tests = match row.memory.as_str() {
            "doctor" => &doctor,
            "evaluation" => &evaluation,
            other => panic!("entry {}: {other}", row.number),
        };
        assert!(
            tests.contains(&format!("\"{id}\"")),
            "entry {}: {id}",
            row.number
        );
    }
}

/// The verdict on a recording.
fn judged(path: &Path) -> Verdict {
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let reader = Reader::new(file).unwrap();
    let mut evaluator = Evaluator::new(reader.header().expectation.clone());
    let mut last = jiff::Timestamp::UNIX_EPOCH;
    for observation in reader {
        let observation = observation.unwrap();
        last = observation.at;
        evaluator.observe(&observation);
    }
    evaluator.finish(last).verdict
}

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(project().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// `docs/site/gallery` draws a page of each of these, and one of a simulation.
#[test]
fn every_finding_has_a_page_in_the_gallery() {
    let mut shown = BTreeSet::from(["simulated".to_owned()]);
    for folder in [
        "hpa-check/core/tests/recordings",
        "hpa-check/tests/recordings",
        "docs/gallery/runs",
    ] {
        let recordings = files(folder);
        let recordings = recordings
            .iter()
            .filter(|file| file.extension().is_some_and(|e| e == "jsonl"));
        shown.extend(
            recordings
                .flat_map(|file| judged(file).reasons)
                .map(|reason| reason.id),
        );
    }
    for file in files("docs/gallery/doctor") {
        let report: Report = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let findings = report.autoscalers.into_iter().flat_map(|a| a.findings);
        shown.extend(findings.map(|finding| finding.id));
    }
    let missing: Vec<&str> = catalog::ALL
        .iter()
        .map(|f| f.id)
        .filter(|id| !shown.contains(*id))
        .collect();
    assert_eq!(
        missing, [""; 0],
        "make gallery makes what the tests have a world for"
    );
}

/// The recordings next to the core's tests are runs of scenarios. If one row of the table gives a fault one
/// name, the run must find it by that name.
#[test]
fn a_recorded_scenario_ends_in_the_reason_that_the_scenario_expects() {
    for entry in std::fs::read_dir(project().join("hpa-check/core/tests/recordings")).unwrap() {
        let path = entry.unwrap().path();
        let verdict = judged(&path);
        let recorded = path.file_stem().unwrap().to_str().unwrap();
        // A second recording of a scenario has a longer name.
        let mut name = recorded;
        while !project()
            .join(format!("e2e/scenarios/{name}.yaml"))
            .exists()
        {
            name = name.rsplit_once('-').expect(recorded).0;
        }
        let expected = &scenario(name)["expect"];
        assert_eq!(
            verdict.reasons[0].id, expected["reason"],
            "{recorded}: {verdict:#?}"
        );
        assert_eq!(verdict.exit_code, expected["exit"], "{recorded}");
    }
}

#[test]
fn the_page_states_how_many_are_shown_on_a_real_control_plane_and_they_are_enough() {
    let page = read("docs/truth-table.md");
    let rows = rows(&page);
    let real = rows.iter().filter(|r| r.scenario.is_some()).count();
    let said = format!(
        "{real} of the {} are shown in a real control plane, and {} in memory alone.",
        rows.len(),
        rows.len() - real
    );
    assert!(page.contains(&said), "the page has to say: {said}");
    assert!(real >= LEAST, "{real}");
}
