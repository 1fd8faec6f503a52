//! The CPU and memory accounting of this process' control group, in versions 1 and 2.
//!
//! Every group between the process' own and the mount point counts: a quota limits all groups below it, and the
//! process gets the tightest one.

use std::fs;
use std::path::{Path, PathBuf};

/// A reading of the CPU accounting.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cpu {
    /// CPU time used by the process' own group, in seconds.
    pub usage_seconds: f64,
    /// Periods in which a group with a quota ran.
    pub periods: u64,
    /// Periods in which the quota throttled it.
    pub throttled_periods: u64,
    /// Time for which it was throttled, in seconds.
    pub throttled_seconds: f64,
    /// The quota in cores, which may be a fraction; `None` without a quota.
    pub quota_cores: Option<f64>,
}

/// A reading of the memory accounting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// The memory charged to the process' own group, in bytes.
    pub used_bytes: u64,
    /// The tightest limit, in bytes; `None` without a limit.
    pub limit_bytes: Option<u64>,
}

/// Reads the CPU accounting of this process; `None` if there is no control group.
pub fn cpu() -> Option<Cpu> {
    read(&Hierarchies::of_this_process()?)
}

/// Reads the memory accounting of this process; `None` if there is no control group.
pub fn memory() -> Option<Memory> {
    read_memory(&Hierarchies::of_this_process()?)
}

/// The time during which some thread of the group waited for a CPU, in seconds (version 2 only).
pub fn cpu_pressure_seconds() -> Option<f64> {
    let groups = Hierarchies::of_this_process()?.version_2;
    pressure(&fs::read_to_string(groups.first()?.join("cpu.pressure")).ok()?)
}

/// The CPUs that the quota allows, rounded up; `None` without a quota.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of cores"
)]
pub fn whole_cpus() -> Option<usize> {
    cpu()?
        .quota_cores
        .map(|cores| cores.ceil().max(1.0) as usize)
}

/// Where the groups of this process are: for each hierarchy its own group first, then those above it.
#[derive(Debug, Default, PartialEq)]
struct Hierarchies {
    version_2: Vec<PathBuf>,
    cpu: Vec<PathBuf>,
    cpuacct: Vec<PathBuf>,
    memory: Vec<PathBuf>,
}

impl Hierarchies {
    fn of_this_process() -> Option<Self> {
        let membership = fs::read_to_string("/proc/self/cgroup").ok()?;
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        Some(Self::find(&membership, &mounts))
    }

    /// From `/proc/self/cgroup` and `/proc/self/mountinfo` (cgroups(7), `proc_pid_mountinfo(5)`).
    fn find(membership: &str, mounts: &str) -> Self {
        let mut found = Self::default();
        for mount in mounts.lines().filter_map(Mount::parse) {
            let of = |controller: &str| {
                let group = membership.lines().find_map(|line| {
                    let (_, rest) = line.split_once(':')?;
                    let (controllers, group) = rest.split_once(':')?;
                    controllers
                        .split(',')
                        .any(|name| name == controller)
                        .then_some(group)
                });
                group.map(|group| mount.groups(group)).unwrap_or_default()
            };
            if mount.kind == "cgroup2" {
                found.version_2 = of("");
            } else if mount.kind == "cgroup" {
                let has = |controller| mount.options.split(',').any(|option| option == controller);
                if has("cpu") {
                    found.cpu = of("cpu");
                }
                if has("cpuacct") {
                    found.cpuacct = of("cpuacct");
                }
                if has("memory") {
                    found.memory = of("memory");
                }
            }
        }
        found
    }
}

struct Mount<'a> {
    root: &'a str,
    point: &'a str,
    kind: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (before, after) = line.split_once(" - ")?;
        let mut before = before.split(' ').skip(3);
        let mut after = after.split(' ');
        Some(Self {
            root: before.next()?,
            point: before.next()?,
            kind: after.next()?,
            options: after.nth(1)?,
        })
    }

    /// The directory of `group` and of each group above it, up to the mount point.
    fn groups(&self, group: &str) -> Vec<PathBuf> {
        let below = if self.root == "/" {
            group
        } else {
            // In a container the mount point is the container's own group, or groups outside are not visible.
            group.strip_prefix(self.root).unwrap_or("")
        };
        let own = Path::new(self.point).join(below.trim_start_matches('/'));
        own.ancestors()
            .take_while(|path| path.starts_with(self.point))
            .map(Path::to_owned)
            .collect()
    }
}

fn read(groups: &Hierarchies) -> Option<Cpu> {
    version_2(&groups.version_2).or_else(|| version_1(&groups.cpu, &groups.cpuacct))
}

fn version_2(groups: &[PathBuf]) -> Option<Cpu> {
    let own = fs::read_to_string(groups.first()?.join("cpu.stat")).ok()?;
    // Without the CPU controller there is only the usage, and nothing can throttle the group.
    let mut cpu = Cpu {
        usage_seconds: field(&own, "usage_usec")? / 1e6,
        ..Cpu::default()
    };
    let mut controlled = field(&own, "nr_periods").is_some();
    for group in groups {
        let quota = fs::read_to_string(group.join("cpu.max"))
            .ok()
            .and_then(|max| {
                let (quota, period) = max.trim().split_once(' ')?;
                Some(quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?)
            });
        controlled |= quota.is_some();
        cpu.bound_by(quota, &group.join("cpu.stat"), "throttled_usec", 1e6);
    }
    controlled.then_some(cpu)
}

fn version_1(groups: &[PathBuf], accounting: &[PathBuf]) -> Option<Cpu> {
    let usage = number(&accounting.first()?.join("cpuacct.usage"))?;
    let mut cpu = Cpu {
        usage_seconds: usage / 1e9,
        ..Cpu::default()
    };
    for group in groups {
        let quota = number(&group.join("cpu.cfs_quota_us")).filter(|quota| *quota > 0.0);
        let period = number(&group.join("cpu.cfs_period_us"));
        let cores = quota.zip(period).map(|(quota, period)| quota / period);
        cpu.bound_by(cores, &group.join("cpu.stat"), "throttled_time", 1e9);
    }
    Some(cpu)
}

impl Cpu {
    /// Adds a group if it has a quota; without one it can't throttle.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts of the kernel's own"
    )]
    fn bound_by(&mut self, cores: Option<f64>, stat: &Path, time: &str, unit: f64) {
        let Some(cores) = cores else { return };
        self.quota_cores = Some(
            self.quota_cores
                .map_or(cores, |tightest| tightest.min(cores)),
        );
        let stat = fs::read_to_string(stat).unwrap_or_default();
        let count = |name| field(&stat, name).unwrap_or_default() as u64;
        self.periods += count("nr_periods");
        self.throttled_periods += count("nr_throttled");
        self.throttled_seconds += field(&stat, time).unwrap_or_default() / unit;
    }
}

fn read_memory(groups: &Hierarchies) -> Option<Memory> {
    let of = |groups: &[PathBuf], used: &str, limit: &str| {
        let bytes = |path: PathBuf| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
        Some(Memory {
            used_bytes: bytes(groups.first()?.join(used))?,
            // Version 1 writes "no limit" as a number near 2^63.
            limit_bytes: groups
                .iter()
                .filter_map(|group| bytes(group.join(limit)))
                .filter(|limit| *limit < 1 << 60)
                .min(),
        })
    };
    of(&groups.version_2, "memory.current", "memory.max").or_else(|| {
        of(
            &groups.memory,
            "memory.usage_in_bytes",
            "memory.limit_in_bytes",
        )
    })
}

/// `some avg10=0.00 … total=12345`, the total in microseconds (`Documentation/accounting/psi.rst`).
fn pressure(text: &str) -> Option<f64> {
    let some = text.lines().find(|line| line.starts_with("some "))?;
    let micros: f64 = some.split_once("total=")?.1.trim().parse().ok()?;
    Some(micros / 1e6)
}

fn number(path: &Path) -> Option<f64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn field(stat: &str, name: &str) -> Option<f64> {
    stat.lines().find_map(|line| {
        line.strip_prefix(name)?
            .strip_prefix(' ')?
            .trim()
            .parse()
            .ok()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed setup must end the test")]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        root
    }

    #[test]
    fn version_1_gives_a_fraction_of_a_core_and_the_throttled_periods_of_the_own_group() {
        let root = tree(&[
            ("cpu/cpu.cfs_quota_us", "-1\n"),
            ("cpu/cpu.cfs_period_us", "100000\n"),
            (
                "cpu/cpu.stat",
                "nr_periods 0\nnr_throttled 0\nthrottled_time 0\n",
            ),
            ("cpu/load/cpu.cfs_quota_us", "10000\n"),
            ("cpu/load/cpu.cfs_period_us", "100000\n"),
            (
                "cpu/load/cpu.stat",
                "nr_periods 100\nnr_throttled 82\nthrottled_time 7000000000\n",
            ),
            ("cpuacct/load/cpuacct.usage", "1500000000\n"),
        ]);
        let point = root.path().display();
        let mounts = format!(
            "32 31 0:29 / {point}/cpu rw,relatime - cgroup cgroup rw,cpu\n33 31 0:30 / {point}/cpuacct rw - cgroup cgroup rw,cpuacct\n"
        );
        let found = Hierarchies::find("2:cpuacct:/load\n1:cpu:/load\n0::/\n", &mounts);
        assert_eq!(
            read(&found),
            Some(Cpu {
                usage_seconds: 1.5,
                periods: 100,
                throttled_periods: 82,
                throttled_seconds: 7.0,
                quota_cores: Some(0.1),
            })
        );
    }

    #[test]
    fn version_2_takes_the_tightest_quota_of_all_groups_above() {
        let root = tree(&[
            ("cgroup.procs", ""),
            ("pod/cpu.max", "25000 100000\n"),
            (
                "pod/cpu.stat",
                "usage_usec 900000\nnr_periods 40\nnr_throttled 3\nthrottled_usec 50000\n",
            ),
            ("pod/container/cpu.max", "max 100000\n"),
            (
                "pod/container/cpu.stat",
                "usage_usec 500000\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n",
            ),
        ]);
        let mounts = format!(
            "41 31 0:38 / {} rw - cgroup2 cgroup2 rw\n",
            root.path().display()
        );
        let found = Hierarchies::find("0::/pod/container\n", &mounts);
        assert_eq!(
            read(&found),
            Some(Cpu {
                usage_seconds: 0.5,
                periods: 40,
                throttled_periods: 3,
                throttled_seconds: 0.05,
                quota_cores: Some(0.25),
            })
        );
    }

    #[test]
    fn the_tightest_memory_limit_counts_in_both_versions() {
        let root = tree(&[
            ("v2/pod/memory.max", "134217728\n"),
            ("v2/pod/c/memory.max", "max\n"),
            ("v2/pod/c/memory.current", "4096\n"),
            ("v1/memory.limit_in_bytes", "9223372036854771712\n"),
            ("v1/pod/memory.limit_in_bytes", "1048576\n"),
            ("v1/pod/memory.usage_in_bytes", "8192\n"),
        ]);
        let point = root.path().display();
        let version_2 = format!("41 31 0:38 / {point}/v2 rw - cgroup2 cgroup2 rw\n");
        let found = Hierarchies::find("0::/pod/c\n", &version_2);
        assert_eq!(
            read_memory(&found),
            Some(Memory {
                used_bytes: 4_096,
                limit_bytes: Some(128 << 20),
            })
        );
        let version_1 = format!("32 31 0:29 / {point}/v1 rw - cgroup cgroup rw,memory\n");
        let found = Hierarchies::find("4:memory:/pod\n", &version_1);
        assert_eq!(
            read_memory(&found),
            Some(Memory {
                used_bytes: 8_192,
                limit_bytes: Some(1 << 20),
            })
        );
    }

    #[test]
    fn pressure_is_the_time_in_which_some_thread_waited() {
        let text = "some avg10=1.00 avg60=0.50 avg300=0.10 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
        assert_eq!(pressure(text), Some(2.5));
        assert_eq!(pressure(""), None);
    }

    #[test]
    fn a_container_that_sees_only_its_own_group_reads_the_mount_point() {
        let mounts = "9 8 0:1 /kubepods/pod1/c1 /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n";
        let found = Hierarchies::find("4:cpu,cpuacct:/kubepods/pod1/c1\n", mounts);
        let own = vec![PathBuf::from("/sys/fs/cgroup/cpu,cpuacct")];
        assert_eq!((found.cpu, found.cpuacct), (own.clone(), own));
    }

    #[test]
    fn a_version_2_hierarchy_without_the_cpu_controller_leaves_cpu_to_version_1() {
        let root = tree(&[
            (
                "unified/cpu.stat",
                "usage_usec 1\nuser_usec 1\nsystem_usec 0\n",
            ),
            ("cpu/cpu.cfs_quota_us", "150000\n"),
            ("cpu/cpu.cfs_period_us", "100000\n"),
            ("cpuacct/cpuacct.usage", "0\n"),
        ]);
        let point = root.path().display();
        let mounts = format!(
            "41 31 0:38 / {point}/unified rw - cgroup2 cgroup2 rw\n32 31 0:29 / {point}/cpu rw - cgroup cgroup rw,cpu\n33 31 0:30 / {point}/cpuacct rw - cgroup cgroup rw,cpuacct\n"
        );
        let found = Hierarchies::find("2:cpuacct:/\n1:cpu:/\n0::/\n", &mounts);
        assert_eq!(read(&found).unwrap().quota_cores, Some(1.5));
    }
}
