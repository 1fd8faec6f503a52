//! A load generator for `fib-server`, and any other HTTP service, that proves every answer and knows when it is itself the bottleneck.
//!
//! ```text
//! command line ─ Settings ─ Plan ─ Schedule ─ tickets ─┐
//!                                                      ├─ users (goose) ─ exchange ─ Recorder ─ Document ─ exit code
//! seed ─ Workload ─ n ─────────────────────────────────┘                     └─ once a second: lines, screen
//! ```
//!
//! The decisions are pure: what load at which instant ([`plan`]), which n ([`workload`]), whether an
//! answer is right ([`oracle`]), whether the generator was the limit ([`generator`]), whether a rule holds
//! ([`thresholds`]). Only [`attack`] names goose.

pub mod abort;
pub mod args;
pub mod attack;
pub mod capacity;
pub mod chance;
pub mod check;
pub mod client;
pub mod commands;
pub mod compare;
pub mod exchange;
pub mod exit;
pub mod generator;
pub mod judge;
pub mod live;
pub mod merge;
pub mod oracle;
pub mod outcome;
pub mod outputs;
pub mod pacer;
pub mod plan;
pub mod preflight;
pub mod quantity;
pub mod recorder;
pub mod report;
pub mod request;
pub mod result;
pub mod settings;
pub mod shipping;
pub mod stop;
pub mod target;
pub mod telemetry;
pub mod thresholds;
pub mod user;
pub mod view;
pub mod workload;
