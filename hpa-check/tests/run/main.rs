//! `hpa-check run` from outside, against an API server on loopback: messages of runs that can't begin, and
//! whole runs in fast time.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod access;
mod action;
#[path = "../api_server/server.rs"]
mod api_server;
mod beginnings;
mod keda;
mod load_job;
mod place;
mod whole;
