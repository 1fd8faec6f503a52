//! What the peers of `fib-server` share: the answer to `GET /get?n=`, with its headers.

/// The headers of every answer of `fib-server`, so that peers send the same number of bytes. The request id is
/// the peer's own.
pub const HEADERS: [(&str, &str); 6] = [
    ("content-type", "application/json"),
    ("cache-control", "public, max-age=31536000, immutable"),
    ("vary", "accept"),
    ("accept-ranges", "none"),
    ("x-content-type-options", "nosniff"),
    ("x-fib-pod", "bench"),
];

/// The body for a number that fits in 128 bits.
pub fn body(n: u32) -> String {
    let value = (0..n).fold((1_u128, 0_u128), |(a, b), _| (b, a + b)).1.to_string();
    let digits = value.len();
    format!("{{\"n\":{n},\"value\":\"{value}\",\"digits\":{digits}}}")
}

/// The address to listen on.
pub fn address() -> String {
    std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned())
}
