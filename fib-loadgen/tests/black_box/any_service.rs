//! Services other than fib-server: custom requests and checks of their answers.

use std::path::PathBuf;

use crate::odd_server::{Act, OddServer, response};
use crate::program::Ended;

const JSON: &str = "application/json";

/// A service that gives this answer to every request.
fn service(status: &'static str, headers: &'static str, body: &'static str) -> OddServer {
    // Its first answer is a correct one to F(0), which doesn't count here.
    OddServer::start_answering(move |_, _| {
        Act::Raw(response(&format!("{status}{headers}"), JSON, body))
    })
}

fn load(server: &OddServer, path: &str, flags: &[&str]) -> Ended {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_fib-loadgen"))
        .arg(format!("http://{}{path}", server.address))
        .args("--users 2 --ramp-up 0 --requests 12 --ui none -o json=-".split(' '))
        .args(flags)
        .env_remove("FIB_TARGET")
        .output()
        .unwrap();
    Ended::new(&output)
}

fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_url_with_a_path_is_requested_unchanged_and_its_answers_are_checked() {
    let server = service("200 OK", "", r#"{"items":[{"id":5}]}"#);
    let flags = [
        "--check",
        "status=200",
        "--check",
        "json:$.items[0].id=5",
        "--check",
        "header:x-fib-pod",
    ];
    let ended = load(&server, "/items?page={{counter}}", &flags);
    assert_eq!(
        (ended.code, ended.total("ok"), ended.total("verified")),
        (0, 12, 12),
        "{}",
        ended.stderr
    );
    for check in ended.result["checks"].as_array().unwrap() {
        assert_eq!(
            (&check["passed"], &check["failed"]),
            (&12.into(), &0.into())
        );
    }
    let mut lines: Vec<String> = server
        .requests()
        .into_iter()
        .skip(1)
        .map(|seen| seen.head.lines().next().unwrap().to_owned())
        .collect();
    lines.sort();
    lines.dedup();
    assert_eq!(lines.len(), 12, "{lines:?}");
    assert!(
        lines.contains(&"GET /items?page=11 HTTP/1.1".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn an_answer_that_fails_a_check_is_wrong_and_a_bad_status_is_a_failure_of_its_own_class() {
    let server = service("200 OK", "", "hello");
    let ended = load(&server, "/", &["--check", "body*=goodbye"]);
    assert_eq!(
        (ended.code, ended.classes()),
        (91, vec!["wrong.check"]),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.result["checks"][0]["failed"], 12);
    let server = service("404 Not Found", "", "");
    let ended = load(&server, "/", &["--check", "status=404"]);
    assert_eq!((ended.code, ended.total("ok")), (0, 12), "{}", ended.stderr);
    // Without a check of the status it must be below 400, even before the load.
    let ended = load(&server, "/", &["--check", "header:content-type"]);
    assert_eq!(ended.code, 90, "{}", ended.stderr);
}

#[test]
fn the_requests_of_a_file_are_sent_with_their_weights_methods_headers_and_bodies() {
    let folder = tempfile::tempdir().unwrap();
    let text = "requests:\n- path: /items\n  weight: 2\n- method: PUT\n  path: /cart/{{user}}\n  headers: {x-trace: '{{uuid}}'}\n  body: 'n={{random:5..5}}'\n  check: [status=200]\n";
    let path = file(&folder, "requests.yaml", text);
    let server = service("200 OK", "", "{}");
    let ended = load(
        &server,
        "/",
        &["--from", path.to_str().unwrap(), "--seed", "3"],
    );
    assert_eq!((ended.code, ended.total("ok")), (0, 12), "{}", ended.stderr);
    let requests = server.requests();
    let puts: Vec<_> = requests
        .iter()
        .filter(|seen| seen.head.starts_with("PUT /cart/"))
        .collect();
    assert!((1..12).contains(&puts.len()), "{requests:?}");
    for put in &puts {
        assert!(
            put.body == "n=5" && put.head.contains("\r\nx-trace: "),
            "{put:?}"
        );
    }
    let checked = ended.result["checks"][0]["passed"].as_u64().unwrap();
    assert!(checked >= 1 && checked <= puts.len() as u64, "{checked}");
}

#[test]
fn a_curl_command_or_a_recording_defines_the_target_and_the_request() {
    let server = service("200 OK", "", "{}");
    let address = server.address;
    let curl = format!("curl -X DELETE http://{address}/cart -H 'X-A: b'");
    let folder = tempfile::tempdir().unwrap();
    let har = format!(
        r#"{{"log":{{"entries":[{{"request":{{"method":"GET","url":"http://{address}/page","headers":[]}}}},{{"request":{{"method":"GET","url":"http://elsewhere.svc/x","headers":[]}}}}]}}}}"#
    );
    let har = file(&folder, "page.har", &har);
    for (flags, line) in [
        (["--curl", curl.as_str()], "DELETE /cart HTTP/1.1"),
        (["--from", har.to_str().unwrap()], "GET /page HTTP/1.1"),
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_fib-loadgen"))
            .args("--users 1 --requests 3 --ui none -o json=-".split(' '))
            .args(flags)
            .env_remove("FIB_TARGET")
            .output()
            .unwrap();
        let ended = Ended::new(&output);
        assert_eq!((ended.code, ended.total("ok")), (0, 3), "{}", ended.stderr);
        let seen = server.requests();
        assert!(seen.last().unwrap().head.starts_with(line), "{seen:?}");
    }
}

#[test]
fn each_user_keeps_its_own_cookies() {
    let server = service("200 OK", "\r\nset-cookie: session=abc; Path=/", "{}");
    let ended = load(&server, "/", &["--check", "status=200", "--cookies"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let with = |requests: &[crate::odd_server::Seen]| {
        let has =
            |seen: &&crate::odd_server::Seen| seen.head.contains("\r\ncookie: session=abc\r\n");
        requests.iter().filter(has).count()
    };
    // The first request of each of the two users, and the one before the load, had none yet.
    assert_eq!(with(&server.requests()), 10);
}

#[test]
fn a_page_is_named_after_the_path_of_its_requests_and_never_shows_the_query() {
    let folder = tempfile::tempdir().unwrap();
    let server = service("200 OK", "", "hello");
    let page = folder.path().join("load.html");
    let output = format!("html={}", page.display());
    let ended = load(&server, "/items/{{counter}}?token=s3cr3t", &["-o", &output]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.result["target"]["path"], "/items/{{counter}}");
    let page = std::fs::read_to_string(page).unwrap();
    let title = format!(
        "<title>PASS: http://{}/items/{{{{counter}}}}, ",
        server.address
    );
    assert!(page.contains(&title), "{title}");
    assert!(!page.contains("s3cr3t"));
}
