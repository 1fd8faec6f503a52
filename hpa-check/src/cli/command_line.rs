//! The command line as reports tell it: without secrets.

/// Flags whose value is a secret, or may have one in it.
const SECRET: [&str; 5] = [
    "--header",
    "--prometheus-header",
    "--token",
    "--password",
    "--bearer",
];

/// How this program was called.
pub(crate) fn command_line() -> String {
    told(std::env::args())
}

fn told(arguments: impl Iterator<Item = String>) -> String {
    let mut words = Vec::new();
    let mut hidden = false;
    for (index, argument) in arguments.enumerate() {
        let flag = argument.split('=').next().unwrap_or_default().to_owned();
        if index == 0 {
            words.push("hpa-check".to_owned());
        } else if hidden {
            words.push("…".to_owned());
            hidden = false;
        } else if SECRET.contains(&flag.as_str()) {
            hidden = flag == argument;
            words.push(if hidden { flag } else { format!("{flag}=…") });
        } else {
            words.push(quoted(&without_password(argument)));
        }
    }
    words.join(" ")
}

/// A URL without the user and password in it.
fn without_password(argument: String) -> String {
    let Some((scheme, rest)) = argument.split_once("://") else {
        return argument;
    };
    let host = rest.split('/').next().unwrap_or_default();
    match host.rsplit_once('@') {
        Some((user, _)) => format!("{scheme}://…{}", &rest[user.len()..]),
        None => argument,
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
        ] {
            assert!(!told(words).contains("s3cret"), "{}", told(words));
        }
    }
}
