//! Hides the secrets of a command line, because results and pages are passed around.

/// Replaces a secret.
pub const HIDDEN: &str = "(hidden)";

/// Parts of the names of flags, headers, variables and query parameters whose values are secrets.
const NAMES: [&str; 9] = [
    "token",
    "key",
    "secret",
    "passw",
    "pwd",
    "sig",
    "auth",
    "credential",
    "cookie",
];

/// Whether something with this name has a secret value.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|part| name.contains(part))
}

/// What to hide in a flag's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// Everything after the name of a header.
    Header,
    /// Everything.
    Whole,
}

impl Secret {
    /// What the value of one of `fib-loadgen`'s flags hides: headers, bodies and curl commands may contain
    /// credentials.
    pub fn of_load(flag: &str) -> Option<Self> {
        match flag {
            "-H" | "--header" => Some(Self::Header),
            "-d" | "--body" | "--curl" => Some(Self::Whole),
            _ => None,
        }
    }

    fn hidden(self, value: &str) -> String {
        match (self, value.split_once(':')) {
            (Self::Header, Some((name, _))) => format!("{name}: {HIDDEN}"),
            _ => HIDDEN.to_owned(),
        }
    }
}

/// The arguments of a command line without secrets: the values of secret flags are hidden, written as `--flag
/// value`, `--flag=value`, `-f value` or `-fvalue`, and `others` converts every other argument.
pub fn arguments(
    all: impl IntoIterator<Item = String>,
    secret: impl Fn(&str) -> Option<Secret>,
    others: impl Fn(&str) -> String,
) -> Vec<String> {
    let mut next: Option<Secret> = None;
    let one = |argument: String| {
        if let Some(own) = next.take() {
            return own.hidden(&argument);
        }
        let (flag, sign, value) = parts(&argument);
        match (secret(flag), value) {
            (Some(own), Some(value)) => format!("{flag}{sign}{}", own.hidden(value)),
            (Some(own), None) => {
                next = Some(own);
                argument
            }
            (None, _) => others(&argument),
        }
    };
    all.into_iter().map(one).collect()
}

/// A flag, the separator before its value, and the value, if it is in the same argument.
fn parts(argument: &str) -> (&str, &str, Option<&str>) {
    if argument.starts_with("--") {
        return match argument.split_once('=') {
            Some((flag, value)) => (flag, "=", Some(value)),
            None => (argument, "", None),
        };
    }
    match argument.split_at_checked(2) {
        Some((flag, value)) if flag.starts_with('-') && !value.is_empty() => {
            (flag, "", Some(value))
        }
        _ => (argument, "", None),
    }
}

/// A URL, with or without a flag before it, without the values of secret parameters.
pub fn without_tokens(argument: &str) -> String {
    let query = argument.contains("://").then(|| argument.split_once('?'));
    let Some((before, query)) = query.flatten() else {
        return argument.to_owned();
    };
    let shown: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{before}?{}", shown.join("&"))
}

/// A shell command line, or one argument, without values that have a secret's name: `NAME=value`, `Name:
/// value`, `--name value`, `-u user:password`, and the credentials in URLs.
///
/// ```
/// use program_common::secrets::without_secrets;
/// assert_eq!(
///     without_secrets("k6 run -e API_TOKEN=abc https://me:pw@shop/x"),
///     "k6 run -e API_TOKEN=(hidden) https://shop/x"
/// );
/// ```
pub fn without_secrets(line: &str) -> String {
    let mut scan = Scan {
        rest: line,
        shown: String::with_capacity(line.len()),
        quote: None,
    };
    while let Some(next) = scan.rest.chars().next() {
        if scan.name() || scan.authority() {
            continue;
        }
        scan.take(next.len_utf8());
    }
    scan.shown
}

struct Scan<'a> {
    rest: &'a str,
    shown: String,
    /// The open quotation mark, if any.
    quote: Option<char>,
}

impl Scan<'_> {
    /// Copies the next bytes.
    fn take(&mut self, bytes: usize) {
        let (taken, rest) = self.rest.split_at(bytes);
        for mark in taken.chars().filter(|c| matches!(c, '"' | '\'')) {
            self.quote = match self.quote {
                None => Some(mark),
                Some(open) if open == mark => None,
                open => open,
            };
        }
        self.shown.push_str(taken);
        self.rest = rest;
    }

    /// Hides everything up to the next of these characters, but keeps the credentials' own quotation marks.
    fn hide(&mut self, ends: impl Fn(char) -> bool) {
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        if end > 0 {
            self.shown.push_str(HIDDEN);
        }
        self.rest = &self.rest[end..];
    }

    /// A name at the start of the rest, with its value if that is secret.
    fn name(&mut self) -> bool {
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let end = self.rest.find(|c| !inner(c)).unwrap_or(self.rest.len());
        if end == 0 {
            return false;
        }
        let name = &self.rest[..end];
        let flag = name.starts_with('-');
        let secret = is_secret(name) || matches!(name, "-u" | "--user");
        self.take(end);
        let mut after = self.rest.chars();
        match (secret, after.next()) {
            (true, Some('=')) => {
                self.take(1);
                self.value(false);
            }
            (true, Some(':')) if !self.rest.starts_with("://") => {
                self.take(1);
                self.value(true);
            }
            (true, Some(' ')) if flag => self.value(false),
            _ => {}
        }
        true
    }

    /// Hides a value up to the end of its quotation; a header's value may contain spaces.
    fn value(&mut self, header: bool) {
        while self.rest.starts_with(' ') {
            self.take(1);
        }
        let own = self.rest.starts_with(['"', '\'']) && self.quote.is_none();
        if own {
            self.take(1);
        }
        match self.quote {
            Some(mark) if own || header => self.hide(|c| c == mark),
            Some(mark) => self.hide(|c| c == mark || c == ' ' || c == '&'),
            None if header => self.hide(|_| false),
            None => self.hide(|c| c.is_whitespace() || matches!(c, '&' | ';' | '"' | '\'')),
        }
    }

    /// The authority of a URL without its credentials.
    fn authority(&mut self) -> bool {
        if !self.rest.starts_with("://") {
            return false;
        }
        self.take(3);
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'');
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        if let Some(at) = self.rest[..end].rfind('@') {
            self.rest = &self.rest[at + 1..];
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_with_a_secrets_name_is_hidden() {
        for (line, shown) in [
            ("k6 run x.js", "k6 run x.js"),
            ("--load '0s:100m 1m:900m'", "--load '0s:100m 1m:900m'"),
            (
                "curl -H 'Authorization: Bearer abc def' http://h/x",
                "curl -H 'Authorization: (hidden)' http://h/x",
            ),
            ("-H X-Api-Key:abc", "-H X-Api-Key:(hidden)"),
            ("curl -u me:abc http://h", "curl -u (hidden) http://h"),
            (
                "PASSWORD=abc run --token \"a b\" --users 5",
                "PASSWORD=(hidden) run --token \"(hidden)\" --users 5",
            ),
            (
                "http://me:a@b@h/x?page=2&access_token=abc&n=1",
                "http://h/x?page=2&access_token=(hidden)&n=1",
            ),
        ] {
            assert_eq!(without_secrets(line), shown);
        }
    }

    #[test]
    fn only_the_values_of_secret_parameters_are_removed_from_a_url() {
        assert_eq!(
            without_tokens("http://h/x?page=2&Access_Token=abc"),
            "http://h/x?page=2&Access_Token=(hidden)"
        );
        assert_eq!(without_tokens("a?key=b"), "a?key=b");
    }
}
