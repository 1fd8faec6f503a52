//! `curl` command lines, as people write them and as browsers and Postman copy them.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::spec::Spec;
use super::{LEFT_OUT, add, shell};

/// The requests of `curl` commands, one after the other.
pub fn curl(text: &str) -> Result<Vec<Spec>, String> {
    let mut commands: Vec<Vec<String>> = Vec::new();
    for word in shell::words(text)? {
        let next = matches!(word.as_str(), "--next" | "-:") && !commands.is_empty();
        match commands.last_mut() {
            _ if next || matches!(word.as_str(), "curl" | "curl.exe") => commands.push(Vec::new()),
            Some(command) => command.push(word),
            None => return Err(format!("`{word}` comes before any curl")),
        }
    }
    commands
        .into_iter()
        .map(|words| Command::read(&words)?.spec())
        .collect()
}

/// Short flags by their long names.
const SHORT: [(char, &str); 24] = [
    ('s', "--silent"),
    ('S', "--show-error"),
    ('i', "--include"),
    ('v', "--verbose"),
    ('f', "--fail"),
    ('N', "--no-buffer"),
    ('L', "--location"),
    ('O', "--remote-name"),
    ('J', "--remote-header-name"),
    ('#', "--progress-bar"),
    ('g', "--globoff"),
    ('G', "--get"),
    ('I', "--head"),
    ('X', "--request"),
    ('H', "--header"),
    ('d', "--data"),
    ('F', "--form"),
    ('A', "--user-agent"),
    ('e', "--referer"),
    ('b', "--cookie"),
    ('u', "--user"),
    ('o', "--output"),
    ('w', "--write-out"),
    ('D', "--dump-header"),
];

/// Flags without a value that change nothing here: what they ask for is done anyway, concerns curl's output, or
/// concerns redirects, which a load never follows.
const WITHOUT_EFFECT: [&str; 16] = [
    "--silent",
    "--show-error",
    "--include",
    "--show-headers",
    "--verbose",
    "--fail",
    "--fail-with-body",
    "--no-buffer",
    "--location",
    "--remote-name",
    "--remote-header-name",
    "--progress-bar",
    "--no-progress-meter",
    "--globoff",
    "--compressed",
    "--path-as-is",
];

/// What curl leaves as it is with `--data-urlencode`.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// One `curl` command.
#[derive(Debug, Default)]
struct Command {
    url: Option<String>,
    method: Option<String>,
    headers: BTreeMap<String, String>,
    /// Headers that it has by default: those of its data and of its user.
    defaults: BTreeMap<String, String>,
    /// Headers that `-H 'name:'` removes.
    without: BTreeSet<String>,
    data: Option<String>,
    form: Vec<Field>,
    /// Whether the data goes into the query.
    query: bool,
}

/// A field of `-F`.
#[derive(Debug)]
struct Field {
    name: String,
    value: String,
    kind: Option<String>,
}

impl Command {
    fn read(words: &[String]) -> Result<Self, String> {
        let mut command = Self::default();
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            if let Some(flag) = word.strip_prefix("--") {
                // curl has no `--request=POST`, but people write it.
                let (_, attached) = flag.split_once('=').unzip();
                let flag = &word[..word.len() - attached.map_or(0, |value| value.len() + 1)];
                if !command.switch(flag) {
                    command.valued(flag, flag, attached, &mut words)?;
                }
            } else if let Some(letters) = word.strip_prefix('-').filter(|all| !all.is_empty()) {
                command.short(letters, &mut words)?;
            } else {
                command.url = Some(word.to_owned());
            }
        }
        Ok(command)
    }

    /// Parses `-sSXPOST`: flags without a value, and at most one with a value.
    fn short<'a>(
        &mut self,
        letters: &'a str,
        words: &mut impl Iterator<Item = &'a str>,
    ) -> Result<(), String> {
        for (at, letter) in letters.char_indices() {
            let shown = format!("-{letter}");
            let (_, flag) = SHORT
                .iter()
                .find(|(known, _)| *known == letter)
                .ok_or_else(|| unknown(&shown))?;
            if !self.switch(flag) {
                let rest = &letters[at + letter.len_utf8()..];
                let attached = (!rest.is_empty()).then_some(rest);
                return self.valued(flag, &shown, attached, words);
            }
        }
        Ok(())
    }

    /// Applies a flag without a value.
    fn switch(&mut self, flag: &str) -> bool {
        match flag {
            "--get" => self.query = true,
            "--head" => self.method = Some("HEAD".to_owned()),
            flag => return WITHOUT_EFFECT.contains(&flag),
        }
        true
    }

    /// Applies a flag with its value; `shown` is the flag as written.
    fn valued<'a>(
        &mut self,
        flag: &str,
        shown: &str,
        attached: Option<&'a str>,
        words: &mut impl Iterator<Item = &'a str>,
    ) -> Result<(), String> {
        let value = attached
            .or_else(|| words.next())
            .ok_or_else(|| format!("curl's {shown} is not supported here, or has no value"))?;
        match flag {
            "--request" => self.method = Some(value.to_owned()),
            "--url" => self.url = Some(value.to_owned()),
            // Where curl writes to.
            "--output" | "--write-out" | "--dump-header" => {}
            "--user-agent" => add(&mut self.headers, "user-agent".to_owned(), value),
            "--referer" => add(&mut self.headers, "referer".to_owned(), value),
            "--cookie" if !value.contains('=') => return Err(from_file("cookies come")),
            "--cookie" => add(&mut self.headers, "cookie".to_owned(), value),
            "--user" => {
                let colon = if value.contains(':') { "" } else { ":" };
                let pair = STANDARD.encode(format!("{value}{colon}"));
                self.implied("authorization", &format!("Basic {pair}"));
            }
            "--header" => self.header(value)?,
            "--data" | "--data-raw" | "--data-ascii" | "--data-binary" | "--json"
            | "--data-urlencode" => self.add_data(flag, value)?,
            "--form" | "--form-string" => self.form.push(Field::read(flag, value)?),
            _ => return Err(unknown(shown)),
        }
        Ok(())
    }

    fn implied(&mut self, name: &str, value: &str) {
        let known = self.defaults.entry(name.to_owned());
        known.or_insert_with(|| value.to_owned());
    }

    /// `name: value`; `name:` removes a header, and `name;` is an empty one.
    fn header(&mut self, text: &str) -> Result<(), String> {
        let (name, value) = match (text.split_once(':'), text.strip_suffix(';')) {
            (Some((name, value)), _) => {
                (name, Some(value.trim()).filter(|value| !value.is_empty()))
            }
            (None, Some(name)) => (name, Some("")),
            (None, None) => return Err("one of curl's headers has no colon".to_owned()),
        };
        let name = name.trim().to_ascii_lowercase();
        if LEFT_OUT.contains(&&*name) {
            return Ok(());
        }
        match value {
            Some(value) => add(&mut self.headers, name, value),
            None => _ = self.without.insert(name),
        }
        Ok(())
    }

    fn add_data(&mut self, flag: &str, value: &str) -> Result<(), String> {
        let encoded = flag == "--data-urlencode";
        let is_file = match flag {
            "--data-raw" => false,
            // `name@file`; in `name=content` an at sign is content.
            "--data-urlencode" => value
                .split_once('@')
                .is_some_and(|(name, _)| !name.contains('=')),
            _ => value.starts_with('@'),
        };
        if is_file {
            return Err(from_file("data comes"));
        }
        let (between, kind) = if flag == "--json" {
            self.implied("accept", "application/json");
            ("", "application/json")
        } else {
            ("&", "application/x-www-form-urlencoded")
        };
        self.implied("content-type", kind);
        let value = if encoded {
            url_encoded(value)
        } else {
            value.to_owned()
        };
        match &mut self.data {
            Some(data) => {
                data.push_str(between);
                data.push_str(&value);
            }
            None => self.data = Some(value),
        }
        Ok(())
    }

    fn spec(mut self) -> Result<Spec, String> {
        let url = self.url.take().ok_or("a curl command has no URL")?;
        let scheme = url.split(['/', '?', '#']).next();
        let url = if scheme.is_some_and(|scheme| scheme.ends_with(':')) {
            url
        } else {
            format!("http://{url}")
        };
        let mut spec = Spec::of_url(&url)?;
        if !self.form.is_empty() {
            let (kind, body) = multipart(&self.form);
            self.implied("content-type", &kind);
            spec.body = Some(body);
        } else if self.query {
            if let Some(data) = &self.data {
                let mark = if spec.path.contains('?') { '&' } else { '?' };
                spec.path = format!("{}{mark}{data}", spec.path);
            }
            self.defaults.remove("content-type");
        } else {
            spec.body = self.data;
        }
        for (name, value) in self.defaults {
            if !self.without.contains(&name) {
                self.headers.entry(name).or_insert(value);
            }
        }
        spec.method = self.method;
        spec.headers = self.headers;
        spec.literal = true;
        Ok(spec)
    }
}

impl Field {
    /// `name=value`, possibly followed by `;type=`. A value from a file is refused.
    fn read(flag: &str, text: &str) -> Result<Self, String> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| format!("curl's form field `{text}` has no value: write NAME=VALUE"))?;
        let literal = flag == "--form-string";
        if !literal && value.starts_with(['@', '<']) {
            return Err(from_file("form comes"));
        }
        let (value, kind) = match value.rsplit_once(";type=") {
            Some((value, kind)) if !literal => (value, Some(kind.to_owned())),
            _ => (value, None),
        };
        Ok(Self {
            name: name.to_owned(),
            value: value.to_owned(),
            kind,
        })
    }
}

/// The content type and the body of a form (RFC 7578).
fn multipart(form: &[Field]) -> (String, String) {
    let mut boundary = "fib-loadgen-form".to_owned();
    while form.iter().any(|field| field.value.contains(&boundary)) {
        boundary.push('x');
    }
    let mut body = String::new();
    for Field { name, value, kind } in form {
        let kind = kind
            .as_ref()
            .map_or_else(String::new, |kind| format!("Content-Type: {kind}\r\n"));
        let name = name.replace('"', "%22");
        body.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n{kind}\r\n{value}\r\n"
        ));
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// `content`, `=content` or `name=content`; the content is encoded.
fn url_encoded(text: &str) -> String {
    let encode = |content| utf8_percent_encode(content, UNRESERVED).to_string();
    match text.split_once('=') {
        Some(("", content)) => encode(content),
        Some((name, content)) => format!("{name}={}", encode(content)),
        None => encode(text),
    }
}

fn unknown(flag: &str) -> String {
    format!(
        "curl's {flag} is not supported here: omit it, and use fib-loadgen's own flag if there is one"
    )
}

fn from_file(what: &str) -> String {
    format!("curl's {what} from a file: write it into the command")
}

#[cfg(test)]
mod tests;
