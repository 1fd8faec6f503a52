//! A range query to Prometheus through its HTTP API.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Limited};
use jiff::Timestamp;
use kube::client::Body;
use kube::{Client, Config};

use crate::failure::{Failure, root_cause};

/// The most samples that Prometheus returns for one series.
pub(crate) const MOST_SAMPLES: u64 = 11_000;
/// Time from the request to the last byte of the answer.
const WITHIN: Duration = Duration::from_mins(2);
/// A megabyte has room for about 30,000 samples.
const MOST_BYTES: usize = 128 << 20;
/// The path of a range query.
const PATH: &str = "/api/v1/query_range";
/// A longer query goes in the body, since it may be too long for a URL.
const LONG_QUERY: usize = 1_500;

/// A range query.
#[derive(Debug, Clone)]
pub(crate) struct RangeQuery {
    /// The address, before `/api/v1`.
    pub(crate) server: Uri,
    /// More headers, such as an authorization.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// The PromQL query.
    pub(crate) query: String,
    /// The first instant.
    pub(crate) from: Timestamp,
    /// The last instant.
    pub(crate) until: Timestamp,
    /// Time between samples.
    pub(crate) step: Duration,
}

impl RangeQuery {
    /// The address without its secrets.
    pub(crate) fn shown(&self) -> String {
        let authority = self.server.authority().map_or("", |a| a.as_str());
        let host = authority.rsplit('@').next().unwrap_or_default();
        let path = self.server.path().trim_end_matches('/');
        format!(
            "{}://{host}{path}",
            self.server.scheme_str().unwrap_or("http")
        )
    }

    /// Runs the query; returns the API's answer in JSON.
    pub(crate) async fn ask(&self) -> Result<String, Failure> {
        let shown = self.shown();
        let failed = |why: String| Failure::target(format!("Prometheus at {shown} {why}"));
        let asked = tokio::time::timeout(WITHIN, self.exchange()).await;
        let (status, content_type, body) = asked
            .map_err(|_| {
                let within = WITHIN.as_secs();
                failed(format!(
                    "gave no answer within {within} s: shorten --since, or check --prometheus"
                ))
            })?
            .map_err(|error| failed(format!("can't be reached ({error}): check --prometheus")))?;
        let json = content_type.contains("json");
        match status {
            _ if json => Ok(body),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(failed(format!(
                "refused with {status}: give credentials, such as --prometheus-header 'Authorization: Bearer …'"
            ))),
            status => Err(failed(format!(
                "answered with {status} and no JSON: give the part of the address before /api/v1"
            ))),
        }
    }

    async fn exchange(&self) -> Result<(StatusCode, String, String), String> {
        let in_a_line = |error: kube::Error| root_cause(&error).replace('\n', " ");
        let mut config = Config::new(self.without_user()?);
        config.headers.clone_from(&self.headers);
        let (user, password) = self.user();
        config.auth_info.username = user;
        config.auth_info.password = password.map(Into::into);
        config.default_retry = false;
        let client = Client::try_from(config).map_err(in_a_line)?;
        let answer = client.send(self.request()?).await.map_err(in_a_line)?;
        let content_type = answer
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        let body =
            String::from_utf8(body.into()).map_err(|_| "its answer is not text".to_owned())?;
        Ok((status, content_type, body))
    }

    fn request(&self) -> Result<Request<Body>, String> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("query", &self.query)
            .append_pair("start", &seconds(self.from))
            .append_pair("end", &seconds(self.until))
            .append_pair("step", &self.step.as_secs().max(1).to_string())
            .finish();
        let request = if form.len() < LONG_QUERY {
            Request::get(format!("{PATH}?{form}")).body(Body::empty())
        } else {
            Request::builder()
                .method(Method::POST)
                .uri(PATH)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(form.into_bytes()))
        };
        request.map_err(|error| error.to_string())
    }

    /// User and password in the address.
    fn user(&self) -> (Option<String>, Option<String>) {
        let authority = self.server.authority().map_or("", |a| a.as_str());
        let Some((user, _)) = authority.rsplit_once('@') else {
            return (None, None);
        };
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        let decoded = |text: &str| {
            let pair = format!("x={}", text.replace('+', "%2B"));
            let mut pairs = form_urlencoded::parse(pair.as_bytes());
            pairs.next().map(|(_, value)| value.into_owned())
        };
        (decoded(name), decoded(password))
    }

    fn without_user(&self) -> Result<Uri, String> {
        self.shown()
            .parse()
            .map_err(|_| "the address is not a URL".to_owned())
    }
}

/// With milliseconds, as Prometheus accepts it.
fn seconds(at: Timestamp) -> String {
    let ms = at.as_millisecond();
    format!("{}.{:03}", ms.div_euclid(1_000), ms.rem_euclid(1_000))
}
