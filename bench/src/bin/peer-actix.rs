//! The same service in actix-web, with its router and query extractor. `peer-actix ADDRESS`

use actix_web::{App, HttpResponse, HttpServer, web};
use serde::Deserialize;

#[derive(Deserialize)]
struct Ask {
    n: u32,
}

async fn answer(ask: web::Query<Ask>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    for header in bench::HEADERS {
        response.insert_header(header);
    }
    response.insert_header(("etag", format!("\"{}-json\"", ask.n)));
    response.body(bench::body(ask.n))
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    HttpServer::new(|| App::new().route("/get", web::get().to(answer)))
        .workers(1)
        .bind(bench::address())?
        .run()
        .await
}
