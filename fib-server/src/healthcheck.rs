//! `fib-server healthcheck`: asks the server with the same settings whether it is ready. For images without a
//! shell, where nothing else could ask.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::config::Config;

/// How long a server may take to answer its own probe.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks; the error says in one sentence why it is not ready.
pub fn ask(config: &Config) -> Result<(), String> {
    let Some(admin) = config.admin else {
        return Err("there is no admin port to ask; start the server with --admin".to_owned());
    };
    let failed = |e: std::io::Error| format!("the admin port {admin} does not answer: {e}");
    let mut answer = String::new();
    connect(admin)
        .and_then(|mut stream| {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(
                b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
            )?;
            stream.read_to_string(&mut answer)
        })
        .map_err(failed)?;
    let status = answer.split(' ').nth(1).unwrap_or_default();
    if status == "200" {
        Ok(())
    } else {
        Err(format!("the server is not ready: {status}"))
    }
}

/// A server on all addresses is reached on loopback.
fn connect(admin: SocketAddr) -> std::io::Result<TcpStream> {
    let at = |ip: IpAddr| TcpStream::connect_timeout(&SocketAddr::new(ip, admin.port()), PATIENCE);
    match admin.ip() {
        ip if !ip.is_unspecified() => at(ip),
        IpAddr::V4(_) => at(Ipv4Addr::LOCALHOST.into()),
        // Without IPv6, the server is on IPv4.
        IpAddr::V6(_) => at(Ipv6Addr::LOCALHOST.into()).or_else(|_| at(Ipv4Addr::LOCALHOST.into())),
    }
}
