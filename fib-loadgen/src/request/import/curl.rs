//! `curl` command lines, as people write them and as browsers and Postman copy them.

mod flags;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::spec::Spec;
use super::form::{Field, multipart};
use super::{LEFT_OUT, add, shell};
use flags::{SHORT, WITHOUT_EFFECT, unknown};

/// The requests of `curl` commands, one after the other.
pub fn curl(text: &str) -> Result<Vec<Spec>, String> {
    let mut commands: Vec<Vec<String>> = Vec::new();
    for words in shell::commands(text)? {
        let mut named = false;
        for word in words {
            let next = matches!(word.as_str(), "--next" | "-:") && named;
            match commands.last_mut() {
                _ if next || matches!(word.as_str(), "curl" | "curl.exe") => {
                    commands.push(Vec::new());
                    named = true;
                }
                Some(command) if named => command.push(word),
                _ => return Err(format!("`{word}` comes before any curl")),
            }
        }
    }
    let several = commands.len() > 1;
    let mut specs = Vec::new();
    for (at, words) in commands.iter().enumerate() {
        let read = Command::read(words).and_then(Command::specs);
        specs.extend(read.map_err(|why| {
            if several {
                format!("curl command {}: {why}", at + 1)
            } else {
                why
            }
        })?);
    }
    Ok(specs)
}

/// The header that names the server.
const HOST: &str = "host";

/// What curl leaves as it is with `--data-urlencode`.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// One `curl` command.
#[derive(Debug, Default)]
struct Command {
    urls: Vec<String>,
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
                command.urls.push(word.to_owned());
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
            "--url" => self.urls.push(value.to_owned()),
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
            "--form" | "--form-string" => self.form.push(field(flag, value)?),
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
        if text.starts_with('@') {
            return Err(from_file("headers come"));
        }
        let (name, value) = match (text.split_once(':'), text.strip_suffix(';')) {
            (Some((name, value)), _) => {
                (name, Some(value.trim()).filter(|value| !value.is_empty()))
            }
            (None, Some(name)) => (name, Some("")),
            (None, None) => return Err("one of curl's headers has no colon".to_owned()),
        };
        let name = name.trim().to_ascii_lowercase();
        if name != HOST && LEFT_OUT.contains(&&*name) {
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

    /// One request for each URL, all with the same data and headers.
    fn specs(mut self) -> Result<Vec<Spec>, String> {
        let urls = std::mem::take(&mut self.urls);
        if urls.is_empty() {
            return Err("a curl command has no URL".to_owned());
        }
        if !self.form.is_empty() {
            let (kind, body) = multipart(&self.form);
            self.implied("content-type", &kind);
            self.data = Some(body);
        } else if self.query {
            self.defaults.remove("content-type");
        }
        for (name, value) in std::mem::take(&mut self.defaults) {
            if !self.without.contains(&name) {
                self.headers.entry(name).or_insert(value);
            }
        }
        urls.iter().map(|url| self.spec(url)).collect()
    }

    fn spec(&self, url: &str) -> Result<Spec, String> {
        let mut spec = Spec::of_url(&whole(url)?)?;
        match &self.data {
            Some(data) if self.query && self.form.is_empty() => {
                let mark = if spec.path.contains('?') { '&' } else { '?' };
                spec.path = format!("{}{mark}{data}", spec.path);
            }
            data => spec.body.clone_from(data),
        }
        spec.method.clone_from(&self.method);
        spec.headers.clone_from(&self.headers);
        // A host that is not the URL's is wanted; the URL's own would be wrong for another target.
        let host = spec.origin.as_deref().and_then(|of| of.split_once("://"));
        let host = host.map_or("", |(_, host)| host);
        if spec.headers.get(HOST).is_some_and(|given| given == host) {
            spec.headers.remove(HOST);
        }
        spec.literal = true;
        Ok(spec)
    }
}

/// The URL with its scheme, which curl takes to be HTTP.
fn whole(url: &str) -> Result<String, String> {
    let first = url.split(['/', '?', '#']).next().unwrap_or_default();
    match first.strip_suffix(':').map(str::to_ascii_lowercase) {
        None => Ok(format!("http://{url}")),
        Some(scheme) if scheme == "http" || scheme == "https" => Ok(url.to_owned()),
        Some(scheme) => Err(format!(
            "a URL begins with {scheme}: but only http:// and https:// can be loaded"
        )),
    }
}

/// `name=value`, possibly followed by `;type=`. A value from a file is refused.
fn field(flag: &str, text: &str) -> Result<Field, String> {
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
    Ok(Field {
        name: name.to_owned(),
        value: value.to_owned(),
        kind,
    })
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

fn from_file(what: &str) -> String {
    format!("curl's {what} from a file: write it into the command")
}

#[cfg(test)]
mod tests;
