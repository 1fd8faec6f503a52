//! The command line, the environment and the file, exactly as given. `config.rs` interprets them.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;
use serde::{Deserialize, Serialize};

const HELP: &str = "Examples:
  fib-server --listen 127.0.0.1:8080 --log-format text
  fib-server --cache-control no-store --compute-threads 2 --deadline 5s
  fib-server --config settings.toml --check-config

A setting comes from its flag, else its variable FIB_…, else the file, else its default. A time has a unit, as in \
250ms, 5s or 1m30s; a bare number is seconds.

Exit codes: 0 clean shutdown, 1 can't serve (such as a port in use), 2 a setting is wrong.";

const HEALTHCHECK: &str = "Examples:
  fib-server healthcheck
  fib-server healthcheck --config settings.toml
  FIB_ADMIN=127.0.0.1:9091 fib-server healthcheck";

const COMPLETIONS: &str = "Examples:
  fib-server completions bash \\
    > ~/.local/share/bash-completion/completions/fib-server
  fib-server completions zsh > ~/.zfunc/_fib-server
  fib-server completions fish > ~/.config/fish/completions/fib-server.fish";

const MAN: &str = "Examples:
  fib-server man | man -l -
  fib-server man > ~/.local/share/man/man1/fib-server.1
  fib-server man | gzip > fib-server.1.gz";

/// Computes Fibonacci numbers over HTTP, with adjustable CPU cost.
#[derive(Debug, Parser)]
#[command(version, after_help = HELP)]
pub struct Args {
    /// Read settings from this TOML file, whose keys are the flag names
    #[arg(long, env = "FIB_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,

    /// Print the effective settings as JSON, and exit
    #[arg(long)]
    pub check_config: bool,

    /// The settings.
    #[command(flatten)]
    pub settings: Settings,

    /// A command other than serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// A command other than serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Subcommand)]
pub enum Command {
    /// Ask the server running with the same settings whether it is ready, and exit with 0 or 1; for
    /// images without a shell
    #[command(after_help = HEALTHCHECK)]
    Healthcheck,
    /// Print completions for a shell
    #[command(after_help = COMPLETIONS)]
    Completions {
        /// The shell
        #[arg(value_enum, value_name = "SHELL")]
        shell: program_common::pages::Shell,
    },
    /// Print the manual page
    #[command(after_help = MAN)]
    Man,
}

/// Declares every setting once: its documentation, its flag and variable, and its type.
macro_rules! settings {
    ($($(#[$attribute:meta])* $name:ident: $type:ty,)*) => {
        /// Every setting, given or not. The same keys serve the flags and the file.
        #[derive(Debug, Clone, Default, PartialEq, clap::Args, Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
        pub struct Settings {
            $($(#[$attribute])* pub $name: Option<$type>,)*

            /// Exit at once when standard input ends, because the parent process has exited
            #[arg(long, help_heading = "Shutdown", env = "FIB_EXIT_WITH_STDIN")]
            pub exit_with_stdin: bool,
        }

        impl Settings {
            /// These settings, with the other's for those not given.
            #[must_use]
            pub fn or(self, other: Self) -> Self {
                Self {
                    $($name: self.$name.or(other.$name),)*
                    exit_with_stdin: self.exit_with_stdin || other.exit_with_stdin,
                }
            }
        }
    };
}

settings! {
    /// Address to serve on; port 0 picks a free port, [::] means IPv6 and IPv4 [default: [::]:8080]
    #[arg(long, help_heading = "Network", env = "FIB_LISTEN", value_name = "ADDRESS:PORT")]
    listen: String,

    /// Address for probes and metrics, or `none` [default: [::]:9090]
    #[arg(long, help_heading = "Network", env = "FIB_ADMIN", value_name = "ADDRESS:PORT")]
    admin: String,

    /// Largest n to compute [default: 1000000]
    #[arg(long, help_heading = "Limits", env = "FIB_MAX_N", value_name = "N")]
    max_n: u64,

    /// Largest n for a sequence [default: 10000]
    #[arg(long, help_heading = "Limits", env = "FIB_MAX_SEQUENCE_N", value_name = "N")]
    max_sequence_n: u64,

    /// Threads that serve connections [default: the number of usable CPUs]
    #[arg(long, help_heading = "Limits", env = "FIB_WORKER_THREADS", value_name = "COUNT")]
    worker_threads: usize,

    /// Threads that compute [default: the number of usable CPUs, rounded up]
    #[arg(long, help_heading = "Limits", env = "FIB_COMPUTE_THREADS", value_name = "COUNT")]
    compute_threads: usize,

    /// Maximum time for an answer [default: 10s]
    #[arg(long, help_heading = "Limits", env = "FIB_DEADLINE", value_name = "DURATION")]
    deadline: DurationArg,

    /// Maximum time a computation waits for a thread [default: 2s, or the deadline]
    #[arg(long, help_heading = "Limits", env = "FIB_MAX_QUEUE_WAIT", value_name = "DURATION")]
    max_queue_wait: DurationArg,

    /// Memory for answers that clients have not read and requests they have not fully sent [default: three eighths
    /// of the memory limit, 256MiB without one]
    #[arg(long, help_heading = "Limits", env = "FIB_MAX_INFLIGHT_BYTES", value_name = "SIZE")]
    max_inflight_bytes: Size,

    /// Maximum number of connections [default: as many as the memory and open-files limits allow]
    #[arg(long, help_heading = "Limits", env = "FIB_MAX_CONNECTIONS", value_name = "COUNT")]
    max_connections: usize,

    /// Close a connection after about this many answers; 0 disables this [default: 200]
    #[arg(long, help_heading = "Limits", env = "FIB_KEEPALIVE_REQUESTS", value_name = "COUNT")]
    keepalive_requests: u32,

    /// Close a connection at about this age; 0s disables this [default: 60s]
    #[arg(long, help_heading = "Limits", env = "FIB_MAX_CONNECTION_AGE", value_name = "DURATION")]
    max_connection_age: DurationArg,

    /// Close a connection without requests for this long; clients and gateways should close idle connections
    /// sooner [default: 2m]
    #[arg(long, help_heading = "Limits", env = "FIB_IDLE_TIMEOUT", value_name = "DURATION")]
    idle_timeout: DurationArg,

    /// After the first signal, keep serving for this long while closing connections, or until there has been
    /// none for half a second [default: 5s]
    #[arg(long, help_heading = "Shutdown", env = "FIB_DRAIN_DELAY", value_name = "DURATION")]
    drain_delay: DurationArg,

    /// Then wait this long for answers in progress [default: 15s]
    #[arg(long, help_heading = "Shutdown", env = "FIB_SHUTDOWN_TIMEOUT", value_name = "DURATION")]
    shutdown_timeout: DurationArg,

    /// Bearer token for `POST /drain` from outside the pod; without it, only requests from the pod itself
    /// are accepted
    #[arg(long, help_heading = "Shutdown", env = "FIB_DRAIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    drain_token: String,

    /// How many requests one client may send to /get, such as 50/s; 0 disables the limit [default: 0]
    #[arg(long, help_heading = "Limits", env = "FIB_RATE_LIMIT", value_name = "RATE")]
    rate_limit: Rate,

    /// Burst size of the rate limit [default: the rate limit]
    #[arg(long, help_heading = "Limits", env = "FIB_RATE_LIMIT_BURST", value_name = "COUNT")]
    rate_limit_burst: u32,

    /// Proxies whose forwarded client addresses are trusted, as CIDRs [default: none]
    #[arg(long, help_heading = "Network", env = "FIB_TRUSTED_PROXIES", value_name = "CIDR,…", value_delimiter = ',')]
    trusted_proxies: Vec<String>,

    /// Whether the main port also serves `/metrics` [default: true]
    #[arg(long, help_heading = "Network", env = "FIB_MAIN_METRICS", value_name = "BOOL")]
    main_metrics: bool,

    /// Origins whose pages may read answers, or `*` [default: none]
    #[arg(long, help_heading = "Network", env = "FIB_CORS_ORIGINS", value_name = "ORIGIN,…", value_delimiter = ',')]
    cors_origins: Vec<String>,

    /// Compress large answers for clients that accept gzip [default: false]
    #[arg(long, help_heading = "Network", env = "FIB_COMPRESS", value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    compress: bool,

    /// Serve TLS on the main port with this certificate chain (PEM); it is reloaded when it changes
    #[arg(long, help_heading = "Network", env = "FIB_TLS_CERT", value_name = "FILE")]
    tls_cert: PathBuf,

    /// The certificate's private key (PEM)
    #[arg(long, help_heading = "Network", env = "FIB_TLS_KEY", value_name = "FILE")]
    tls_key: PathBuf,

    /// Require client certificates from these authorities (PEM)
    #[arg(long, help_heading = "Network", env = "FIB_TLS_CLIENT_CA", value_name = "FILE")]
    tls_client_ca: PathBuf,

    /// Whether answers may be cached: `immutable` or `no-store` [default: immutable]
    #[arg(long, help_heading = "Network", env = "FIB_CACHE_CONTROL", value_name = "HOW")]
    cache_control: CacheControl,

    /// Name of this pod, for the header x-fib-pod [default: `POD_NAME`, else HOSTNAME]
    #[arg(long, help_heading = "Log, traces and name", env = "FIB_POD", value_name = "NAME")]
    pod: String,

    /// Send spans of requests with a sampled trace to this OpenTelemetry collector (OTLP over HTTP, JSON),
    /// such as `http://collector:4318` [default: none]
    #[arg(long, help_heading = "Log, traces and name", env = "FIB_OTLP", value_name = "URL")]
    otlp: String,

    /// `json` or `text` [default: json]
    #[arg(long, help_heading = "Log, traces and name", env = "FIB_LOG_FORMAT", value_name = "FORMAT")]
    log_format: LogFormat,

    /// error, warn, info, debug or trace, or a filter such as `fib_server=debug` [default: info]
    #[arg(long, help_heading = "Log, traces and name", env = "FIB_LOG_LEVEL", value_name = "LEVEL")]
    log_level: String,

    /// How many requests to log at most, such as 100/s [default: 100/s]
    #[arg(long, help_heading = "Log, traces and name", env = "FIB_ACCESS_LOG_RATE", value_name = "RATE")]
    access_log_rate: Rate,
}

/// Whether clients and caches may store answers. Use `no-store` for a load test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CacheControl {
    /// F(n) never changes.
    Immutable,
    /// Every answer is computed.
    NoStore,
}

/// The log format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// One JSON object per line, for machines.
    Json,
    /// For people.
    Text,
}

/// A duration as typed: `250ms`, `5s`, `1m30s`, `1h`, or a bare number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct DurationArg(pub Duration);

impl FromStr for DurationArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        program_common::duration::parse(text).map(Self)
    }
}

/// A whole number per second: `50/s`, `120/m`, or a bare number, which a file may write as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Rate(pub u32);

/// A rate in the file.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u32),
    Text(String),
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rate = program_common::quantity::rate(text)?;
        if rate.fract() != 0.0 {
            return Err(format!(
                "`{text}` is not a whole number per second: write it like 50/s or 120/m"
            ));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate is whole here, and from 0 to ten million"
        )]
        Ok(Self(rate as u32))
    }
}

impl TryFrom<Written> for Rate {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Number(rate) => Ok(Self(rate)),
            Written::Text(text) => text.parse(),
        }
    }
}

/// An amount of memory as typed: `512KiB`, `64MiB`, `2GiB`, or plain bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is not an amount of memory; write a number and a unit, such as 512KiB, 64MiB or 2GiB"
            )
        };
        let digits = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
        let unit: u64 = match &text[digits..] {
            "" => 1,
            "KiB" | "Ki" => 1 << 10,
            "MiB" | "Mi" => 1 << 20,
            "GiB" | "Gi" => 1 << 30,
            _ => return Err(wrong()),
        };
        number.checked_mul(unit).map(Self).ok_or_else(wrong)
    }
}

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl TryFrom<String> for DurationArg {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_and_a_unit_or_seconds() {
        assert_eq!("250ms".parse(), Ok(DurationArg(Duration::from_millis(250))));
        assert_eq!("5s".parse(), Ok(DurationArg(Duration::from_secs(5))));
        assert_eq!("1h".parse(), Ok(DurationArg(Duration::from_hours(1))));
        assert_eq!("5".parse(), Ok(DurationArg(Duration::from_secs(5))));
        for text in ["", "s", "-5s", "5 s", "5x", "99999999999999999h"] {
            assert!(text.parse::<DurationArg>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_rate_is_whole_and_may_be_a_bare_number() {
        for text in ["2/s", "120/m", "2"] {
            assert_eq!(text.parse(), Ok(Rate(2)), "{text}");
        }
        for text in ["", "30/m", "0.5", "-1", "2/h"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
        let file = "rate-limit = \"2/s\"\naccess-log-rate = 5\n";
        let settings: Settings = toml::from_str(file).unwrap();
        assert_eq!(settings.rate_limit, Some(Rate(2)));
        assert_eq!(settings.access_log_rate, Some(Rate(5)));
    }

    #[test]
    fn every_value_is_named_as_in_the_other_programs() {
        use clap::CommandFactory as _;
        assert_eq!(
            program_common::vocabulary::unknown(Args::command()),
            [""; 0]
        );
    }

    #[test]
    fn a_size_has_a_number_and_perhaps_a_unit() {
        assert_eq!("4096".parse(), Ok(Size(4_096)));
        assert_eq!("512KiB".parse(), Ok(Size(512 << 10)));
        assert_eq!("48Mi".parse(), Ok(Size(48 << 20)));
        assert_eq!("2GiB".parse(), Ok(Size(2 << 30)));
        for text in ["", "MiB", "1.5MiB", "-1", "5 MiB", "5MB", "99999999999GiB"] {
            assert!(text.parse::<Size>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn every_setting_has_a_task_heading_and_the_examples_are_valid() {
        use clap::CommandFactory as _;
        let program = Args::command();
        program.clone().debug_assert();
        let settings = program.get_opts().filter(|flag| {
            !["config", "check_config", "help", "version"].contains(&flag.get_id().as_str())
        });
        for flag in settings {
            assert!(flag.get_help_heading().is_some(), "{}", flag.get_id());
        }
        for text in [HELP, HEALTHCHECK, COMPLETIONS, MAN] {
            let text = text.replace("\\\n", " ");
            let lines = text.lines().skip(1).take_while(|line| !line.is_empty());
            assert_eq!(lines.clone().count(), 3, "{text}");
            for line in lines {
                let call = &line[line.find("fib-server").unwrap()..];
                let words = call.split(['|', '>']).next().unwrap().split_whitespace();
                assert!(Args::try_parse_from(words).is_ok(), "{line}");
            }
        }
    }

    #[test]
    fn earlier_sources_take_precedence() {
        let flag = Settings {
            max_n: Some(1),
            ..Settings::default()
        };
        let file = Settings {
            max_n: Some(2),
            rate_limit: Some(Rate(3)),
            ..Settings::default()
        };
        let both = flag.or(file);
        assert_eq!((both.max_n, both.rate_limit), (Some(1), Some(Rate(3))));
    }
}
