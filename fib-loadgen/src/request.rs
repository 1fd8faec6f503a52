//! The requests to send: F(n) to a `fib-server`, or the requests in a file to any service.

mod file;
mod import;
mod spec;
mod template;

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, USER_AGENT};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

use crate::chance::{self, Purpose};
use crate::check::Check;
use crate::client::{ClientSettings, HttpVersion};
use crate::workload::Workload;

pub use file::read;
pub use import::curl;
pub use spec::Spec;
pub use template::{Place, Text};

/// The source of requests.
#[derive(Debug, Clone)]
pub enum Source {
    /// `GET /get?n=…`, whose answers are verified.
    Fibonacci(Workload),
    /// These requests, whose answers are checked.
    Requests(Requests),
}

impl Source {
    /// The checks, in the order in which results list them.
    pub fn checks(&self) -> &[Check] {
        match self {
            Self::Fibonacci(_) => &[],
            Self::Requests(requests) => &requests.checks,
        }
    }

    /// The path of every request as it was given, without its query, if there is one path for all.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Fibonacci(_) => None,
            Self::Requests(requests) => requests.path.as_deref(),
        }
    }
}

/// A request to send.
#[derive(Debug, Clone, Copy)]
pub enum Question<'a> {
    /// F(n); the value is verified, or only its form.
    Fibonacci {
        /// The index.
        n: u32,
        /// Whether to verify the value.
        prove: bool,
    },
    /// A request from a file.
    Template(&'a Template, Place),
}

/// Requests to choose from.
#[derive(Debug, Clone)]
pub struct Requests {
    list: Vec<Template>,
    /// Whether their weights differ; requests of equal weight are sent in turn.
    weighted: bool,
    checks: Vec<Check>,
    /// The path of the only request, without its query, which may hold a secret.
    path: Option<String>,
}

/// One request, whose placeholders are filled in each time.
#[derive(Debug, Clone)]
pub struct Template {
    method: Method,
    path: Text,
    headers: Vec<(HeaderName, Text)>,
    body: Text,
    /// The cumulative share of all requests, including this one.
    upto: f64,
    /// Its checks, as indices into the list of all.
    pub checks: Vec<usize>,
}

/// The most checks of one request that are counted separately.
const MOST_CHECKS: usize = 64;

impl Requests {
    /// The requests in a file or on the command line; `checks` apply to all of them.
    pub fn new(specs: Vec<Spec>, checks: &[Check]) -> Result<Self, String> {
        if specs.is_empty() {
            return Err("there is no request to send: give a file with at least one".to_owned());
        }
        let total: f64 = specs.iter().map(|spec| spec.weight).sum();
        if !(total.is_finite() && total > 0.0) || specs.iter().any(|spec| spec.weight < 0.0) {
            return Err(
                "the weights of the requests have no sum above 0: give each a positive weight"
                    .to_owned(),
            );
        }
        #[expect(clippy::float_cmp, reason = "weights as they were written")]
        let weighted = specs.iter().any(|spec| spec.weight != specs[0].weight);
        let path = match specs.as_slice() {
            [only] => only.path.split('?').next().map(str::to_owned),
            _ => None,
        };
        let mut all = checks.to_vec();
        let mut upto = 0.0;
        let mut list = Vec::new();
        let several = specs.len() > 1;
        for (at, spec) in specs.iter().enumerate() {
            upto += spec.weight / total;
            let template = Template::checked(spec, upto, checks.len(), &mut all);
            list.push(template.map_err(|why| {
                if several {
                    format!("request {} ({}): {why}", at + 1, spec.path)
                } else {
                    why
                }
            })?);
        }
        Ok(Self {
            list,
            weighted,
            checks: all,
            path,
        })
    }

    /// Each request's share of all, its method, and its path with the placeholders of its first use.
    pub fn listed(&self, seed: u64) -> impl Iterator<Item = (f64, &Method, Cow<'_, str>)> {
        let mut before = 0.0;
        let mut index = 0;
        self.list.iter().map(move |template| {
            let share = template.upto - std::mem::replace(&mut before, template.upto);
            let path = template.path.fill(&Place::new(seed, index, 0, 0));
            index += 1;
            (share, &template.method, path)
        })
    }

    /// The `index`-th request.
    pub fn pick(&self, seed: u64, index: u64) -> &Template {
        let last = self.list.len() - 1;
        if self.weighted {
            let at = chance::unit(seed, Purpose::Request, index);
            let found = self.list.iter().position(|template| at < template.upto);
            return &self.list[found.unwrap_or(last)];
        }
        #[expect(clippy::cast_possible_truncation, reason = "a place in a list")]
        let turn = (index % self.list.len() as u64) as usize;
        &self.list[turn]
    }
}

impl Template {
    /// Whether it has this method.
    pub fn is(&self, method: &Method) -> bool {
        self.method == method
    }

    /// A request with the checks of all and its own, which are added to the list of all checks.
    fn checked(
        spec: &Spec,
        upto: f64,
        shared: usize,
        all: &mut Vec<Check>,
    ) -> Result<Self, String> {
        let mut places: Vec<usize> = (0..shared).collect();
        for rule in &spec.check {
            places.push(all.len());
            all.push(rule.parse()?);
        }
        if places.len() > MOST_CHECKS {
            return Err(format!(
                "a request has {} checks, but at most {MOST_CHECKS} are possible",
                places.len()
            ));
        }
        Self::new(spec, upto, places)
    }

    fn new(spec: &Spec, upto: f64, checks: Vec<usize>) -> Result<Self, String> {
        let bad = |what: &str, of: &str| format!("`{of}` is not a valid {what} of a request");
        let method =
            spec.method
                .as_deref()
                .unwrap_or(if spec.body.is_some() { "POST" } else { "GET" });
        let text = |text: &str| {
            if spec.literal {
                Ok(Text::literal(text))
            } else {
                Text::parse(text)
            }
        };
        let mut headers = Vec::new();
        for (name, value) in &spec.headers {
            let header: HeaderName = name.parse().map_err(|_| bad("header", name))?;
            // The value may be a secret.
            HeaderValue::from_str(value)
                .map_err(|_| format!("the value of {name} is not a valid header value"))?;
            headers.push((header, text(value)?));
        }
        Ok(Self {
            method: method
                .to_ascii_uppercase()
                .parse()
                .map_err(|_| bad("method", method))?,
            path: path(spec, text(&spec.path)?)?,
            headers,
            body: text(spec.body.as_deref().unwrap_or_default())?,
            upto,
            checks,
        })
    }
}

/// A path that is valid with whatever its placeholders stand for.
fn path(spec: &Spec, text: Text) -> Result<Text, String> {
    let filled = text.fill(&Place::new(0, 0, 0, 0)).into_owned();
    match PathAndQuery::from_maybe_shared(Bytes::from(filled)) {
        Ok(_) => Ok(text),
        Err(error) => Err(format!(
            "the path `{}` is not valid ({error}): begin it with / and escape other characters, such as a space as %20",
            spec.path
        )),
    }
}

/// Writes a request in HTTP/1.1 form.
pub fn encode(request: &Request<Bytes>, out: &mut Vec<u8>) {
    let mut put = |parts: &[&[u8]]| parts.iter().for_each(|part| out.extend_from_slice(part));
    let uri = request.uri();
    put(&[request.method().as_str().as_bytes(), b" "]);
    if let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) {
        put(&[scheme.as_bytes(), b"://", authority.as_str().as_bytes()]);
    }
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    put(&[path.as_bytes(), b" HTTP/1.1\r\n"]);
    let body = request.body();
    for (name, value) in request.headers() {
        // The length of the body is known here.
        let delimits = *name == CONTENT_LENGTH || *name == TRANSFER_ENCODING;
        if body.is_empty() || !delimits {
            put(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
        }
    }
    if !body.is_empty() {
        put(&[
            b"content-length: ",
            body.len().to_string().as_bytes(),
            b"\r\n",
        ]);
    }
    put(&[b"\r\n", body]);
}

/// A host header's value in the form of HTTP/2.
fn authority_of(host: &HeaderValue) -> Result<Authority, String> {
    Authority::try_from(host.as_bytes()).map_err(|error| {
        format!("the header host is not a host and port ({error}): write it like shop.svc:8080")
    })
}

/// The head of every request of one user, built once.
#[derive(Debug, Clone)]
pub struct Head {
    headers: HeaderMap,
    scheme: Scheme,
    authority: Authority,
    host: HeaderValue,
    /// The host's name in HTTP/2, which has no header for it.
    named: Authority,
    /// The last F(n) that was requested, and its form: users often request the same one again.
    last: Option<(u32, bool, Uri)>,
}

impl Head {
    /// From the settings of all users.
    pub fn new(settings: &ClientSettings) -> Result<Self, String> {
        let target = &settings.target;
        let bad = || {
            format!(
                "`{}` is not a valid host: check the target",
                target.authority()
            )
        };
        let mut headers = settings.headers.clone();
        let authority: Authority = target.authority().parse().map_err(|_| bad())?;
        let (host, named) = match headers.remove(HOST) {
            Some(given) => {
                let named = match authority_of(&given) {
                    // HTTP/1 sends anything, for those who test that.
                    Err(_) if settings.http == HttpVersion::One => authority.clone(),
                    named => named?,
                };
                (given, named)
            }
            None => (
                HeaderValue::from_str(target.authority()).map_err(|_| bad())?,
                authority.clone(),
            ),
        };
        headers
            .entry(USER_AGENT)
            .or_insert(HeaderValue::from_static(concat!(
                "fib-loadgen/",
                env!("CARGO_PKG_VERSION")
            )));
        headers
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static("*/*"));
        if let Some(credentials) = &target.authorization {
            headers.entry(AUTHORIZATION).or_insert(credentials.clone());
        }
        Ok(Self {
            headers,
            scheme: target.base.scheme().parse().map_err(|_| bad())?,
            authority,
            host,
            named,
            last: None,
        })
    }

    /// The request for F(n). `whole`: the URL needs scheme and host.
    pub fn fibonacci(&mut self, n: u32, whole: bool, http2: bool) -> Request<Bytes> {
        let uri = match &self.last {
            Some((last, form, uri)) if (*last, *form) == (n, whole) => uri.clone(),
            _ => {
                // Digits only, so that it is always a path.
                let path = PathAndQuery::from_maybe_shared(Bytes::from(format!("/get?n={n}")));
                let path = path.unwrap_or(PathAndQuery::from_static("/get"));
                let uri = self.uri(path, whole, http2);
                self.last = Some((n, whole, uri.clone()));
                uri
            }
        };
        self.request(Method::GET, uri, Bytes::new(), http2)
    }

    /// A request from a file with its placeholders filled in; an error if the result is invalid.
    pub fn fill(
        &self,
        template: &Template,
        place: &Place,
        whole: bool,
        http2: bool,
    ) -> Result<Request<Bytes>, String> {
        let path = template.path.fill(place);
        let path = PathAndQuery::from_maybe_shared(Bytes::from(path.into_owned()))
            .map_err(|error| format!("its path is invalid ({error})"))?;
        let body = Bytes::from(template.body.fill(&place.in_body()).into_owned());
        let empty = body.is_empty();
        let mut request = self.request(
            template.method.clone(),
            self.uri(path, whole, http2),
            body,
            http2,
        );
        if empty && [Method::POST, Method::PUT, Method::PATCH].contains(&template.method) {
            // Required by RFC 9110, section 8.6, for methods that have a body; some servers reject the request
            // otherwise.
            let none = HeaderValue::from_static("0");
            request.headers_mut().insert(CONTENT_LENGTH, none);
        }
        for (at, (name, value)) in template.headers.iter().enumerate() {
            let value = HeaderValue::from_str(&value.fill(&place.in_header(at)))
                .map_err(|error| format!("its header {name} is invalid ({error})"))?;
            if http2 && *name == HOST {
                let mut parts = std::mem::take(request.uri_mut()).into_parts();
                parts.authority = Some(authority_of(&value)?);
                *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
            } else {
                request.headers_mut().insert(name.clone(), value);
            }
        }
        Ok(request)
    }

    fn request(&self, method: Method, uri: Uri, body: Bytes, http2: bool) -> Request<Bytes> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers.clone();
        if !http2 {
            request.headers_mut().insert(HOST, self.host.clone());
        }
        request
    }

    fn uri(&self, path: PathAndQuery, whole: bool, http2: bool) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.path_and_query = Some(path);
        if whole {
            parts.scheme = Some(self.scheme.clone());
            let authority = if http2 { &self.named } else { &self.authority };
            parts.authority = Some(authority.clone());
        }
        // Either only a path, or all three.
        Uri::from_parts(parts).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
