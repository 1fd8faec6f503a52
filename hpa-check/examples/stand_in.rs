//! Stands in for `fib-server` in tests of the rehearsal that are not about the service: it listens,
//! says that it is ready, and ends with its standard input. It holds a connection to the test, which
//! so sees when it is gone, by whatever death.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;

#[expect(
    clippy::print_stdout,
    reason = "where it listens is told on standard output"
)]
fn main() -> ExitCode {
    // As the real one, it refuses a flag that it does not know.
    if std::env::args().any(|flag| flag == "--broken-on-purpose") {
        return ExitCode::from(2);
    }
    let report_to = std::env::var("STAND_IN_REPORTS_TO").expect("the test gives its address");
    let _alive = TcpStream::connect(report_to).expect("the test listens");
    let service = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let admin = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = |listener: &TcpListener| listener.local_addr().expect("it is bound");
    println!(
        "stand-in listening on http://{} admin http://{}",
        address(&service),
        address(&admin)
    );
    for listener in [service, admin] {
        thread::spawn(move || listener.incoming().flatten().for_each(answer));
    }
    let mut nothing = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut nothing);
    ExitCode::SUCCESS
}

/// Everything is fine, whatever is asked, but for a page that no server has.
fn answer(mut stream: TcpStream) {
    let mut request = [0; 1024];
    let read = stream.read(&mut request).unwrap_or(0);
    let missing = String::from_utf8_lossy(&request[..read]).starts_with("GET /no-such-page");
    let status = if missing { "404 Not Found" } else { "200 OK" };
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
}
