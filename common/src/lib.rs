//! Code shared by the programs: the notation of durations, rates and shares and their names in help texts, the
//! nearest name to a misspelled one, help pages, process limits, the parent process, terminals, control groups, and
//! which parts of a command line are secret.

#[cfg(feature = "process")]
pub mod cgroup;
#[cfg(feature = "process")]
pub mod cpus;
pub mod duration;
pub mod nearest;
#[cfg(feature = "pages")]
pub mod pages;
#[cfg(feature = "process")]
pub mod process;
pub mod quantity;
pub mod secrets;
#[cfg(feature = "process")]
pub mod terminal;
#[cfg(feature = "pages")]
pub mod usage;
#[cfg(feature = "pages")]
pub mod vocabulary;
