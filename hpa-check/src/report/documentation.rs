//! Links to the explanation of a finding.

use hpa_check_core::findings::rank;

use super::escape::Markdown;

/// The page that lists every finding.
const FINDINGS: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/findings.md");

/// The project's page.
pub(super) const PROJECT: &str = env!("CARGO_PKG_REPOSITORY");

/// The finding in Markdown, with a link to its explanation.
pub(super) fn link(finding: &str) -> String {
    match of(finding) {
        Some(page) => format!("[{finding}]({page})"),
        None => Markdown(finding).to_string(),
    }
}

/// The address of a finding's explanation, to which browsers scroll; `None` for a name that this version does
/// not know.
pub(super) fn of(finding: &str) -> Option<String> {
    rank(finding).map(|_| format!("{FINDINGS}#:~:text={finding}"))
}
