//! What to send, according to the flags.

use crate::args::RunArgs;
use crate::exit::Failure;
use crate::request::{self, Requests, Source, Spec};
use crate::target::Target;

/// The URL, and the requests in a file or a curl command.
pub(super) fn requests(
    args: &RunArgs,
    warnings: &mut Vec<String>,
) -> Result<(String, Vec<Spec>), Failure> {
    let mut specs = match (&args.from, &args.curl) {
        (Some(path), _) => request::read(path).map_err(Failure::usage)?,
        (None, Some(command)) => {
            request::curl(command).map_err(|why| Failure::usage(format!("--curl: {why}")))?
        }
        (None, None) => return Ok((args.target.url(), Vec::new())),
    };
    let given = args.target.given();
    let imported = specs.first().and_then(|spec| spec.origin.clone());
    let url = given
        .clone()
        .or(imported)
        .unwrap_or_else(|| args.target.url());
    // A recording of a page has many requests to other servers, which are not the target. A given URL applies
    // to all curl commands.
    let origin = |url: &str| url::Url::parse(url).ok().map(|url| url.origin());
    let all = specs.len();
    if args.curl.is_none() {
        specs.retain(|spec| {
            spec.origin
                .as_deref()
                .is_none_or(|of| origin(of) == origin(&url))
        });
    }
    if specs.is_empty() && all > 0 {
        return Err(Failure::usage(format!(
            "none of the {all} requests is for {}: give the server of one of them as the target",
            crate::target::without_credentials(&url)
        )));
    }
    if specs.len() < all {
        warnings.push(format!(
            "{} of {all} requests are for other servers than the target and were left out",
            all - specs.len()
        ));
    }
    Ok((url, specs))
}

/// The source of all requests: F(n) by default.
pub(super) fn source(args: &RunArgs, target: &Target, specs: Vec<Spec>) -> Result<Source, Failure> {
    let imported = args.from.is_some() || args.curl.is_some();
    if imported && target.path.is_some() && args.target.given().is_some() {
        return Err(Failure::usage(
            "the requests say which paths to ask for: give the target without one",
        ));
    }
    let plain = target.path.is_none() && args.method.is_none() && args.body.is_none();
    if !imported && plain && args.check.is_empty() {
        let workload = args.n.parse();
        return workload
            .map(Source::Fibonacci)
            .map_err(|why| Failure::usage(format!("--n: {why}")));
    }
    let specs = if imported {
        specs
    } else {
        vec![Spec {
            method: args.method.clone(),
            path: typed_path(target),
            body: args.body.as_deref().map(body).transpose()?,
            weight: 1.0,
            ..Spec::default()
        }]
    };
    Requests::new(specs, &args.check)
        .map(Source::Requests)
        .map_err(Failure::usage)
}

/// The body, or as in curl the text of the file after an `@`.
fn body(text: &str) -> Result<String, Failure> {
    let Some(path) = text.strip_prefix('@') else {
        return Ok(text.to_owned());
    };
    std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!(
            "--body: `{path}` can't be read as text ({error}): give @ and the name of a UTF-8 file, or the body itself"
        ))
    })
}

/// The path of the URL; a URL parser escapes the braces of placeholders.
fn typed_path(target: &Target) -> String {
    let path = target.path.as_deref().unwrap_or("/");
    path.replace("%7B", "{").replace("%7D", "}")
}
