//! Every row of the HTTP table.

use std::io::Read;

use crate::client::{Connection, get, request};
use crate::server::{Server, settings};

#[test]
fn a_number_is_answered_with_its_value_as_a_string_and_its_number_of_digits() {
    let server = Server::standard();
    let answer = get(server.address, "/get?n=90");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(
        answer.text(),
        r#"{"n":90,"value":"2880067194370816120","digits":19}"#
    );
}

#[test]
fn the_digits_alone_are_available_as_text_or_hexadecimal() {
    let server = Server::standard();
    assert_eq!(
        get(server.address, "/get?n=90&format=text").text(),
        "2880067194370816120"
    );
    assert_eq!(
        get(server.address, "/get?n=90&format=hex").text(),
        "27f80ddaa1ba7878"
    );
    let accepted = request(server.address, "GET", "/get?n=90", "accept: text/plain\r\n");
    assert_eq!(accepted.text(), "2880067194370816120");
    assert_eq!(
        accepted.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
}

#[test]
fn a_large_number_is_computed_on_the_pool_and_has_all_its_digits() {
    let server = Server::standard();
    let answer = get(server.address, "/get?n=1000000").json();
    assert_eq!(answer["digits"], 208_988);
    let value = answer["value"].as_str().unwrap();
    assert!(value.starts_with("19532821287077577316") && value.ends_with("68996526838242546875"));
}

#[test]
fn a_sequence_begins_at_zero_and_ends_at_n() {
    let server = Server::standard();
    let answer = get(server.address, "/get?n=10&sequence=true");
    let wanted = r#"{"n":10,"sequence":["0","1","1","2","3","5","8","13","21","34","55"]}"#;
    assert_eq!(answer.text(), wanted);
    let long = get(server.address, "/get?n=5000&sequence=true").json();
    assert_eq!(long["sequence"].as_array().unwrap().len(), 5_001);
    // It has one format; another one is refused, not ignored.
    get(server.address, "/get?n=10&sequence=true&format=text").problem(400);
}

#[test]
fn head_is_answered_like_get_without_the_body() {
    let server = Server::standard();
    for path in [
        "/get?n=90",
        "/health",
        "/metrics",
        "/version",
        "/openapi.json",
        "/docs",
    ] {
        let answer = request(server.address, "HEAD", path, "");
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{path}");
    }
    assert_eq!(request(server.address, "HEAD", "/get?n=x", "").status, 400);
    assert_eq!(request(server.address, "HEAD", "/nowhere", "").status, 404);
}

#[test]
fn an_unknown_path_is_answered_with_problem_details() {
    let server = Server::standard();
    get(server.address, "/nowhere").problem(404);
    // Whatever the client prefers, it is never an HTML page.
    request(server.address, "GET", "/nowhere", "accept: text/html\r\n").problem(404);
}

#[test]
fn every_answer_names_the_pod_and_the_request_id() {
    let server = Server::standard();
    for path in ["/get?n=1", "/get?n=x", "/nowhere", "/health"] {
        let answer = get(server.address, path);
        assert_eq!(answer.header("x-fib-pod"), Some("pod-1"), "{path}");
        assert_eq!(
            answer.header("x-request-id").map(str::len),
            Some(32),
            "{path}"
        );
    }
    let own = request(
        server.address,
        "GET",
        "/health",
        "x-request-id: trace-7\r\n",
    );
    assert_eq!(own.header("x-request-id"), Some("trace-7"));
    let unfit = request(server.address, "GET", "/health", "x-request-id: a b\r\n");
    assert_ne!(unfit.header("x-request-id"), Some("a b"));
}

#[test]
fn a_client_with_a_current_copy_gets_304_without_a_computation() {
    let server = Server::standard();
    let first = get(server.address, "/get?n=90");
    assert_eq!(
        first.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    let tag = first.header("etag").unwrap();
    let again = request(
        server.address,
        "GET",
        "/get?n=90",
        &format!("if-none-match: {tag}\r\n"),
    );
    assert_eq!((again.status, again.body.len()), (304, 0));
    let other = request(
        server.address,
        "GET",
        "/get?n=91",
        &format!("if-none-match: {tag}\r\n"),
    );
    assert_eq!(other.status, 200);
}

#[test]
fn a_load_test_can_turn_caching_off() {
    let no_store = fib_server::args::CacheControl::NoStore;
    let server = Server::start(fib_server::args::Settings {
        cache_control: Some(no_store),
        ..settings()
    });
    assert_eq!(
        get(server.address, "/get?n=90").header("cache-control"),
        Some("no-store")
    );
}

#[test]
fn a_large_answer_is_compressed_only_if_enabled_and_accepted_by_the_client() {
    const GZIP: &str = "accept-encoding: gzip\r\n";
    let plain = Server::standard();
    let whole = get(plain.address, "/get?n=20000&format=text");
    let off = request(plain.address, "GET", "/get?n=20000&format=text", GZIP);
    assert_eq!(off.header("content-encoding"), None);
    assert_eq!(off.header("vary"), Some("accept"));
    assert_eq!(off.header("etag"), whole.header("etag"));
    assert_eq!(off.body, whole.body);

    let server = Server::start(fib_server::args::Settings {
        compress: Some(true),
        ..settings()
    });
    let packed = request(server.address, "GET", "/get?n=20000&format=text", GZIP);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert_eq!(packed.header("vary"), Some("accept, accept-encoding"));
    assert_ne!(packed.header("etag"), whole.header("etag"));
    let mut digits = String::new();
    flate2::read::GzDecoder::new(&packed.body[..])
        .read_to_string(&mut digits)
        .unwrap();
    assert_eq!(digits, whole.text());

    let refused = "accept-encoding: gzip;q=0\r\n";
    for (target, headers) in [
        ("/get?n=20000&format=text", ""),
        ("/get?n=20000&format=text", refused),
        ("/get?n=90&format=text", GZIP),
    ] {
        let answer = request(server.address, "GET", target, headers);
        assert_eq!(
            answer.header("content-encoding"),
            None,
            "{target} {headers}"
        );
        assert_eq!(
            answer.header("vary"),
            Some("accept, accept-encoding"),
            "{target} {headers}"
        );
    }
}

#[test]
fn a_compressed_answer_has_the_same_headers_for_head_and_its_own_tag() {
    const GZIP: &str = "accept-encoding: gzip\r\n";
    let server = Server::start(fib_server::args::Settings {
        compress: Some(true),
        ..settings()
    });
    for target in [
        "/get?n=20000",
        "/get?n=20000&format=hex",
        "/get?n=2000&sequence=true",
    ] {
        let whole = get(server.address, target);
        let packed = request(server.address, "GET", target, GZIP);
        let head = request(server.address, "HEAD", target, GZIP);
        assert_eq!(head.status, 200, "{target}");
        assert_eq!(head.header("content-encoding"), Some("gzip"), "{target}");
        for name in ["content-encoding", "content-type", "etag", "vary"] {
            assert_eq!(head.header(name), packed.header(name), "{target} {name}");
        }
        // The compressed length is unknown without compressing; the uncompressed one would be wrong.
        assert_eq!(head.header("content-length"), None, "{target}");

        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&packed.body[..])
            .read_to_end(&mut plain)
            .unwrap();
        assert_eq!(plain, whole.body, "{target}");

        let known = format!(
            "{GZIP}if-none-match: {}\r\n",
            packed.header("etag").unwrap()
        );
        let again = request(server.address, "GET", target, &known);
        assert_eq!(again.status, 304, "{target}");
        let other = format!("{GZIP}if-none-match: {}\r\n", whole.header("etag").unwrap());
        let sent = request(server.address, "GET", target, &other);
        assert_eq!(sent.status, 200, "{target}");
    }
}

#[test]
fn health_version_and_the_openapi_document_are_served() {
    let server = Server::standard();
    assert_eq!(get(server.address, "/health").json()["status"], "ok");
    assert_eq!(
        get(server.address, "/version").json()["version"],
        env!("CARGO_PKG_VERSION")
    );
    let description = get(server.address, "/openapi.json").json();
    assert_eq!(description["openapi"], "3.1.0");
    assert_eq!(description["info"]["version"], env!("CARGO_PKG_VERSION"));
    let page = get(server.address, "/docs");
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        !page.text().contains("http://") && !page.text().contains("https://"),
        "the page loads nothing"
    );
}

#[test]
fn a_connection_is_reused_for_the_next_request() {
    let server = Server::standard();
    let mut connection = Connection::open(server.address);
    for n in [1, 2, 3] {
        connection.send(format!("GET /get?n={n} HTTP/1.1\r\nhost: test\r\n\r\n").as_bytes());
        let answer = connection.answer(true).unwrap();
        assert_eq!((answer.status, answer.header("connection")), (200, None));
    }
}

#[test]
fn a_client_is_asked_to_close_a_connection_that_has_reached_its_age() {
    let every = fib_server::args::Settings {
        keepalive_requests: Some(1),
        ..settings()
    };
    let server = Server::start(every);
    let mut connection = Connection::open(server.address);
    connection.send(b"GET /get?n=1 HTTP/1.1\r\nhost: test\r\n\r\n");
    assert_eq!(
        connection.answer(true).unwrap().header("connection"),
        Some("close")
    );
    assert!(connection.is_closed());
}
