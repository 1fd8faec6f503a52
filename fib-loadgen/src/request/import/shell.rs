//! Splits a command line into words like the shell for which a browser wrote it: bash, or the Windows command
//! prompt.

/// The words of each command in a text.
pub(super) fn commands(text: &str) -> Result<Vec<Vec<String>>, String> {
    let text = text.replace("\r\n", "\n");
    let plain = if is_for_windows(&text) {
        plainly_quoted(&without_carets(&text), false)?
    } else {
        plainly_quoted(&text, true)?
    };
    let words = |command: &String| shlex::split(command).ok_or_else(unclosed);
    let all: Vec<Vec<String>> = plain.iter().map(words).collect::<Result<_, String>>()?;
    Ok(all.into_iter().filter(|words| !words.is_empty()).collect())
}

fn unclosed() -> String {
    "a quote is not closed".to_owned()
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
        if char != '^' {
            plain.push(char);
            continue;
        }
        match chars.next() {
            Some('\n') if chars.peek() != Some(&'\n') => plain.push(' '),
            // A newline that belongs to the data.
            Some('\n') => plain.extend(chars.next()),
            next => plain.extend(next),
        }
    }
    plain
}

/// Splits a text at `;` and `&`, with which browsers join commands, and rewrites each command with quotes that
/// every shell supports. Text that a shell would replace (`expands`), and what does not belong to a request, are
/// errors: otherwise something else would be sent than curl sends.
fn plainly_quoted(text: &str, expands: bool) -> Result<Vec<String>, String> {
    let mut commands = vec![String::new()];
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(SPECIAL) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match rest.as_bytes() {
            [b'$', b'\'', ..] if expands => {
                let (value, length) = ansi_c(&rest[2..])?;
                let quoted = shlex::try_quote(&value)
                    .map_err(|_| "a quoted text holds a zero byte, which no request can")?;
                plain.push_str(&quoted);
                rest = &rest[2 + length..];
                continue;
            }
            // A translatable text, which is the text itself.
            [b'$', b'"', ..] if expands => {
                rest = &rest[1..];
                continue;
            }
            [b'$' | b'`', ..] if expands => {
                replaced(rest)?;
                Some(1)
            }
            // The line continues.
            [b'\\', b'\n', ..] => {
                rest = &rest[2..];
                continue;
            }
            [b'\'', ..] => rest[1..].find('\'').map(|end| end + 2),
            [b'"', ..] => {
                let (quoted, length) = double(rest).ok_or_else(unclosed)?;
                if expands {
                    quoted
                        .match_indices(['$', '`'])
                        .filter(|(at, _)| !is_escaped(&quoted[..*at]))
                        .try_for_each(|(at, _)| replaced(&quoted[at..]))?;
                }
                plain.push_str(&quoted);
                rest = &rest[length..];
                continue;
            }
            [b'\\', ..] => Some(1 + rest[1..].chars().next().map_or(0, char::len_utf8)),
            [b'#', ..] if plain.is_empty() || plain.ends_with(char::is_whitespace) => {
                rest = rest.find('\n').map_or("", |end| &rest[end..]);
                continue;
            }
            [b';' | b'&' | b'|', ..] if is_separator(rest) => {
                commands.push(std::mem::take(&mut plain));
                rest = rest.trim_start_matches([';', '&', '|']);
                continue;
            }
            [operator @ (b'|' | b'<' | b'>'), ..] => {
                return Err(format!(
                    "`{}` passes data to or from another program or a file: omit that part, or quote the character if it belongs to the request",
                    char::from(*operator)
                ));
            }
            _ => Some(1),
        };
        let (quoted, next) = rest.split_at(taken.ok_or_else(unclosed)?);
        plain.push_str(quoted);
        rest = next;
    }
    plain.push_str(rest);
    commands.push(plain);
    Ok(commands)
}

/// What needs a decision outside of quotes.
const SPECIAL: [char; 11] = ['\\', '\'', '"', '$', '`', '#', ';', '&', '|', '<', '>'];

/// Whether a command ends here. A single `&` or `;` in the middle of a word was meant as part of the URL, by
/// those who forgot to quote it.
fn is_separator(text: &str) -> bool {
    let after = text.trim_start_matches([';', '&']);
    let after = text.strip_prefix("||").unwrap_or(after);
    after.len() < text.len() && after.chars().next().is_none_or(char::is_whitespace)
}

/// An error if a shell replaces what starts here: a variable, or the output of a command.
fn replaced(text: &str) -> Result<(), String> {
    let name = text.strip_prefix('$').unwrap_or(text);
    let begins = |char: char| char.is_ascii_alphabetic() || "_{(`".contains(char);
    if !name.starts_with(begins) {
        return Ok(());
    }
    let length = name[1..]
        .find(|char: char| !char.is_ascii_alphanumeric() && char != '_')
        .map_or(name.len(), |end| end + 1);
    let shown = &text[..text.len() - name.len() + length];
    Err(format!(
        "a shell replaces `{shown}` before curl sees it: write its value, or use single quotes if it is meant literally"
    ))
}

/// Whether the next character follows an odd number of backslashes.
fn is_escaped(before: &str) -> bool {
    let kept = before.trim_end_matches('\\');
    (before.len() - kept.len()) % 2 == 1
}

/// A text in double quotes, including both, and its length. Two double quotes in it are one that belongs to the
/// text, as Firefox writes them for Windows; in bash nobody closes a quote to open the next one at once.
fn double(text: &str) -> Option<(String, usize)> {
    let mut quoted = "\"".to_owned();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => {
                quoted.push(char);
                quoted.push(chars.next()?.1);
            }
            '"' if chars.next_if(|(_, next)| *next == '"').is_some() => quoted.push_str("\\\""),
            '"' => {
                quoted.push(char);
                return Some((quoted, at + 1));
            }
            other => quoted.push(other),
        }
    }
    None
}

/// The value of a `$'…'` text, and its length with the closing quote (bash's manual, "ANSI-C Quoting").
fn ansi_c(text: &str) -> Result<(String, usize), String> {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        let at = rest.find(['\\', '\'']).ok_or_else(unclosed)?;
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
    let letter = text.chars().next().ok_or_else(unclosed)?;
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

    fn words(text: &str) -> Result<Vec<String>, String> {
        commands(text).map(|commands| commands.concat())
    }

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
            ("a # the rest isn't read", vec!["a"]),
            ("# don't\na#b", vec!["a#b"]),
            (
                r#"-H "" "x: """ "{""a"":1}""#,
                vec!["-H", "", "x: \"", "{\"a\":1}"],
            ),
            (
                r#"cost$ "5$" "\$x" '$x' $'\$x' a\;"#,
                vec!["cost$", "5$", "$x", "$x", "\\$x", "a;"],
            ),
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

    #[test]
    fn commands_are_separated_as_browsers_and_people_separate_them() {
        for (text, expected) in [
            (
                "curl 'a' ;\ncurl 'b;c' ;\n",
                vec![vec!["curl", "a"], vec!["curl", "b;c"]],
            ),
            (
                "curl a && curl b || curl c",
                vec![vec!["curl", "a"], vec!["curl", "b"], vec!["curl", "c"]],
            ),
            ("curl a; # then\n", vec![vec!["curl", "a"]]),
            (
                "curl ^\"a^&b^\" &\r\ncurl ^\"c^\"",
                vec![vec!["curl", "a&b"], vec!["curl", "c"]],
            ),
            // Not quoted, but meant as one word.
            ("curl a?x=1&y=2;z", vec![vec!["curl", "a?x=1&y=2;z"]]),
        ] {
            assert_eq!(commands(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_a_shell_would_do_in_addition_is_named_and_not_sent() {
        for (text, named) in [
            ("curl a | jq .", "`|`"),
            ("curl a > b", "`>`"),
            ("curl a 2>/dev/null", "`>`"),
            ("curl a -d @- < b", "`<`"),
            ("curl $URL/a", "`$URL`"),
            ("curl a -H \"x: ${TOKEN}\"", "`${TOKEN`"),
            ("curl \"a\\\\$x\"", "`$x`"),
            ("curl a?at=$(date)", "`$(date`"),
            ("curl \"a?at=`date`\"", "``date`"),
        ] {
            let why = commands(text).unwrap_err();
            assert!(why.contains(named), "{text}: {why}");
        }
        // In the command prompt of Windows these are plain characters.
        let words = words("curl ^\"a?x=$y^`z^\"").unwrap();
        assert_eq!(words, ["curl", "a?x=$y`z"]);
    }
}
