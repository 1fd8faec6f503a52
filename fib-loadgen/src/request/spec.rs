//! One request as written or recorded.

use std::collections::BTreeMap;

use serde::Deserialize;
use url::Url;

use crate::target::without_credentials;

/// One request as written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// `GET` by default, or `POST` with a body.
    #[serde(default)]
    pub method: Option<String>,
    /// Path and query.
    #[serde(default = "root")]
    pub path: String,
    /// Headers in addition to those of every request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    pub body: Option<String>,
    /// How often it is sent, relative to the others.
    #[serde(default = "one")]
    pub weight: f64,
    /// The checks of its answer.
    #[serde(default)]
    pub check: Vec<String>,
    /// Scheme, host and port, if an import knows them.
    #[serde(skip)]
    pub origin: Option<String>,
    /// Whether braces are plain text: a recording is sent unchanged.
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
        let url =
            Url::parse(url).map_err(|error| format!("`{}` is not a URL ({error})", shown()))?;
        Ok(Self {
            path: url[url::Position::BeforePath..url::Position::AfterQuery].to_owned(),
            origin: Some(url[..url::Position::BeforePath].to_owned()),
            weight: 1.0,
            ..Self::default()
        })
    }
}
