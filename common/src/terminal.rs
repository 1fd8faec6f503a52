//! Whether a terminal shows what a full-screen view draws.

use std::io::IsTerminal;

/// Whether it makes sense to draw on this stream: it is a terminal that can place the cursor and shows Unicode.
pub fn can_draw_on(stream: &impl IsTerminal) -> bool {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    // The order in which the C library looks at them.
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| variable(name));
    stream.is_terminal() && shows(variable("TERM").as_deref(), locale.as_deref())
}

/// A terminal without a locale, as in most containers, is taken to be a modern one.
fn shows(term: Option<&str>, locale: Option<&str>) -> bool {
    let is_unicode = |locale: &str| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    };
    term != Some("dumb") && locale.is_none_or(is_unicode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dumb_terminal_and_one_without_unicode_are_not_drawn_on() {
        for (term, locale, expected) in [
            (Some("xterm-256color"), Some("en_US.UTF-8"), true),
            (Some("tmux"), Some("C.utf8"), true),
            (Some("xterm"), None, true),
            (None, None, true),
            (Some("dumb"), Some("en_US.UTF-8"), false),
            (Some("xterm"), Some("C"), false),
            (Some("xterm"), Some("de_DE.ISO-8859-1"), false),
        ] {
            assert_eq!(shows(term, locale), expected, "{term:?} {locale:?}");
        }
    }
}
