//! Requests from elsewhere: a HAR recording of a browser, or a `curl` command line.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::spec::Spec;

/// A HAR recording (HTTP Archive 1.2), as far as it matters here.
#[derive(Debug, Deserialize)]
pub(super) struct Har {
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
    headers: Vec<Header>,
    post_data: Option<PostData>,
}

#[derive(Debug, Deserialize)]
struct Header {
    name: String,
    value: String,
}

#[derive(Debug, Deserialize)]
struct PostData {
    #[serde(default)]
    text: String,
}

/// Headers that belong to the connection that was recorded, or that ask for what is not read here.
const LEFT_OUT: [&str; 9] = [
    "host",
    "connection",
    "content-length",
    "accept-encoding",
    "transfer-encoding",
    "keep-alive",
    "upgrade",
    "te",
    "cookie",
];

/// The requests of a recording, in its order.
pub(super) fn har(har: Har) -> Result<Vec<Spec>, String> {
    let one = |entry: Entry| {
        let recorded = entry.request;
        let headers = recorded
            .headers
            .into_iter()
            .map(|header| (header.name.to_ascii_lowercase(), header.value))
            .filter(|(name, _)| !name.starts_with(':') && !LEFT_OUT.contains(&name.as_str()));
        Ok(Spec {
            method: Some(recorded.method),
            headers: headers.collect(),
            body: recorded.post_data.map(|data| data.text),
            literal: true,
            ..Spec::of_url(&recorded.url)?
        })
    };
    har.log.entries.into_iter().map(one).collect()
}

/// The requests of `curl` commands, one after the other.
pub fn curl(text: &str) -> Result<Vec<Spec>, String> {
    let words = shlex::split(&text.replace("\\\r\n", " ").replace("\\\n", " "))
        .ok_or("a quote is not closed")?;
    let mut commands: Vec<Vec<String>> = Vec::new();
    for word in words {
        match commands.last_mut() {
            _ if word == "curl" => commands.push(Vec::new()),
            Some(command) => command.push(word),
            None => return Err(format!("`{word}` stands before any curl")),
        }
    }
    commands
        .into_iter()
        .map(|words| Command::read(&words)?.spec())
        .collect()
}

/// Flags without a value that change nothing here: what they ask for is done anyway, or is about curl's output.
const WITHOUT_EFFECT: [&str; 12] = [
    "-s",
    "--silent",
    "-S",
    "--show-error",
    "-i",
    "--include",
    "-v",
    "--verbose",
    "-f",
    "--fail",
    "-N",
    "--no-buffer",
];

/// One `curl` command.
#[derive(Debug, Default)]
struct Command {
    url: Option<String>,
    method: Option<String>,
    headers: BTreeMap<String, String>,
    data: Vec<String>,
    /// Whether the data are the query.
    query: bool,
}

impl Command {
    fn read(words: &[String]) -> Result<Self, String> {
        let mut command = Self::default();
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            // `-XPOST`, `--request=POST`.
            let (flag, attached) = match word {
                long if long.starts_with("--") => match long.split_once('=') {
                    Some((flag, value)) => (flag, Some(value)),
                    None => (long, None),
                },
                short if short.starts_with('-') && short.len() > 2 && short.is_char_boundary(2) => {
                    (&short[..2], Some(&short[2..]))
                }
                other => (other, None),
            };
            if command.switch(flag, attached) {
                continue;
            }
            if !flag.starts_with('-') {
                command.url = Some(flag.to_owned());
                continue;
            }
            let value = attached
                .or_else(|| words.next())
                .ok_or_else(|| format!("curl's {flag} is not known here, or has no value"))?;
            command.set(flag, value)?;
        }
        Ok(command)
    }

    /// Takes a flag without a value.
    fn switch(&mut self, flag: &str, attached: Option<&str>) -> bool {
        match flag {
            "-G" | "--get" => self.query = true,
            "-I" | "--head" => self.method = Some("HEAD".to_owned()),
            "--compressed" => {}
            // `-sS` is two of them.
            flag => {
                let several =
                    attached.is_none_or(|more| more.bytes().all(|b| b"sSivfN".contains(&b)));
                return WITHOUT_EFFECT.contains(&flag) && several;
            }
        }
        true
    }

    fn set(&mut self, flag: &str, value: &str) -> Result<(), String> {
        let named = match flag {
            "-A" | "--user-agent" => Some("user-agent"),
            "-e" | "--referer" => Some("referer"),
            "-b" | "--cookie" => Some("cookie"),
            _ => None,
        };
        if let Some(name) = named {
            self.headers.insert(name.to_owned(), value.to_owned());
            return Ok(());
        }
        match flag {
            "-X" | "--request" => self.method = Some(value.to_owned()),
            "--url" => self.url = Some(value.to_owned()),
            // Where curl writes to.
            "-o" | "--output" | "-w" | "--write-out" => {}
            "-u" | "--user" => {
                let pair = if value.contains(':') {
                    value.to_owned()
                } else {
                    format!("{value}:")
                };
                let value = format!("Basic {}", STANDARD.encode(pair));
                self.headers
                    .entry("authorization".to_owned())
                    .or_insert(value);
            }
            "-H" | "--header" => {
                let (name, content) = value
                    .split_once(':')
                    .ok_or_else(|| "one of curl's headers has no colon".to_owned())?;
                let name = name.trim().to_ascii_lowercase();
                if name == "cookie" || !LEFT_OUT.contains(&name.as_str()) {
                    self.headers.insert(name, content.trim().to_owned());
                }
            }
            "-d" | "--data" | "--data-raw" | "--data-ascii" | "--data-binary" | "--json" => {
                self.add_data(flag, value)?;
            }
            _ => {
                return Err(format!(
                    "curl's {flag} is not known here: leave it out, and give fib-loadgen's own flag if it has one"
                ));
            }
        }
        Ok(())
    }

    fn add_data(&mut self, flag: &str, value: &str) -> Result<(), String> {
        if value.starts_with('@') && flag != "--data-raw" {
            return Err("curl's data comes from a file: write it into the command".to_owned());
        }
        let mut default = |name: &str, value: &str| {
            self.headers
                .entry(name.to_owned())
                .or_insert(value.to_owned());
        };
        if flag == "--json" {
            default("accept", "application/json");
            default("content-type", "application/json");
        } else {
            default("content-type", "application/x-www-form-urlencoded");
        }
        self.data.push(value.to_owned());
        Ok(())
    }

    fn spec(mut self) -> Result<Spec, String> {
        let url = self.url.ok_or("a curl command has no URL")?;
        let url = if url.contains("://") {
            url
        } else {
            format!("http://{url}")
        };
        let mut spec = Spec::of_url(&url)?;
        let data = (!self.data.is_empty()).then(|| self.data.join("&"));
        if !self.query {
            spec.body = data;
        } else if let Some(data) = data {
            spec.path
                .push(if spec.path.contains('?') { '&' } else { '?' });
            spec.path.push_str(&data);
            self.headers.remove("content-type");
        }
        spec.method = self.method;
        spec.headers = self.headers;
        spec.literal = true;
        Ok(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curl_command_is_read_as_curl_reads_it() {
        let text = "curl -sS 'http://cart.shop.svc:8080/items?x=1' \\\n  -XPUT -H 'X-Trace: 5' --data-raw '{\"a\": 1}' --compressed";
        let spec = &curl(text).unwrap()[0];
        assert_eq!(spec.method.as_deref(), Some("PUT"));
        assert_eq!(
            (spec.path.as_str(), spec.origin.as_deref()),
            ("/items?x=1", Some("http://cart.shop.svc:8080"))
        );
        assert_eq!(spec.headers["x-trace"], "5");
        assert_eq!(
            spec.headers["content-type"],
            "application/x-www-form-urlencoded"
        );
        assert_eq!(spec.body.as_deref(), Some("{\"a\": 1}"));
    }

    #[test]
    fn data_joins_and_may_become_the_query() {
        let spec = &curl("curl -G http://h.svc/s -d a=1 -d b=2").unwrap()[0];
        assert_eq!((spec.path.as_str(), &spec.body), ("/s?a=1&b=2", &None));
        let spec = &curl("curl h.svc --json '{}'").unwrap()[0];
        assert_eq!(
            (spec.path.as_str(), spec.headers["accept"].as_str()),
            ("/", "application/json")
        );
    }

    #[test]
    fn several_commands_are_several_requests_and_an_unknown_flag_is_named() {
        assert_eq!(curl("curl http://h/a\ncurl http://h/b").unwrap().len(), 2);
        let spec = &curl("curl -u me:pass:word http://h/a").unwrap()[0];
        assert_eq!(spec.headers["authorization"], "Basic bWU6cGFzczp3b3Jk");
        let refused = curl("curl --ntlm http://h").unwrap_err();
        assert!(refused.contains("--ntlm"), "{refused}");
        for text in [
            "curl",
            "curl 'http://h",
            "curl -H",
            "curl -d @file http://h",
        ] {
            assert!(curl(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_recording_keeps_what_was_asked_and_loses_what_was_the_connection_s() {
        let text = r#"{"log":{"version":"1.2","entries":[{"request":{"method":"POST","url":"http://shop.svc/cart?x=1","headers":[{"name":":authority","value":"shop.svc"},{"name":"Accept-Encoding","value":"gzip"},{"name":"X-A","value":"b"}],"postData":{"mimeType":"text/plain","text":"hi"}},"response":{}}]}}"#;
        let specs = har(serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!(specs[0].path, "/cart?x=1");
        assert_eq!(specs[0].headers.len(), 1);
        assert_eq!(specs[0].body.as_deref(), Some("hi"));
    }
}
