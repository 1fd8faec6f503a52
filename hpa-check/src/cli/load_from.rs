//! A measured load: from Prometheus, or from a file exported by it or by Grafana.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hpa_check_core::settings::time;
use hpa_check_core::sim::LoadProfile;
use hpa_check_core::sim::measured::{self, Measured};
use http::Uri;
use http::header::{HeaderName, HeaderValue};
use jiff::Timestamp;

use super::manifest;
use super::time::{long_duration, positive};
use crate::failure::Failure;
use crate::notice::notice;
use crate::prometheus::{MOST_SAMPLES, RangeQuery};
use crate::report::escape::Terminal;
use crate::report::words;
use crate::runtime::runtime;

/// The flags; `#[command(flatten)]` them.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Measured load")]
pub(crate) struct LoadFromArgs {
    /// A measured load: `prometheus`, or a CSV or JSON file that Prometheus or Grafana exported (`-`: standard input)
    #[arg(long, value_name = "FILE")]
    load_from: Option<PathBuf>,
    /// Base URL of the Prometheus server, without /api/v1
    #[arg(long, value_name = "URL", requires = "query")]
    prometheus: Option<Uri>,
    /// PromQL query for the load: cores used, or with --cost requests per second
    #[arg(long, value_name = "PROMQL", requires = "prometheus")]
    query: Option<String>,
    /// How far back to start, such as 7d or 36h
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = long_duration, requires = "prometheus")]
    since: Duration,
    /// End of the range, such as 2026-11-20T15:00:00Z [default: now]
    #[arg(long, value_name = "INSTANT", requires = "prometheus")]
    until: Option<Timestamp>,
    /// Time between samples [default: the shortest that Prometheus allows for --since]
    #[arg(long, value_name = "DURATION", value_parser = positive, requires = "prometheus")]
    load_step: Option<Duration>,
    /// A header to send to Prometheus, such as `Authorization: Bearer …` (repeatable)
    #[arg(long, value_name = "NAME: VALUE", value_parser = header, requires = "prometheus")]
    prometheus_header: Vec<(HeaderName, HeaderValue)>,
    /// Sum several series
    #[arg(long, requires = "load_from")]
    load_sum: bool,
}

/// The word that selects Prometheus instead of a file.
const PROMETHEUS: &str = "prometheus";
/// The longest load, and the longest simulation.
pub(super) const MOST: Duration = Duration::from_hours(24 * 35);

/// A factor for a load.
pub(super) fn factor(text: &str) -> Result<f64, String> {
    let factor = text.parse::<f64>().ok();
    factor
        .filter(|factor| (0.0..=1000.0).contains(factor))
        .ok_or_else(|| "a factor is a number from 0 to 1000, such as 3 or 0.5".to_owned())
}

impl LoadFromArgs {
    /// The load, if one was requested. Prints notes for the user.
    pub(crate) fn read(&self, cost: Option<Duration>) -> Result<Option<LoadProfile>, Failure> {
        let Some(place) = &self.load_from else {
            if self.prometheus.is_some() {
                return Err(Failure::usage(
                    "--prometheus goes with --load-from prometheus",
                ));
            }
            return Ok(None);
        };
        let (name, text) = self.text(place)?;
        let measured = measured::read(&text)
            .and_then(|series| measured::profile(series, self.load_sum, cost))
            .map_err(|what| Failure::usage(Terminal(format!("{name} {what}")).to_string()))?;
        let load = &measured.profile;
        if load.end() > MOST {
            return Err(Failure::usage(format!(
                "{name} is longer than 35 days: choose a shorter time range"
            )));
        }
        let source = told(&name, &measured);
        notice(&Terminal(format!("hpa-check: {source}")).to_string());
        for note in &measured.notes {
            notice(&Terminal(format!("hpa-check: {name} has {note}")).to_string());
        }
        let mut profile = measured.profile;
        profile.source = Some(source);
        Ok(Some(profile))
    }

    /// The name of the load's source, and its text.
    fn text(&self, place: &Path) -> Result<(String, String), Failure> {
        if place != Path::new(PROMETHEUS) {
            if self.prometheus.is_some() {
                return Err(Failure::usage(
                    "a load comes from a file or from a Prometheus: write --load-from prometheus, or omit --prometheus",
                ));
            }
            let name = manifest::shown(place);
            let text = manifest::text(place)
                .map_err(|e| Failure::usage(format!("the load {name} can't be read ({e}): give a CSV or JSON file as Prometheus and Grafana export it, or prometheus")))?;
            return Ok((name, text));
        }
        let query = self.query()?;
        let name = format!("`{}` of {}", query.query, query.shown());
        Ok((name, runtime()?.block_on(query.ask())?))
    }

    fn query(&self) -> Result<RangeQuery, Failure> {
        let (Some(server), Some(query)) = (&self.prometheus, &self.query) else {
            return Err(Failure::usage(
                "--load-from prometheus needs --prometheus URL and --query PROMQL, such as --query 'sum(rate(container_cpu_usage_seconds_total{namespace=\"shop\", pod=~\"cart-.*\"}[2m]))'",
            ));
        };
        if server.scheme().is_none() || server.authority().is_none() {
            return Err(Failure::usage(format!(
                "`{server}` is not a URL: write --prometheus http://HOST:9090"
            )));
        }
        if self.since > MOST || self.since < Duration::from_mins(1) {
            return Err(Failure::usage("--since must be between 1m and 35d"));
        }
        let least = least_step(self.since);
        let step = self.load_step.unwrap_or(least);
        if step.as_secs() == 0 || self.since.as_secs() / step.as_secs() >= MOST_SAMPLES {
            return Err(Failure::usage(format!(
                "--load-step must be {} or more, since Prometheus returns at most {MOST_SAMPLES} samples per series",
                time(least)
            )));
        }
        let until = self.until.unwrap_or_else(Timestamp::now);
        Ok(RangeQuery {
            server: server.clone(),
            headers: self.prometheus_header.clone(),
            query: query.clone(),
            from: until.checked_sub(self.since).unwrap_or(Timestamp::MIN),
            until,
            step,
        })
    }
}

/// The shortest common step that keeps a series within Prometheus' sample limit.
fn least_step(since: Duration) -> Duration {
    const STEPS: [u64; 7] = [15, 30, 60, 120, 300, 600, 900];
    let fits = |step: &u64| since.as_secs() / step < MOST_SAMPLES;
    Duration::from_secs(STEPS.into_iter().find(fits).unwrap_or(900))
}

fn told(name: &str, measured: &Measured) -> String {
    let points = &measured.profile.points;
    let values = || points.iter().map(|p| p.millicores / 1_000.0);
    let (least, most) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(0.0, f64::max),
    );
    let instant = |at: Timestamp| words::date_and_time(at);
    format!(
        "{name}: {} samples from {} to {}, {least:.2} to {most:.2} cores",
        words::count(points.len() as u64),
        instant(measured.from),
        instant(measured.until),
    )
}

/// A header as typed on the command line.
fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let parts = text.split_once(':').and_then(|(name, value)| {
        let mut value: HeaderValue = value.trim().parse().ok()?;
        value.set_sensitive(true);
        Some((name.trim().parse().ok()?, value))
    });
    parts.ok_or_else(|| {
        "a header is written NAME:VALUE, such as 'Authorization: Bearer …'".to_owned()
    })
}
