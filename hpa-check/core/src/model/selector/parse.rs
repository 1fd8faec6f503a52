//! The grammar of label selectors: `Lexer`, `Parser` and `NewRequirement` in
//! `k8s.io/apimachinery/pkg/labels/selector.go`.

use std::iter::Peekable;
use std::vec::IntoIter;

use super::{Requirement, SelectorError, Test};

/// Parses all requirements.
pub(super) fn requirements(text: &str) -> Result<Vec<Requirement>, SelectorError> {
    let mut words = Words(words(text).into_iter().peekable());
    let mut found = Vec::new();
    loop {
        match words.peek() {
            "" => return Ok(found),
            word if !is_name(word) && word != "!" => {
                return Err(SelectorError::new(format!(
                    "found '{word}', expected: !, identifier, or 'end of string'"
                )));
            }
            _ => {}
        }
        let requirement = requirement(&mut words)
            .map_err(|e| SelectorError::new(format!("unable to parse requirement: {e}")))?;
        found.push(requirement);
        match words.next() {
            "" => return Ok(found),
            "," => {}
            word => {
                return Err(SelectorError::new(format!(
                    "found '{word}', expected: ',' or 'end of string'"
                )));
            }
        }
        let word = words.peek();
        if !is_name(word) && word != "!" {
            return Err(SelectorError::new(format!(
                "found '{word}', expected: identifier after ','"
            )));
        }
    }
}

fn requirement(words: &mut Words<'_>) -> Result<Requirement, SelectorError> {
    let absent = words.peek() == "!";
    if absent {
        words.next();
    }
    let key = words.next();
    if !is_name(key) {
        return Err(SelectorError::new(format!(
            "found '{key}', expected: identifier"
        )));
    }
    if !is_key(key) {
        return Err(SelectorError::new(format!("{key:?} is not a label key")));
    }
    let test = if absent {
        Test::Absent
    } else if matches!(words.peek(), "" | ",") {
        Test::Exists
    } else {
        test(words)?
    };
    let key = key.to_owned();
    Ok(Requirement { key, test })
}

fn test(words: &mut Words<'_>) -> Result<Test, SelectorError> {
    match words.next() {
        "in" => Ok(Test::In(values(words)?)),
        "notin" => Ok(Test::NotIn(values(words)?)),
        "=" | "==" => Ok(Test::In(vec![value(words)?])),
        "!=" => Ok(Test::NotIn(vec![value(words)?])),
        ">" => number(words).map(Test::Above),
        "<" => number(words).map(Test::Below),
        word => Err(SelectorError::new(format!(
            "found '{word}', expected: in, notin, =, ==, !=, gt, lt"
        ))),
    }
}

/// The single value of an equality, which may be empty.
fn value(words: &mut Words<'_>) -> Result<String, SelectorError> {
    if matches!(words.peek(), "" | ",") {
        return Ok(String::new());
    }
    let word = words.next();
    if is_name(word) {
        checked(word)
    } else {
        Err(SelectorError::new(format!(
            "found '{word}', expected: identifier"
        )))
    }
}

fn number(words: &mut Words<'_>) -> Result<i64, SelectorError> {
    let text = value(words)?;
    text.parse().map_err(|_| {
        SelectorError::new(format!(
            "{text:?} is not an integer, which 'Gt' and 'Lt' compare with"
        ))
    })
}

/// The values in parentheses; nothing between two commas is the empty value.
fn values(words: &mut Words<'_>) -> Result<Vec<String>, SelectorError> {
    let word = words.next();
    if word != "(" {
        return Err(SelectorError::new(format!("found '{word}' expected: '('")));
    }
    let mut found = Vec::new();
    loop {
        let word = words.next();
        if is_name(word) {
            found.push(checked(word)?);
            match words.next() {
                "," => continue,
                ")" => return Ok(found),
                word => {
                    return Err(SelectorError::new(format!(
                        "found '{word}', expected: ',' or ')'"
                    )));
                }
            }
        }
        match word {
            "," => found.push(String::new()),
            ")" => {
                found.push(String::new());
                return Ok(found);
            }
            _ => {
                return Err(SelectorError::new(format!(
                    "found '{word}', expected: ',', or identifier"
                )));
            }
        }
    }
}

fn checked(value: &str) -> Result<String, SelectorError> {
    if value.is_empty() || is_value(value) {
        Ok(value.to_owned())
    } else {
        Err(SelectorError::new(format!(
            "{value:?} is not a label value"
        )))
    }
}

/// The words of a selector, followed by empty ones.
struct Words<'a>(Peekable<IntoIter<&'a str>>);

impl<'a> Words<'a> {
    fn peek(&mut self) -> &'a str {
        self.0.peek().copied().unwrap_or_default()
    }

    fn next(&mut self) -> &'a str {
        self.0.next().unwrap_or_default()
    }
}

const SYMBOLS: [char; 7] = ['=', '!', '(', ')', ',', '>', '<'];

fn words(mut text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    loop {
        text = text.trim_start_matches([' ', '\t', '\r', '\n']);
        let Some(first) = text.chars().next() else {
            return found;
        };
        let length = if text.starts_with("==") || text.starts_with("!=") {
            2
        } else if SYMBOLS.contains(&first) {
            1
        } else {
            text.find(|c| SYMBOLS.contains(&c) || [' ', '\t', '\r', '\n'].contains(&c))
                .unwrap_or(text.len())
        };
        let (word, rest) = text.split_at(length);
        found.push(word);
        text = rest;
    }
}

/// Whether a word is a key or a value rather than a symbol or the end.
fn is_name(word: &str) -> bool {
    !word.is_empty() && !word.starts_with(SYMBOLS)
}

/// A qualified name: up to 63 characters, optionally preceded by a DNS name and a slash.
fn is_key(key: &str) -> bool {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    prefix.is_none_or(is_dns_name) && is_value(name)
}

fn is_dns_name(name: &str) -> bool {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= 253
        && name.split('.').all(|label| {
            label.starts_with(fine)
                && label.ends_with(fine)
                && label.chars().all(|c| fine(c) || c == '-')
        })
}

/// Letters, digits, `-`, `_` and `.`, with a letter or digit at both ends.
fn is_value(value: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    value.len() <= 63
        && value.starts_with(edge)
        && value.ends_with(edge)
        && value
            .chars()
            .all(|c| edge(c) || matches!(c, '-' | '_' | '.'))
}
