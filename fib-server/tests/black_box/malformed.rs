//! Whatever a client sends as `n`, it gets the right status and a problem that names `n`, and the server goes
//! on.

use crate::client::{Connection, get};
use crate::server::Server;

#[test]
fn a_number_that_is_not_plain_digits_is_a_bad_request_that_names_the_parameter() {
    let server = Server::standard();
    for n in [
        "", "-1", "1.5", "1e3", "+1", "%2B1", "%201", "1%20", "0x10", "abc", "1%00", "%00",
        "%C3%28", "%FF", "%", "%2", "%zz", "007", "1,2", "1;", "%2D1", "%D9%A1", "1%0A", "1?",
    ] {
        let problem = get(server.address, &format!("/get?n={n}")).problem(400);
        assert_eq!(problem["parameter"], "n", "{n:?}");
        assert!(
            problem["allowed"]
                .as_str()
                .unwrap()
                .contains("0 to 1000000"),
            "{n:?}"
        );
        assert!(problem["wrong"].is_string(), "{n:?}");
    }
    assert_eq!(get(server.address, "/get?n=1").status, 200);
}

#[test]
fn a_missing_or_repeated_number_is_a_bad_request() {
    let server = Server::standard();
    for target in [
        "/get",
        "/get?",
        "/get?m=1",
        "/get?n=1&n=2",
        "/get?n=1&n=1",
        "/get?n",
        "/get?n=1&%6E=1",
        "/get?n[]=1",
        "/get?N=1",
    ] {
        get(server.address, target).problem(400);
    }
}

#[test]
fn ten_thousand_digits_are_a_bad_request_that_says_how_many() {
    let server = Server::standard();
    let problem = get(server.address, &format!("/get?n={}", "1".repeat(10_000))).problem(400);
    assert!(problem["wrong"].as_str().unwrap().contains("10000 digits"));
}

#[test]
fn a_number_above_the_limit_is_unprocessable_and_the_limit_is_named() {
    let server = Server::standard();
    for n in ["1000001", "18446744073709551615", "18446744073709551616"] {
        assert_eq!(
            get(server.address, &format!("/get?n={n}")).problem(422)["limit"],
            1_000_000
        );
    }
    assert_eq!(
        get(server.address, "/get?n=10001&sequence=true").problem(422)["limit"],
        10_000
    );
}

#[test]
fn percent_encoded_digits_are_decoded() {
    let server = Server::standard();
    assert_eq!(get(server.address, "/get?n=%39%30").json()["n"], 90);
    assert_eq!(get(server.address, "/get?%6E=90").json()["n"], 90);
}

#[test]
fn an_unknown_parameter_is_ignored_so_that_it_can_bypass_a_cache() {
    let server = Server::standard();
    assert_eq!(get(server.address, "/get?n=90&nonce=7").json()["n"], 90);
}

#[test]
fn unknown_values_of_the_other_parameters_are_bad_requests() {
    let server = Server::standard();
    assert_eq!(
        get(server.address, "/get?n=1&format=xml").problem(400)["parameter"],
        "format"
    );
    assert_eq!(
        get(server.address, "/get?n=1&sequence=1").problem(400)["parameter"],
        "sequence"
    );
}

#[test]
fn bytes_that_are_not_http_end_their_connection_and_nothing_else() {
    let server = Server::standard();
    for bytes in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET /get?n= 1 HTTP/1.1\r\nhost: t\r\n\r\n",
        b"GET /get?n=\0 HTTP/1.1\r\n\r\n",
    ] {
        let mut connection = Connection::open(server.address);
        connection.send(bytes);
        assert!(connection.answer(true).is_none_or(|a| a.status == 400));
    }
    assert_eq!(get(server.address, "/get?n=1").status, 200);
}
