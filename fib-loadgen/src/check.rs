//! What an answer must satisfy: `--check status=200`, `header:content-type~json`, `json:$.ok=true` and so on.

use std::fmt::Write;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use http::{HeaderMap, HeaderName};
use jsonpath_rust::parser::model::JpQuery;
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;
use regex::Regex;
use serde_json::Value;

/// One check.
#[derive(Debug, Clone)]
pub struct Check {
    /// As written.
    pub rule: String,
    of: Of,
    /// Whether the condition must hold, or must not hold.
    holds: bool,
    condition: Condition,
}

#[derive(Debug, Clone)]
enum Of {
    Status,
    Header(HeaderName),
    Body,
    Json(JpQuery),
    Sha256,
}

#[derive(Debug, Clone)]
enum Condition {
    Exists,
    Is(String),
    Contains(String),
    Matches(Regex),
}

/// An answer that was read completely.
#[derive(Debug)]
pub struct Answer<'a> {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a [u8],
    /// The body as JSON, if some check needs it and it is JSON.
    pub json: Option<&'a Value>,
}

impl Check {
    /// Whether it is about the status, which has an error class of its own.
    pub fn is_of_status(&self) -> bool {
        matches!(self.of, Of::Status)
    }

    /// Whether it needs the body.
    pub fn needs_body(&self) -> bool {
        matches!(self.of, Of::Body | Of::Json(_) | Of::Sha256)
    }

    /// Whether it needs the body as JSON.
    pub fn needs_json(&self) -> bool {
        matches!(self.of, Of::Json(_))
    }

    /// Whether the answer passes.
    pub fn passes(&self, answer: &Answer<'_>) -> bool {
        let met = match &self.of {
            Of::Status => self.condition.met_by_status(answer.status),
            Of::Header(name) => {
                let mut values = answer.headers.get_all(name).iter();
                values.any(|value| {
                    self.condition
                        .met_by(&String::from_utf8_lossy(value.as_bytes()))
                })
            }
            Of::Body => self.condition.met_by(&String::from_utf8_lossy(answer.body)),
            Of::Json(path) => answer.json.is_some_and(|json| {
                let found = js_path_process(path, json).unwrap_or_default();
                found.into_iter().any(|found| match found.val() {
                    Value::String(text) => self.condition.met_by(text),
                    other => self.condition.met_by(&other.to_string()),
                })
            }),
            Of::Sha256 => {
                let sum = digest(&SHA256, answer.body);
                let hex = sum.as_ref().iter().fold(String::new(), |mut hex, byte| {
                    // Writing to a string does not fail.
                    let _ = write!(hex, "{byte:02x}");
                    hex
                });
                self.condition.met_by(&hex)
            }
        };
        met == self.holds
    }
}

impl Condition {
    fn met_by(&self, text: &str) -> bool {
        match self {
            Self::Exists => true,
            Self::Is(expected) => text == expected,
            Self::Contains(part) => text.contains(part),
            Self::Matches(regex) => regex.is_match(text),
        }
    }

    /// A status can also be `2xx`, or a comma-separated list.
    fn met_by_status(&self, status: u16) -> bool {
        let text = status.to_string();
        match self {
            Self::Is(list) => list.split(',').any(|one| match one.strip_suffix("xx") {
                Some(hundred) => text.starts_with(hundred),
                None => text == one,
            }),
            other => other.met_by(&text),
        }
    }
}

impl FromStr for Check {
    type Err = String;

    fn from_str(rule: &str) -> Result<Self, String> {
        let bad = |why: &str| {
            format!(
                "`{rule}` is not a check ({why}): write it like status=200, status=2xx, header:content-type~json, body*=hello, body~^ok$, json:$.items[0].id=5 or sha256=HEX, with != to deny it"
            )
        };
        let (subject, holds, sign, value) = split(rule);
        let of = match subject.split_once(':') {
            None if subject == "status" => Of::Status,
            None if subject == "body" => Of::Body,
            None if subject == "sha256" => Of::Sha256,
            Some(("header", name)) => {
                Of::Header(name.parse().map_err(|_| bad("not a header name"))?)
            }
            Some(("json", path)) => {
                Of::Json(parse_json_path(path).map_err(|error| bad(&error.to_string()))?)
            }
            _ => return Err(bad("it names no part of an answer")),
        };
        let condition = match sign {
            Sign::None => Condition::Exists,
            Sign::Is => Condition::Is(value.to_owned()),
            Sign::Contains => Condition::Contains(value.to_owned()),
            Sign::Matches => {
                Condition::Matches(Regex::new(value).map_err(|error| bad(&error.to_string()))?)
            }
        };
        let plausible = match (&of, &condition) {
            (Of::Status, Condition::Is(list)) => list.split(',').all(is_status),
            (Of::Sha256, Condition::Is(hex)) => {
                hex.len() == 64
                    && hex
                        .bytes()
                        .all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
            }
            (Of::Status | Of::Body | Of::Sha256, Condition::Exists) => false,
            _ => true,
        };
        if !plausible {
            return Err(bad("the value does not fit the check"));
        }
        Ok(Self {
            rule: rule.to_owned(),
            of,
            holds,
            condition,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    None,
    Is,
    Contains,
    Matches,
}

/// The subject, whether it must hold, the comparison, and the value. Signs within a path's brackets belong to
/// the path.
fn split(rule: &str) -> (&str, bool, Sign, &str) {
    let mut depth = 0_u32;
    for (at, byte) in rule.bytes().enumerate() {
        match byte {
            b'[' | b'(' => depth += 1,
            b']' | b')' => depth = depth.saturating_sub(1),
            b'=' | b'~' if depth == 0 => {
                let (before, sign) = match (byte, rule.as_bytes().get(at.wrapping_sub(1))) {
                    (b'=', Some(b'*')) => (at - 1, Sign::Contains),
                    (b'=', Some(b'!')) => {
                        return (&rule[..at - 1], false, Sign::Is, &rule[at + 1..]);
                    }
                    (b'~', Some(b'!')) => {
                        return (&rule[..at - 1], false, Sign::Matches, &rule[at + 1..]);
                    }
                    (b'=', _) => (at, Sign::Is),
                    _ => (at, Sign::Matches),
                };
                // A JSON path can contain `*` before a sign: `$.*=1`.
                if sign == Sign::Contains && rule[..before].ends_with('.') {
                    return (&rule[..at], true, Sign::Is, &rule[at + 1..]);
                }
                return (&rule[..before], true, sign, &rule[at + 1..]);
            }
            _ => {}
        }
    }
    (rule, true, Sign::None, "")
}

fn is_status(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 3
        && (b'1'..=b'5').contains(&bytes[0])
        && (&bytes[1..] == b"xx" || bytes[1..].iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(rule: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(
            "content-type",
            "application/json; charset=utf-8".parse().unwrap(),
        );
        let body = br#"{"ok":true,"items":[{"id":5,"name":"cart"}]}"#;
        let json = serde_json::from_slice(body).unwrap();
        let check: Check = rule.parse().unwrap();
        check.passes(&Answer {
            status: 201,
            headers: &headers,
            body,
            json: Some(&json),
        })
    }

    #[test]
    fn an_answer_passes_what_is_true_of_it_and_nothing_else() {
        for rule in [
            "status=201",
            "status=2xx",
            "status=200,201",
            "status!=500",
            "status~^2",
            "header:content-type~json",
            "header:Content-Type",
            "header:x-none!=1",
            "body*=cart",
            "body~\"id\":\\d",
            "json:$.ok=true",
            "json:$.items[0].id=5",
            "json:$.items[?(@.id==5)].name=cart",
            "json:$.items[0].name~^c",
            "json:$.none!=1",
            "sha256=bdcfb8e5cb9ad07d8f1d3e1f0c7b0d2f9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f",
        ] {
            let expected = !rule.starts_with("sha256");
            assert_eq!(passes(rule), expected, "{rule}");
        }
        for rule in [
            "status=200",
            "status=5xx",
            "header:x-none",
            "header:content-type=text/plain",
            "body=hello",
            "body*=none",
            "json:$.ok=false",
            "json:$.none",
        ] {
            assert!(!passes(rule), "{rule}");
        }
    }

    #[test]
    fn a_body_is_checked_by_its_hash() {
        let check: Check =
            "sha256=2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
                .parse()
                .unwrap();
        let headers = HeaderMap::new();
        let answer = |body| Answer {
            status: 200,
            headers: &headers,
            body,
            json: None,
        };
        assert!(check.passes(&answer(b"hello")));
        assert!(!check.passes(&answer(b"hello!")));
    }

    #[test]
    fn an_invalid_check_is_refused() {
        for rule in [
            "",
            "status",
            "status=20",
            "status=999",
            "colour=red",
            "header: x=1",
            "json:.a=1",
            "body~(",
            "sha256=12",
        ] {
            assert!(rule.parse::<Check>().is_err(), "{rule}");
        }
    }
}
