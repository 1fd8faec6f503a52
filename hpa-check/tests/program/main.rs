//! The program from outside: exit codes, files, and the content of each stream.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod broken;
mod calls;
mod compare;
mod input;
mod load_from;
mod recorded;
mod rehearse;
mod reports;
mod simulate;
mod stand_in;
