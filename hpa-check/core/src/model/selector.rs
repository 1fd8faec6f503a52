//! Label selectors in their text form, `a=b,c!=d,e in (f,g),!h`, as `labels.Parse` reads them.

use std::collections::BTreeMap;

/// A parsed selector.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
}

impl Selector {
    /// Reads the text form; the error says what can't be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        split_outside_parentheses(text)
            .into_iter()
            .map(requirement)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether the labels satisfy every requirement.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|r| match (&r.test, labels.get(&r.key)) {
            (Test::In(values), Some(value)) => values.contains(value),
            (Test::In(_) | Test::Exists, None) | (Test::Absent, Some(_)) => false,
            (Test::NotIn(values), Some(value)) => !values.contains(value),
            (Test::NotIn(_) | Test::Absent, None) | (Test::Exists, Some(_)) => true,
        })
    }

    /// Labels that satisfy the equalities: what a pod that the selector matches carries at least.
    pub fn implied_labels(&self) -> BTreeMap<String, String> {
        self.0
            .iter()
            .filter_map(|r| match &r.test {
                Test::In(values) => Some((r.key.clone(), values.first()?.clone())),
                Test::Exists => Some((r.key.clone(), String::new())),
                Test::NotIn(_) | Test::Absent => None,
            })
            .collect()
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0_i32, 0);
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[from..i]);
                from = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

fn requirement(text: &str) -> Result<Requirement, String> {
    let text = text.trim();
    let made = |key: &str, test| {
        let key = key.trim();
        if is_key(key) {
            Ok(Requirement {
                key: key.to_owned(),
                test,
            })
        } else {
            Err(format!(
                "unable to parse requirement: {key:?} is not a label key"
            ))
        }
    };
    let one = |value: &str| {
        let value = value.trim();
        if is_value(value) {
            Ok(vec![value.to_owned()])
        } else {
            Err(format!(
                "unable to parse requirement: {value:?} is not a label value"
            ))
        }
    };
    if let Some(key) = text.strip_prefix('!') {
        return made(key, Test::Absent);
    }
    if let Some((key, value)) = text.split_once("!=") {
        return made(key, Test::NotIn(one(value)?));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return made(key, Test::In(one(value)?));
    }
    if let Some((head, list)) = text.split_once('(') {
        let list = list
            .strip_suffix(')')
            .ok_or_else(|| format!("unable to parse requirement: found {text:?}, expected: ')'"))?;
        let values = list
            .split(',')
            .map(one)
            .collect::<Result<Vec<_>, _>>()?
            .concat();
        let mut words = head.split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(key), Some("in"), None) => made(key, Test::In(values)),
            (Some(key), Some("notin"), None) => made(key, Test::NotIn(values)),
            _ => Err(format!(
                "unable to parse requirement: found {head:?}, expected: in, notin"
            )),
        };
    }
    made(text, Test::Exists)
}

/// A qualified name: an optional DNS prefix and a name of up to 63 characters.
fn is_key(key: &str) -> bool {
    let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
    !name.is_empty() && is_value(name) && !key.contains(char::is_whitespace)
}

/// Empty, or letters, digits, `-`, `_` and `.`, beginning and ending with a letter or a digit.
fn is_value(value: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    value.len() <= 63
        && value.chars().all(fine)
        && edge(value.chars().next())
        && edge(value.chars().next_back())
}
