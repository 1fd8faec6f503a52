//! Where a finding is explained.

use hpa_check_core::findings::rank;

/// The page that lists every finding.
const FINDINGS: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/findings.md");

/// The project's page.
pub(super) const PROJECT: &str = env!("CARGO_PKG_REPOSITORY");

/// The address of a finding's explanation, which browsers scroll to; `None` for a name that this version does not know.
pub(super) fn of(finding: &str) -> Option<String> {
    rank(finding).map(|_| format!("{FINDINGS}#:~:text={finding}"))
}
