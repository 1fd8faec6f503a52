//! A file of requests: our own YAML or JSON, a HAR recording, or `curl` commands.

use std::path::Path;

use serde_json::Value;

use super::import;
use super::spec::Spec;

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
    let start = text.trim_start();
    if start.starts_with("curl ") {
        return import::curl(text);
    }
    let file: Value = if start.starts_with(['{', '[']) {
        serde_json::from_str(text).map_err(|error| error.to_string())?
    } else {
        serde_saphyr::from_str(text).map_err(|error| error.to_string())?
    };
    match file {
        Value::Array(list) => specs(list),
        Value::Object(mut keys) if keys.contains_key("requests") => {
            let requests = keys.remove("requests");
            if let Some(key) = keys.keys().next() {
                return Err(format!("unknown key `{key}` beside `requests`"));
            }
            match requests {
                Some(Value::Array(list)) => specs(list),
                _ => Err("`requests` is not a list".to_owned()),
            }
        }
        Value::Object(keys) if keys.contains_key("log") => {
            let har = serde_json::from_value(Value::Object(keys));
            import::har(har.map_err(|error| format!("as a HAR file: {error}"))?)
        }
        _ => Err("it is neither a list, nor has it `requests` or a HAR file's `log`".to_owned()),
    }
}

/// Each request by itself, so that an error names it.
fn specs(list: Vec<Value>) -> Result<Vec<Spec>, String> {
    let numbered = list.into_iter().zip(1..);
    numbered
        .map(|(request, number)| {
            serde_json::from_value(request).map_err(|error| format!("request {number}: {error}"))
        })
        .collect()
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
    fn what_is_wrong_in_a_file_is_named() {
        for (text, named) in [
            (
                "requests:\n- path: /\n- pth: /x\n",
                "request 2: unknown field `pth`",
            ),
            (r#"[{"path":"/","weight":"x"}]"#, "request 1: invalid type"),
            ("requests: []\nrequest: 1\n", "unknown key `request`"),
            ("requests: 1\n", "`requests` is not a list"),
            (r#"{"log":{"entries":1}}"#, "as a HAR file: "),
            ("nothing: 1\n", "it is neither a list"),
            ("wget http://localhost/", "it is neither a list"),
            ("[{]", "key must be a string at line 1"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(named), "{text}: {error}");
        }
    }
}
