//! The CPU time of the process and of its control group, read at each scrape.

use program_common::cgroup;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, Registry};

use crate::compute::process_cpu;

/// Registers the metrics that are read from the system.
pub(super) fn register(registry: &Registry) -> prometheus::Result<()> {
    registry.register(Box::new(ProcessCpu::new()?))?;
    #[cfg(target_os = "linux")]
    registry.register(Box::new(
        prometheus::process_collector::ProcessCollector::for_self(),
    ))?;
    Ok(())
}

/// CPU time read at each scrape: the process' own, more precise than the standard collector's whole seconds,
/// and the control group's with its throttling and pressure.
#[derive(Debug)]
struct ProcessCpu {
    process: Counter,
    group: Counter,
    periods: Counter,
    throttled_periods: Counter,
    throttled_seconds: Counter,
    pressure: Counter,
    quota: Gauge,
    memory: Gauge,
    memory_limit: Gauge,
}

impl ProcessCpu {
    fn new() -> prometheus::Result<Self> {
        Ok(Self {
            process: Counter::new("fib_process_cpu_seconds_total", "CPU time of this process")?,
            group: Counter::new(
                "fib_cgroup_cpu_usage_seconds_total",
                "CPU time of the control group",
            )?,
            periods: Counter::new(
                "fib_cgroup_cpu_periods_total",
                "Periods in which the group ran",
            )?,
            throttled_periods: Counter::new(
                "fib_cgroup_cpu_throttled_periods_total",
                "Periods throttled by the quota",
            )?,
            throttled_seconds: Counter::new(
                "fib_cgroup_cpu_throttled_seconds_total",
                "Time throttled by the quota",
            )?,
            pressure: Counter::new(
                "fib_cgroup_cpu_pressure_seconds_total",
                "Time in which a thread of the group waited for a CPU",
            )?,
            quota: Gauge::new(
                "fib_cgroup_cpu_quota_cores",
                "The group's quota in cores; 0 without one",
            )?,
            memory: Gauge::new("fib_cgroup_memory_bytes", "Memory charged to the group")?,
            memory_limit: Gauge::new(
                "fib_cgroup_memory_limit_bytes",
                "The group's memory limit; 0 without one",
            )?,
        })
    }

    fn all(&self) -> [&dyn Collector; 9] {
        [
            &self.process,
            &self.group,
            &self.periods,
            &self.throttled_periods,
            &self.throttled_seconds,
            &self.pressure,
            &self.quota,
            &self.memory,
            &self.memory_limit,
        ]
    }

    /// The kernel counts; the series just follows.
    fn follow(counter: &Counter, value: f64) {
        counter.inc_by((value - counter.get()).max(0.0));
    }
}

impl Collector for ProcessCpu {
    fn desc(&self) -> Vec<&Desc> {
        self.all().into_iter().flat_map(|c| c.desc()).collect()
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of periods and bytes are far below 2^52"
    )]
    fn collect(&self) -> Vec<MetricFamily> {
        Self::follow(&self.process, process_cpu().as_secs_f64());
        if let Some(cpu) = cgroup::cpu() {
            Self::follow(&self.group, cpu.usage_seconds);
            Self::follow(&self.periods, cpu.periods as f64);
            Self::follow(&self.throttled_periods, cpu.throttled_periods as f64);
            Self::follow(&self.throttled_seconds, cpu.throttled_seconds);
            self.quota.set(cpu.quota_cores.unwrap_or_default());
        }
        if let Some(seconds) = cgroup::cpu_pressure_seconds() {
            Self::follow(&self.pressure, seconds);
        }
        let memory = cgroup::memory().unwrap_or_default();
        self.memory.set(memory.used_bytes as f64);
        self.memory_limit
            .set(memory.limit_bytes.unwrap_or_default() as f64);
        self.all()
            .into_iter()
            .flat_map(Collector::collect)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_time_of_threads_that_have_ended_still_counts() {
        let burn = || {
            let begun = process_cpu();
            while process_cpu().saturating_sub(begun).as_millis() < 30 {
                std::hint::black_box(0_u64);
            }
        };
        let before = process_cpu();
        std::thread::spawn(burn).join().unwrap();
        let after = process_cpu();
        assert!(after.saturating_sub(before).as_millis() >= 30);
        let collector = ProcessCpu::new().unwrap();
        let families = collector.collect();
        let seconds = families[0].get_metric()[0].get_counter().get_value();
        assert!(seconds >= after.as_secs_f64());
    }
}
