//! The service from outside: real sockets, raw HTTP bytes, and the program itself.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod client;
mod connections;
mod http;
mod http2;
mod limits;
mod log;
mod malformed;
mod overload;
mod probes;
mod program;
mod protocol;
mod random;
mod server;
mod spans;
mod stopping;
mod tls;
mod trust;
