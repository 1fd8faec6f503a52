//! Every reason a verdict can have, by name. A test keeps `docs/findings.md` in sync with this list.

pub mod catalog;
mod finding;

pub(crate) use finding::Evidence;
pub use finding::{Finding, Weight};

/// A finding's rank in the catalog; 0 takes precedence over all others.
pub fn rank(id: &str) -> Option<usize> {
    catalog::ALL.iter().position(|finding| finding.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::verdict::Outcome;

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
            Outcome::Environment => "environment (92)",
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
        let known: Vec<String> = catalog::ALL.iter().map(|finding| row(finding)).collect();
        assert_eq!(
            listed,
            known,
            "docs/findings.md has to have these rows:\n{}",
            known.join("\n")
        );
    }

    #[test]
    fn no_name_is_used_twice_and_each_is_in_kebab_case() {
        let names: BTreeSet<&str> = catalog::ALL.iter().map(|f| f.id).collect();
        assert_eq!(names.len(), catalog::ALL.len());
        let kebab = |id: &str| id.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        assert!(names.into_iter().all(kebab));
    }
}
