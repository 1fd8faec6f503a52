//! Over real sockets on loopback; only the run's time is simulated.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use hpa_check_core::observation::{Observation, Phase, Seen};

use super::*;
use crate::failure::exit;
use crate::report::{self, fixture};

/// Far more than anything here takes; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

fn flags(address: &str) -> ServeArgs {
    ServeArgs {
        serve: Some(address.parse().unwrap()),
        serve_to_network: false,
    }
}

fn going() -> Evaluator {
    Evaluator::new(fixture::passed().expectation)
}

/// A server for a run without observations.
fn server() -> (LivePage, SocketAddr) {
    let listening = flags("127.0.0.1:0").open().unwrap().unwrap();
    let address = listening.address;
    (listening.start(going()).unwrap(), address)
}

fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

/// The run in that phase, `seconds` after its start.
fn in_phase(phase: Phase, seconds: i64) -> Evaluator {
    let mut run = going();
    run.observe(&Observation {
        at: instant(seconds),
        seen: Seen::Phase { phase },
    });
    run
}

fn connect(address: SocketAddr, request: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    BufReader::new(stream)
}

fn get(address: SocketAddr, path: &str) -> BufReader<TcpStream> {
    connect(
        address,
        &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n"),
    )
}

fn whole(mut stream: BufReader<TcpStream>) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// The next event's name and data, without the framing.
fn event(stream: &mut BufReader<TcpStream>) -> (String, serde_json::Value) {
    let mut name = String::new();
    for line in stream.lines() {
        let line = line.unwrap();
        if let Some(event) = line.strip_prefix("event: ") {
            event.clone_into(&mut name);
        } else if let Some(data) = line.strip_prefix("data: ") {
            return (name, serde_json::from_str(data).unwrap());
        }
    }
    panic!("the stream ended without an event");
}

#[test]
fn without_the_flag_nothing_listens() {
    assert!(ServeArgs::default().open().unwrap().is_none());
}

#[test]
fn the_page_is_the_reports_and_the_states_follow_the_run_to_its_verdict() {
    let (mut live, address) = server();
    assert!(whole(get(address, "/")).contains("Nothing has been observed yet."));
    let mut states = get(address, "/events");
    let content = |(_, state): &(String, serde_json::Value)| state["content"].to_string();
    assert!(content(&event(&mut states)).contains("Nothing has been observed yet."));
    live.show(instant(5), &in_phase(Phase::Up, 5));
    let state = event(&mut states);
    assert_eq!(state.0, "state");
    assert!(content(&state).contains("waiting for the maximum"));
    let result = fixture::passed();
    live.end(result.clone());
    let (name, state) = event(&mut states);
    assert_eq!(name, "end");
    let report = report::render(crate::outputs::ReportFormat::Html, &result).unwrap();
    assert!(report.contains(state["content"].as_str().unwrap()));
    whole(states);
    assert!(TcpStream::connect(address).is_err(), "the server has ended");
}

#[test]
fn states_that_come_faster_than_a_frame_are_dropped() {
    let (mut live, address) = server();
    live.show(instant(5), &in_phase(Phase::Up, 5));
    live.show(instant(5), &in_phase(Phase::Down, 5));
    assert!(whole(get(address, "/")).contains("waiting for the maximum"));
    live.show(instant(6), &in_phase(Phase::Down, 6));
    assert!(whole(get(address, "/")).contains("watching the scale-down"));
    live.end(fixture::passed());
}

#[test]
fn browsers_that_do_not_read_or_have_gone_delay_neither_the_run_nor_its_end() {
    let (mut live, address) = server();
    let deaf: Vec<_> = (0..4).map(|_| get(address, "/events")).collect();
    let silent = TcpStream::connect(address).unwrap();
    drop(get(address, "/events"));
    // Far more than the sockets of browsers that do not read can hold, if each state were sent.
    let run = in_phase(Phase::Up, 0);
    let began = Instant::now();
    for second in 0..5_000 {
        live.show(instant(second), &run);
    }
    live.end(fixture::passed());
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    drop((deaf, silent));
}

#[test]
fn a_run_that_ends_without_a_verdict_ends_the_states_too() {
    let (live, address) = server();
    let mut states = get(address, "/events");
    event(&mut states);
    drop(live);
    whole(states);
}

#[test]
fn a_port_in_use_is_refused_in_one_sentence_before_anything_runs() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let failure = flags(&address).open().unwrap_err();
    assert_eq!(failure.code, exit::USAGE);
    assert!(failure.message.contains(&address), "{failure}");
    assert_eq!(failure.message.lines().count(), 1);
}

#[test]
fn an_address_that_others_can_reach_needs_a_flag() {
    let mut flags = flags("0.0.0.0:0");
    let failure = flags.open().unwrap_err();
    assert_eq!(failure.code, exit::USAGE);
    assert!(failure.message.contains("--serve-to-network"), "{failure}");
    flags.serve_to_network = true;
    assert!(flags.open().unwrap().is_some());
}

#[test]
fn a_request_for_a_foreign_name_is_rejected() {
    let (live, address) = server();
    let asked = |host: &str| {
        whole(connect(
            address,
            &format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n"),
        ))
    };
    for ours in ["localhost:8000", "127.0.0.1", "[::1]:8000"] {
        assert!(asked(ours).starts_with("HTTP/1.1 200"), "{ours}");
    }
    for foreign in ["example.com:8000", "localhost.example.com", "10.0.0.1"] {
        assert!(asked(foreign).starts_with("HTTP/1.1 421"), "{foreign}");
    }
    live.end(fixture::passed());
}

#[test]
fn there_is_one_page_and_it_is_read_only() {
    let (live, address) = server();
    assert!(whole(get(address, "/elsewhere")).starts_with("HTTP/1.1 404"));
    let post = format!("POST / HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\n\r\n");
    let answer = whole(connect(address, &post));
    assert!(answer.starts_with("HTTP/1.1 405") && answer.contains("allow: GET"));
    live.end(fixture::passed());
}
