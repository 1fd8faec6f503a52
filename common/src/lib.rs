//! What the programs share beyond their own subject: the limits of a process, its parent, its control
//! group, how durations, rates and shares are written and named in help texts, what a program prints about itself,
//! and what it must not show of its command line.

pub mod cgroup;
pub mod cpus;
pub mod duration;
#[cfg(feature = "pages")]
pub mod pages;
pub mod process;
pub mod quantity;
pub mod secrets;
#[cfg(feature = "pages")]
pub mod usage;
#[cfg(feature = "pages")]
pub mod vocabulary;
