//! Summaries that other load tools print: k6, vegeta, oha, and fib-loadgen's own.

use hpa_check_core::observation::{GeneratorVerdict, LoadSecond};
use serde_json::Value;

/// What a summary counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) requests: u64,
    pub(crate) failed: u64,
    pub(crate) wrong: u64,
    pub(crate) verified: u64,
    pub(crate) generator: Option<GeneratorVerdict>,
}

impl Counts {
    /// For a load that reported its seconds but no summary. Requests in flight at the end are not included.
    pub(crate) fn of(second: &LoadSecond) -> Self {
        Self {
            requests: second.verified + second.failed + second.wrong,
            failed: second.failed,
            wrong: second.wrong,
            verified: second.verified,
            generator: None,
        }
    }
}

/// Reads the summary in a tool's output; `None` if there is no known one.
pub(crate) fn read(text: &str) -> Option<Counts> {
    documents(text)
        .into_iter()
        .rev()
        .find_map(|value| {
            fib_loadgen(&value)
                .or_else(|| vegeta(&value))
                .or_else(|| oha(&value))
                .or_else(|| k6_json(&value))
        })
        .or_else(|| k6_text(text))
}

/// The JSON documents among the lines: on one line, or across several.
fn documents(text: &str) -> Vec<Value> {
    let starts = text
        .match_indices('{')
        .map(|(at, _)| at)
        .filter(|at| *at == 0 || text.as_bytes()[at - 1] == b'\n');
    let mut documents = Vec::new();
    let mut until = 0;
    for start in starts {
        if start < until {
            continue;
        }
        let mut stream = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
        if let Some(Ok(value)) = stream.next() {
            until = start + stream.byte_offset();
            documents.push(value);
        }
    }
    documents
}

fn count(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64().map(rounded))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of requests, at least 0"
)]
fn rounded(number: f64) -> u64 {
    number.round().max(0.0) as u64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "requests are far fewer than 2^52"
)]
fn share(requests: u64, rate: f64) -> u64 {
    rounded(requests as f64 * rate)
}

/// `fib-loadgen -o json=-`, schema `fib-loadgen/1`.
fn fib_loadgen(value: &Value) -> Option<Counts> {
    value["schema"].as_str()?.strip_prefix("fib-loadgen/")?;
    let totals = &value["totals"];
    Some(Counts {
        requests: count(&totals["sent"])?,
        failed: count(&totals["failed"])?,
        wrong: count(&totals["wrong"])?,
        verified: count(&totals["verified"])?,
        generator: serde_json::from_value(value["generator"]["verdict"].clone()).ok(),
    })
}

/// `vegeta report -type=json`.
fn vegeta(value: &Value) -> Option<Counts> {
    let requests = count(&value["requests"])?;
    let success = value["success"].as_f64()?;
    value["latencies"].as_object()?;
    Some(Counts {
        requests,
        failed: requests - share(requests, success).min(requests),
        ..Counts::default()
    })
}

/// `oha --output-format json`.
fn oha(value: &Value) -> Option<Counts> {
    let summary = value["summary"].as_object()?;
    summary.get("successRate")?;
    let codes = value["statusCodeDistribution"].as_object()?;
    let errors = value["errorDistribution"].as_object();
    let sum = |counts: &serde_json::Map<String, Value>| -> u64 {
        counts.values().filter_map(count).sum()
    };
    let errors = errors.map_or(0, sum);
    let good = codes
        .iter()
        .filter(|(code, _)| code.starts_with(['2', '3']));
    let good: u64 = good.filter_map(|(_, n)| count(n)).sum();
    let requests = sum(codes) + errors;
    Some(Counts {
        requests,
        failed: requests - good,
        ..Counts::default()
    })
}

/// k6's `--summary-export`, or `handleSummary` printing its data.
fn k6_json(value: &Value) -> Option<Counts> {
    let metrics = value["metrics"].as_object()?;
    let of = |name: &str, key: &str| -> Option<f64> {
        let metric = metrics.get(name)?;
        metric[key]
            .as_f64()
            .or_else(|| metric["values"][key].as_f64())
    };
    let requests = rounded(of("http_reqs", "count")?);
    let failed = of("http_req_failed", "rate").or_else(|| of("http_req_failed", "value"));
    Some(Counts {
        requests,
        failed: share(requests, failed.unwrap_or(0.0)).min(requests),
        ..Counts::default()
    })
}

/// The summary that k6 prints: `http_reqs......: 1234 20.5/s` and `http_req_failed...: 1.20% 15 out of 1234`.
fn k6_text(text: &str) -> Option<Counts> {
    let after = |name: &str| {
        text.lines().rev().find_map(|line| {
            let rest = line
                .trim_start()
                .strip_prefix(name)?
                .trim_start_matches('.');
            rest.strip_prefix(':').map(str::trim)
        })
    };
    let first = |text: &str| text.split_whitespace().next().map(str::to_owned);
    let requests = first(after("http_reqs")?)?.parse().ok()?;
    let rate = after("http_req_failed").and_then(first);
    let rate = rate.and_then(|rate| rate.trim_end_matches('%').parse::<f64>().ok());
    Some(Counts {
        requests,
        failed: share(requests, rate.unwrap_or(0.0) / 100.0).min(requests),
        ..Counts::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> Option<(u64, u64)> {
        read(text).map(|counts| (counts.requests, counts.failed))
    }

    #[test]
    fn the_summary_of_each_tool_is_read_from_its_output() {
        let k6 = "     checks.........................: 99.00% 990 out of 1000\n     \
                  http_req_duration..............: avg=4.1ms min=1ms\n     \
                  http_req_failed................: 1.20%  12 out of 1000\n     \
                  http_reqs......................: 1000   49.8/s\n";
        assert_eq!(counted(k6), Some((1000, 12)));
        let k6 = r#"{"metrics":{"http_reqs":{"count":200,"rate":9.9},"http_req_failed":{"value":0.05}}}"#;
        assert_eq!(counted(k6), Some((200, 10)));
        let vegeta = r#"{"latencies":{"total":1,"mean":1},"requests":1200,"rate":60.05,"success":0.995,"status_codes":{"200":1194,"500":6},"errors":[]}"#;
        assert_eq!(counted(vegeta), Some((1200, 6)));
        let oha = "{\n  \"summary\": {\"successRate\": 1.0, \"total\": 5.0},\n  \"statusCodeDistribution\": {\"200\": 90, \"503\": 4},\n  \"errorDistribution\": {\"connection closed\": 6}\n}";
        assert_eq!(counted(oha), Some((100, 10)));
        let own = r#"{"schema":"fib-loadgen/1","totals":{"sent":9,"failed":1,"wrong":1,"verified":7},"generator":{"verdict":"suspect"}}"#;
        let own = read(own).unwrap();
        assert_eq!((own.requests, own.wrong, own.verified), (9, 1, 7));
        assert_eq!(own.generator, Some(GeneratorVerdict::Suspect));
    }

    #[test]
    fn a_summary_is_found_among_other_lines_and_other_json_is_ignored() {
        let text = "starting\n{\"level\":\"info\"}\n{\"latencies\":{},\"requests\":10,\"success\":1}\nbye\n";
        assert_eq!(counted(text), Some((10, 0)));
        for text in ["", "all done", "{", "{\"requests\": 3}", "http_reqs: many"] {
            assert_eq!(counted(text), None, "{text}");
        }
    }
}
