//! What is to be done, checked: nothing in here can be wrong any more.

use std::str::FromStr;
use std::time::Duration;

use http::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};

use crate::args::{RunArgs, TargetArgs};
use crate::chance;
use crate::client::{self, ClientKind, HttpVersion, Life, Proxy, Sharing, TlsSettings};
use crate::exit::Failure;
use crate::generator::OnSaturation;
use crate::oracle::Field;
use crate::plan::profile::Autoscaler;
use crate::plan::{Plan, Shard, Wanted};
use crate::request::{self, Requests, Source, Spec};
use crate::target::{Target, without_credentials};
use crate::thresholds::Threshold;
use crate::user::Verify;

/// One run, ready to go.
#[derive(Debug)]
pub struct Settings {
    /// The load over time.
    pub plan: Plan,
    /// The autoscaler that the load is made for.
    pub autoscaler: Option<Autoscaler>,
    /// What is sent.
    pub source: Source,
    /// The distribution of n as it was written; `-` when something else is sent.
    pub n_spec: String,
    /// Whether users keep cookies.
    pub cookies: bool,
    /// Modulo which prime values are proved.
    pub field: Field,
    /// What a reader of the result has to know.
    pub warnings: Vec<String>,
    /// What is drawn from.
    pub seed: u64,
    /// Which answers are proved.
    pub verify: Verify,
    /// As it was written.
    pub verify_spec: String,
    /// Which part of a divided run this is.
    pub shard: Option<Shard>,
    /// When the load begins; `None` is at once.
    pub start_at: Option<jiff::Timestamp>,
    /// Clients.
    pub client: client::Settings,
    /// When connections are given up.
    pub life: Life,
    /// How often a refused connection is tried again.
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

/// A connection of a load for an autoscaler lasts for so many requests, or for so long.
const AUTOSCALER_LIFE: Life = Life {
    requests: Some((100, 200)),
    age: Some((Duration::from_secs(10), Duration::from_secs(20))),
};
/// More threads than this bring a generator of a few thousand requests a second nothing but contention.
const MOST_WORKERS: usize = 4;

impl Settings {
    /// Checks everything that was typed.
    pub fn new(args: &RunArgs, argv: Vec<String>) -> Result<Self, Failure> {
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
        let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
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
            seed: args.seed.unwrap_or_else(chance::fresh_seed),
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
            workers: args.workers.unwrap_or(cpus.min(MOST_WORKERS)),
            cpus,
            argv: without_secrets(argv),
            warnings,
        })
    }
}

/// The URL, and the requests of a file or of a curl command.
fn requests(args: &RunArgs, warnings: &mut Vec<String>) -> Result<(String, Vec<Spec>), Failure> {
    let mut specs = match (&args.from, &args.curl) {
        (Some(path), _) => request::read(path).map_err(Failure::usage)?,
        (None, Some(command)) => {
            request::curl(command).map_err(|why| Failure::usage(format!("--curl: {why}")))?
        }
        (None, None) => return Ok((args.target.url(), Vec::new())),
    };
    let given = args.target.given();
    let imported = specs.first().and_then(|spec| spec.origin.clone());
    let url = given
        .clone()
        .or(imported)
        .unwrap_or_else(|| args.target.url());
    // A recording of a page has much that other servers answered; they are not the target. An URL that was
    // given says where all of the curl commands go.
    let origin = |url: &str| url::Url::parse(url).ok().map(|url| url.origin());
    let all = specs.len();
    if args.curl.is_none() {
        specs.retain(|spec| {
            spec.origin
                .as_deref()
                .is_none_or(|of| origin(of) == origin(&url))
        });
    }
    if specs.len() < all {
        warnings.push(format!(
            "{} of {all} requests are for other servers than the target and were left out",
            all - specs.len()
        ));
    }
    Ok((url, specs))
}

fn source(args: &RunArgs, target: &Target, specs: Vec<Spec>) -> Result<Source, Failure> {
    let imported = args.from.is_some() || args.curl.is_some();
    if imported && target.path.is_some() && args.target.given().is_some() {
        return Err(Failure::usage(
            "the requests say which paths to ask for: give the target without one",
        ));
    }
    let plain = target.path.is_none() && args.method.is_none() && args.body.is_none();
    if !imported && plain && args.check.is_empty() {
        let workload = args.n.parse();
        return workload
            .map(Source::Fibonacci)
            .map_err(|why| Failure::usage(format!("--n: {why}")));
    }
    let specs = if imported {
        specs
    } else {
        vec![Spec {
            method: args.method.clone(),
            path: typed_path(target),
            body: args.body.clone(),
            weight: 1.0,
            ..Spec::default()
        }]
    };
    Requests::new(specs, &args.check)
        .map(Source::Requests)
        .map_err(Failure::usage)
}

/// The path of the URL; a parser of URLs escapes the braces of places.
fn typed_path(target: &Target) -> String {
    let path = target.path.as_deref().unwrap_or("/");
    path.replace("%7B", "{").replace("%7D", "}")
}

fn client(args: &RunArgs, url: &str) -> Result<client::Settings, Failure> {
    let mut client = connection(&args.target, url)?;
    client.idle = args.conn_idle;
    client.sharing = args.conn;
    client.kind = args.client;
    Ok(client)
}

/// How to talk to a target, with the defaults of users and their connections.
pub fn connection(args: &TargetArgs, url: &str) -> Result<client::Settings, Failure> {
    let target = Target::parse(url, &args.allow_host)?;
    let proxy = args.proxy.as_deref();
    let settings = client::Settings {
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
        },
        unix_socket: args.unix_socket.clone(),
        resolve: args.resolve.clone(),
        resolve_every: args.resolve_every,
        sources: args.source.clone(),
        proxy: proxy
            .map(|url| Proxy::parse(url, &args.allow_host))
            .transpose()?,
        ..client::Settings::new(target)
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

/// A `fib-server` answers in several forms; the one that is proved is JSON.
pub fn ask_for_json(client: &mut client::Settings) {
    let json = HeaderValue::from_static("application/json");
    client.headers.entry(ACCEPT).or_insert(json);
}

/// When connections are given up. A pod that an autoscaler adds gets no request over connections that exist, so that
/// a load made for one renews them unless it is told how.
fn life(args: &RunArgs, client: &client::Settings) -> Result<Life, Failure> {
    let given = Life {
        requests: args.conn_requests,
        age: args.conn_age,
    };
    let own = client.sharing == Sharing::User && client.kind == ClientKind::Direct;
    if given != Life::default() && !own {
        return Err(Failure::usage(
            "--conn-requests and --conn-age are about a user's own connection: leave them out, or use --conn user and --client direct",
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
                "`{name}` is no header with a value: write it like `Name: value`"
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

/// Headers, URLs, bodies and curl commands may carry credentials, and results are shown around.
fn without_secrets(argv: Vec<String>) -> Vec<String> {
    const SECRET: [(&str, &str); 3] = [("-H", "--header"), ("-d", "--body"), ("", "--curl")];
    let hide = |flag: &str, value: &str| match flag {
        "--header" => {
            let name = value.split_once(':').map_or(value, |(name, _)| name);
            format!("{name}: (hidden)")
        }
        _ => "(hidden)".to_owned(),
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
        without_credentials(&arg)
    };
    argv.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_verified_can_be_all_some_or_none() {
        assert_eq!("full".parse(), Ok(Verify::Full));
        assert_eq!("sample:10%".parse(), Ok(Verify::Sample(0.1)));
        assert_eq!("sample:0.5".parse(), Ok(Verify::Sample(0.5)));
        for text in ["", "sample:", "sample:0", "sample:2", "some"] {
            assert!(text.parse::<Verify>().is_err(), "{text}");
        }
    }

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
                "--curl=(hidden)"
            ]
        );
    }
}
