//! What the programs share beyond their own subject: the limits of a process, its parent, its control
//! group, how durations, rates and shares are written, and what a program prints about itself.

pub mod cgroup;
pub mod cpus;
pub mod duration;
#[cfg(feature = "pages")]
pub mod pages;
pub mod process;
pub mod quantity;
