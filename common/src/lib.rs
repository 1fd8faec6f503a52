//! What the programs share apart from their subject: process limits, the parent process, control groups, the
//! notation of durations, rates and shares, help pages, and which parts of a command line are secret.

#[cfg(feature = "process")]
pub mod cgroup;
#[cfg(feature = "process")]
pub mod cpus;
pub mod duration;
#[cfg(feature = "pages")]
pub mod pages;
#[cfg(feature = "process")]
pub mod process;
pub mod quantity;
pub mod secrets;
#[cfg(feature = "pages")]
pub mod usage;
