//! The command line, the environment and the file, exactly as given. What they mean: `config.rs`.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;
use serde::{Deserialize, Serialize};

/// Computes Fibonacci numbers over HTTP; its CPU cost is a dial.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "A setting comes from its flag, else its variable FIB_…, else the file, else its \
default. Exit codes: 0 stopped in order, 1 can't serve (a port in use, say), 2 a setting is wrong."
)]
pub struct Args {
    /// Read settings from this TOML file; its keys are the flags' names
    #[arg(long, env = "FIB_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Print the settings that are in force as JSON, and exit
    #[arg(long)]
    pub check_config: bool,

    /// The settings.
    #[command(flatten)]
    pub settings: Settings,
}

/// Every setting, given or not. The same keys serve the flags and the file.
#[derive(Debug, Clone, Default, PartialEq, clap::Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// Address to serve on; port 0 picks a free one [default: 0.0.0.0:8080]
    #[arg(long, env = "FIB_LISTEN", value_name = "ADDR")]
    pub listen: Option<String>,

    /// Address for probes and metrics, or `none` [default: 0.0.0.0:9090]
    #[arg(long, env = "FIB_ADMIN", value_name = "ADDR")]
    pub admin: Option<String>,

    /// Largest n that is computed [default: 1000000]
    #[arg(long, env = "FIB_MAX_N", value_name = "N")]
    pub max_n: Option<u64>,

    /// Largest n of a sequence [default: 10000]
    #[arg(long, env = "FIB_MAX_SEQUENCE_N", value_name = "N")]
    pub max_sequence_n: Option<u64>,

    /// Threads that serve connections [default: the CPUs]
    #[arg(long, env = "FIB_WORKER_THREADS", value_name = "COUNT")]
    pub worker_threads: Option<usize>,

    /// Threads that compute [default: the CPUs, a fraction of one counted as one]
    #[arg(long, env = "FIB_COMPUTE_THREADS", value_name = "COUNT")]
    pub compute_threads: Option<usize>,

    /// Computations that may wait [default: 1024]
    #[arg(long, env = "FIB_QUEUE", value_name = "COUNT")]
    pub queue: Option<usize>,

    /// Longest time for an answer [default: 10s]
    #[arg(long, env = "FIB_DEADLINE", value_name = "TIME")]
    pub deadline: Option<Span>,

    /// Close a connection after about this many answers, 0 for never [default: 200]
    #[arg(long, env = "FIB_KEEPALIVE_REQUESTS", value_name = "COUNT")]
    pub keepalive_requests: Option<u32>,

    /// Close a connection at about this age, 0s for never [default: 60s]
    #[arg(long, env = "FIB_MAX_CONNECTION_AGE", value_name = "TIME")]
    pub max_connection_age: Option<Span>,

    /// Close a connection on which nothing happens for this long; clients and gateways should give theirs
    /// up sooner [default: 2m]
    #[arg(long, env = "FIB_IDLE_TIMEOUT", value_name = "TIME")]
    pub idle_timeout: Option<Span>,

    /// After the first signal, go on serving for this long while closing connections, or until none came for
    /// half a second [default: 5s]
    #[arg(long, env = "FIB_DRAIN_DELAY", value_name = "TIME")]
    pub drain_delay: Option<Span>,

    /// Then wait this long for the answers under way [default: 15s]
    #[arg(long, env = "FIB_SHUTDOWN_TIMEOUT", value_name = "TIME")]
    pub shutdown_timeout: Option<Span>,

    /// Whether answers may be kept: `immutable` or `no-store` [default: immutable]
    #[arg(long, env = "FIB_CACHE_CONTROL", value_name = "WORD")]
    pub cache_control: Option<CacheControl>,

    /// Name of this pod, for the header x-fib-pod [default: `POD_NAME`, else HOSTNAME]
    #[arg(long, env = "FIB_POD", value_name = "NAME")]
    pub pod: Option<String>,

    /// `json` or `text` [default: json]
    #[arg(long, env = "FIB_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,

    /// error, warn, info, debug or trace, or a filter such as `fib_server=debug` [default: info]
    #[arg(long, env = "FIB_LOG_LEVEL", value_name = "LEVEL")]
    pub log_level: Option<String>,

    /// Most lines a second for requests that went well [default: 100]
    #[arg(long, env = "FIB_ACCESS_LOG_RATE", value_name = "COUNT")]
    pub access_log_rate: Option<u32>,

    /// End at once when standard input ends: whoever holds its other end is gone
    #[arg(long, env = "FIB_EXIT_WITH_STDIN")]
    pub exit_with_stdin: bool,
}

impl Settings {
    /// These settings, and where one is not given, the other's.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            listen: self.listen.or(other.listen),
            admin: self.admin.or(other.admin),
            max_n: self.max_n.or(other.max_n),
            max_sequence_n: self.max_sequence_n.or(other.max_sequence_n),
            worker_threads: self.worker_threads.or(other.worker_threads),
            compute_threads: self.compute_threads.or(other.compute_threads),
            queue: self.queue.or(other.queue),
            deadline: self.deadline.or(other.deadline),
            keepalive_requests: self.keepalive_requests.or(other.keepalive_requests),
            max_connection_age: self.max_connection_age.or(other.max_connection_age),
            idle_timeout: self.idle_timeout.or(other.idle_timeout),
            drain_delay: self.drain_delay.or(other.drain_delay),
            shutdown_timeout: self.shutdown_timeout.or(other.shutdown_timeout),
            cache_control: self.cache_control.or(other.cache_control),
            pod: self.pod.or(other.pod),
            log_format: self.log_format.or(other.log_format),
            log_level: self.log_level.or(other.log_level),
            access_log_rate: self.access_log_rate.or(other.access_log_rate),
            exit_with_stdin: self.exit_with_stdin || other.exit_with_stdin,
        }
    }
}

/// Whether answers may be kept by clients and caches. A load test wants `no-store`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CacheControl {
    /// F(n) never changes.
    Immutable,
    /// Every answer is computed.
    NoStore,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// For people.
    Text,
}

/// A time span as it is typed: `250ms`, `5s`, `1m30s`, `1h`, or a bare number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        program_common::duration::parse(text).map(Self)
    }
}

impl TryFrom<String> for Span {
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
        assert_eq!("250ms".parse(), Ok(Span(Duration::from_millis(250))));
        assert_eq!("5s".parse(), Ok(Span(Duration::from_secs(5))));
        assert_eq!("1h".parse(), Ok(Span(Duration::from_hours(1))));
        assert_eq!("5".parse(), Ok(Span(Duration::from_secs(5))));
        for text in ["", "s", "-5s", "5 s", "5x", "99999999999999999h"] {
            assert!(text.parse::<Span>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_stands_first_wins() {
        let flag = Settings {
            max_n: Some(1),
            ..Settings::default()
        };
        let file = Settings {
            max_n: Some(2),
            queue: Some(3),
            ..Settings::default()
        };
        let both = flag.or(file);
        assert_eq!((both.max_n, both.queue), (Some(1), Some(3)));
    }
}
