//! Splits a command line into words like the shell for which a browser wrote it: bash, or the Windows command
//! prompt.

/// The words of a text.
pub(super) fn words(text: &str) -> Result<Vec<String>, String> {
    let text = text.replace("\r\n", "\n");
    let text = if is_for_windows(&text) {
        without_carets(&text)
    } else {
        plainly_quoted(&text)?
    };
    shlex::split(&text).ok_or_else(|| "a quote is not closed".to_owned())
}

/// Carets continue lines and escape characters there; in bash nobody writes them before the URL or at the end
/// of a line.
fn is_for_windows(text: &str) -> bool {
    let first = text.trim_start().split_ascii_whitespace().nth(1);
    first.is_some_and(|word| word.starts_with("^\"")) || text.contains(" ^\n")
}

/// A caret escapes the next character; before the end of a line it continues the line.
fn without_carets(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match (char, char == '^') {
            (_, true) => match chars.next() {
                Some('\n') if chars.peek() != Some(&'\n') => plain.push(' '),
                // A newline that belongs to the data.
                Some('\n') => plain.extend(chars.next()),
                next => plain.extend(next),
            },
            (other, false) => plain.push(other),
        }
    }
    plain
}

/// Rewrites `$'…'` with quotes that every shell supports.
fn plainly_quoted(text: &str) -> Result<String, String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '\'', '"', '$']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match rest.as_bytes() {
            [b'$', b'\'', ..] => {
                let (value, length) = ansi_c(&rest[2..])?;
                let quoted = shlex::try_quote(&value)
                    .map_err(|_| "a quoted text holds a zero byte, which no request can")?;
                plain.push_str(&quoted);
                rest = &rest[2 + length..];
                continue;
            }
            // A translatable text, which is the text itself.
            [b'$', b'"', ..] => {
                rest = &rest[1..];
                continue;
            }
            // The line continues.
            [b'\\', b'\n', ..] => {
                rest = &rest[2..];
                continue;
            }
            [b'\'', ..] => rest[1..].find('\'').map(|end| end + 2),
            [b'"', ..] => end_of_double(rest),
            [b'\\', ..] => Some(1 + rest[1..].chars().next().map_or(0, char::len_utf8)),
            _ => Some(1),
        };
        let (quoted, next) = rest.split_at(taken.ok_or("a quote is not closed")?);
        plain.push_str(quoted);
        rest = next;
    }
    plain.push_str(rest);
    Ok(plain)
}

/// The length of a text in double quotes, including both quotes.
fn end_of_double(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The value of a `$'…'` text, and its length with the closing quote (bash's manual, "ANSI-C Quoting").
fn ansi_c(text: &str) -> Result<(String, usize), String> {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        let at = rest.find(['\\', '\'']).ok_or("a quote is not closed")?;
        value.extend_from_slice(&rest.as_bytes()[..at]);
        if rest.as_bytes()[at] == b'\'' {
            let length = text.len() - rest.len() + at + 1;
            let value = String::from_utf8(value)
                .map_err(|_| "a quoted text is not UTF-8, which every text here must be")?;
            return Ok((value, length));
        }
        rest = escape(&rest[at + 1..], &mut value)?;
    }
}

/// Parses the text after a backslash; returns the rest.
fn escape<'a>(text: &'a str, value: &mut Vec<u8>) -> Result<&'a str, String> {
    let letter = text.chars().next().ok_or("a quote is not closed")?;
    let rest = &text[letter.len_utf8()..];
    let plain = match letter {
        'a' => 7,
        'b' => 8,
        'e' | 'E' => 27,
        'f' => 12,
        'n' => 10,
        'r' => 13,
        't' => 9,
        'v' => 11,
        '\\' | '\'' | '"' | '?' => u32::from(letter),
        'x' => {
            let (byte, rest) = number(rest, 16, 2);
            value.extend(u8::try_from(byte));
            return Ok(rest);
        }
        '0'..='7' => {
            let (byte, rest) = number(text, 8, 3);
            // As in bash, only eight bits are kept.
            value.extend(u8::try_from(byte & 0xff));
            return Ok(rest);
        }
        'u' | 'U' => return Ok(unicode(rest, if letter == 'u' { 4 } else { 8 }, value)),
        // Not an escape: both characters are kept.
        _ => {
            value.push(b'\\');
            u32::from(letter)
        }
    };
    push(plain, value);
    Ok(rest)
}

/// A code point; browsers write those beyond 16 bits as two surrogates.
fn unicode<'a>(text: &'a str, digits: usize, value: &mut Vec<u8>) -> &'a str {
    let (high, rest) = number(text, 16, digits);
    if (0xd800..0xdc00).contains(&high)
        && let Some(second) = rest.strip_prefix("\\u")
    {
        let (low, rest) = number(second, 16, 4);
        if (0xdc00..0xe000).contains(&low) {
            push(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), value);
            return rest;
        }
    }
    push(high, value);
    rest
}

fn push(code: u32, value: &mut Vec<u8>) {
    let char = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    value.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
}

/// A number of at most this many digits, and the rest of the text.
fn number(text: &str, radix: u32, digits: usize) -> (u32, &str) {
    let length = text
        .chars()
        .take(digits)
        .take_while(|char| char.is_digit(radix))
        .count();
    let (number, rest) = text.split_at(length);
    (u32::from_str_radix(number, radix).unwrap_or(0), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_read_as_bash_reads_them() {
        let cases = [
            (r"a 'b c' d\ e", vec!["a", "b c", "d e"]),
            (r"$'it\'s' x", vec!["it's", "x"]),
            (r"$'a\tb\nc\\d\x21\041\u0021'", vec!["a\tb\nc\\d!!!"]),
            (r"$'\u00e4\xc3\xa4\ud83d\ude00\q'", vec!["ää😀\\q"]),
            (
                r#"-d$'x' "it's $'no'" '$x'"#,
                vec!["-dx", "it's $'no'", "$x"],
            ),
            (r#"$"text" "a\"b""#, vec!["text", "a\"b"]),
            ("one \\\n two \\\r\n three", vec!["one", "two", "three"]),
            ("'line\nline'", vec!["line\nline"]),
            ("a # the rest is a comment", vec!["a"]),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text).unwrap(), expected, "{text}");
        }
        for text in [
            "'a", "\"a", "$'a", r"$'a\'", r#""a\""#, r"$'\x00'", r"$'\xff'",
        ] {
            assert!(words(text).is_err(), "{text}");
        }
    }

    #[test]
    fn carets_are_read_as_the_windows_command_prompt_reads_them() {
        let text = "curl ^\"http://h/a^%^20b^\" ^\r\n  -H ^\"x: 1^\" ^\r\n  --data-raw ^\"^{^\\^\"a^\\^\":^\\^\"b^\n\nc^\\^\"^}^\"";
        let expected = [
            "curl",
            "http://h/a%20b",
            "-H",
            "x: 1",
            "--data-raw",
            "{\"a\":\"b\nc\"}",
        ];
        assert_eq!(words(text).unwrap(), expected);
    }
}
