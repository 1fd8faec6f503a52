//! The checked settings: nothing in here can be wrong any more.

use std::str::FromStr;
use std::time::Duration;

use http::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use program_common::{cgroup, cpus};

use crate::args::{RunArgs, TargetArgs};
use crate::chance;
use crate::client::{self, ClientKind, HttpVersion, Life, Proxy, Sharing, TlsSettings};
use crate::exit::Failure;
use crate::generator::OnSaturation;
use crate::oracle::Field;
use crate::plan::profile::Autoscaler;
use crate::plan::{Plan, Shard, Wanted};
use crate::request::Source;
use crate::target::Target;
use crate::thresholds::Threshold;
use crate::user::Verify;

mod secrets;
mod source;

use secrets::without_secrets;
use source::{requests, source};

/// One run, ready to start.
#[derive(Debug)]
pub struct Settings {
    /// The load over time.
    pub plan: Plan,
    /// The autoscaler for which the load is made.
    pub autoscaler: Option<Autoscaler>,
    /// The requests to send.
    pub source: Source,
    /// The distribution of n as written; `-` if something else is sent.
    pub n_spec: String,
    /// Whether users keep cookies.
    pub cookies: bool,
    /// The field modulo which values are verified.
    pub field: Field,
    /// Warnings for the result's reader.
    pub warnings: Vec<String>,
    /// The seed of all draws.
    pub seed: u64,
    /// Which answers are verified.
    pub verify: Verify,
    /// As written.
    pub verify_spec: String,
    /// The part of a divided run.
    pub shard: Option<Shard>,
    /// When the load starts; `None` is immediately.
    pub start_at: Option<jiff::Timestamp>,
    /// Clients.
    pub client: client::ClientSettings,
    /// When to close connections.
    pub life: Life,
    /// How often a refused connection is retried.
    pub retry_refused: u32,
    /// The rules.
    pub thresholds: Vec<Threshold>,
    /// What saturation means.
    pub on_saturation: OnSaturation,
    /// Runtime threads.
    pub workers: usize,
    /// CPUs this process may use.
    pub cpus: usize,
    /// The command line, without the values of headers.
    pub argv: Vec<String>,
}

/// The seed of shards without one: they must agree on what each of them sends.
const SHARED_SEED: u64 = 1;

/// The lifetime of connections in a load for an autoscaler: this many requests, or this long.
const AUTOSCALER_LIFE: Life = Life {
    requests: Some((100, 200)),
    age: Some((Duration::from_secs(10), Duration::from_secs(20))),
};
/// More threads than this only add contention at a few thousand requests per second.
const MOST_WORKERS: usize = 4;

impl Settings {
    /// Checks everything on the command line.
    pub fn new(args: &RunArgs, argv: Vec<String>) -> Result<Self, Failure> {
        if let Some(profile) = args.profile.as_ref().filter(|profile| profile.lacks_cost) {
            return Err(Failure::usage(format!(
                "`{}` does not say what a request costs the server: give cost=20ms there, or --measure-cost with the server's Prometheus page",
                profile.spec
            )));
        }
        let mut warnings = Vec::new();
        let (url, specs) = requests(args, &mut warnings)?;
        let mut client = client(args, &url)?;
        let plan = Plan::new(&wanted(args))
            .and_then(|plan| match args.shard {
                Some(shard) => plan.part(shard),
                None => Ok(plan),
            })
            .map_err(Failure::usage)?;
        let life = life(args, &client)?;
        let thresholds = thresholds(args, &plan)?;
        if client.tls.insecure {
            warnings.push(
                "--insecure: no certificate was checked, so nobody knows who answered".to_owned(),
            );
        }
        warnings.extend(client.resolve_in_vain());
        let cpus = cpus::permitted();
        let source = source(args, &client.target, specs)?;
        if matches!(source, Source::Fibonacci(_)) {
            ask_for_json(&mut client);
        }
        Ok(Self {
            plan,
            autoscaler: args.profile.as_ref().and_then(|profile| profile.autoscaler),
            n_spec: match source {
                Source::Fibonacci(_) => args.n.clone(),
                Source::Requests(_) => "-".to_owned(),
            },
            source,
            cookies: args.cookies,
            field: Field::drawn(chance::entropy()),
            seed: args.seed.unwrap_or_else(|| match args.shard {
                Some(_) => SHARED_SEED,
                None => chance::fresh_seed(),
            }),
            verify: args
                .verify
                .parse()
                .map_err(|why: String| Failure::usage(why))?,
            verify_spec: args.verify.clone(),
            shard: args.shard,
            start_at: args.start_at,
            client,
            life,
            retry_refused: args.retry_refused,
            thresholds,
            on_saturation: args.on_saturation,
            workers: args.workers.unwrap_or_else(|| workers(cpus)),
            cpus,
            argv: without_secrets(argv),
            warnings,
        })
    }
}

/// Runtime threads: as many as can be kept busy, rounding a fraction of a CPU up.
fn workers(cpus: usize) -> usize {
    let paid = cgroup::whole_cpus().unwrap_or(usize::MAX);
    cpus.min(paid).clamp(1, MOST_WORKERS)
}

fn client(args: &RunArgs, url: &str) -> Result<client::ClientSettings, Failure> {
    let mut client = connection(&args.target, url)?;
    client.idle = args.conn_idle;
    client.sharing = args.conn;
    client.kind = args.client;
    Ok(client)
}

/// How to talk to a target, with the defaults of users and their connections.
pub fn connection(args: &TargetArgs, url: &str) -> Result<client::ClientSettings, Failure> {
    let target = Target::parse(url, &args.allow_host)?;
    let proxy = args.proxy.as_deref();
    let settings = client::ClientSettings {
        headers: headers(&args.header)?,
        connect_timeout: args.connect_timeout,
        timeout: args.timeout,
        http: args.http,
        tls: TlsSettings {
            ca: args.cacert.clone(),
            certificate: args.cert.clone(),
            key: args.key.clone(),
            server_name: args.server_name.clone(),
            lowest: args.tls_min,
            highest: args.tls_max,
            insecure: args.insecure,
            full_handshakes: args.tls_full_handshakes,
        },
        unix_socket: args.unix_socket.clone(),
        resolve: args.resolve.clone(),
        resolve_every: args.resolve_every,
        sources: args.source.clone(),
        proxy: proxy
            .map(|url| Proxy::parse(url, &args.allow_host))
            .transpose()?,
        ..client::ClientSettings::new(target)
    };
    if settings.proxy.is_some()
        && settings.http == HttpVersion::Two
        && settings.target.base.scheme() == "http"
    {
        return Err(Failure::usage(
            "--proxy and --http 2 without TLS can't be combined: a proxy is spoken to in HTTP/1.1",
        ));
    }
    Ok(settings)
}

/// A `fib-server` answers in several formats; the one that is verified is JSON.
pub fn ask_for_json(client: &mut client::ClientSettings) {
    let json = HeaderValue::from_static("application/json");
    client.headers.entry(ACCEPT).or_insert(json);
}

/// When to close connections. Existing connections bring no requests to a pod that an autoscaler adds, so a
/// load for an autoscaler renews them unless flags say otherwise.
fn life(args: &RunArgs, client: &client::ClientSettings) -> Result<Life, Failure> {
    let given = Life {
        requests: args.conn_requests,
        age: args.conn_age,
    };
    let own = client.sharing == Sharing::User && client.kind == ClientKind::Direct;
    if given != Life::default() && !own {
        return Err(Failure::usage(
            "--conn-requests and --conn-age are about a user's own connection: omit them, or use --conn user and --client direct",
        ));
    }
    let profile = args.profile.as_ref();
    let for_autoscaler = profile.is_some_and(|profile| profile.autoscaler.is_some());
    if given == Life::default() && for_autoscaler && own {
        return Ok(AUTOSCALER_LIFE);
    }
    Ok(given)
}

fn wanted(args: &RunArgs) -> Wanted {
    Wanted {
        users: args.users,
        rate: args.rate,
        stages: args.stage.clone(),
        profile: args.profile.clone(),
        run_time: args.run_time,
        ramp_up: args.ramp_up,
        ramp_down: args.ramp_down,
        warmup: args.warmup,
        requests: args.requests,
        think: args.think,
        arrival: args.arrival,
    }
}

fn thresholds(args: &RunArgs, plan: &Plan) -> Result<Vec<Threshold>, Failure> {
    let names: Vec<String> = plan.phases().into_iter().map(|phase| phase.name).collect();
    let read = |rule: &String| {
        let rule: Threshold = rule.parse().map_err(Failure::usage)?;
        match &rule.phase {
            Some(phase) if !names.contains(phase) => Err(Failure::usage(format!(
                "`{}` is about a phase that the plan does not have: its phases are {}",
                rule.rule,
                names.join(", ")
            ))),
            _ => Ok(rule),
        }
    };
    args.threshold.iter().map(read).collect()
}

/// The headers of every request.
pub fn headers(given: &[String]) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for header in given {
        let bad = || {
            // Its value may be a secret.
            let name = header.split(':').next().unwrap_or_default();
            Failure::usage(format!(
                "`{name}` is not a header with a value: write it like `Name: value`"
            ))
        };
        let (name, value) = header.split_once(':').ok_or_else(bad)?;
        let name = HeaderName::from_str(name.trim()).map_err(|_| bad())?;
        let mut value = HeaderValue::from_str(value.trim()).map_err(|_| bad())?;
        value.set_sensitive(name == http::header::AUTHORIZATION || name == http::header::COOKIE);
        headers.insert(name, value);
    }
    Ok(headers)
}

impl FromStr for Verify {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let share = |text: &str| {
            let (number, of) = text
                .strip_suffix('%')
                .map_or((text, 1.0), |percent| (percent, 100.0));
            number
                .parse::<f64>()
                .ok()
                .map(|share| share / of)
                .filter(|share| *share > 0.0 && *share <= 1.0)
        };
        match text {
            "full" => Ok(Self::Full),
            "off" => Ok(Self::Off),
            _ => text.strip_prefix("sample:").and_then(share).map(Self::Sample).ok_or_else(|| {
                format!("--verify: `{text}` is neither full, off nor a share such as sample:10% or sample:0.1")
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_some_or_no_answers_are_verified() {
        assert_eq!("full".parse(), Ok(Verify::Full));
        assert_eq!("sample:10%".parse(), Ok(Verify::Sample(0.1)));
        assert_eq!("sample:0.5".parse(), Ok(Verify::Sample(0.5)));
        for text in ["", "sample:", "sample:0", "sample:2", "some"] {
            assert!(text.parse::<Verify>().is_err(), "{text}");
        }
    }
}
