//! Escapes text from outside (names, messages, errors) for where it is put.

use std::fmt;

/// Text inside HTML, SVG or XML, in an element or in a quoted attribute.
pub struct Xml<T>(pub T);

impl<T: AsRef<str>> fmt::Display for Xml<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.as_ref().chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_fmt(format_args!("{}", visible(c)))?,
            }
        }
        Ok(())
    }
}

/// Text inside one line of Markdown, also in a table cell.
pub struct Markdown<T>(pub T);

impl<T: AsRef<str>> fmt::Display for Markdown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.as_ref().chars() {
            match c {
                '\n' | '\r' | '\t' => f.write_str(" ")?,
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '@' | '!' => {
                    write!(f, "\\{c}")?;
                }
                c => f.write_fmt(format_args!("{}", visible(c)))?,
            }
        }
        Ok(())
    }
}

/// Text on a terminal, in one line, without escape sequences.
pub struct Terminal<T>(pub T);

impl<T: AsRef<str>> fmt::Display for Terminal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.as_ref().chars() {
            match c {
                '\n' | '\r' | '\t' => f.write_str(" ")?,
                c => f.write_fmt(format_args!("{}", visible(c)))?,
            }
        }
        Ok(())
    }
}

/// JSON inside a `<script>` element, which it can't end.
pub fn script_json(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// The character, or U+FFFD for one that XML forbids, that controls a terminal, or that changes the text
/// direction.
fn visible(c: char) -> char {
    match c {
        '\n' | '\t' => c,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        let nasty = "<a href=\"x\" onclick='y'>&\u{1}\u{202e}";
        let escaped = Xml(nasty).to_string();
        assert_eq!(
            escaped,
            "&lt;a href=&quot;x&quot; onclick=&#39;y&#39;&gt;&amp;\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn markdown_text_stays_in_its_cell_and_mentions_nobody() {
        let cell = Markdown("a|b\n# c <i> `d` @team").to_string();
        assert_eq!(cell, "a\\|b \\# c &lt;i&gt; \\`d\\` \\@team");
    }

    #[test]
    fn a_terminal_gets_no_escape_sequences() {
        assert_eq!(Terminal("\u{1b}[2Jx\ny").to_string(), "\u{fffd}[2Jx y");
    }

    #[test]
    fn json_cannot_end_its_script_element() {
        let json = serde_json::to_string("</script><!--&\u{2028}").unwrap();
        let safe = script_json(&json);
        assert!(!safe.contains(['<', '>', '&', '\u{2028}']), "{safe}");
        let back: String = serde_json::from_str(&safe).unwrap();
        assert_eq!(back, "</script><!--&\u{2028}");
    }
}
