//! What clients of HTTP/1 send: the server answers or hangs up, no request makes it fail, and it goes on.

#![no_main]

use std::sync::LazyLock;

use fib_server_fuzz::{Service, has_failed};
use libfuzzer_sys::fuzz_target;

static SERVICE: LazyLock<Service> = LazyLock::new(Service::start);

fuzz_target!(|bytes: &[u8]| {
    let answer = SERVICE.send(bytes);
    assert!(!has_failed(&answer), "{}", String::from_utf8_lossy(&answer));
    SERVICE.still_serves();
});
