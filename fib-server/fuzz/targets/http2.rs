//! What clients of HTTP/2 send after the preface: the server answers or hangs up, and goes on.

#![no_main]

use std::sync::LazyLock;

use fib_server_fuzz::{HTTP2, Service, has_failed};
use libfuzzer_sys::fuzz_target;

static SERVICE: LazyLock<Service> = LazyLock::new(Service::start);

fuzz_target!(|bytes: &[u8]| {
    let answer = SERVICE.send(&[HTTP2, bytes].concat());
    assert!(!has_failed(&answer));
    SERVICE.still_serves();
});
