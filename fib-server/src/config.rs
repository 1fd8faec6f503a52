//! The settings in force: values that can't be wrong.

mod error;

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use ipnet::IpNet;
use serde::Serialize;

use crate::api::query::IndexLimits;
use crate::api::view;
use crate::api::view::coding::Coding;
use crate::args::{Args, CacheControl, DurationArg, LogFormat, Settings};
use crate::digits;
use crate::environment::refuse_unknown_variables;
use crate::machine::Machine;
use crate::memory::Budget;
use crate::otlp::Collector;
use crate::tls::Files;

pub use error::BadConfig;

/// Longer than clients and gateways keep an unused connection in their pools (nginx and AWS's load balancer:
/// one minute; Go and reqwest: one and a half). Whoever keeps it longer closes it, and closing it while the
/// other end sends its next request loses that request.
const IDLE_TIMEOUT: Duration = Duration::from_mins(2);

/// The longest wait of a computation for a thread; after a longer one, most clients have gone.
const MAX_QUEUE_WAIT: Duration = Duration::from_secs(2);

/// More threads than this are a mistake, and would exhaust the process before it serves.
const MOST_THREADS: usize = 1_024;

/// The longest head of a request: at least what gateways allow.
pub(crate) const HEAD: usize = 64 * 1024;

/// The settings in force.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Config {
    /// The address to serve on.
    pub listen: SocketAddr,
    /// The address for probes and metrics, if any.
    pub admin: Option<SocketAddr>,
    /// The largest n to compute.
    pub max_n: u64,
    /// Largest n of a sequence.
    pub max_sequence_n: u64,
    /// Threads that serve connections.
    pub worker_threads: usize,
    /// Threads that compute.
    pub compute_threads: usize,
    /// The CPU quota in cores, if there is one.
    pub cpu_quota_cores: Option<f64>,
    /// Longest time for an answer.
    #[serde(rename = "deadline_ms", serialize_with = "millis")]
    pub deadline: Duration,
    /// The longest wait of a computation for a thread.
    #[serde(rename = "max_queue_wait_ms", serialize_with = "millis")]
    pub max_queue_wait: Duration,
    /// The most memory for answers that clients have not read and requests they have not fully sent.
    pub max_inflight_bytes: u64,
    /// The most connections.
    pub max_connections: usize,
    /// A connection is closed after about this many answers; 0 is never.
    pub keepalive_requests: u32,
    /// A connection is closed at about this age; zero is never.
    #[serde(rename = "max_connection_age_ms", serialize_with = "millis")]
    pub max_connection_age: Duration,
    /// A connection without requests is closed after this.
    #[serde(rename = "idle_timeout_ms", serialize_with = "millis")]
    pub idle_timeout: Duration,
    /// How long to keep serving after the first signal.
    #[serde(rename = "drain_delay_ms", serialize_with = "millis")]
    pub drain_delay: Duration,
    /// How long to wait after that for answers in progress.
    #[serde(rename = "shutdown_timeout_ms", serialize_with = "millis")]
    pub shutdown_timeout: Duration,
    /// The token for `POST /drain`, unless it comes from the pod itself.
    #[serde(skip)]
    pub drain_token: Option<String>,
    /// Requests per second that one client may send; 0 is unlimited.
    pub rate_limit: u32,
    /// Requests that it may send at once.
    pub rate_limit_burst: u32,
    /// Networks of the trusted proxies.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether `/metrics` is also on the main port.
    pub main_metrics: bool,
    /// Origins whose pages may read answers.
    pub cors_origins: Vec<String>,
    /// Whether large answers are compressed for clients that accept it.
    pub compress: bool,
    /// The TLS files, if TLS is used.
    pub tls: Option<Files>,
    /// Whether answers may be cached.
    pub cache_control: CacheControl,
    /// The pod's name; empty if unknown.
    pub pod: String,
    /// Where spans are sent, if anywhere.
    pub otlp: Option<Collector>,
    /// The format of log lines.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_level: String,
    /// The most request log lines per second.
    pub access_log_rate: u32,
    /// Whether to exit when standard input ends.
    pub exit_with_stdin: bool,
}

fn millis<S: serde::Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

impl Config {
    /// From the command line, the environment, the file named there, and the defaults.
    pub fn load(args: Args) -> Result<Self, BadConfig> {
        refuse_unknown_variables(std::env::vars_os().map(|(name, _)| name))?;
        let file = args
            .config
            .as_deref()
            .map(read_file)
            .transpose()?
            .unwrap_or_default();
        Self::resolve(args.settings.or(file))
    }

    /// From the settings.
    pub fn resolve(given: Settings) -> Result<Self, BadConfig> {
        Self::on(Machine::here(), given)
    }

    fn on(machine: Machine, given: Settings) -> Result<Self, BadConfig> {
        let span = |given: Option<DurationArg>, default| given.map_or(default, |s| s.0);
        let deadline = span(given.deadline, Duration::from_secs(10));
        let admin = given.admin.as_deref().unwrap_or("[::]:9090");
        let tls = tls_files(&given)?;
        let rate_limit = given.rate_limit.map_or(0, |rate| rate.0);
        let max_n = given.max_n.unwrap_or(1_000_000);
        let config = Self {
            listen: address("listen", given.listen.as_deref().unwrap_or("[::]:8080"))?,
            admin: if admin == "none" {
                None
            } else {
                Some(address("admin", admin)?)
            },
            max_n,
            max_sequence_n: given.max_sequence_n.unwrap_or_else(|| max_n.min(10_000)),
            worker_threads: threads("worker-threads", given.worker_threads, machine)?,
            compute_threads: threads("compute-threads", given.compute_threads, machine)?,
            cpu_quota_cores: machine.quota_cores,
            deadline,
            max_queue_wait: span(given.max_queue_wait, MAX_QUEUE_WAIT.min(deadline)),
            max_inflight_bytes: given
                .max_inflight_bytes
                .map_or_else(|| machine.inflight_bytes(), |size| size.0),
            max_connections: connections(given.max_connections, machine)?,
            keepalive_requests: given.keepalive_requests.unwrap_or(200),
            max_connection_age: span(given.max_connection_age, Duration::from_mins(1)),
            idle_timeout: span(given.idle_timeout, IDLE_TIMEOUT.max(deadline * 2)),
            drain_delay: span(given.drain_delay, Duration::from_secs(5)),
            shutdown_timeout: span(given.shutdown_timeout, Duration::from_secs(15)),
            drain_token: given.drain_token,
            rate_limit,
            rate_limit_burst: given.rate_limit_burst.unwrap_or(rate_limit),
            trusted_proxies: networks(given.trusted_proxies.unwrap_or_default())?,
            main_metrics: given.main_metrics.unwrap_or(true),
            cors_origins: given.cors_origins.unwrap_or_default(),
            compress: given.compress.unwrap_or(false),
            tls,
            cache_control: given.cache_control.unwrap_or(CacheControl::Immutable),
            pod: given.pod.unwrap_or_else(pod_name),
            otlp: given.otlp.as_deref().map(Collector::read).transpose()?,
            log_format: given.log_format.unwrap_or(LogFormat::Json),
            log_level: given.log_level.unwrap_or_else(|| "info".to_owned()),
            access_log_rate: given.access_log_rate.map_or(100, |rate| rate.0),
            exit_with_stdin: given.exit_with_stdin,
        };
        config.check()?;
        Ok(config)
    }

    /// The limits on n.
    pub fn limits(&self) -> IndexLimits {
        IndexLimits {
            max_n: self.max_n,
            max_sequence_n: self.max_sequence_n,
        }
    }

    /// Checks that involve several settings.
    fn check(&self) -> Result<(), BadConfig> {
        let wrong = |how: String| Err(BadConfig(how));
        if self.deadline.is_zero() {
            return wrong(
                "deadline is zero, so no answer could be given; use a time such as 10s".to_owned(),
            );
        }
        if self.idle_timeout <= self.deadline {
            return wrong(format!(
                "idle-timeout is {} ms and deadline {} ms: a connection would be closed before its answer; \
                 make idle-timeout the longer one",
                self.idle_timeout.as_millis(),
                self.deadline.as_millis()
            ));
        }
        if !self.pod.bytes().all(|b| b.is_ascii_graphic()) {
            return wrong(format!(
                "pod {:?} can't stand in a header; use visible ASCII characters",
                self.pod
            ));
        }
        if self.max_sequence_n > self.max_n {
            return wrong(format!(
                "max-sequence-n {} is above max-n {}; a sequence can't go further than a single number",
                self.max_sequence_n, self.max_n
            ));
        }
        let coding = if self.compress {
            Coding::Gzip
        } else {
            Coding::Identity
        };
        let answer = view::memory(digits::about(self.max_n)).max(view::sequence_memory(coding));
        if answer > Budget::largest(self.max_inflight_bytes) {
            return wrong(format!(
                "max-inflight-bytes is {}, and an answer for max-n {} needs {} of a quarter of it; lower max-n, or \
                 give max-inflight-bytes {} or more",
                self.max_inflight_bytes,
                self.max_n,
                answer,
                answer.saturating_mul(4)
            ));
        }
        if self.rate_limit > 0 && self.rate_limit_burst == 0 {
            return wrong(
                "rate-limit-burst is 0, so every request would be refused; use 1 or more"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

/// The files for TLS: a certificate and its key, or neither.
fn tls_files(given: &Settings) -> Result<Option<Files>, BadConfig> {
    match (&given.tls_cert, &given.tls_key, &given.tls_client_ca) {
        (Some(cert), Some(key), client_ca) => Ok(Some(Files {
            cert: cert.clone(),
            key: key.clone(),
            client_ca: client_ca.clone(),
        })),
        (None, None, None) => Ok(None),
        _ => Err(BadConfig(
            "tls-cert and tls-key belong together, and tls-client-ca needs both; give the missing ones".to_owned(),
        )),
    }
}

fn threads(name: &str, given: Option<usize>, machine: Machine) -> Result<usize, BadConfig> {
    match given.unwrap_or_else(|| machine.threads()) {
        count @ 1..=MOST_THREADS => Ok(count),
        count => Err(BadConfig(format!(
            "{name} is {count}; use a number from 1 to {MOST_THREADS}, such as the {} CPUs here",
            machine.cpus
        ))),
    }
}

fn connections(given: Option<usize>, machine: Machine) -> Result<usize, BadConfig> {
    let most = machine.most_connections();
    match given {
        None => Ok(machine.connections()),
        Some(0) => Err(BadConfig("max-connections is 0; use 1 or more".to_owned())),
        Some(count) if count > most => Err(BadConfig(format!(
            "max-connections is {count}, and the limit of {} open files leaves {most} for them; raise that limit \
             (ulimit -n), or use fewer",
            machine.open_files
        ))),
        Some(count) => Ok(count),
    }
}

fn networks(given: Vec<String>) -> Result<Vec<IpNet>, BadConfig> {
    given
        .iter()
        .map(|text| {
            // A bare address is a network of one.
            text.parse()
                .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
                .map_err(|_| {
                    BadConfig(format!(
                        "trusted-proxies has {text:?}, which is not a network; write CIDRs, such as 10.0.0.0/8,fd00::/8"
                    ))
                })
        })
        .collect()
}

fn read_file(path: &Path) -> Result<Settings, BadConfig> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        BadConfig(format!(
            "the settings file {} can't be read ({e}): give a TOML file with --config",
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

/// The line of a text that contains a byte, and its number, counted from 1.
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

fn pod_name() -> String {
    ["POD_NAME", "HOSTNAME"]
        .iter()
        .find_map(|v| std::env::var(v).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Size;

    #[test]
    fn the_defaults_are_a_working_configuration() {
        let config = Config::resolve(Settings::default()).unwrap();
        assert_eq!(config.listen.port(), 8080);
        assert_eq!(config.admin.map(|a| a.port()), Some(9090));
        assert!(config.compute_threads >= 1);
    }

    fn pod(memory_limit: u64) -> Machine {
        Machine {
            cpus: 8,
            quota_cores: Some(1.5),
            memory_limit: Some(memory_limit),
            open_files: 1 << 20,
        }
    }

    #[test]
    fn the_memory_limit_decides_how_much_clients_may_hold() {
        let config = Config::on(pod(128 << 20), Settings::default()).unwrap();
        assert_eq!(config.max_inflight_bytes, 48 << 20);
        assert!((1_000..4_000).contains(&config.max_connections));
        assert_eq!((config.worker_threads, config.compute_threads), (2, 2));
    }

    #[test]
    fn the_memory_of_compressors_counts_if_answers_are_compressed() {
        let with = |compress| {
            let given = Settings {
                max_n: Some(1_000),
                max_sequence_n: Some(100),
                max_inflight_bytes: Some(Size(1 << 20)),
                compress: Some(compress),
                ..Settings::default()
            };
            Config::on(pod(128 << 20), given)
        };
        assert!(with(false).is_ok());
        let wrong = with(true).unwrap_err().0;
        assert!(wrong.contains("max-inflight-bytes"), "{wrong}");
    }

    #[test]
    fn an_answer_that_could_never_fit_in_memory_is_an_invalid_setting() {
        let given = Settings {
            max_n: Some(100_000_000),
            ..Settings::default()
        };
        let wrong = Config::on(pod(128 << 20), given).unwrap_err().0;
        assert!(
            wrong.contains("max-inflight-bytes") && wrong.contains("lower max-n"),
            "{wrong}"
        );
    }

    #[test]
    fn file_descriptors_are_reserved_for_the_admin_port() {
        let few = Machine {
            open_files: 256,
            ..pod(1 << 30)
        };
        let config = Config::on(few, Settings::default()).unwrap();
        assert!(config.max_connections <= 160, "{}", config.max_connections);
        let given = Settings {
            max_connections: Some(250),
            ..Settings::default()
        };
        let wrong = Config::on(few, given).unwrap_err().0;
        assert!(wrong.contains("256 open files"), "{wrong}");
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
    fn an_invalid_value_is_named_with_a_valid_one() {
        let wrong = |given: Settings| Config::resolve(given).unwrap_err().0;
        let listen = wrong(Settings {
            listen: Some("nowhere".to_owned()),
            ..Settings::default()
        });
        assert!(
            listen.contains("listen") && listen.contains("127.0.0.1:8080"),
            "{listen}"
        );
        let threads = wrong(Settings {
            worker_threads: Some(100_000),
            ..Settings::default()
        });
        assert!(threads.contains("from 1 to 1024"), "{threads}");
        let proxies = wrong(Settings {
            trusted_proxies: Some(vec!["10.0.0.0/33".to_owned()]),
            ..Settings::default()
        });
        assert!(proxies.contains("10.0.0.0/33"), "{proxies}");
        let tls = wrong(Settings {
            tls_cert: Some("cert.pem".into()),
            ..Settings::default()
        });
        assert!(tls.contains("tls-key"), "{tls}");
        let idle = wrong(Settings {
            idle_timeout: Some(DurationArg(Duration::from_secs(10))),
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
