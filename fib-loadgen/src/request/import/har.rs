//! HAR recordings, as Chrome, Firefox and Safari write them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::spec::Spec;
use super::{LEFT_OUT, add};

/// A HAR recording (HTTP Archive 1.2), as far as it matters here.
#[derive(Debug, Deserialize)]
pub(in super::super) struct Har {
    log: Log,
}

#[derive(Debug, Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    request: Recorded,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recorded {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Pair>,
    post_data: Option<PostData>,
}

#[derive(Debug, Deserialize)]
struct Pair {
    name: String,
    #[serde(default)]
    value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PostData {
    mime_type: String,
    text: Option<String>,
    /// The fields of a form, if a recording has them instead of the text.
    params: Vec<Pair>,
}

impl PostData {
    fn body(self) -> Option<String> {
        let text = self.text.filter(|text| !text.is_empty());
        if text.is_some() || self.params.is_empty() {
            return text;
        }
        let fields = self.params.iter().map(|pair| (&pair.name, &pair.value));
        Some(
            url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields)
                .finish(),
        )
    }
}

/// The requests of a recording, in order. Data URLs and WebSocket connections are not requests.
pub(in super::super) fn har(har: Har) -> Result<Vec<Spec>, String> {
    let requests = har.log.entries.into_iter().map(|entry| entry.request);
    requests
        .filter(|recorded| recorded.url.starts_with("http"))
        .map(one)
        .collect()
}

fn one(recorded: Recorded) -> Result<Spec, String> {
    let mut headers = BTreeMap::new();
    for header in &recorded.headers {
        let name = header.name.to_ascii_lowercase();
        let left_out = name.starts_with(':') || name == "cookie" || LEFT_OUT.contains(&&*name);
        if !left_out {
            add(&mut headers, name, &header.value);
        }
    }
    let mut body = None;
    if let Some(data) = recorded.post_data {
        if !data.mime_type.is_empty() {
            let kind = headers.entry("content-type".to_owned());
            kind.or_insert_with(|| data.mime_type.clone());
        }
        body = data.body();
    }
    Ok(Spec {
        method: Some(recorded.method),
        headers,
        body,
        literal: true,
        ..Spec::of_url(&recorded.url)?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(entries: &str) -> Vec<Spec> {
        let text = format!(r#"{{"log":{{"version":"1.2","entries":[{entries}]}}}}"#);
        har(serde_json::from_str(&text).unwrap()).unwrap()
    }

    #[test]
    fn a_recording_keeps_the_requests_and_loses_headers_of_the_connection() {
        let specs = read(
            r#"{"request":{"method":"POST","url":"http://shop.svc/cart?x=1","headers":[{"name":":authority","value":"shop.svc"},{"name":"Accept-Encoding","value":"gzip"},{"name":"Cookie","value":"id=1"},{"name":"X-A","value":"b"}],"postData":{"mimeType":"text/plain","text":"hi"}},"response":{}}"#,
        );
        assert_eq!(specs[0].path, "/cart?x=1");
        let headers: Vec<&str> = specs[0].headers.keys().map(String::as_str).collect();
        assert_eq!(headers, ["content-type", "x-a"]);
        assert_eq!(specs[0].body.as_deref(), Some("hi"));
    }

    /// As Chrome 130 and Firefox 132 export them, shortened.
    #[test]
    fn recordings_of_chrome_and_firefox_are_read() {
        let chrome = r#"{"_connectionId":"412","_initiator":{"type":"other"},"_priority":"VeryHigh","_resourceType":"document","cache":{},"pageref":"page_1","request":{"method":"GET","url":"http://shop.svc/?q=a%20b","httpVersion":"http/2.0","headers":[{"name":":method","value":"GET"},{"name":"accept","value":"text/html"},{"name":"sec-ch-ua","value":"\"Chromium\";v=\"130\""}],"queryString":[{"name":"q","value":"a%20b"}],"cookies":[],"headersSize":-1,"bodySize":0},"response":{"status":200},"startedDateTime":"2026-11-27T10:00:00.000Z","time":12.3},
            {"request":{"method":"GET","url":"data:image/png;base64,AAAA","headers":[]}},
            {"_webSocketMessages":[],"request":{"method":"GET","url":"ws://shop.svc/live","headers":[]}},
            {"request":{"method":"POST","url":"http://shop.svc/login","headers":[{"name":"content-type","value":"application/x-www-form-urlencoded"}],"postData":{"mimeType":"application/x-www-form-urlencoded","text":"user=a&pass=b%26c","params":[{"name":"user","value":"a"},{"name":"pass","value":"b%26c"}]}}}"#;
        let specs = read(chrome);
        let paths: Vec<&str> = specs.iter().map(|spec| spec.path.as_str()).collect();
        assert_eq!(paths, ["/?q=a%20b", "/login"]);
        assert_eq!(specs[1].body.as_deref(), Some("user=a&pass=b%26c"));
        let firefox = r#"{"pageref":"page_1","startedDateTime":"2026-11-27T10:00:00.000+01:00","request":{"bodySize":11,"method":"POST","url":"http://shop.svc/form","httpVersion":"HTTP/1.1","headers":[{"name":"Host","value":"shop.svc"},{"name":"Accept","value":"text/html"},{"name":"Accept","value":"*/*"},{"name":"Content-Length","value":"11"}],"cookies":[],"queryString":[],"headersSize":400,"postData":{"mimeType":"application/x-www-form-urlencoded","params":[{"name":"a b","value":"1&2"}],"text":""}},"response":{"status":200},"cache":{},"timings":{},"time":9}"#;
        let spec = &read(firefox)[0];
        assert_eq!(spec.body.as_deref(), Some("a+b=1%262"));
        assert_eq!(spec.headers["accept"], "text/html, */*");
        assert_eq!(
            spec.headers["content-type"],
            "application/x-www-form-urlencoded"
        );
        assert_eq!(spec.headers.len(), 2);
    }
}
