//! Durations in a result: the percentiles people ask for, and the histogram itself for exact merging.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recorder::{Histogram, Latencies};

/// The durations of requests.
///
/// A request that failed counts with the time until it had; one that was never sent counts in `response` with
/// the time that it waited.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// `us`: every number here is in microseconds.
    pub unit: String,
    /// From the intended send to the end of the body.
    pub response: Timing,
    /// From the actual send to the end of the body.
    pub service: Timing,
    /// From the actual send to the head of the answer.
    pub ttfb: Timing,
    /// From the intended to the actual send.
    pub send_lag: Timing,
    /// Making a connection: the TCP handshake and that of TLS. One for each connection.
    #[serde(default)]
    pub connect: Timing,
}

/// One distribution; everything but the count is null when it is empty.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "percentiles are named by what they are")]
pub struct Timing {
    /// Samples.
    pub count: u64,
    pub min: Option<u64>,
    pub mean: Option<u64>,
    pub p50: Option<u64>,
    pub p90: Option<u64>,
    pub p95: Option<u64>,
    pub p99: Option<u64>,
    pub p999: Option<u64>,
    pub p9999: Option<u64>,
    pub max: Option<u64>,
    /// The histogram: HdrHistogram V2, deflated, base64.
    pub hdr_b64: Option<String>,
}

impl From<&Latencies> for Latency {
    fn from(latencies: &Latencies) -> Self {
        Self {
            unit: "us".to_owned(),
            response: (&latencies.response).into(),
            service: (&latencies.service).into(),
            ttfb: (&latencies.ttfb).into(),
            send_lag: (&latencies.send_lag).into(),
            connect: (&latencies.connect).into(),
        }
    }
}

impl From<&Histogram> for Timing {
    fn from(histogram: &Histogram) -> Self {
        let filled = !histogram.0.is_empty();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a mean of durations below an hour"
        )]
        let mean = histogram.0.mean().round() as u64;
        Self {
            count: histogram.0.len(),
            min: filled.then(|| histogram.0.min()),
            mean: filled.then_some(mean),
            p50: histogram.at(0.5),
            p90: histogram.at(0.9),
            p95: histogram.at(0.95),
            p99: histogram.at(0.99),
            p999: histogram.at(0.999),
            p9999: histogram.at(0.9999),
            max: filled.then(|| histogram.0.max()),
            hdr_b64: filled.then(|| encode(histogram)).flatten(),
        }
    }
}

/// The histogram as a result keeps it: `HdrHistogram` V2, deflated, base64.
pub(crate) fn encode(histogram: &Histogram) -> Option<String> {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(&histogram.0, &mut bytes)
        .ok()?;
    Some(STANDARD.encode(bytes))
}

/// Reads what a result keeps; `None` for what is no histogram.
pub fn decode(text: &str) -> Option<Histogram> {
    let bytes = STANDARD.decode(text).ok()?;
    let read = hdrhistogram::serialization::Deserializer::new().deserialize(&mut &bytes[..]);
    read.ok().map(Histogram)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_histogram_survives_the_result_exactly() {
        let mut histogram = Histogram::default();
        (1..10_000).for_each(|us| histogram.record(Duration::from_micros(us)));
        let timing = Timing::from(&histogram);
        let back = decode(&timing.hdr_b64.unwrap()).unwrap();
        assert_eq!(back.0, histogram.0);
        assert_eq!(timing.p50, back.at(0.5));
    }

    #[test]
    fn nothing_measured_is_null_and_never_nan() {
        let json = serde_json::to_string(&Timing::from(&Histogram::default())).unwrap();
        assert!(
            json.starts_with(r#"{"count":0,"min":null,"mean":null"#),
            "{json}"
        );
    }
}
