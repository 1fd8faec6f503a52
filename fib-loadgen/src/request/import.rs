//! Requests from elsewhere: a HAR recording of a browser, or a `curl` command line.

mod curl;
mod form;
mod har;
mod shell;

use std::collections::BTreeMap;

pub use curl::curl;
pub(super) use har::har;

/// Headers of the recorded connection, or that ask for encodings not supported here.
const LEFT_OUT: [&str; 8] = [
    "host",
    "connection",
    "content-length",
    "accept-encoding",
    "transfer-encoding",
    "keep-alive",
    "upgrade",
    "te",
];

/// Adds a header; if it occurs several times, all values go on one line (RFC 9110, section 5.3).
fn add(headers: &mut BTreeMap<String, String>, name: String, value: &str) {
    let between = if name == "cookie" { "; " } else { ", " };
    headers
        .entry(name)
        .and_modify(|all| {
            all.push_str(between);
            all.push_str(value);
        })
        .or_insert_with(|| value.to_owned());
}
