//! The same service in axum, with its router and query extractor. `peer-axum ADDRESS`

use axum::extract::Query;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::{Router, routing::get};
use serde::Deserialize;

#[derive(Deserialize)]
struct Ask {
    n: u32,
}

async fn answer(Query(ask): Query<Ask>) -> (HeaderMap, String) {
    let mut headers = HeaderMap::new();
    for (name, value) in bench::HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let tag = HeaderValue::try_from(format!("\"{}-json\"", ask.n)).expect("ASCII");
    headers.insert(axum::http::header::ETAG, tag);
    (headers, bench::body(ask.n))
}

#[tokio::main(worker_threads = 1)]
async fn main() {
    let listener = tokio::net::TcpListener::bind(bench::address()).await.expect("a free port");
    let app = Router::new().route("/get", get(answer));
    axum::serve(listener, app).await.expect("to serve");
}
