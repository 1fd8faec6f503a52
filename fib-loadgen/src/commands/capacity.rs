//! `capacity`: trials at one rate after another, until the target's capacity is known.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::load::load;
use super::{runtime, say};
use crate::args::CapacityArgs;
use crate::capacity::{self as search, Bounds, CONFIDENCE, Found, Next, Segments, Trial, judge};
use crate::exit::{Ending, Failure};
use crate::live::Sinks;
use crate::outputs::{self, Ui};
use crate::report::ms;
use crate::result::Document;
use crate::settings::Settings;
use crate::stop::{self, Stop, Urgency};

/// The pause between trials, so that none is slowed down by the previous one's queues.
const REST: Duration = Duration::from_secs(2);

pub(super) fn capacity(args: &CapacityArgs) -> Result<u8, Failure> {
    let bounds = bounds(args)?;
    // Invalid flags are found before the first trial.
    settings(args, bounds.from)?;
    if args.run.threshold.is_empty() {
        say(
            "note: without a --threshold, a rate passes as long as it can be sent and answered at all",
        );
    }
    let stdout = outputs::claim_stdout()
        .map_err(|error| Failure::internal(format!("standard output can't be kept ({error})")))?;
    let stop = Arc::new(Stop::default());
    stop::on_signals(&stop)
        .map_err(|error| Failure::internal(format!("signals can't be caught ({error})")))?;
    let mut trials = Vec::new();
    let found = loop {
        match search::next(&trials, &bounds) {
            Next::Done(found) => break found,
            Next::Try(rate) => {
                let document = run_one(args, rate, &stop)?;
                if stop.was_interrupted() {
                    return Err(Failure::interrupted());
                }
                let trial = judge(&document.0, rate, document.1);
                tell(trials.len() + 1, &trial, &document.0);
                trials.push(trial);
                std::thread::sleep(REST);
            }
        }
    };
    let text = if args.json {
        format!("{:#}\n", as_json(found, &trials))
    } else {
        in_words(found, &trials)
    };
    outputs::Destination::Stdout(stdout)
        .write(text.as_bytes())
        .map_err(|error| {
            Failure::internal(format!("standard output can't be written ({error})"))
        })?;
    Ok(match found {
        Found::Below(_) => Ending::Threshold.code(),
        Found::Between(..) | Found::AtLeast(_) => 0,
    })
}

fn bounds(args: &CapacityArgs) -> Result<Bounds, Failure> {
    if args.run.rate.is_some() || !args.run.stage.is_empty() || args.run.profile.is_some() {
        return Err(Failure::usage(
            "capacity chooses the rates itself: omit --rate, --stage and --profile, and give --start-rate and --max-rate",
        ));
    }
    if args.start_rate > args.max_rate || args.start_rate <= 0.0 {
        return Err(Failure::usage(
            "--start-rate must be above 0 and at most --max-rate",
        ));
    }
    Ok(Bounds {
        from: args.start_rate,
        to: args.max_rate,
        precision: args.precision.max(0.02),
        most: args.trials,
    })
}

/// The settings of a trial: a constant rate, a warm-up, and enough workers for one second of it.
fn settings(args: &CapacityArgs, rate: f64) -> Result<Settings, Failure> {
    let mut run = args.run.clone();
    run.rate = Some(rate);
    run.run_time = Some(args.trial);
    if run.warmup.is_zero() {
        run.warmup = args.trial / 5;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is at most ten million, and a cast saturates"
    )]
    let a_second = (rate.ceil() as u32).clamp(50, 5_000);
    run.users = run.users.or(Some(a_second));
    Settings::new(&run, Vec::new())
}

fn run_one(
    args: &CapacityArgs,
    rate: f64,
    stop: &Arc<Stop>,
) -> Result<(Document, Segments), Failure> {
    let settings = Arc::new(settings(args, rate)?);
    let runtime = runtime(settings.workers)?;
    let own = Arc::new(Stop::default());
    let before = tcp_segments();
    let document = runtime.block_on(async {
        let (outer, inner) = (Arc::clone(stop), Arc::clone(&own));
        let sinks = Sinks {
            ui: Ui::None,
            ..Sinks::default()
        };
        let relay = tokio::spawn(async move {
            outer.reached(Urgency::Finish).await;
            inner.interrupt();
            outer.reached(Urgency::Abort).await;
            inner.interrupt();
        });
        let document = load(&settings, &own, sinks)
            .await
            .map(|(document, _)| document);
        relay.abort();
        document
    })?;
    runtime.shutdown_timeout(Duration::from_millis(100));
    let after = tcp_segments();
    let segments = Segments {
        sent: after.sent.saturating_sub(before.sent),
        again: after.again.saturating_sub(before.again),
    };
    Ok((document, segments))
}

/// TCP segments sent and retransmitted by this machine, or this network namespace; zeros if Linux does not
/// report them.
fn tcp_segments() -> Segments {
    let text = std::fs::read_to_string("/proc/net/snmp").unwrap_or_default();
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Tcp: "));
    let (Some(names), Some(values)) = (lines.next(), lines.next()) else {
        return Segments::default();
    };
    let of = |name: &str| {
        let mut pairs = names.split(' ').zip(values.split(' '));
        let value = pairs
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value);
        value.and_then(|value| value.parse().ok()).unwrap_or(0)
    };
    Segments {
        sent: of("OutSegs"),
        again: of("RetransSegs"),
    }
}

fn tell(number: usize, trial: &Trial, document: &Document) {
    let outcome = match &trial.limit {
        None => "passed".to_owned(),
        Some(limit) => format!("failed, {}: {}", limit.who.word(), limit.why),
    };
    say(&format!(
        "trial {number:>2}  {:>9.1}/s  p99 {} ms  {outcome}",
        trial.rate,
        ms(document.latency.response.p99)
    ));
}

fn in_words(found: Found, trials: &[Trial]) -> String {
    let passed = trials.iter().filter(|trial| trial.passed).count();
    let mut text = match found {
        Found::Between(low, high) => format!(
            "capacity  {low:.0} to {high:.0} requests/s, with {:.0} % confidence",
            CONFIDENCE * 100.0
        ),
        Found::AtLeast(rate) => {
            format!("capacity  at least {rate:.0} requests/s, the highest rate tried")
        }
        Found::Below(rate) => {
            format!("capacity  below {rate:.1} requests/s, the lowest rate tried")
        }
    };
    text += &format!(
        "\ntrials    {} passed, {} failed\n",
        passed,
        trials.len() - passed
    );
    if let Some(limit) = search::limit(trials) {
        text += &format!("limit     {}: {}\n", limit.who.word(), limit.why);
        if limit.who == search::Bottleneck::Generator {
            text += "          so the target takes at least as much: load it from more CPUs, or with --shard\n";
        }
    }
    text
}

fn as_json(found: Found, trials: &[Trial]) -> serde_json::Value {
    let (low, high) = match found {
        Found::Between(low, high) => (Some(low), Some(high)),
        Found::AtLeast(rate) => (Some(rate), None),
        Found::Below(rate) => (None, Some(rate)),
    };
    let limit = search::limit(trials);
    let trials = trials.iter().map(|trial| {
        json!({
            "rate": trial.rate,
            "passed": trial.passed,
            "limit": trial.limit.as_ref().map(|limit| limit.who.word()),
            "why": trial.limit.as_ref().map(|limit| &limit.why),
        })
    });
    json!({
        "schema": "fib-loadgen-capacity/1",
        "low_rps": low,
        "high_rps": high,
        "confidence": CONFIDENCE,
        "limit": limit.map(|limit| limit.who.word()),
        "why": limit.map(|limit| &limit.why),
        "trials": trials.collect::<Vec<_>>(),
    })
}
