//! The command line, as typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use program_common::duration;

use crate::check::Check;
use crate::client::{ClientKind, Sharing};
use crate::generator::OnSaturation;
use crate::outputs::{Output, ReportFormat, Ui};
use crate::plan::{Arrival, Profile, Shard, Stage};
use crate::quantity;

mod help;
mod target;

pub use target::TargetArgs;

/// Loads a fib-server and verifies every answer, or loads any HTTP service; reports when it is itself the bottleneck
#[derive(Debug, Parser)]
#[command(allow_negative_numbers = true)]
#[command(version, args_conflicts_with_subcommands = true, after_help = help::program())]
pub struct Cli {
    /// The command; `run` by default
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags of `run`
    #[command(flatten)]
    pub run: RunArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Load a target (the default)
    #[command(after_help = help::RUN)]
    Run(Box<RunArgs>),
    /// Show what `run` would do, without sending anything
    #[command(after_help = help::PLAN)]
    Plan(Box<PlanArgs>),
    /// Request a few values and verify them, without load
    #[command(after_help = help::VERIFY)]
    Verify(Box<TargetArgs>),
    /// Find the highest rate that meets the thresholds, and the bottleneck
    #[command(after_help = help::CAPACITY)]
    Capacity(Box<CapacityArgs>),
    /// Show existing results, or convert them to other formats
    #[command(after_help = help::REPORT)]
    Report(ReportArgs),
    /// Compare two results, and fail if the second is significantly worse
    #[command(after_help = help::COMPARE)]
    Compare(CompareArgs),
    /// Merge the results of a run's shards
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
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: program_common::pages::Shell,
}

/// `man`
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The command whose page to print [default: the page of the program]
    #[arg(value_name = "COMMAND", conflicts_with = "to")]
    pub command: Option<String>,
    /// Write the page of the program and one for each command to this folder
    #[arg(long, value_name = "FOLDER")]
    pub to: Option<PathBuf>,
}

/// `capacity`
#[derive(Debug, Args)]
pub struct CapacityArgs {
    /// Start at this rate, such as 100/s
    #[arg(long, value_name = "RATE", value_parser = quantity::rate, default_value = "100/s", help_heading = "Search")]
    pub start_rate: f64,
    /// Try no rate above this one
    #[arg(long, value_name = "RATE", value_parser = quantity::rate, default_value = "100000/s", help_heading = "Search")]
    pub max_rate: f64,
    /// Length of each trial; the first fifth does not count, unless --warmup is set
    #[arg(long, value_name = "DURATION", value_parser = duration::positive, default_value = "10s", help_heading = "Search")]
    pub trial: Duration,
    /// Stop when the range is at most this wide
    #[arg(long, value_name = "SHARE", value_parser = quantity::share, default_value = "10%", help_heading = "Search")]
    pub precision: f64,
    /// Maximum number of trials
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 30,
        help_heading = "Search"
    )]
    pub trials: usize,
    /// Print JSON instead of text
    #[arg(long, help_heading = "Search")]
    pub json: bool,
    /// The load of each trial, as for `run`
    #[command(flatten)]
    pub run: RunArgs,
}

/// `report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Results: files, or logs that contain results; - reads standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write the result in this format: json, html, junit, md, csv, ndjson, k6, summary-export, text or log (repeatable)
    /// [default: text=-]
    #[arg(short, long = "output", alias = "out", value_name = "KIND=FILE")]
    pub output: Vec<Output>,
}

/// `compare`
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The baseline result
    #[arg(value_name = "A")]
    pub a: PathBuf,
    /// The result to compare with the baseline
    #[arg(value_name = "B")]
    pub b: PathBuf,
    /// Changes up to this share count as equal
    #[arg(long, value_name = "SHARE", value_parser = quantity::share, default_value = "5%")]
    pub tolerance: f64,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// `merge`
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// Results of shards: files, or logs that contain results; - reads standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Merge even if shards are missing
    #[arg(long)]
    pub partial: bool,
    /// Write the merged result in a format, as `report` does (repeatable) [default: text=-]
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
    /// The flags for `run`
    #[command(flatten)]
    pub run: RunArgs,
}

/// `run`
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// The target to load
    #[command(flatten)]
    pub target: TargetArgs,

    /// Number of users; with a rate, the maximum number of requests in flight [default: 50, with a rate 200]
    #[arg(short, long, alias = "vus", value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Load")]
    pub users: Option<u32>,
    /// Send this many requests, such as 400/s or 120/m, whether or not earlier ones were answered
    #[arg(long, value_name = "RATE", value_parser = quantity::rate, help_heading = "Load")]
    pub rate: Option<f64>,
    /// How long to hold the load; 0s runs until stopped [default: 30s]
    #[arg(short = 't', long, alias = "duration", value_name = "DURATION", value_parser = duration::parse, help_heading = "Load")]
    pub run_time: Option<Duration>,
    /// How long to ramp up [default: 10ms per user, at most 8s; with a rate 0s]
    #[arg(long, alias = "increase-time", value_name = "DURATION", value_parser = duration::parse, help_heading = "Load")]
    pub ramp_up: Option<Duration>,
    /// How long to ramp down to zero
    #[arg(long, alias = "decrease-time", value_name = "DURATION", value_parser = duration::parse, default_value = "0s", help_heading = "Load")]
    pub ramp_down: Duration,
    /// A stage of the plan: 30s:500 ramps to 500 users over 30 s, 30s@500 jumps to 500 and holds; 60s@430/s is a rate (repeatable)
    #[arg(
        long,
        value_name = "DURATION:TARGET|DURATION@TARGET",
        help_heading = "Load"
    )]
    pub stage: Vec<Stage>,
    /// A predefined load: constant, ramp, step, spike, sine, soak, or for an autoscaler hpa-step, hpa-staircase, hpa-spike,
    /// hpa-flap, hpa-down, such as spike:base=40/s,peak=400/s or hpa-step:min=3,max=10,target=50%,request=200m,cost=20ms
    /// (`plan --profiles` lists their settings)
    #[arg(long, value_name = "NAME[:KEY=VALUE,…]", help_heading = "Load")]
    pub profile: Option<Profile>,
    /// For an `hpa-` profile without `cost`: measure the CPU time per request first, with a short load and the server's
    /// Prometheus metrics at this URL; one URL per pod (repeatable)
    #[arg(long, value_name = "URL", requires = "profile", help_heading = "Load")]
    pub measure_cost: Vec<url::Url>,
    /// Stop after exactly this many requests
    #[arg(long, value_name = "COUNT", value_parser = quantity::count, help_heading = "Load")]
    pub requests: Option<u64>,
    /// How the requests of a rate are spaced
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        default_value_t,
        help_heading = "Load"
    )]
    pub arrival: Arrival,
    /// How long a user pauses after an answer: 500ms or 1s..3s
    #[arg(long, value_name = "DURATION[..DURATION]", value_parser = |text: &str| quantity::span(text, duration::parse), help_heading = "Load")]
    pub think: Option<(Duration, Duration)>,
    /// Record this first part of the run separately, without thresholds
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "0s", help_heading = "Load")]
    pub warmup: Duration,

    /// Send only this shard of the load: 0/4 is the first of four; combine the results with `merge`. In an Indexed Job:
    /// `$(JOB_COMPLETION_INDEX)/4`
    #[arg(long, value_name = "INDEX/COUNT", help_heading = "Load")]
    pub shard: Option<Shard>,
    /// Start the load at this time, such as 2026-11-27T12:00:00Z, the same for all shards
    #[arg(long, value_name = "INSTANT", help_heading = "Load")]
    pub start_at: Option<jiff::Timestamp>,

    /// Which n: 1000, 1..=1000, log:10..=100000 or mix:90%=100,10%=100000
    #[arg(
        short,
        long,
        value_name = "SPEC",
        default_value = "1000",
        help_heading = "Requests and verification"
    )]
    pub n: String,
    /// The same seed and plan request the same n in the same order [default: random, and printed; 1 with --shard, so that
    /// all shards have the same]
    #[arg(
        long,
        value_name = "NUMBER",
        help_heading = "Requests and verification"
    )]
    pub seed: Option<u64>,
    /// Which answers to verify: full, sample:10% or off; the form of every answer is always checked
    #[arg(
        long,
        value_name = "WHICH",
        default_value = "full",
        help_heading = "Requests and verification"
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
    /// Send this body, or the text of a file (@FILE), with placeholders such as {{counter}}, {{user}}, {{random:1..100}}, {{pick:a,b}}, {{uuid}} and {{timestamp}}; the URL can have them too
    #[arg(short = 'd', long, value_name = "TEXT", conflicts_with_all = ["from", "curl"], help_heading = "Requests to any service")]
    pub body: Option<String>,
    /// Check that every answer has this, such as status=200, header:content-type~json, body*=hello, json:$.ok=true or sha256=HEX (repeatable) [default: a status below 400]
    #[arg(long, value_name = "CHECK", help_heading = "Requests to any service")]
    pub check: Vec<Check>,
    /// Keep cookies, separately for each user
    #[arg(long, help_heading = "Requests to any service")]
    pub cookies: bool,

    /// How users share connections
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        default_value_t,
        help_heading = "Connections"
    )]
    pub conn: Sharing,
    /// Which code sends the requests
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        default_value_t,
        help_heading = "Connections"
    )]
    pub client: ClientKind,
    /// Close a connection after this many requests
    #[arg(long, value_name = "COUNT[:COUNT]", value_parser = |text: &str| quantity::span(text, quantity::count), help_heading = "Connections")]
    pub conn_requests: Option<(u64, u64)>,
    /// Close a connection after this time
    #[arg(long, value_name = "DURATION[:DURATION]", value_parser = |text: &str| quantity::span(text, duration::parse), help_heading = "Connections")]
    pub conn_age: Option<(Duration, Duration)>,
    /// Don't reuse a connection that was idle for longer; keep this below the server's drain time
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "1s", help_heading = "Connections")]
    pub conn_idle: Duration,
    /// Retry a refused connection this many times, 50 ms apart; no request is sent twice, and its time keeps running
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=1_000), default_value_t = 0, help_heading = "Connections")]
    pub retry_refused: u32,

    /// A rule the run must meet, such as p99<250ms, error-rate<0.1%, rps>=400, achieved>=99% or wrong==0; add ` abort`
    /// or ` abort after 10s` to end the run when it is violated (repeatable)
    #[arg(long, value_name = "RULE", help_heading = "Thresholds and output")]
    pub threshold: Vec<String>,
    /// What to do if the generator itself is the bottleneck
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        default_value_t,
        help_heading = "Thresholds and output"
    )]
    pub on_saturation: OnSaturation,
    /// Write a result: json, html, junit, md, csv, k6, text or log at the end, or ndjson, one line per second during the run;
    /// `-` is standard output (repeatable)
    #[arg(
        short,
        long = "output",
        alias = "out",
        value_name = "KIND=FILE",
        help_heading = "Thresholds and output"
    )]
    pub output: Vec<Output>,
    /// Write the summary in the format of k6's flag of the same name
    #[arg(long, value_name = "FILE", help_heading = "Thresholds and output")]
    pub summary_export: Option<PathBuf>,
    /// Expose the run's metrics for Prometheus at /metrics on this address, such as 127.0.0.1:9464
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        help_heading = "Thresholds and output"
    )]
    pub prometheus: Option<std::net::SocketAddr>,
    /// Let --prometheus listen on an address that other machines can reach
    #[arg(long, requires = "prometheus", help_heading = "Thresholds and output")]
    pub prometheus_to_network: bool,
    /// Send the run's metrics every ten seconds to this OpenTelemetry collector (OTLP over HTTP, JSON), such as
    /// `http://127.0.0.1:4318/v1/metrics`
    #[arg(long, value_name = "URL", help_heading = "Thresholds and output")]
    pub otlp: Option<url::Url>,
    /// What to show during the run
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        default_value_t,
        help_heading = "Thresholds and output"
    )]
    pub ui: Ui,
    /// Runtime threads [default: CPUs, at most 4]
    #[arg(long, value_name = "COUNT", value_parser = |text: &str| text.parse::<usize>().ok().filter(|n| (1..=256).contains(n)).ok_or("give a number from 1 to 256"), help_heading = "Thresholds and output")]
    pub workers: Option<usize>,
    /// Stop at once when standard input ends, because the parent process has exited
    #[arg(long, help_heading = "Thresholds and output")]
    pub exit_with_stdin: bool,
}

impl RunArgs {
    /// Every output to write.
    pub fn outputs(&self) -> Vec<Output> {
        let export = self.summary_export.clone().map(|file| Output {
            kind: ReportFormat::SummaryExport,
            file: Some(file),
        });
        self.output.iter().cloned().chain(export).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use program_common::vocabulary;

    use super::*;

    #[test]
    fn every_value_is_named_as_in_the_other_programs() {
        assert_eq!(vocabulary::unknown(Cli::command()), [""; 0]);
    }

    #[test]
    fn no_two_flags_of_a_command_have_one_name() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_three_valid_examples() {
        let mut cli = Cli::command();
        let commands = cli
            .get_subcommands()
            .map(|command| command.get_name().to_owned());
        let commands: Vec<String> = commands.filter(|name| name != "help").collect();
        for name in commands {
            let command = cli.find_subcommand_mut(&name).unwrap();
            let text = command.get_after_help().unwrap().to_string();
            let part = text.split("\n\n").next().unwrap();
            // A line that the help wraps can't be copied.
            let longest = part.lines().map(str::len).max();
            assert!(longest <= Some(80), "{name}: {longest:?}");
            let joined = part.replace("\\\n", " ");
            let examples: Vec<&str> = joined.lines().skip(1).collect();
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
    fn every_flag_of_the_load_has_a_task_heading() {
        let cli = Cli::command();
        let run = cli.find_subcommand("run").unwrap();
        for flag in run.get_opts().filter(|flag| flag.get_id() != "help") {
            assert!(flag.get_help_heading().is_some(), "{}", flag.get_id());
        }
    }
}
