//! A file of requests: YAML or JSON of our own, a HAR recording, or `curl` commands.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use url::Url;

use super::import;
use crate::target::without_credentials;

/// One request, as it was written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// `GET` unless given, or `POST` with a body.
    #[serde(default)]
    pub method: Option<String>,
    /// Path and query.
    #[serde(default = "root")]
    pub path: String,
    /// Headers beside those of every request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    pub body: Option<String>,
    /// How often it is sent, relative to the others.
    #[serde(default = "one")]
    pub weight: f64,
    /// What its answer has to be.
    #[serde(default)]
    pub check: Vec<String>,
    /// Scheme, host and port, where an import knows them.
    #[serde(skip)]
    pub origin: Option<String>,
    /// Whether braces are only braces: what was recorded is sent as it was.
    #[serde(skip)]
    pub literal: bool,
}

fn root() -> String {
    "/".to_owned()
}

fn one() -> f64 {
    1.0
}

impl Spec {
    /// A request to a whole URL.
    pub(super) fn of_url(url: &str) -> Result<Self, String> {
        let shown = || without_credentials(url);
        let url = Url::parse(url).map_err(|error| format!("`{}` is no URL ({error})", shown()))?;
        Ok(Self {
            path: url[url::Position::BeforePath..url::Position::AfterQuery].to_owned(),
            origin: Some(url[..url::Position::BeforePath].to_owned()),
            weight: 1.0,
            ..Self::default()
        })
    }
}

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
        format!("`{shown}` is no file of requests ({why}): give YAML or JSON with `requests`, a HAR file, or curl commands")
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
    fn a_key_that_nobody_knows_is_refused() {
        for text in ["requests:\n- pth: /x\n", "nothing: 1\n", "[{]", "just text"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
