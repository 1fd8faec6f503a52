//! The settings that `hpa-check simulate --find` tries.

use std::time::Duration;

use hpa_check_core::sim::{Grid, ScaleUpPolicy};
use program_common::quantity::whole_percent;

use super::check_replicas;
use crate::cli::rehearse::settings::CpuAmount;
use crate::cli::time::within;
use crate::failure::Failure;

/// The most combinations that a search may have.
const MOST: usize = 20_000;

/// The flags.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Search")]
pub(super) struct SearchArgs {
    /// Search the settings below for the cheapest that meet the thresholds
    #[arg(long)]
    find: bool,
    /// Minimums to try
    #[arg(long, value_name = "PODS,…", value_delimiter = ',', default_values_t = [1, 2, 3, 4, 5, 6], requires = "find")]
    try_min: Vec<i32>,
    /// Maximums to try [default: the current one]
    #[arg(long, value_name = "PODS,…", value_delimiter = ',', requires = "find")]
    try_max: Vec<i32>,
    /// CPU targets to try
    #[arg(long, value_name = "PERCENT,…", value_delimiter = ',', default_values_t = [30, 40, 50, 60, 70, 80], value_parser = whole_percent, requires = "find")]
    try_cpu: Vec<i32>,
    /// Scale-down windows to try
    #[arg(long, value_name = "DURATION,…", value_delimiter = ',', default_values = ["60s", "2m", "5m"], value_parser = within(0..=3_600), requires = "find")]
    try_window: Vec<Duration>,
    /// Scale-up policies to try: legacy, default, pods=COUNT/DURATION, percent=PERCENT/DURATION [default: the current ones]
    #[arg(
        long,
        value_name = "POLICY,…",
        value_delimiter = ',',
        requires = "find"
    )]
    try_policy: Vec<ScaleUpPolicy>,
    /// CPU requests to try [default: the current one]
    #[arg(long, value_name = "CPU,…", value_delimiter = ',', requires = "find")]
    try_cpu_request: Vec<CpuAmount>,
}

impl SearchArgs {
    /// The settings to try; `None` without a search. Fails if they are too many or can't be simulated.
    pub(super) fn grid(self) -> Result<Option<Grid>, Failure> {
        if !self.find {
            return Ok(None);
        }
        let requests = self.try_cpu_request.into_iter();
        let windows = self.try_window.into_iter();
        let grid = Grid {
            min_replicas: self.try_min,
            max_replicas: self.try_max,
            target_percent: self.try_cpu,
            window_seconds: windows.map(whole_seconds).collect(),
            policies: self.try_policy,
            requests: requests.filter_map(|r| r.0).collect(),
        };
        let counts = [&grid.min_replicas, &grid.max_replicas, &grid.target_percent];
        let sizes = [
            grid.window_seconds.len(),
            grid.policies.len(),
            grid.requests.len(),
        ];
        let sizes = counts.map(Vec::len).into_iter().chain(sizes);
        let all: usize = sizes.map(|n| n.max(1)).product();
        if all > MOST || counts.into_iter().flatten().any(|n| *n < 1) {
            return Err(Failure::usage(format!(
                "{all} combinations are too many: give at most {MOST}, with bounds and targets of at least 1"
            )));
        }
        for max in &grid.max_replicas {
            check_replicas(*max)?;
        }
        Ok(Some(grid))
    }
}

/// A window in the spec's form; the flag's bounds keep it small.
fn whole_seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs()).unwrap_or(i32::MAX)
}
