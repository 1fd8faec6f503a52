//! The CPU time of processes, as the operating system counts it.

use std::time::Duration;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Reads CPU times.
pub(super) struct CpuMeter(System);

impl CpuMeter {
    /// Fails if the operating system does not provide CPU times.
    pub(super) fn new() -> Result<Self, String> {
        System::new()
            .map(Self)
            .map_err(|e| format!("CPU times can't be read: {e}"))
    }

    /// The CPU time of each process since its start, in the given order; `None` for one that is gone.
    pub(super) fn read(&mut self, pids: &[u32]) -> Vec<Option<Duration>> {
        let pids: Vec<Pid> = pids.iter().map(|pid| Pid::from_u32(*pid)).collect();
        self.0.refresh_processes_specifics(
            ProcessesToUpdate::Some(&pids),
            true,
            ProcessRefreshKind::nothing().with_cpu(),
        );
        pids.into_iter()
            .map(|pid| {
                Some(Duration::from_millis(
                    self.0.process(pid)?.accumulated_cpu_time(),
                ))
            })
            .collect()
    }
}
