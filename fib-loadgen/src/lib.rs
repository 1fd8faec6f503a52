//! A load generator for `fib-server`, whose every answer it proves, and for any other HTTP service, whose answers
//! it checks; it knows when it is itself the bottleneck.
//!
//! ```text
//! command line ─ Settings ─ Plan ─ Schedule ─ tickets ─ Gate ─┐
//!                                                             ├─ users (goose) ─ Caller ─ Recorder ─ Document ─ exit code
//! seed ─ Source ─ requests ───────────────────────────────────┘              └─ once a second: lines, screen
//! ```
//!
//! The decisions are pure: what load at which instant ([`plan`]), which request ([`request`], [`workload`]), whether
//! an answer is right ([`oracle`], [`check`]), whether the generator was the limit ([`generator`]), whether a rule
//! holds ([`thresholds`]). Only [`attack`] names goose.

pub mod abort;
pub mod args;
pub mod attack;
pub mod calibration;
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
