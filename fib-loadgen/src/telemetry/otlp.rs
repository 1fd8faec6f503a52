//! The metrics for an OpenTelemetry collector: OTLP over HTTP in its JSON encoding (OTLP 1.x, `metrics.proto`),
//! sent every ten seconds and at the end. It needs no other client than the existing one, so it is not a build
//! feature; without `--otlp` nothing is sent.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{MetricKind, MetricPoint, Seen, Shared, bounds_s};
use crate::outcome::described;
use crate::view::say;

/// The interval.
const EVERY: Duration = Duration::from_secs(10);
/// If a collector takes longer, these numbers are lost; the next ones repeat everything.
const PATIENCE: Duration = Duration::from_secs(5);
/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u32 = 2;

/// An export request for what was seen from `start` to `now`.
pub fn request(seen: &Seen, run: &str, start: Timestamp, now: Timestamp) -> Value {
    let nanos = |at: Timestamp| at.as_nanosecond().to_string();
    let point = |point: &MetricPoint| {
        let attributes: Vec<Value> = point
            .label
            .iter()
            .map(|(name, value)| attribute(name, value))
            .collect();
        json!({
            "attributes": attributes,
            "startTimeUnixNano": nanos(start),
            "timeUnixNano": nanos(now),
            "asDouble": point.value,
        })
    };
    let mut metrics: Vec<Value> = seen
        .families()
        .iter()
        .map(|family| {
            let points: Vec<Value> = family.points.iter().map(point).collect();
            let mut metric = json!({
                "name": family.name,
                "description": family.help,
                "unit": family.unit,
            });
            match family.kind {
                MetricKind::Counter => {
                    metric["sum"] = json!({
                        "aggregationTemporality": CUMULATIVE,
                        "isMonotonic": true,
                        "dataPoints": points,
                    });
                }
                MetricKind::Gauge => metric["gauge"] = json!({ "dataPoints": points }),
            }
            metric
        })
        .collect();
    let times = seen.times();
    metrics.push(json!({
        "name": "fib_loadgen_response_seconds",
        "description": "Response times of correct answers, from the intended send",
        "unit": "s",
        "histogram": {
            "aggregationTemporality": CUMULATIVE,
            "dataPoints": [{
                "startTimeUnixNano": nanos(start),
                "timeUnixNano": nanos(now),
                "count": times.counts.iter().sum::<u64>().to_string(),
                "sum": times.sum_s,
                "bucketCounts": times.counts.iter().map(u64::to_string).collect::<Vec<_>>(),
                "explicitBounds": bounds_s().collect::<Vec<_>>(),
            }],
        },
    }));
    json!({
        "resourceMetrics": [{
            "resource": { "attributes": [
                attribute("service.name", "fib-loadgen"),
                attribute("service.version", env!("CARGO_PKG_VERSION")),
                attribute("service.instance.id", run),
            ]},
            "scopeMetrics": [{ "scope": { "name": "fib-loadgen" }, "metrics": metrics }],
        }],
    })
}

fn attribute(name: &str, value: &str) -> Value {
    json!({ "key": name, "value": { "stringValue": value } })
}

/// Sends them every ten seconds, until `over` is sent or dropped, and then once more.
pub async fn push(
    url: reqwest::Url,
    run: String,
    shared: Shared,
    mut over: tokio::sync::oneshot::Receiver<()>,
) {
    // The load's own client restricts hosts; this one goes where the flag says, without a proxy.
    let Ok(client) = reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build()
    else {
        return;
    };
    // From here on the clock may be set, but the end of a measurement must not come before its start.
    let (start, began) = (Timestamp::now(), Instant::now());
    let mut warned = false;
    loop {
        let ended = tokio::select! {
            () = tokio::time::sleep(EVERY) => false,
            _ = &mut over => true,
        };
        let body = {
            let seen = shared.lock().unwrap_or_else(PoisonError::into_inner);
            request(&seen, &run, start, start + began.elapsed()).to_string()
        };
        let request = client
            .post(url.clone())
            .header("content-type", "application/json")
            .body(body);
        // A missing collector loses its numbers, but never stops the run.
        if let Err(error) = request
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            && !std::mem::replace(&mut warned, true)
        {
            let why = described(&error.without_url());
            say(&format!(
                "warning: the collector of --otlp did not accept the metrics ({why}); the run continues without it"
            ));
        }
        if ended {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::seen;
    use super::*;

    #[test]
    fn the_request_is_cumulative_and_has_as_many_buckets_as_bounds_and_one() {
        let shared = seen();
        let start: Timestamp = "2026-11-27T04:47:42Z".parse().unwrap();
        let now: Timestamp = "2026-11-27T04:47:44Z".parse().unwrap();
        let request = request(&shared.lock().unwrap(), "run-1", start, now);
        let metrics = request["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
            .as_array()
            .unwrap();
        let named = |name: &str| {
            metrics
                .iter()
                .find(|metric| metric["name"] == name)
                .unwrap()
        };
        let sum = &named("fib_loadgen_requests_total")["sum"];
        assert_eq!(
            (
                sum["aggregationTemporality"].as_u64(),
                sum["isMonotonic"].as_bool()
            ),
            (Some(2), Some(true))
        );
        assert_eq!(sum["dataPoints"][0]["asDouble"], 200.0);
        assert_eq!(sum["dataPoints"][0]["timeUnixNano"], "1795754864000000000");
        let histogram = &named("fib_loadgen_response_seconds")["histogram"]["dataPoints"][0];
        let length = |key: &str| histogram[key].as_array().unwrap().len();
        assert_eq!(
            (histogram["count"].as_str(), length("bucketCounts")),
            (Some("200"), length("explicitBounds") + 1)
        );
    }
}
