//! The command line, as typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use program_common::duration;

use crate::check::Check;
use crate::client::{ClientKind, Sharing};
use crate::generator::OnSaturation;
use crate::outputs::{Kind, Output, Ui};
use crate::plan::{Arrival, Profile, Shard, Stage};
use crate::quantity;

mod help;
mod target;

pub use target::TargetArgs;

/// Loads a fib-server and proves every answer, or any HTTP service and checks them; knows when it is itself the bottleneck
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = help::program())]
pub struct Cli {
    /// What to do; `run` when it is left out
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags of `run`
    #[command(flatten)]
    pub run: RunArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Put the load on a target (the default)
    #[command(after_help = help::RUN)]
    Run(Box<RunArgs>),
    /// Print what `run` would do, and send nothing
    #[command(after_help = help::PLAN)]
    Plan(Box<PlanArgs>),
    /// Ask for a few values and prove them; no load
    #[command(after_help = help::VERIFY)]
    Verify(Box<TargetArgs>),
    /// Find the highest rate that meets the thresholds, and what limits it
    #[command(after_help = help::CAPACITY)]
    Capacity(Box<CapacityArgs>),
    /// Show results that were written before, or write them in other forms
    #[command(after_help = help::REPORT)]
    Report(ReportArgs),
    /// Compare two results, and fail when the second is worse than noise explains
    #[command(after_help = help::COMPARE)]
    Compare(CompareArgs),
    /// Put the results of a run's shards together
    #[command(after_help = help::MERGE)]
    Merge(MergeArgs),
    /// Print the JSON Schema of the result
    #[command(after_help = help::SCHEMA)]
    Schema,
    /// Print completions for a shell
    #[command(after_help = help::COMPLETIONS)]
    Completions(CompletionsArgs),
    /// Print a manual page, or write them all
    #[command(after_help = help::MAN)]
    Man(ManArgs),
}

/// `completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: program_common::pages::Shell,
}

/// `man`
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The command whose page to print [default: the page of the program]
    #[arg(conflicts_with = "to")]
    pub command: Option<String>,
    /// Write the page of the program and one for each command to this folder
    #[arg(long, value_name = "FOLDER")]
    pub to: Option<PathBuf>,
}

/// `capacity`
#[derive(Debug, Args)]
pub struct CapacityArgs {
    /// Start at this rate
    #[arg(long, value_name = "R/s", value_parser = quantity::rate, default_value = "100/s", help_heading = "Search")]
    pub start_rate: f64,
    /// Try no rate above this one
    #[arg(long, value_name = "R/s", value_parser = quantity::rate, default_value = "100000/s", help_heading = "Search")]
    pub max_rate: f64,
    /// How long each trial takes, of which a fifth is not judged unless --warmup says otherwise
    #[arg(long, value_name = "TIME", value_parser = duration::parse, default_value = "10s", help_heading = "Search")]
    pub trial: Duration,
    /// End the search when the range is no wider than this
    #[arg(long, value_name = "PERCENT", value_parser = quantity::percent, default_value = "10%", help_heading = "Search")]
    pub precision: f64,
    /// Make at most so many trials
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 30,
        help_heading = "Search"
    )]
    pub trials: usize,
    /// Print JSON instead of words
    #[arg(long, help_heading = "Search")]
    pub json: bool,
    /// What each trial is, as for `run`
    #[command(flatten)]
    pub run: RunArgs,
}

/// `report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Results: files, or logs with results in them; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write a form of the result: json, html, junit, md, csv, ndjson, k6, summary-export, text or log (repeatable)
    /// [default: text=-]
    #[arg(short, long = "output", alias = "out", value_name = "KIND=FILE")]
    pub output: Vec<Output>,
}

/// `compare`
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The result to compare with
    #[arg(value_name = "A")]
    pub a: PathBuf,
    /// The result to judge
    #[arg(value_name = "B")]
    pub b: PathBuf,
    /// Changes up to this share are neither worse nor better
    #[arg(long, value_name = "PERCENT", value_parser = quantity::percent, default_value = "5%")]
    pub tolerance: f64,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// `merge`
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// Results of shards: files, or logs with results in them; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Merge what is there even when shards are missing
    #[arg(long)]
    pub partial: bool,
    /// Write a form of the merged result, as `report` does (repeatable) [default: text=-]
    #[arg(short, long = "output", alias = "out", value_name = "KIND=FILE")]
    pub output: Vec<Output>,
}

/// `plan`
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// List the profiles with their settings
    #[arg(long)]
    pub profiles: bool,
    /// What `run` would be given
    #[command(flatten)]
    pub run: RunArgs,
}

/// `run`
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Whom to load
    #[command(flatten)]
    pub target: TargetArgs,

    /// Users; with a rate, the most requests in flight [default: 50, with a rate 200]
    #[arg(short, long, alias = "vus", value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Load")]
    pub users: Option<u32>,
    /// Requests a second, whether or not earlier ones were answered
    #[arg(long, value_name = "R/s", value_parser = quantity::rate, help_heading = "Load")]
    pub rate: Option<f64>,
    /// How long to hold the load; 0s is until stopped [default: 30s]
    #[arg(short = 't', long, alias = "duration", value_name = "TIME", value_parser = duration::parse, help_heading = "Load")]
    pub run_time: Option<Duration>,
    /// How long to take to get there [default: 10ms a user, at most 8s; with a rate 0s]
    #[arg(long, alias = "increase-time", value_name = "TIME", value_parser = duration::parse, help_heading = "Load")]
    pub ramp_up: Option<Duration>,
    /// How long to take back to nothing
    #[arg(long, alias = "decrease-time", value_name = "TIME", value_parser = duration::parse, default_value = "0s", help_heading = "Load")]
    pub ramp_down: Duration,
    /// A step of the plan: 30s:500 ramps to 500 users within 30 s, 30s@500 jumps to them and holds; 60s@430/s is a rate (repeatable)
    #[arg(long, value_name = "D:TARGET|D@TARGET", help_heading = "Load")]
    pub stage: Vec<Stage>,
    /// A load by name: constant, ramp, step, spike, sine, soak, or for an autoscaler hpa-step, hpa-staircase, hpa-spike,
    /// hpa-flap, hpa-down, such as spike:base=40/s,peak=400/s or hpa-step:min=3,max=10,target=50%,request=200m,cost=20ms
    /// (`plan --profiles` lists their settings)
    #[arg(long, value_name = "NAME[:KEY=VALUE,…]", help_heading = "Load")]
    pub profile: Option<Profile>,
    /// For an `hpa-` profile without `cost`: send a short load first, and take the CPU time that a request costs from
    /// this Prometheus page of the server; several pods have one each (repeatable)
    #[arg(long, value_name = "URL", requires = "profile", help_heading = "Load")]
    pub measure_cost: Vec<url::Url>,
    /// Stop after exactly so many requests
    #[arg(long, value_name = "N", value_parser = quantity::count, help_heading = "Load")]
    pub requests: Option<u64>,
    /// How the requests of a rate are spaced
    #[arg(long, value_enum, default_value_t, help_heading = "Load")]
    pub arrival: Arrival,
    /// How long a user pauses after an answer: 500ms or 1s..3s
    #[arg(long, value_name = "D[..D]", value_parser = |text: &str| quantity::span(text, duration::parse), help_heading = "Load")]
    pub think: Option<(Duration, Duration)>,
    /// A leading part that is recorded apart and not judged
    #[arg(long, value_name = "TIME", value_parser = duration::parse, default_value = "0s", help_heading = "Load")]
    pub warmup: Duration,

    /// Send only this part of the load: 0/4 is the first of four, which `merge` puts together again. In an Indexed Job:
    /// `$(JOB_COMPLETION_INDEX)/4`
    #[arg(long, value_name = "I/N", help_heading = "Load")]
    pub shard: Option<Shard>,
    /// Begin the load at this instant, such as 2026-11-27T12:00:00Z, at which all shards begin
    #[arg(long, value_name = "TIME", help_heading = "Load")]
    pub start_at: Option<jiff::Timestamp>,

    /// Which n: 1000, 1..=1000, log:10..=100000 or mix:90%=100,10%=100000
    #[arg(
        short,
        long,
        value_name = "SPEC",
        default_value = "1000",
        help_heading = "Questions and answers"
    )]
    pub n: String,
    /// The same seed and plan ask for the same n in the same order [default: random, and printed]
    #[arg(long, value_name = "N", help_heading = "Questions and answers")]
    pub seed: Option<u64>,
    /// Which answers to prove: full, sample:10% or off; the form of every answer is checked in any case
    #[arg(
        long,
        value_name = "WHICH",
        default_value = "full",
        help_heading = "Questions and answers"
    )]
    pub verify: String,

    /// Send the requests of this file: YAML or JSON, a HAR recording, or curl commands
    #[arg(long, value_name = "FILE", help_heading = "Requests to any service")]
    pub from: Option<PathBuf>,
    /// Send what this curl command would
    #[arg(
        long,
        value_name = "COMMAND",
        conflicts_with = "from",
        help_heading = "Requests to any service"
    )]
    pub curl: Option<String>,
    /// Send requests with this method [default: GET, with a body POST]
    #[arg(short = 'X', long, value_name = "METHOD", conflicts_with_all = ["from", "curl"], help_heading = "Requests to any service")]
    pub method: Option<String>,
    /// Send this body; it may have places such as {{counter}}, {{user}}, {{random:1..100}}, {{pick:a,b}}, {{uuid}} and {{timestamp}}, as the URL may
    #[arg(short = 'd', long, value_name = "TEXT", conflicts_with_all = ["from", "curl"], help_heading = "Requests to any service")]
    pub body: Option<String>,
    /// What every answer has to be, such as status=200, header:content-type~json, body*=hello, json:$.ok=true or sha256=HEX (repeatable) [default: a status below 400]
    #[arg(long, value_name = "CHECK", help_heading = "Requests to any service")]
    pub check: Vec<Check>,
    /// Keep cookies, for each user its own
    #[arg(long, help_heading = "Requests to any service")]
    pub cookies: bool,

    /// Who shares connections
    #[arg(long, value_enum, default_value_t, help_heading = "Connections")]
    pub conn: Sharing,
    /// Which code sends the requests
    #[arg(long, value_enum, default_value_t, help_heading = "Connections")]
    pub client: ClientKind,
    /// Give up a connection after so many requests
    #[arg(long, value_name = "A[:B]", value_parser = |text: &str| quantity::span(text, quantity::count), help_heading = "Connections")]
    pub conn_requests: Option<(u64, u64)>,
    /// Give up a connection after so long
    #[arg(long, value_name = "A[:B]", value_parser = |text: &str| quantity::span(text, duration::parse), help_heading = "Connections")]
    pub conn_age: Option<(Duration, Duration)>,
    /// Never reuse a connection that was idle for longer; keep it below the time a server takes to drain
    #[arg(long, value_name = "TIME", value_parser = duration::parse, default_value = "1s", help_heading = "Connections")]
    pub conn_idle: Duration,
    /// Try again so often when a connection is refused, 50 ms apart; nothing was sent then, and the request's time runs on
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=1_000), default_value_t = 0, help_heading = "Connections")]
    pub retry_refused: u32,

    /// A rule the run has to meet, such as p99<250ms, error-rate<0.1%, rps>=400, achieved>=99% or wrong==0; with ` abort`
    /// or ` abort after 10s` behind it the run ends as soon as it is broken (repeatable)
    #[arg(long, value_name = "RULE", help_heading = "Judgement and output")]
    pub threshold: Vec<String>,
    /// What it means when the generator itself is the limit
    #[arg(
        long,
        value_enum,
        default_value_t,
        help_heading = "Judgement and output"
    )]
    pub on_saturation: OnSaturation,
    /// Write a result: json, html, junit, md, csv, k6, text or log at the end, or ndjson, a line a second at once;
    /// `-` is standard output (repeatable)
    #[arg(
        short,
        long = "output",
        alias = "out",
        value_name = "KIND=FILE",
        help_heading = "Judgement and output"
    )]
    pub output: Vec<Output>,
    /// Write the summary in the form of k6's flag of this name
    #[arg(long, value_name = "FILE", help_heading = "Judgement and output")]
    pub summary_export: Option<PathBuf>,
    /// Let Prometheus scrape the run's numbers at /metrics of this address, such as 127.0.0.1:9464
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        help_heading = "Judgement and output"
    )]
    pub prometheus: Option<std::net::SocketAddr>,
    /// Let --prometheus listen on an address that other machines reach
    #[arg(long, requires = "prometheus", help_heading = "Judgement and output")]
    pub prometheus_to_network: bool,
    /// Send the run's numbers every ten seconds to this collector of OpenTelemetry (OTLP over HTTP, JSON), such as
    /// `http://127.0.0.1:4318/v1/metrics`
    #[arg(long, value_name = "URL", help_heading = "Judgement and output")]
    pub otlp: Option<url::Url>,
    /// What to show meanwhile
    #[arg(
        long,
        value_enum,
        default_value_t,
        help_heading = "Judgement and output"
    )]
    pub ui: Ui,
    /// Runtime threads [default: CPUs, at most 4]
    #[arg(long, value_name = "COUNT", value_parser = |text: &str| text.parse::<usize>().ok().filter(|n| (1..=256).contains(n)).ok_or("give a number from 1 to 256"), help_heading = "Judgement and output")]
    pub workers: Option<usize>,
    /// Stop at once when standard input ends, so as not to outlive a parent
    #[arg(long, help_heading = "Judgement and output")]
    pub exit_with_stdin: bool,
}

impl RunArgs {
    /// Everything that is to be written.
    pub fn outputs(&self) -> Vec<Output> {
        let export = self.summary_export.clone().map(|file| Output {
            kind: Kind::SummaryExport,
            file: Some(file),
        });
        self.output.iter().cloned().chain(export).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn no_two_flags_of_a_command_have_one_name() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_three_examples_that_it_takes() {
        let mut cli = Cli::command();
        let commands = cli
            .get_subcommands()
            .map(|command| command.get_name().to_owned());
        let commands: Vec<String> = commands.filter(|name| name != "help").collect();
        for name in commands {
            let command = cli.find_subcommand_mut(&name).unwrap();
            let text = command.get_after_help().unwrap().to_string();
            let examples: Vec<&str> = text
                .lines()
                .filter(|line| line.contains("fib-loadgen "))
                .collect();
            assert_eq!(examples.len(), 3, "{name}");
            for example in examples {
                let typed = example
                    .split(" | ")
                    .next()
                    .unwrap()
                    .split(" > ")
                    .next()
                    .unwrap();
                let words = shlex::split(typed.trim()).unwrap();
                assert!(Cli::try_parse_from(&words).is_ok(), "{example}");
            }
        }
    }

    #[test]
    fn every_flag_of_the_load_stands_under_the_task_that_it_is_for() {
        let cli = Cli::command();
        let run = cli.find_subcommand("run").unwrap();
        for flag in run.get_opts().filter(|flag| flag.get_id() != "help") {
            assert!(flag.get_help_heading().is_some(), "{}", flag.get_id());
        }
    }
}
