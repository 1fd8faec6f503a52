//! What the container's control group says of its CPU and memory, in version 1 and 2; nothing where
//! there is none. A limit may be set at the group itself or at any one above it: the least counts.

use std::fs;
use std::path::PathBuf;

const ROOT: &str = "/sys/fs/cgroup";

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
}

/// Reads the accounting; `None` where there is no such group.
pub(crate) fn cpu() -> Option<Cpu> {
    version_2().or_else(version_1)
}

fn version_2() -> Option<Cpu> {
    let stat = read("", "cpu.stat").filter(|stat| stat.contains("usage_usec"))?;
    Some(Cpu {
        usage_seconds: field(&stat, "usage_usec")? / 1e6,
        throttled_seconds: field(&stat, "throttled_usec").unwrap_or_default() / 1e6,
        ..periods(&stat)
    })
}

fn version_1() -> Option<Cpu> {
    let usage = number(&read("cpuacct", "cpuacct.usage")?)?;
    let stat = read("cpu", "cpu.stat").unwrap_or_default();
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
        ..Cpu::default()
    }
}

/// The CPU quota in cores; `None` without one.
pub(crate) fn quota_cores() -> Option<f64> {
    let version_2 = groups("")
        .into_iter()
        .filter_map(|group| quota_of(&fs::read_to_string(group.join("cpu.max")).ok()?));
    let version_1 = groups("cpu").into_iter().filter_map(|group| {
        let of = |name| number(&fs::read_to_string(group.join(name)).ok()?);
        let quota = of("cpu.cfs_quota_us").filter(|q| *q > 0.0)?;
        Some(quota / of("cpu.cfs_period_us")?)
    });
    version_2.chain(version_1).min_by(f64::total_cmp)
}

/// `max 100000` is no quota, `50000 100000` half a core.
fn quota_of(max: &str) -> Option<f64> {
    let (quota, period) = max.trim().split_once(' ')?;
    Some(quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?)
}

/// The limit on memory in bytes; `None` without one.
pub(crate) fn memory_limit() -> Option<u64> {
    /// Version 1 says "none" with a number near 2^63.
    const NONE: u64 = 1 << 60;
    let limits = |controller, name| {
        groups(controller).into_iter().filter_map(move |group| {
            fs::read_to_string(group.join(name))
                .ok()?
                .trim()
                .parse()
                .ok()
        })
    };
    limits("", "memory.max")
        .chain(limits("memory", "memory.limit_in_bytes"))
        .filter(|bytes: &u64| *bytes < NONE)
        .min()
}

/// The memory that is charged to the group, in bytes.
pub(crate) fn memory_bytes() -> Option<u64> {
    let text = read("", "memory.current").or_else(|| read("memory", "memory.usage_in_bytes"))?;
    text.trim().parse().ok()
}

/// The time in which some thread of the group waited for a CPU, in seconds.
pub(crate) fn cpu_pressure_seconds() -> Option<f64> {
    let text = read("", "cpu.pressure")?;
    let some = text.lines().find(|line| line.starts_with("some"))?;
    let total = some.split_once("total=")?.1;
    total.trim().parse::<f64>().ok().map(|us| us / 1e6)
}

fn read(controller: &str, name: &str) -> Option<String> {
    groups(controller)
        .into_iter()
        .find_map(|group| fs::read_to_string(group.join(name)).ok())
}

/// The folders of this process' group and of those above it, the own one first. An empty controller is
/// version 2.
fn groups(controller: &str) -> Vec<PathBuf> {
    let listed = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let path = path_of(&listed, controller).unwrap_or("/");
    let root = PathBuf::from(ROOT).join(controller);
    let own = root.join(path.trim_start_matches('/'));
    own.ancestors()
        .take_while(|folder| folder.starts_with(&root))
        .map(PathBuf::from)
        .collect()
}

/// The path of the group in a line such as `4:memory:/pod` or `0::/pod`.
fn path_of<'l>(listed: &'l str, controller: &str) -> Option<&'l str> {
    listed.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        controllers
            .split(',')
            .any(|c| c == controller)
            .then_some(path)
    })
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

fn field(stat: &str, name: &str) -> Option<f64> {
    stat.lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_a_number_of_cores_or_none() {
        assert_eq!(quota_of("50000 100000\n"), Some(0.5));
        assert_eq!(quota_of("max 100000\n"), None);
    }

    #[test]
    fn the_group_of_a_controller_is_found_in_both_versions() {
        let listed = "9:name=systemd:/\n4:memory:/pod\n2:cpu,cpuacct:/quota\n0::/unified\n";
        assert_eq!(path_of(listed, "memory"), Some("/pod"));
        assert_eq!(path_of(listed, "cpu"), Some("/quota"));
        assert_eq!(path_of(listed, ""), Some("/unified"));
        assert_eq!(path_of(listed, "pids"), None);
    }
}
