//! Durations in a result: the usual percentiles, and the histogram itself for exact merging.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Counter;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Word;
use crate::recorder::{Histogram, Latencies};

/// The four durations of correct answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Latency {
    /// `us`: every number here is in microseconds.
    pub unit: Word,
    /// From the intended send to the end of the body.
    pub response: Timing,
    /// From the actual send to the end of the body.
    pub service: Timing,
    /// From the actual send to the head of the answer.
    pub ttfb: Timing,
    /// From the intended to the actual send.
    pub send_lag: Timing,
    /// Opening a connection: the TCP and TLS handshakes. One per connection.
    pub connect: Timing,
}

/// One distribution; everything except the count is null if it is empty.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
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
            unit: "us".into(),
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
        Self::of(&histogram.0)
    }
}

impl Timing {
    /// The usual statistics of a histogram in microseconds, and the histogram itself.
    pub fn of<C: Counter>(histogram: &hdrhistogram::Histogram<C>) -> Self {
        let filled = !histogram.is_empty();
        let at = |quantile| filled.then(|| histogram.value_at_quantile(quantile));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a mean of durations below an hour"
        )]
        let mean = histogram.mean().round() as u64;
        Self {
            count: histogram.len(),
            min: filled.then(|| histogram.min()),
            mean: filled.then_some(mean),
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            p9999: at(0.9999),
            max: filled.then(|| histogram.max()),
            hdr_b64: encode(histogram),
        }
    }
}

/// A histogram as text: HdrHistogram V2, deflated, base64; `None` when it is empty.
pub(crate) fn encode<C: Counter>(histogram: &hdrhistogram::Histogram<C>) -> Option<String> {
    if histogram.is_empty() {
        return None;
    }
    // The size of a histogram depends on the order in which it was filled. This one is exactly as large as its
    // highest value needs, so that equal counts give equal texts.
    let mut even = hdrhistogram::Histogram::<C>::new(histogram.sigfig()).ok()?;
    even.add(histogram).ok()?;
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(&even, &mut bytes)
        .ok()?;
    Some(STANDARD.encode(bytes))
}

/// The histogram that [`encode`] wrote, or why the text is not one.
pub(crate) fn decode(text: &str) -> Result<hdrhistogram::Histogram<u64>, String> {
    decode_as(text)
}

/// The same, with another counter width. It grows as values are added.
pub(crate) fn decode_as<C: Counter>(text: &str) -> Result<hdrhistogram::Histogram<C>, String> {
    let bytes = STANDARD
        .decode(text)
        .map_err(|error| format!("a histogram is not base64 ({error})"))?;
    let mut histogram = Deserializer::new()
        .deserialize(&mut &bytes[..])
        .map_err(|error| format!("a histogram can't be read ({error})"))?;
    histogram.auto(true);
    Ok(histogram)
}

/// Significant digits of the histograms that are kept for each second and each minute.
const COARSE_DIGITS: u8 = 2;

/// An empty histogram of two digits, which grows with its values.
pub(crate) fn coarse() -> hdrhistogram::Histogram<u64> {
    hdrhistogram::Histogram::new(COARSE_DIGITS).expect("two digits are within HDR's bounds")
}

/// A histogram of the recorder with the digits that are kept for each second; `None` when it is empty.
pub(crate) fn coarsely(histogram: &Histogram) -> Option<hdrhistogram::Histogram<u64>> {
    if histogram.0.is_empty() {
        return None;
    }
    let mut all = coarse();
    for step in histogram.0.iter_recorded() {
        // It resizes itself, so this can't fail.
        let _ = all.record_n(step.value_iterated_to(), step.count_since_last_iteration());
    }
    Some(all)
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
        assert_eq!(back.len(), histogram.0.len());
        for step in histogram.0.iter_recorded() {
            let value = step.value_iterated_to();
            assert_eq!(back.count_at(value), u64::from(step.count_at_value()));
        }
        assert_eq!(timing.p50, Some(back.value_at_quantile(0.5)));
    }

    #[test]
    fn a_decoded_histogram_accepts_longer_times_than_it_has() {
        let of = |micros: u64| {
            let mut histogram = coarse();
            histogram.record(micros).unwrap();
            histogram
        };
        // The form of older versions, which ends at its longest time.
        let mut bytes = Vec::new();
        let mut writer = V2DeflateSerializer::new();
        writer.serialize(&of(1_000), &mut bytes).unwrap();
        let mut back = decode(&STANDARD.encode(bytes)).unwrap();
        back.add(of(3_600_000_000)).unwrap();
        assert_eq!(back.len(), 2);
    }

    #[test]
    fn an_empty_distribution_is_null_and_never_nan() {
        let json = serde_json::to_string(&Timing::from(&Histogram::default())).unwrap();
        assert!(
            json.starts_with(r#"{"count":0,"min":null,"mean":null"#),
            "{json}"
        );
    }
}
