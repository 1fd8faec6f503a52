//! The rules: each turns observations into evidence for one finding of the catalog. Only the catalog
//! decides precedence.

pub(crate) mod rule;
pub(crate) mod run_only;
mod shared;
pub(crate) mod snapshot_only;
pub(crate) mod view;

use std::sync::LazyLock;

use crate::findings;
use rule::Rule;

/// All rules, in the order of the catalog.
pub(crate) static RANKED: LazyLock<Vec<&Rule>> = LazyLock::new(|| {
    let files = [
        shared::bounds::RULES,
        shared::containers::RULES,
        shared::keda::RULES,
        shared::metrics::RULES,
        shared::nodes::RULES,
        shared::pods::RULES,
        shared::replicas::RULES,
        shared::requests::RULES,
        shared::room::RULES,
        shared::selectors::RULES,
        shared::spread::RULES,
        shared::uncomputed::RULES,
        shared::wiring::RULES,
        run_only::containers::RULES,
        run_only::decisions::RULES,
        run_only::keda::RULES,
        run_only::load::RULES,
        run_only::nodes::RULES,
        run_only::path::RULES,
        run_only::reach::RULES,
        run_only::setup::RULES,
        run_only::watching::RULES,
        snapshot_only::conflicts::RULES,
        snapshot_only::keda::RULES,
        snapshot_only::manifests::RULES,
        snapshot_only::notes::RULES,
        snapshot_only::pods::RULES,
        snapshot_only::second_look::RULES,
        snapshot_only::usage::RULES,
    ];
    let mut all: Vec<&Rule> = files.into_iter().flatten().collect();
    all.sort_by_key(|rule| findings::rank(rule.finding.id));
    all
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::catalog;
    use crate::verdict::Outcome;

    #[test]
    fn every_finding_has_one_rule_except_those_of_a_pass_or_a_simulation() {
        let rules = |id: &str| RANKED.iter().filter(|rule| rule.finding.id == id).count();
        for finding in catalog::ALL {
            let said = finding.outcome == Outcome::Pass && finding.fix.is_empty();
            assert_eq!(rules(finding.id), usize::from(!said), "{}", finding.id);
        }
    }
}
