//! What the programs share beyond their own subject: the limits of a process, its parent, its control
//! group, and how durations are written.

pub mod cgroup;
pub mod cpus;
pub mod duration;
pub mod process;
