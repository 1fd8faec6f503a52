//! HAR recordings, as Chrome, Firefox and Safari write them.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};

use super::super::spec::Spec;
use super::form::{Field, multipart};
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
    #[serde(default, deserialize_with = "or_default")]
    headers: Vec<Pair>,
    post_data: Option<PostData>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pair {
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    value: String,
    file_name: Option<String>,
    content_type: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PostData {
    #[serde(deserialize_with = "or_default")]
    mime_type: String,
    text: Option<String>,
    /// `base64` if the text is encoded, as proxies write what is not text.
    encoding: Option<String>,
    /// The fields of a form, if a recording has them instead of the text.
    #[serde(deserialize_with = "or_default")]
    params: Vec<Pair>,
}

/// A value, or its default for `null`, which some programs write for what they do not know.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

impl PostData {
    /// The body, and its type.
    fn body(self) -> Result<(Option<String>, String), String> {
        let kind = self.mime_type;
        let text = self.text.filter(|text| !text.is_empty());
        if let Some(text) = text {
            if self.encoding.as_deref() != Some("base64") {
                return Ok((Some(text), kind));
            }
            let bytes = STANDARD.decode(text.trim());
            let bytes = bytes.map_err(|error| format!("its body is not base64 ({error})"))?;
            let text = String::from_utf8(bytes)
                .map_err(|_| "its body is not text, which every body here must be: remove it")?;
            return Ok((Some(text), kind));
        }
        if self.params.is_empty() {
            return Ok((None, kind));
        }
        if !kind.starts_with("multipart/") {
            let fields = self.params.iter().map(|pair| (&pair.name, &pair.value));
            let form = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields)
                .finish();
            return Ok((Some(form), kind));
        }
        if self.params.iter().any(|field| field.file_name.is_some()) {
            return Err("the recording lacks the content of a file in its form: remove it, or write the body into the recording".to_owned());
        }
        let fields: Vec<Field> = self.params.into_iter().map(Field::from).collect();
        let (kind, body) = multipart(&fields);
        Ok((Some(body), kind))
    }
}

impl From<Pair> for Field {
    fn from(pair: Pair) -> Self {
        Self {
            name: pair.name,
            value: pair.value,
            kind: pair.content_type,
        }
    }
}

/// The requests of a recording, in order. Data URLs, WebSocket connections and a proxy's tunnels are not requests.
pub(in super::super) fn har(har: Har) -> Result<Vec<Spec>, String> {
    let requests = har.log.entries.into_iter().map(|entry| entry.request);
    requests
        .enumerate()
        .filter(|(_, recorded)| is_request(recorded))
        .map(|(at, recorded)| {
            let shown = format!("entry {} ({})", at + 1, recorded.method);
            one(recorded).map_err(|why| format!("{shown}: {why}"))
        })
        .collect()
}

fn is_request(recorded: &Recorded) -> bool {
    let is_socket = |pair: &Pair| pair.name.eq_ignore_ascii_case("sec-websocket-key");
    let url = recorded.url.get(..4).unwrap_or_default();
    url.eq_ignore_ascii_case("http")
        && recorded.method != "CONNECT"
        && !recorded.headers.iter().any(is_socket)
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
        let recorded = data.mime_type.clone();
        let kind;
        (body, kind) = data.body()?;
        if kind != recorded {
            // The parts were put together again, with another boundary.
            headers.insert("content-type".to_owned(), kind);
        } else if !kind.is_empty() {
            headers.entry("content-type".to_owned()).or_insert(kind);
        }
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

    #[test]
    fn what_is_no_request_is_left_out() {
        let specs = read(
            r#"{"request":{"method":"GET","url":"https://shop.svc/live","headers":[{"name":"Sec-WebSocket-Key","value":"x"}]}},
            {"request":{"method":"CONNECT","url":"https://shop.svc:443","headers":[]}},
            {"request":{"method":"GET","url":"blob:https://shop.svc/1","headers":[]}},
            {"request":{"method":"GET","url":"HTTPS://shop.svc/a#top","httpVersion":"h3","headers":[{"name":":path","value":"/a"}]}}"#,
        );
        assert_eq!((specs.len(), specs[0].path.as_str()), (1, "/a"));
    }

    /// As Charles, Fiddler and Safari write what they do not know or can't write as text.
    #[test]
    fn null_stands_for_nothing_and_base64_for_the_body() {
        let specs = read(
            r#"{"request":{"method":"POST","url":"http://shop.svc/a","headers":null,"postData":{"mimeType":null,"params":null,"text":"aGk=","encoding":"base64"}}},
            {"request":{"method":"GET","url":"http://shop.svc/b","headers":[{"name":"x","value":null}],"postData":null}}"#,
        );
        assert_eq!(specs[0].body.as_deref(), Some("hi"));
        assert!(specs[0].headers.is_empty());
        assert_eq!(
            (specs[1].headers["x"].as_str(), &specs[1].body),
            ("", &None)
        );
    }

    #[test]
    fn a_form_in_parts_is_put_together_again() {
        let entry = r#"{"request":{"method":"POST","url":"http://shop.svc/up","headers":[{"name":"Content-Type","value":"multipart/form-data; boundary=old"}],"postData":{"mimeType":"multipart/form-data; boundary=old","params":[{"name":"a","value":"1"FILE}]}}}"#;
        let spec = &read(&entry.replace("FILE", ""))[0];
        let body = spec.body.as_deref().unwrap();
        assert!(body.contains("name=\"a\"\r\n\r\n1\r\n"), "{body}");
        let (_, boundary) = spec.headers["content-type"]
            .split_once("boundary=")
            .unwrap();
        assert!(body.starts_with(&format!("--{boundary}\r\n")));
        // A recording does not contain uploaded files.
        let text = format!(
            r#"{{"log":{{"entries":[{}]}}}}"#,
            entry.replace("FILE", r#","fileName":"b.png""#)
        );
        let why = har(serde_json::from_str(&text).unwrap()).unwrap_err();
        assert!(why.starts_with("entry 1 (POST): "), "{why}");
    }
}
