//! `capacity`: trials against a server, and their outcome.

use crate::odd_server::{Act, OddServer, response};
use crate::program::{Ended, program};

fn capacity(server: &OddServer, flags: &str) -> Ended {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_fib-loadgen"));
    let from_run = program(server.address, flags);
    command.arg("capacity").args(from_run.get_args());
    let output = command.env_remove("FIB_TARGET").output();
    Ended::new(&output.expect("the program starts"))
}

#[test]
fn a_server_that_handles_every_rate_has_at_least_the_highest_capacity() {
    let server = OddServer::start(|_, _| Act::Right);
    let flags = "--n 90 --start-rate 20/s --max-rate 40/s --trial 500ms --warmup 1ms --json";
    let ended = capacity(&server, flags);
    let result = &ended.result;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(result["low_rps"], 40.0, "{result}");
    assert!(result["high_rps"].is_null(), "{result}");
    assert_eq!(result["trials"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_server_that_fails_at_every_rate_is_below_the_lowest_and_is_named_as_the_limit() {
    let busy = |_, number| match number % 2 {
        0 => Act::Right,
        _ => Act::Raw(response("503 Busy", "text/plain", "")),
    };
    let server = OddServer::start(busy);
    let rules = "--threshold error-rate<1% --trials 1";
    let flags = "--n 90 --start-rate 40/s --max-rate 40/s --trial 500ms --warmup 1ms --json";
    let ended = capacity(&server, &format!("{flags} {rules}"));
    let result = &ended.result;
    assert_eq!(ended.code, 99, "{}", ended.stderr);
    assert_eq!(
        (&result["low_rps"], &result["high_rps"]),
        (&serde_json::Value::Null, &40.0.into())
    );
    assert_eq!(result["limit"], "server", "{result}");
}
