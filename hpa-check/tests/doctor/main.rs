//! `hpa-check doctor` against an API server with fixed objects.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod counting;
mod environment;
mod keda;
mod pods;
mod room;
mod scope;
#[path = "../fixtures/still_api.rs"]
mod still_api;
mod targets;
mod writers;

use serde_json::Value;
use still_api::{Serving, StillApi, application, cluster};

fn shop() -> StillApi {
    let mut api = cluster();
    application(&mut api, "shop", "cart", 3);
    application(&mut api, "shop", "web", 4);
    application(&mut api, "bank", "books", 5);
    api
}

/// The exit code, the report, and standard error.
fn diagnose(serving: &Serving, arguments: &[&str]) -> (i32, Value, String) {
    let file = serving.file("result.json");
    let output = format!("json={}", file.display());
    let all = [&["doctor", "-o", &output], arguments].concat();
    let done = serving.run(&all);
    let said =
        String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    let result = std::fs::read_to_string(file)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok());
    (
        done.status.code().unwrap(),
        result.unwrap_or_default(),
        said,
    )
}

fn first_finding(report: &Value, name: &str) -> Value {
    let mut all = report["autoscalers"].as_array().unwrap().iter();
    let one = all.find(|a| a["name"] == name).unwrap();
    one["findings"][0]["id"].clone()
}
