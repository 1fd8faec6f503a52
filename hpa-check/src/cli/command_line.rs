//! The command line as reports tell it: without secrets.

use program_common::secrets::{HIDDEN, is_secret, without_secrets};

/// How this program was called.
pub(crate) fn command_line() -> String {
    told(std::env::args())
}

fn told(arguments: impl Iterator<Item = String>) -> String {
    let mut words = vec!["hpa-check".to_owned()];
    let mut hides = None;
    for argument in arguments.skip(1) {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value)),
            _ => (argument.as_str(), None),
        };
        let before: Option<Secret> = hides.take();
        let secret = Secret::of(name).filter(|_| before.is_none());
        words.push(quoted(&match (before, secret, value) {
            (Some(before), _, _) => before.hidden(&argument),
            (None, Some(own), Some(value)) => format!("{name}={}", own.hidden(value)),
            (None, None, _) => without_secrets(&argument),
            (None, Some(_), None) => name.to_owned(),
        }));
        hides = secret.filter(|_| value.is_none());
    }
    words.join(" ")
}

/// What a flag's value has to hide.
#[derive(Clone, Copy)]
enum Secret {
    /// All behind the name of a header.
    Header,
    /// All.
    Whole,
}

impl Secret {
    fn of(flag: &str) -> Option<Self> {
        match flag {
            "-H" | "--header" | "--prometheus-header" => Some(Self::Header),
            // Those behind `--` are fib-loadgen's.
            "-d" | "--body" | "--curl" => Some(Self::Whole),
            _ if flag.starts_with("--") && is_secret(flag) => Some(Self::Whole),
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

/// As a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=./:,%+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_can_be_pasted_and_tells_no_secret() {
        let told = |words: &[&str]| told(words.iter().map(|w| (*w).to_owned()));
        assert_eq!(
            told(&["/x/hpa-check", "simulate", "--load", "0s:1m 1m:2m"]),
            "hpa-check simulate --load '0s:1m 1m:2m'"
        );
        for words in [
            &["x", "run", "--header", "Authorization: s3cret"][..],
            &["x", "run", "--header=Authorization: s3cret"],
            &["x", "run", "--prometheus", "https://me:s3cret@prom/x"],
            &["x", "run", "--load-command", "k6 run -e TOKEN=s3cret x.js"],
            &["x", "run", "--token", "s3cret"],
            &["x", "run", "--", "-H", "X-Mine: s3cret", "-d", "s3cret"],
            &["x", "run", "--target=http://h/?api_key=s3cret"],
        ] {
            assert!(!told(words).contains("s3cret"), "{}", told(words));
        }
    }
}
