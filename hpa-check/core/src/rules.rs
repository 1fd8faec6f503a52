//! The rules: each turns what was seen into the evidence for one finding of the catalog. What takes
//! precedence over what is the catalog's matter alone.

mod metrics;
mod pods;
mod resources;
pub(crate) mod rule;
pub(crate) mod run_only;
mod spec;
mod spread;
mod target;

use std::sync::LazyLock;

use crate::findings;
use rule::Rule;

/// Every rule, in the catalog's order.
pub(crate) static RANKED: LazyLock<Vec<&Rule>> = LazyLock::new(|| {
    let files = [
        metrics::RULES,
        pods::RULES,
        resources::RULES,
        spec::RULES,
        spread::RULES,
        target::RULES,
        run_only::decisions::RULES,
        run_only::load::RULES,
        run_only::path::RULES,
        run_only::watching::RULES,
    ];
    let mut all: Vec<&Rule> = files.into_iter().flatten().collect();
    all.sort_by_key(|rule| findings::rank(rule.finding.id));
    all
});
