//! A command line that can be shown around.

use program_common::secrets::{HIDDEN, without_tokens};

use crate::target::without_credentials;

/// Headers, URLs, bodies and curl commands may carry credentials, and results are shown around.
pub(super) fn without_secrets(argv: Vec<String>) -> Vec<String> {
    const SECRET: [(&str, &str); 3] = [("-H", "--header"), ("-d", "--body"), ("", "--curl")];
    let hide = |flag: &str, value: &str| match flag {
        "--header" => {
            let name = value.split_once(':').map_or(value, |(name, _)| name);
            format!("{name}: {HIDDEN}")
        }
        _ => HIDDEN.to_owned(),
    };
    let mut next: Option<&str> = None;
    let one = |arg: String| {
        if let Some(flag) = next.take() {
            return hide(flag, &arg);
        }
        for (short, long) in SECRET {
            if arg == long || (!short.is_empty() && arg == short) {
                next = Some(long);
                return arg;
            }
            if let Some(value) = arg
                .strip_prefix(long)
                .and_then(|rest| rest.strip_prefix('='))
            {
                return format!("{long}={}", hide(long, value));
            }
            if let Some(value) = arg.strip_prefix(short).filter(|_| !short.is_empty()) {
                return format!("{short}{}", hide(long, value));
            }
        }
        without_tokens(&without_credentials(&arg))
    };
    argv.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_headers_are_not_kept() {
        let argv = [
            "x",
            "-H",
            "Authorization: abc",
            "--header=A: b",
            "-HC: d",
            "--users",
            "5",
            "http://me:secret@h/x",
            "--proxy=http://me:secret@p",
            "-d",
            "token=1",
            "--curl=curl -u a:b h",
            "http://h/x?page=2&Access_Token=abc",
        ];
        let kept = without_secrets(argv.map(str::to_owned).to_vec());
        assert_eq!(
            kept,
            [
                "x",
                "-H",
                "Authorization: (hidden)",
                "--header=A: (hidden)",
                "-HC: (hidden)",
                "--users",
                "5",
                "http://h/x",
                "--proxy=http://p",
                "-d",
                "(hidden)",
                "--curl=(hidden)",
                "http://h/x?page=2&Access_Token=(hidden)"
            ]
        );
    }
}
