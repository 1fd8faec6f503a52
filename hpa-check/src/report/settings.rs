//! The evaluated settings, as every page and summary shows them.

use std::fmt::Write as _;

use hpa_check_core::settings::COMMAND;

use super::escape::{Markdown, Xml};

/// The rows of a page's settings section.
pub(super) fn rows(settings: &[(&str, String)]) -> String {
    let mut rows = String::from("<dl class=\"account\">");
    for (name, value) in settings {
        let value = Xml(value);
        // Writing to a String can't fail.
        let _ = match *name {
            COMMAND => write!(
                rows,
                "<dt>{}</dt><dd><code>{value}</code></dd>",
                heading(name)
            ),
            _ => write!(rows, "<dt>{}</dt><dd>{value}</dd>", heading(name)),
        };
    }
    rows.push_str("</dl>\n");
    rows
}

/// The table of a summary.
pub(super) fn table(settings: &[(&str, String)]) -> String {
    let mut text = "\n| setting | value |\n| --- | --- |\n".to_owned();
    for (name, value) in settings {
        let _ = writeln!(text, "| {} | {} |", heading(name), Markdown(value));
    }
    text
}

/// A setting's name at the start of a line. The program's name stays lower case.
pub(super) fn heading(name: &str) -> String {
    let mut letters = name.chars();
    match letters.next() {
        Some(first) if !name.starts_with("hpa-check") => {
            first.to_uppercase().chain(letters).collect()
        }
        _ => name.to_owned(),
    }
}
