//! Measured series as JSON: Prometheus' API, `promtool`, and Grafana's data frames in three forms.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Sample, Series, number_time};
use crate::nulls::list;

/// The parts of a document that are read.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Document {
    /// An answer of Prometheus' API.
    Answer(Answer),
    /// Grafana's answer to a panel's queries.
    Results { results: Map<String, Value> },
    /// A panel's data in Grafana's inspector.
    Panel { series: Vec<Value> },
    /// `promtool query range -o json`, or a list of data frames.
    List(Vec<Value>),
}

#[derive(Debug, Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    error: Option<String>,
    data: Option<Data>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Vec<Value>,
}

/// A series in Prometheus' form.
#[derive(Debug, Deserialize)]
struct Range {
    metric: Map<String, Value>,
    values: Vec<(f64, String)>,
}

const UNKNOWN: &str = "is neither an answer of Prometheus' API nor data of a Grafana panel: export the result of a range query";

pub(super) fn read(text: &str) -> Result<Vec<Series>, String> {
    let value: Value =
        serde_json::from_str(text).map_err(|e| format!("is not JSON as it was exported: {e}"))?;
    let document: Document = serde_json::from_value(value).map_err(|_| UNKNOWN.to_owned())?;
    match document {
        Document::Answer(answer) => prometheus(answer),
        Document::Results { results } => {
            let frames = results.values().flat_map(|query| list(&query["frames"]));
            frames.map(frame).collect::<Result<Vec<_>, _>>().map(flat)
        }
        Document::Panel { series } => {
            let frames = series.iter().map(frame);
            frames.collect::<Result<Vec<_>, _>>().map(flat)
        }
        Document::List(all) => {
            let read = |one: &Value| {
                if one.get("metric").is_some() {
                    Ok(vec![range(one.clone())?])
                } else {
                    frame(one)
                }
            };
            all.iter()
                .map(read)
                .collect::<Result<Vec<_>, _>>()
                .map(flat)
        }
    }
}

fn flat(series: Vec<Vec<Series>>) -> Vec<Series> {
    series.into_iter().flatten().collect()
}

fn prometheus(answer: Answer) -> Result<Vec<Series>, String> {
    if answer.status != "success" {
        let error = answer.error.unwrap_or_default();
        return Err(format!("is an error of Prometheus: {error}"));
    }
    let data = answer.data.ok_or(UNKNOWN)?;
    if data.result_type != "matrix" {
        return Err(format!(
            "is a {} and not a time range: query /api/v1/query_range for numbers",
            data.result_type
        ));
    }
    data.result.into_iter().map(range).collect()
}

fn range(value: Value) -> Result<Series, String> {
    if value.get("histograms").is_some() {
        return Err(
            "is a histogram: query numbers, such as its rate with histogram_count(…)".to_owned(),
        );
    }
    let range: Range = serde_json::from_value(value).map_err(|e| {
        format!("holds a series that is not from a range query ({e}): query /api/v1/query_range")
    })?;
    let name = labels(&range.metric);
    refuse_counter(&range.metric, &name)?;
    let samples = range.values.into_iter().map(|(at, value)| {
        let at_ms = number_time(at).ok_or_else(|| format!("holds the time {at}"))?;
        let value: f64 = value
            .parse()
            .map_err(|_| format!("holds `{value}`, which is not a number"))?;
        let value = Some(value).filter(|v| v.is_finite());
        Ok(Sample { at_ms, value })
    });
    Ok(Series {
        samples: samples.collect::<Result<_, String>>()?,
        name,
    })
}

/// A rate has no name; a counter has one, with this suffix.
fn refuse_counter(metric: &Map<String, Value>, name: &str) -> Result<(), String> {
    let counter = metric.get("__name__").and_then(Value::as_str);
    let ends = ["_total", "_count", "_sum", "_bucket"];
    match counter.filter(|counter| ends.iter().any(|end| counter.ends_with(end))) {
        Some(counter) => Err(format!(
            "holds the counter {name}: query its rate, such as sum(rate({counter}[2m]))"
        )),
        None => Ok(()),
    }
}

/// Labels in PromQL's notation.
fn labels(metric: &Map<String, Value>) -> String {
    let name = metric.get("__name__").and_then(Value::as_str).unwrap_or("");
    let labels: Vec<String> = metric
        .iter()
        .filter(|(key, _)| *key != "__name__")
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    format!("{name}{{{}}}", labels.join(","))
}

/// A data frame: a time column and one series per numeric column. Values are in the fields themselves or next
/// to the schema.
fn frame(frame: &Value) -> Result<Vec<Series>, String> {
    let schema = frame.get("schema").unwrap_or(frame);
    let fields = list(&schema["fields"]);
    let beside = list(&frame["data"]["values"]);
    let column = |index: usize| {
        let field = &fields[index];
        let own = list(&field["values"]);
        if own.is_empty() {
            beside.get(index).map_or(&[][..], list)
        } else {
            own
        }
    };
    let kind = |index: usize| fields[index]["type"].as_str().unwrap_or_default();
    let Some(time) = (0..fields.len()).find(|i| kind(*i) == "time") else {
        return Err(UNKNOWN.to_owned());
    };
    let times = column(time);
    let numbers = (0..fields.len()).filter(|i| kind(*i) == "number");
    numbers
        .map(|index| {
            let samples = times.iter().zip(column(index)).map(|(at, value)| {
                let at_ms = match at {
                    Value::Number(number) => number.as_f64().and_then(number_time),
                    other => other.as_str().and_then(super::time),
                };
                let at_ms = at_ms.ok_or_else(|| format!("holds {at} as a time"))?;
                let value = value.as_f64().filter(|v| v.is_finite());
                Ok(Sample { at_ms, value })
            });
            Ok(Series {
                name: field_name(frame, &fields[index]),
                samples: samples.collect::<Result<_, String>>()?,
            })
        })
        .collect()
}

fn field_name(frame: &Value, field: &Value) -> String {
    if let Some(metric) = field["labels"].as_object().filter(|m| !m.is_empty()) {
        return labels(metric);
    }
    let names = [
        &field["config"]["displayNameFromDS"],
        &field["name"],
        &frame["name"],
    ];
    let names = names.into_iter().filter_map(Value::as_str);
    names.map(str::to_owned).next().unwrap_or_default()
}
