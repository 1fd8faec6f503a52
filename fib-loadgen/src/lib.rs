//! A load generator that verifies every answer of `fib-server`, checks the answers of any other HTTP service,
//! and reports when it is itself the bottleneck.
//!
//! ```text
//! command line ─ Settings ─ Plan ─ Schedule ─ tickets ─ Gate ─┐
//!                                                             ├─ users (goose) ─ Caller ─ Recorder ─ Document ─ exit code
//! seed ─ Source ─ requests ───────────────────────────────────┘              └─ once a second: lines, screen
//! ```
//!
//! The decisions are pure: the load at every instant ([`plan`]), the next request ([`request`], [`workload`]),
//! whether an answer is correct ([`oracle`], [`check`]), whether the generator was the bottleneck
//! ([`generator`]), and whether a rule holds ([`thresholds`]). Only [`attack`] uses goose.

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
