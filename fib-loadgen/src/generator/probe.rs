//! Measures this process: its CPU time, its memory, and how late its timers are.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use program_common::{cgroup, cpus};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::recorder::Histogram;

/// How long the watched timer sleeps.
const TIMER: Duration = Duration::from_millis(10);

/// What this process has used so far.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    at: Instant,
    /// CPU time of all threads.
    pub cpu: Duration,
    /// Resident memory, in bytes.
    pub rss: u64,
    /// The control group's CPU accounting, if there is one.
    pub group: Option<cgroup::Cpu>,
    /// The limit of open files, if known.
    pub open_files: Option<usize>,
}

impl Usage {
    /// CPUs that this process may use: its quota, or all CPUs.
    #[expect(clippy::cast_precision_loss, reason = "a number of CPUs")]
    pub fn cpu_allowed(&self) -> f64 {
        let cpus = cpus::permitted() as f64;
        let quota = self.group.and_then(|group| group.quota_cores);
        quota.map_or(cpus, |quota| quota.min(cpus))
    }

    /// CPUs used on average since `earlier`.
    pub fn cpus_since(&self, earlier: &Self) -> f64 {
        let wall = (self.at - earlier.at).as_secs_f64();
        if wall > 0.0 {
            self.cpu.saturating_sub(earlier.cpu).as_secs_f64() / wall
        } else {
            0.0
        }
    }
}

/// Reads this process' usage repeatedly.
#[derive(Debug)]
pub struct Probe {
    /// `None` if the system does not report on processes.
    system: Option<System>,
    pid: Pid,
    lags: Arc<Mutex<Histogram>>,
}

impl Probe {
    /// A probe of this process.
    pub fn new() -> Self {
        Self {
            system: System::new().ok(),
            pid: Pid::from_u32(std::process::id()),
            lags: Arc::default(),
        }
    }

    /// The usage so far.
    pub fn usage(&mut self) -> Usage {
        let what = ProcessRefreshKind::nothing().with_cpu().with_memory();
        if let Some(system) = &mut self.system {
            system.refresh_processes_specifics(ProcessesToUpdate::Some(&[self.pid]), false, what);
        }
        let process = self
            .system
            .as_ref()
            .and_then(|system| system.process(self.pid));
        Usage {
            at: Instant::now(),
            cpu: process.map_or(Duration::ZERO, |process| {
                Duration::from_millis(process.accumulated_cpu_time())
            }),
            rss: process.map_or(0, sysinfo::Process::memory),
            group: cgroup::cpu(),
            open_files: process.and_then(sysinfo::Process::open_files_limit),
        }
    }

    /// Watches a timer of the current runtime until the task is aborted.
    pub fn watch_timer(&self) -> tokio::task::JoinHandle<()> {
        let lags = Arc::clone(&self.lags);
        tokio::spawn(async move {
            loop {
                let before = Instant::now();
                tokio::time::sleep(TIMER).await;
                let lag = before.elapsed().saturating_sub(TIMER);
                lags.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .record(lag);
            }
        })
    }

    /// How late the timer was, 99th percentile.
    pub fn timer_lag_p99(&self) -> Option<Duration> {
        let lags = self.lags.lock().unwrap_or_else(PoisonError::into_inner);
        lags.at(0.99).map(Duration::from_micros)
    }

    /// How late the timer was at most.
    pub fn timer_lag_max(&self) -> Option<Duration> {
        let lags = self.lags.lock().unwrap_or_else(PoisonError::into_inner);
        lags.at(1.0).map(Duration::from_micros)
    }
}

impl Default for Probe {
    fn default() -> Self {
        Self::new()
    }
}
