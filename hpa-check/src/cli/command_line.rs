//! The command line as reports show it: without secrets.

use program_common::secrets::{Secret, arguments, is_secret, without_secrets};

/// How this program was called.
pub(crate) fn command_line() -> String {
    told(std::env::args())
}

fn told(all: impl Iterator<Item = String>) -> String {
    let shown = arguments(all.skip(1), secret, without_secrets);
    let words = shown.iter().map(|word| quoted(word));
    std::iter::once("hpa-check".to_owned())
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

/// What a flag's value hides. Flags after `--` are fib-loadgen's.
fn secret(flag: &str) -> Option<Secret> {
    if flag == "--prometheus-header" {
        return Some(Secret::Header);
    }
    let named = flag.starts_with("--") && is_secret(flag);
    Secret::of_load(flag).or_else(|| named.then_some(Secret::Whole))
}

/// Quoted for a shell if necessary.
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
    fn a_command_line_can_be_pasted_and_contains_no_secret() {
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
            &["x", "run", "--", "-HX-Mine: s3cret", "-ds3cret"],
            &["x", "run", "--target=http://h/?api_key=s3cret"],
        ] {
            assert!(!told(words).contains("s3cret"), "{}", told(words));
        }
    }
}
