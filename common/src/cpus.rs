//! The number of CPUs for this process.

/// The CPUs that its threads may run on. Unlike [`std::thread::available_parallelism`] it ignores quotas: that
/// function rounds a quota of one and a half CPUs down to one.
pub fn permitted() -> usize {
    affinity().unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

#[cfg(target_os = "linux")]
fn affinity() -> Option<usize> {
    let set = rustix::thread::sched_getaffinity(None).ok()?;
    usize::try_from(set.count()).ok().filter(|count| *count > 0)
}

#[cfg(not(target_os = "linux"))]
fn affinity() -> Option<usize> {
    None
}
