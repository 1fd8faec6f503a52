//! The settings in force: values that can't be wrong.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::thread::available_parallelism;
use std::time::Duration;

use serde::Serialize;

use crate::args::{Args, CacheControl, LogFormat, Settings, Span};

/// Longer than the pools of clients and gateways keep a connection that they do not use (nginx and AWS's
/// load balancer one minute; Go and reqwest one and a half): who keeps it longer closes it, and closing it
/// while the other end sends its next request loses that request.
const IDLE_TIMEOUT: Duration = Duration::from_mins(2);

/// The settings in force.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Config {
    /// Where to serve.
    pub listen: SocketAddr,
    /// Where probes and metrics are served, if anywhere.
    pub admin: Option<SocketAddr>,
    /// Largest n that is computed.
    pub max_n: u64,
    /// Largest n of a sequence.
    pub max_sequence_n: u64,
    /// Threads that serve connections.
    pub worker_threads: usize,
    /// Threads that compute.
    pub compute_threads: usize,
    /// Computations that may wait.
    pub queue: usize,
    /// Longest time for an answer.
    #[serde(rename = "deadline_ms", serialize_with = "millis")]
    pub deadline: Duration,
    /// A connection is closed after about this many answers; 0 is never.
    pub keepalive_requests: u32,
    /// A connection is closed at about this age; zero is never.
    #[serde(rename = "max_connection_age_ms", serialize_with = "millis")]
    pub max_connection_age: Duration,
    /// A connection on which nothing happens is closed after this.
    #[serde(rename = "idle_timeout_ms", serialize_with = "millis")]
    pub idle_timeout: Duration,
    /// How long to go on serving after the first signal.
    #[serde(rename = "drain_delay_ms", serialize_with = "millis")]
    pub drain_delay: Duration,
    /// How long to wait for the answers under way after that.
    #[serde(rename = "shutdown_timeout_ms", serialize_with = "millis")]
    pub shutdown_timeout: Duration,
    /// Whether answers may be kept.
    pub cache_control: CacheControl,
    /// The pod's name; empty when none is known.
    pub pod: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_level: String,
    /// Most log lines a second for requests that went well.
    pub access_log_rate: u32,
    /// Whether to end when standard input ends.
    pub exit_with_stdin: bool,
}

fn millis<S: serde::Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

/// A setting that can't be used, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadConfig(pub String);

impl fmt::Display for BadConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadConfig {}

impl Config {
    /// From the command line and the environment, the file that they name, and the defaults.
    pub fn load(args: Args) -> Result<Self, BadConfig> {
        let file = args
            .config
            .as_deref()
            .map(read_file)
            .transpose()?
            .unwrap_or_default();
        Self::resolve(args.settings.or(file))
    }

    /// From settings alone.
    pub fn resolve(given: Settings) -> Result<Self, BadConfig> {
        let span = |given: Option<Span>, default| given.map_or(default, |s| s.0);
        let deadline = span(given.deadline, Duration::from_secs(10));
        let cpus = available_parallelism().map_or(1, usize::from);
        let admin = given.admin.as_deref().unwrap_or("0.0.0.0:9090");
        let config = Self {
            listen: address("listen", given.listen.as_deref().unwrap_or("0.0.0.0:8080"))?,
            admin: if admin == "none" {
                None
            } else {
                Some(address("admin", admin)?)
            },
            max_n: given.max_n.unwrap_or(1_000_000),
            max_sequence_n: given.max_sequence_n.unwrap_or(10_000),
            worker_threads: at_least_one("worker-threads", given.worker_threads.unwrap_or(cpus))?,
            compute_threads: at_least_one(
                "compute-threads",
                given
                    .compute_threads
                    .unwrap_or_else(|| program_common::cgroup::whole_cpus().unwrap_or(cpus)),
            )?,
            queue: at_least_one("queue", given.queue.unwrap_or(1_024))?,
            deadline,
            keepalive_requests: given.keepalive_requests.unwrap_or(200),
            max_connection_age: span(given.max_connection_age, Duration::from_mins(1)),
            idle_timeout: span(given.idle_timeout, IDLE_TIMEOUT.max(deadline * 2)),
            drain_delay: span(given.drain_delay, Duration::from_secs(5)),
            shutdown_timeout: span(given.shutdown_timeout, Duration::from_secs(15)),
            cache_control: given.cache_control.unwrap_or(CacheControl::Immutable),
            pod: given.pod.unwrap_or_else(pod_name),
            log_format: given.log_format.unwrap_or(LogFormat::Json),
            log_level: given.log_level.unwrap_or_else(|| "info".to_owned()),
            access_log_rate: given.access_log_rate.unwrap_or(100),
            exit_with_stdin: given.exit_with_stdin,
        };
        if config.deadline.is_zero() {
            return Err(BadConfig(
                "deadline is zero, and no answer could be given; use a time such as 10s".to_owned(),
            ));
        }
        if config.idle_timeout <= config.deadline {
            return Err(BadConfig(format!(
                "idle-timeout is {} ms and deadline {} ms: a connection would be closed before its answer; \
                 make idle-timeout the longer one",
                config.idle_timeout.as_millis(),
                config.deadline.as_millis()
            )));
        }
        if !config.pod.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(BadConfig(format!(
                "pod {:?} can't stand in a header; use visible ASCII characters",
                config.pod
            )));
        }
        if config.max_sequence_n > config.max_n {
            return Err(BadConfig(format!(
                "max-sequence-n {} is above max-n {}; a sequence can't go further than a single number",
                config.max_sequence_n, config.max_n
            )));
        }
        Ok(config)
    }
}

fn read_file(path: &Path) -> Result<Settings, BadConfig> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        BadConfig(format!(
            "the settings file {} can't be read: {e}",
            path.display()
        ))
    })?;
    toml::from_str(&text).map_err(|e| {
        let cause = e.message().lines().collect::<Vec<_>>().join(" ");
        let place = e
            .span()
            .and_then(|span| line_at(&text, span.start))
            .map(|(number, line)| format!(" in line {number} (`{line}`)"))
            .unwrap_or_default();
        BadConfig(format!(
            "the settings file {} is wrong{place}: {cause}",
            path.display()
        ))
    })
}

/// The line in which a byte of a text stands, and its number, from 1 on.
fn line_at(text: &str, byte: usize) -> Option<(usize, &str)> {
    let before = text.get(..byte)?.matches('\n').count();
    Some((before + 1, text.lines().nth(before)?.trim()))
}

fn address(name: &str, text: &str) -> Result<SocketAddr, BadConfig> {
    text.to_socket_addrs()
        .ok()
        .and_then(|mut found| found.next())
        .ok_or_else(|| {
            BadConfig(format!(
                "{name} {text:?} is not an address; write host and port, such as 127.0.0.1:8080"
            ))
        })
}

fn at_least_one(name: &str, value: usize) -> Result<usize, BadConfig> {
    if value == 0 {
        Err(BadConfig(format!("{name} is 0; use 1 or more")))
    } else {
        Ok(value)
    }
}

fn pod_name() -> String {
    ["POD_NAME", "HOSTNAME"]
        .iter()
        .find_map(|v| std::env::var(v).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_a_working_configuration() {
        let config = Config::resolve(Settings::default()).unwrap();
        assert_eq!(config.listen.port(), 8080);
        assert_eq!(config.admin.map(|a| a.port()), Some(9090));
        assert!(config.compute_threads >= 1);
    }

    #[test]
    fn the_admin_port_can_be_turned_off() {
        let given = Settings {
            admin: Some("none".to_owned()),
            ..Settings::default()
        };
        assert_eq!(Config::resolve(given).unwrap().admin, None);
    }

    #[test]
    fn a_wrong_value_is_named_with_what_would_be_right() {
        let wrong = |given: Settings| Config::resolve(given).unwrap_err().0;
        let listen = wrong(Settings {
            listen: Some("nowhere".to_owned()),
            ..Settings::default()
        });
        assert!(
            listen.contains("listen") && listen.contains("127.0.0.1:8080"),
            "{listen}"
        );
        let queue = wrong(Settings {
            queue: Some(0),
            ..Settings::default()
        });
        assert!(queue.contains("queue is 0"), "{queue}");
        let idle = wrong(Settings {
            idle_timeout: Some(Span(Duration::from_secs(10))),
            ..Settings::default()
        });
        assert!(
            idle.contains("idle-timeout") && idle.contains("deadline"),
            "{idle}"
        );
        let pod = wrong(Settings {
            pod: Some("a\nb".to_owned()),
            ..Settings::default()
        });
        assert!(pod.contains("header"), "{pod}");
    }
}
