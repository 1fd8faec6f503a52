//! What the container's control group says of its CPU, in version 1 and 2; nothing where there is none.

use std::fs;

/// A reading of the group's CPU accounting.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Cpu {
    /// CPU time used, in seconds.
    pub(crate) usage_seconds: f64,
    /// Periods in which the group ran.
    pub(crate) periods: u64,
    /// Periods in which it was held back by its quota.
    pub(crate) throttled_periods: u64,
    /// Time for which it was held back, in seconds.
    pub(crate) throttled_seconds: f64,
    /// Its quota in cores; `None` when it has none.
    pub(crate) quota_cores: Option<f64>,
}

/// The CPUs that the quota allows, a fraction counted as a whole one. `None` without a quota.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of cores"
)]
pub(crate) fn whole_cpus() -> Option<usize> {
    quota().map(|cores| cores.ceil().max(1.0) as usize)
}

/// Reads the accounting; `None` where there is no such group.
pub(crate) fn cpu() -> Option<Cpu> {
    version_2().or_else(version_1)
}

fn version_2() -> Option<Cpu> {
    let stat = fs::read_to_string("/sys/fs/cgroup/cpu.stat").ok()?;
    Some(Cpu {
        usage_seconds: field(&stat, "usage_usec")? / 1e6,
        throttled_seconds: field(&stat, "throttled_usec").unwrap_or_default() / 1e6,
        ..periods(&stat)
    })
}

fn version_1() -> Option<Cpu> {
    let usage = number("/sys/fs/cgroup/cpuacct/cpuacct.usage")?;
    let stat = fs::read_to_string("/sys/fs/cgroup/cpu/cpu.stat").unwrap_or_default();
    Some(Cpu {
        usage_seconds: usage / 1e9,
        throttled_seconds: field(&stat, "throttled_time").unwrap_or_default() / 1e9,
        ..periods(&stat)
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of the kernel's own"
)]
fn periods(stat: &str) -> Cpu {
    Cpu {
        periods: field(stat, "nr_periods").unwrap_or_default() as u64,
        throttled_periods: field(stat, "nr_throttled").unwrap_or_default() as u64,
        quota_cores: quota(),
        ..Cpu::default()
    }
}

fn quota() -> Option<f64> {
    if let Ok(max) = fs::read_to_string("/sys/fs/cgroup/cpu.max") {
        let (quota, period) = max.trim().split_once(' ')?;
        return Some(quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?);
    }
    let quota = number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").filter(|q| *q > 0.0)?;
    Some(quota / number("/sys/fs/cgroup/cpu/cpu.cfs_period_us")?)
}

fn number(path: &str) -> Option<f64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn field(stat: &str, name: &str) -> Option<f64> {
    stat.lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}
