//! Flags of `curl`, by what they mean here.

/// Short flags by their long names.
pub(super) const SHORT: [(char, &str); 24] = [
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
pub(super) const WITHOUT_EFFECT: [&str; 16] = [
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

/// Flags about the connection, and the flag here that does the same.
const OURS: [(&str, &str); 24] = [
    ("-k", "--insecure"),
    ("--insecure", "--insecure"),
    ("-m", "--timeout"),
    ("--max-time", "--timeout"),
    ("--connect-timeout", "--connect-timeout"),
    ("-x", "--proxy"),
    ("--proxy", "--proxy"),
    ("--cacert", "--cacert"),
    ("-E", "--cert"),
    ("--cert", "--cert"),
    ("--key", "--key"),
    ("--resolve", "--resolve"),
    ("--connect-to", "--resolve"),
    ("--interface", "--source"),
    ("--unix-socket", "--unix-socket"),
    ("--http1.1", "--http 1.1"),
    ("--http2", "--http auto"),
    ("--http2-prior-knowledge", "--http 2"),
    ("--tlsv1.2", "--tls-min 1.2"),
    ("--tlsv1.3", "--tls-min 1.3"),
    ("--tls-max", "--tls-max"),
    ("--retry-connrefused", "--retry-refused"),
    ("-T", "--method PUT and --body @FILE"),
    ("--upload-file", "--method PUT and --body @FILE"),
];

/// Says that a flag is not supported, and which flag of this program is.
pub(super) fn unknown(flag: &str) -> String {
    let ours = OURS.iter().find(|(theirs, _)| *theirs == flag);
    let advice = ours.map_or_else(
        || "use fib-loadgen's own flag if there is one".to_owned(),
        |(_, ours)| format!("use fib-loadgen's own {ours}"),
    );
    format!("curl's {flag} is not supported here: omit it, and {advice}")
}
