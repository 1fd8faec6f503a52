//! A file of requests: our own YAML or JSON, a HAR recording, or `curl` commands.

use std::path::Path;

use program_common::nearest::nearest;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::import;
use super::spec::Spec;

/// Our own form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    requests: Vec<Spec>,
}

/// Reads a file of requests.
pub fn read(path: &Path) -> Result<Vec<Spec>, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("`{shown}` can't be read ({error}): give a file of requests"))?;
    parse(&text).map_err(|why| {
        format!("`{shown}` is not a file of requests ({why}): give YAML or JSON with `requests`, a HAR file, or curl commands")
    })
}

fn parse(text: &str) -> Result<Vec<Spec>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let is_text = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let first = text.lines().map(str::trim).find(is_text);
    let first = first.unwrap_or_default();
    if first.starts_with("curl ") {
        return import::curl(text);
    }
    let json = first.starts_with(['{', '[']);
    // The shape decides what to read, so that an error is about that shape.
    match read_as::<Value>(text, json)? {
        Value::Array(_) => read_as(text, json),
        Value::Object(keys) if keys.contains_key("log") => import::har(read_as(text, json)?),
        Value::Object(keys) if keys.contains_key("requests") => {
            Ok(read_as::<Named>(text, json)?.requests)
        }
        Value::Object(keys) => {
            let near = keys.keys().find_map(|key| meant(key, &["requests", "log"]));
            Err(format!(
                "it has neither `requests` nor a HAR file's `log`{}",
                near.unwrap_or_default()
            ))
        }
        _ => Err("it has neither `requests` nor a HAR file's `log`".to_owned()),
    }
}

/// The keys of a file of requests.
const KEYS: [&str; 7] = [
    "requests", "method", "path", "headers", "body", "weight", "check",
];

/// The known key that an unknown one was probably meant to be, as a question.
fn meant(key: &str, known: &[&str]) -> Option<String> {
    let near = nearest(key, known.iter().copied())?;
    Some(format!(", did you mean `{near}`?"))
}

/// One line about an error: the parser's own words, without its drawing of the place and its terms for types.
fn one_line(error: &impl ToString) -> String {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let mut line = first.trim_start_matches("error: ").to_owned();
    for (theirs, plain) in [
        (", set DuplicateKeyPolicy in Options if acceptable", ""),
        ("expected sequence start", "expected a list"),
        ("expected mapping start", "expected keys with values"),
        (
            "expected string scalar",
            "expected a text, in quotes if it looks like something else",
        ),
        ("invalid floating point", "expected a number"),
        (" rejected by the configured policy", ""),
    ] {
        line = line.replace(theirs, plain);
    }
    let unknown = line.split_once("unknown field `");
    let key = unknown.and_then(|(_, rest)| Some(rest.split_once('`')?.0));
    let near = key.and_then(|key| meant(key, &KEYS));
    line + &near.unwrap_or_default()
}

fn read_as<T: DeserializeOwned>(text: &str, json: bool) -> Result<T, String> {
    if json {
        serde_json::from_str(text).map_err(|error| one_line(&error))
    } else {
        serde_saphyr::from_str(text).map_err(|error| one_line(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_from_yaml_and_json_alike() {
        let yaml = "requests:\n- path: /items\n  weight: 3\n  check: [status=200]\n- method: POST\n  path: /cart\n  headers: {content-type: application/json}\n  body: '{\"id\":1}'\n";
        let json = r#"[{"path":"/items","weight":3,"check":["status=200"]},{"method":"POST","path":"/cart","headers":{"content-type":"application/json"},"body":"{\"id\":1}"}]"#;
        let read = parse(yaml).unwrap();
        assert_eq!(read, parse(json).unwrap());
        assert_eq!((read[0].weight, read[1].weight), (3.0, 1.0));
        assert_eq!(read[1].body.as_deref(), Some("{\"id\":1}"));
    }

    #[test]
    fn curl_commands_may_follow_comments_and_blank_lines() {
        let text =
            "\u{feff}# Copied from a browser.\r\n\r\ncurl 'http://shop.svc/a' \\\r\n  -d 'x=1'\r\n";
        let read = parse(text).unwrap();
        assert_eq!((read.len(), read[0].path.as_str()), (1, "/a"));
        assert_eq!(read[0].body.as_deref(), Some("x=1"));
    }

    #[test]
    fn an_error_names_what_is_wrong() {
        for (text, what) in [
            ("requests:\n- path: /x\n  bodyy: 1\n", "bodyy"),
            (r#"[{"path":"/x","wieght":1}]"#, "wieght"),
            ("nothing: 1\n", "neither `requests` nor"),
            (
                "requests:\n- path: /\n- path: /\n  wieght: 1\n",
                "line 4 column 3: unknown field `wieght`",
            ),
            (
                "requests:\n- path: /\n  wieght: 1\n",
                "did you mean `weight`?",
            ),
            (
                r#"[{"path":"/x","chekc":["status=200"]}]"#,
                "did you mean `check`?",
            ),
            ("requsets:\n- path: /\n", "did you mean `requests`?"),
            (
                "requests:\n- path: /\nwieght: 1\n",
                "unknown field `wieght`",
            ),
            (
                "requests:\n- path: /\n  body: {a: 1}\n",
                "line 3 column 9: expected a text",
            ),
            (
                "requests:\n- path: /\n  check: status=200\n",
                "line 3 column 10: expected a list",
            ),
            (
                "requests:\n- path: /\n  path: /\n",
                "line 3 column 3: duplicate",
            ),
        ] {
            let why = parse(text).unwrap_err();
            assert!(why.contains(what), "{why}");
            assert!(!why.contains('\n'), "{why}");
        }
    }

    #[test]
    fn an_unknown_key_is_refused() {
        for text in ["requests:\n- pth: /x\n", "nothing: 1\n", "[{]", "just text"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
