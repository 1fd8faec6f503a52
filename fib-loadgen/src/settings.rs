//! What is to be done, checked: nothing in here can be wrong any more.

use std::str::FromStr;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};

use crate::args::RunArgs;
use crate::chance;
use crate::client::{self, Life, Sharing};
use crate::exit::Failure;
use crate::generator::OnSaturation;
use crate::plan::profile::Autoscaler;
use crate::plan::{Plan, Shard, Wanted};
use crate::target::Target;
use crate::thresholds::Threshold;
use crate::user::Verify;
use crate::workload::Workload;

/// One run, ready to go.
#[derive(Debug)]
pub struct Settings {
    /// The load over time.
    pub plan: Plan,
    /// The autoscaler that the load is made for.
    pub autoscaler: Option<Autoscaler>,
    /// The distribution of n.
    pub workload: Workload,
    /// As it was written.
    pub n_spec: String,
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
        let target = Target::parse(args.target.url(), &args.target.allow_host)?;
        let plan = Plan::new(&wanted(args))
            .and_then(|plan| match args.shard {
                Some(shard) => plan.part(shard),
                None => Ok(plan),
            })
            .map_err(Failure::usage)?;
        let life = life(args);
        if life != Life::default() && args.conn != Sharing::User {
            return Err(Failure::usage(
                "--conn-requests and --conn-age are about a user's own connection: leave them out, or use --conn user",
            ));
        }
        let thresholds = thresholds(args, &plan)?;
        let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            plan,
            autoscaler: args.profile.as_ref().and_then(|profile| profile.autoscaler),
            workload: args
                .n
                .parse()
                .map_err(|why| Failure::usage(format!("--n: {why}")))?,
            n_spec: args.n.clone(),
            seed: args.seed.unwrap_or_else(chance::fresh_seed),
            verify: args
                .verify
                .parse()
                .map_err(|why: String| Failure::usage(why))?,
            verify_spec: args.verify.clone(),
            shard: args.shard,
            start_at: args.start_at,
            client: client::Settings {
                target,
                headers: headers(&args.target.header)?,
                connect_timeout: args.target.connect_timeout,
                timeout: args.target.timeout,
                idle: args.conn_idle,
                sharing: args.conn,
            },
            life,
            retry_refused: args.retry_refused,
            thresholds,
            on_saturation: args.on_saturation,
            workers: args.workers.unwrap_or(cpus.min(MOST_WORKERS)),
            cpus,
            argv: without_secrets(argv),
        })
    }

    /// Who shares connections.
    pub fn sharing_word(&self) -> &'static str {
        match self.client.sharing {
            Sharing::User => "user",
            Sharing::Shared => "shared",
            Sharing::Fresh => "fresh",
        }
    }
}

/// When connections are given up. A pod that an autoscaler adds gets no request over connections that exist, so that
/// a load made for one renews them unless it is told how.
fn life(args: &RunArgs) -> Life {
    let given = Life {
        requests: args.conn_requests,
        age: args.conn_age,
    };
    let for_autoscaler = args
        .profile
        .as_ref()
        .is_some_and(|profile| profile.autoscaler.is_some());
    if given == Life::default() && for_autoscaler && args.conn == Sharing::User {
        return AUTOSCALER_LIFE;
    }
    given
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
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    for header in given {
        let bad = || {
            Failure::usage(format!(
                "`{header}` is no header: write it like `Name: value`"
            ))
        };
        let (name, value) = header.split_once(':').ok_or_else(bad)?;
        let name = HeaderName::from_str(name.trim()).map_err(|_| bad())?;
        let value = HeaderValue::from_str(value.trim()).map_err(|_| bad())?;
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

/// Headers may carry credentials, and results are shown around.
fn without_secrets(argv: Vec<String>) -> Vec<String> {
    let mut next_is_header = false;
    let hide = |header: &str| {
        let name = header.split_once(':').map_or(header, |(name, _)| name);
        format!("{name}: (hidden)")
    };
    argv.into_iter()
        .map(|arg| {
            let is_header =
                std::mem::replace(&mut next_is_header, arg == "-H" || arg == "--header");
            if is_header {
                hide(&arg)
            } else if let Some(header) = arg.strip_prefix("--header=") {
                format!("--header={}", hide(header))
            } else if let Some(header) = arg.strip_prefix("-H").filter(|header| !header.is_empty())
            {
                format!("-H{}", hide(header))
            } else {
                arg
            }
        })
        .collect()
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
                "5"
            ]
        );
    }
}
