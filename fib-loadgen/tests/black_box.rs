//! The program as people run it: against the real server, and against servers that give wrong answers, stall or
//! fail.

#![allow(
    clippy::unwrap_used,
    reason = "a failed setup must end the test, in its helpers too"
)]

#[path = "black_box/accuracy.rs"]
mod accuracy;
#[path = "black_box/any_service.rs"]
mod any_service;
#[path = "black_box/capacity.rs"]
mod capacity;
#[path = "black_box/classes.rs"]
mod classes;
#[path = "black_box/documents.rs"]
mod documents;
#[path = "black_box/failures.rs"]
mod failures;
#[path = "black_box/http2.rs"]
mod http2;
#[path = "black_box/odd_server.rs"]
mod odd_server;
#[path = "black_box/outputs.rs"]
mod outputs;
#[path = "black_box/program.rs"]
mod program;
#[path = "black_box/real_server.rs"]
mod real_server;
#[path = "black_box/stopping.rs"]
mod stopping;
#[path = "black_box/targets.rs"]
mod targets;
#[path = "black_box/tls.rs"]
mod tls;
#[path = "black_box/uploads.rs"]
mod uploads;
