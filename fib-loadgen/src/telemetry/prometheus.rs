//! The text that Prometheus scrapes (exposition format 0.0.4), and a small server for it.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::PoisonError;
use std::time::Duration;

use super::{MetricKind, Seen, Shared, bounds_s};
use crate::exit::Failure;

/// A scraper that is silent for this long is disconnected.
const PATIENCE: Duration = Duration::from_secs(2);
/// No scraper's request is longer than this.
const MOST: usize = 16 * 1024;

/// Everything as text.
pub fn text(seen: &Seen) -> String {
    let mut text = String::new();
    // Writing to a String can't fail.
    for family in seen.families() {
        let kind = match family.kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
        };
        let _ = writeln!(
            text,
            "# HELP {0} {1}\n# TYPE {0} {kind}",
            family.name, family.help
        );
        for point in &family.points {
            let label = point
                .label
                .as_ref()
                .map_or_else(String::new, |(name, value)| {
                    format!("{{{name}=\"{}\"}}", escaped(value))
                });
            let _ = writeln!(text, "{}{label} {}", family.name, point.value);
        }
    }
    let name = "fib_loadgen_response_seconds";
    let _ = writeln!(
        text,
        "# HELP {name} Response times of correct answers, from the intended send\n# TYPE {name} histogram"
    );
    let times = seen.times();
    let mut below = 0;
    for (bound, count) in bounds_s().zip(&times.counts) {
        below += count;
        let _ = writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {below}");
    }
    let all: u64 = times.counts.iter().sum();
    let _ = writeln!(
        text,
        "{name}_bucket{{le=\"+Inf\"}} {all}\n{name}_sum {}\n{name}_count {all}",
        times.sum_s
    );
    text
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// Opens the port before anything is sent. Other machines reach it only if the flag allows it.
pub fn listen(address: SocketAddr, to_network: bool) -> Result<TcpListener, Failure> {
    if !address.ip().is_loopback() && !to_network {
        return Err(Failure::usage(format!(
            "--prometheus {address} would show the run to other machines: give a loopback address such as 127.0.0.1:9464, or --prometheus-to-network too"
        )));
    }
    TcpListener::bind(address).map_err(|error| {
        Failure::usage(format!(
            "--prometheus {address} can't be listened on ({error}): give another port"
        ))
    })
}

/// Answers until the program ends, one scraper at a time, as Prometheus does.
pub fn serve(listener: TcpListener, shared: Shared) -> io::Result<()> {
    std::thread::Builder::new()
        .name("prometheus".to_owned())
        .spawn(move || {
            for stream in listener.incoming().flatten() {
                // A scraper that disconnected will retry.
                let _ = answer(stream, &shared);
            }
        })
        .map(drop)
}

fn answer(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut piece)?;
        if read == 0 || head.len() > MOST {
            return Ok(());
        }
        head.extend_from_slice(&piece[..read]);
    }
    let (status, body) = if head.starts_with(b"GET /metrics") {
        let seen = shared.lock().unwrap_or_else(PoisonError::into_inner);
        ("200 OK", text(&seen))
    } else {
        ("404 Not Found", "There is /metrics.\n".to_owned())
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::seen;
    use super::*;

    #[test]
    fn every_family_has_a_header_and_buckets_add_up() {
        let shared = seen();
        let text = text(&shared.lock().unwrap());
        assert!(text.contains("# TYPE fib_loadgen_requests_total counter\nfib_loadgen_requests_total{outcome=\"right\"} 200\n"), "{text}");
        assert!(
            text.contains("fib_loadgen_pod_answers_total{pod=\"fib-\\\"a\\\\\\n\"} 200\n"),
            "{text}"
        );
        assert!(
            text.contains("fib_loadgen_response_seconds_bucket{le=\"0.0025\"} 0\n"),
            "{text}"
        );
        assert!(
            text.contains("_bucket{le=\"+Inf\"} 200\n") && text.contains("_count 200\n"),
            "{text}"
        );
    }

    #[test]
    fn a_scraper_gets_the_text_and_other_machines_need_a_flag() {
        let listener = listen("127.0.0.1:0".parse().unwrap(), false).unwrap();
        let address = listener.local_addr().unwrap();
        serve(listener, seen()).unwrap();
        let ask = |path: &str| {
            let mut stream = TcpStream::connect(address).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        };
        assert!(ask("/metrics").contains("fib_loadgen_users 5"));
        assert!(ask("/").starts_with("HTTP/1.1 404"));
        assert_eq!(
            listen("0.0.0.0:0".parse().unwrap(), false)
                .unwrap_err()
                .ending
                .code(),
            2
        );
    }
}
