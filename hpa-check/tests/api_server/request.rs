//! The meaning of a request.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use http::Uri;
use serde_json::Value;

/// A path of the API.
#[derive(Debug)]
pub(super) enum Question {
    Version,
    /// `/apis`
    Groups,
    /// `/apis/GROUP`
    Group(String),
    /// `/apis/GROUP/VERSION` or `/api/v1`
    Resources(String),
    Objects(Asked),
    /// A pod's log, which is followed.
    Log(String),
    Unknown,
}

/// Objects, or one of them.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) group_version: String,
    pub(super) plural: String,
    /// `None` is all namespaces, or a kind without namespaces.
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) scale: bool,
    pub(super) watch: bool,
    pub(super) selector: Selector,
    pub(super) resource_version: String,
    pub(super) timeout: Duration,
    pub(super) limit: Option<usize>,
    pub(super) continue_from: Option<String>,
}

impl Question {
    pub(super) fn of(uri: &Uri) -> Self {
        let query: BTreeMap<String, String> =
            form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let segments: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
        match segments[..] {
            ["version"] => Self::Version,
            ["apis"] => Self::Groups,
            ["apis", group] => Self::Group(group.to_owned()),
            ["apis", group, version] => Self::Resources(format!("{group}/{version}")),
            ["api", "v1"] => Self::Resources("v1".to_owned()),
            ["api", "v1", ref rest @ ..] => objects("v1".to_owned(), rest, &query),
            ["apis", group, version, ref rest @ ..] => {
                objects(format!("{group}/{version}"), rest, &query)
            }
            _ => Self::Unknown,
        }
    }
}

fn objects(group_version: String, path: &[&str], query: &BTreeMap<String, String>) -> Question {
    let (namespace, path) = match path {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
        other => (None, other),
    };
    let (plural, name, scale) = match path {
        [plural] => (plural, None, false),
        [plural, name] => (plural, Some(*name), false),
        [plural, name, "scale"] => (plural, Some(*name), true),
        ["pods", name, "log"] => return Question::Log((*name).to_owned()),
        _ => return Question::Unknown,
    };
    let text = |key: &str| query.get(key).filter(|value| !value.is_empty());
    let number = |key: &str| text(key).and_then(|value| value.parse::<u64>().ok());
    Question::Objects(Asked {
        group_version,
        plural: (*plural).to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
        scale,
        watch: text("watch").is_some_and(|value| value == "true"),
        selector: Selector::of(text("labelSelector"), text("fieldSelector")),
        resource_version: text("resourceVersion").cloned().unwrap_or_default(),
        timeout: Duration::from_secs(number("timeoutSeconds").unwrap_or(1800)),
        limit: number("limit").and_then(|limit| usize::try_from(limit).ok()),
        continue_from: text("continue").cloned(),
    })
}

/// The form in which rules name it: `watch pods`, `get rollouts/scale`, `get /version`.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version => f.write_str("get /version"),
            Self::Groups => f.write_str("get /apis"),
            Self::Group(path) | Self::Resources(path) => write!(f, "get /apis/{path}"),
            Self::Log(_) => f.write_str("get pods/log"),
            Self::Unknown => f.write_str("get something else"),
            Self::Objects(asked) => {
                let verb = match (&asked.name, asked.watch) {
                    (_, true) => "watch",
                    (Some(_), _) => "get",
                    (None, _) => "list",
                };
                let scale = if asked.scale { "/scale" } else { "" };
                // The metrics of pods are a different resource with the same name.
                let group = if asked.group_version.starts_with("metrics") {
                    ".metrics"
                } else {
                    ""
                };
                write!(f, "{verb} {}{group}{scale}", asked.plural)
            }
        }
    }
}

/// Label and field selectors, with `=` and `!=`; no other operator is used here.
#[derive(Debug, Clone, Default)]
pub(super) struct Selector(Vec<Term>);

#[derive(Debug, Clone)]
struct Term {
    path: Vec<String>,
    value: String,
    equal: bool,
}

impl Selector {
    fn of(labels: Option<&String>, fields: Option<&String>) -> Self {
        let terms = |text: Option<&String>| -> Vec<(String, String, bool)> {
            let text = text.map_or("", String::as_str);
            let parts = text.split(',').filter(|part| !part.is_empty());
            parts.map(term).collect()
        };
        let of_label = |(key, value, equal)| Term {
            path: ["metadata", "labels"]
                .map(str::to_owned)
                .into_iter()
                .chain([key])
                .collect(),
            value,
            equal,
        };
        let of_field = |(key, value, equal): (String, String, bool)| Term {
            path: key.split('.').map(str::to_owned).collect(),
            value,
            equal,
        };
        let labels = terms(labels).into_iter().map(of_label);
        let fields = terms(fields).into_iter().map(of_field);
        Self(labels.chain(fields).collect())
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|term| {
            let mut value = object;
            for key in &term.path {
                value = &value[key];
            }
            (value.as_str().unwrap_or_default() == term.value) == term.equal
        })
    }
}

fn term(text: &str) -> (String, String, bool) {
    let (key, value, equal) = if let Some((key, value)) = text.split_once("!=") {
        (key, value, false)
    } else {
        let (key, value) = text
            .split_once('=')
            .unwrap_or_else(|| panic!("no = in the selector {text}"));
        (key, value.trim_start_matches('='), true)
    };
    (key.to_owned(), value.to_owned(), equal)
}
