//! A command line that is safe to show.

use program_common::secrets::{Secret, arguments, without_tokens};

use crate::target::without_credentials;

/// The arguments of a command line without secrets, because results are passed around.
pub(super) fn without_secrets(argv: Vec<String>) -> Vec<String> {
    let others = |argument: &str| without_tokens(&without_credentials(argument));
    arguments(argv, Secret::of_load, others)
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
