//! A file of requests: our own YAML or JSON, a HAR recording, or `curl` commands.

use std::path::Path;

use serde::Deserialize;

use super::import;
use super::spec::Spec;

#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    Har(import::Har),
    Named { requests: Vec<Spec> },
    List(Vec<Spec>),
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
    let start = text.trim_start();
    if start.starts_with("curl ") {
        return import::curl(text);
    }
    let file: File = if start.starts_with(['{', '[']) {
        serde_json::from_str(text).map_err(|error| error.to_string())?
    } else {
        serde_saphyr::from_str(text).map_err(|error| error.to_string())?
    };
    match file {
        File::Named { requests } | File::List(requests) => Ok(requests),
        File::Har(har) => import::har(har),
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
    fn an_unknown_key_is_refused() {
        for text in ["requests:\n- pth: /x\n", "nothing: 1\n", "[{]", "just text"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
