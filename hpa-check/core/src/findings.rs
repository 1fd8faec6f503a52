//! Every reason a verdict can have, by name. `docs/findings.md` is this list for people; a test
//! keeps the two equal.

use crate::doctor;
use crate::rules;
use crate::sim;
use crate::verdict::Outcome;

/// A reason by its name, apart from any run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// A stable word in kebab case.
    pub id: &'static str,
    /// What it leads to by itself.
    pub outcome: Outcome,
    /// What it means, in one sentence.
    pub meaning: &'static str,
    /// What to do, in one line; empty where there is nothing to mend.
    pub fix: &'static str,
}

/// What a run can find: the weightiest first, then what a pass says.
pub fn of_a_run() -> impl Iterator<Item = &'static Finding> {
    rules::RANKED
        .iter()
        .map(|rule| &rule.finding)
        .chain(rules::PROOFS.iter().copied())
}

/// All findings: those of a run, then what only an examination finds, and what a simulation says.
pub fn all() -> impl Iterator<Item = &'static Finding> {
    of_a_run().chain(doctor::OWN).chain([&sim::SIMULATED])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PAGE: &str = include_str!("../../../docs/findings.md");

    fn row(finding: &Finding) -> String {
        let fix = if finding.fix.is_empty() {
            "—"
        } else {
            finding.fix
        };
        let outcome = match finding.outcome {
            Outcome::Pass => "pass (0)",
            Outcome::Wrong => "wrong (91)",
            Outcome::Surroundings => "surroundings (92)",
            Outcome::Inconclusive => "inconclusive (93)",
        };
        format!(
            "| `{}` | {outcome} | {} | {fix} |",
            finding.id, finding.meaning
        )
    }

    #[test]
    fn the_page_lists_every_finding_in_order_and_no_other() {
        let listed: Vec<&str> = PAGE.lines().filter(|l| l.starts_with("| `")).collect();
        let known: Vec<String> = all().map(row).collect();
        assert_eq!(
            listed,
            known,
            "docs/findings.md has to have these rows:\n{}",
            known.join("\n")
        );
    }

    #[test]
    fn no_name_is_used_twice_and_each_is_in_kebab_case() {
        let names: BTreeSet<&str> = all().map(|f| f.id).collect();
        assert_eq!(names.len(), all().count());
        let kebab = |id: &str| id.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        assert!(names.into_iter().all(kebab));
    }
}
