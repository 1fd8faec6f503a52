//! The result in two formats of k6's summary, for dashboards and CI steps that read those: that of
//! `--summary-export` (k6 issue 1498 on its thresholds) and the one that `handleSummary` gets.
//!
//! k6's `http_req_duration` starts when the request is sent, so it is the service time here; the response time,
//! from the intended send, is `iteration_duration`.

use serde_json::{Map, Value, json};

use crate::result::{CheckResult, Document, ThresholdResult, Timing};

/// A metric of k6.
struct Metric {
    name: &'static str,
    kind: &'static str,
    contains: &'static str,
    values: Value,
    rules: Vec<(String, bool)>,
}

/// What `k6 run --summary-export` writes, in which a threshold is `true` if it has *failed*.
pub(super) fn summary_export(document: &Document) -> String {
    let mut metrics = Map::new();
    for metric in all(document) {
        let mut values = metric.values;
        if metric.kind == "rate" {
            // The old format calls the share itself `value`.
            let share = values["rate"].take();
            values["value"] = share;
            values.as_object_mut().map(|values| values.remove("rate"));
        }
        if !metric.rules.is_empty() {
            let failed = metric
                .rules
                .into_iter()
                .map(|(rule, ok)| (rule, json!(!ok)));
            values["thresholds"] = Value::Object(failed.collect());
        }
        metrics.insert(metric.name.to_owned(), values);
    }
    let checks = document.checks.iter();
    let checks: Map<String, Value> = checks.map(|c| (c.check.clone(), check(c))).collect();
    let document = json!({ "root_group": root(json!({}), checks.into()), "metrics": metrics });
    format!("{document:#}\n")
}

/// What k6 gives to `handleSummary`.
pub(super) fn summary(document: &Document) -> String {
    let mut metrics = Map::new();
    for metric in all(document) {
        let mut value = json!({
            "type": metric.kind,
            "contains": metric.contains,
            "values": metric.values,
        });
        if !metric.rules.is_empty() {
            let judged = metric
                .rules
                .into_iter()
                .map(|(rule, ok)| (rule, json!({ "ok": ok })));
            value["thresholds"] = Value::Object(judged.collect());
        }
        metrics.insert(metric.name.to_owned(), value);
    }
    let checks = document.checks.iter().map(check).collect();
    let document = json!({
        "root_group": root(json!([]), checks),
        "options": {
            "summaryTrendStats": ["avg", "min", "med", "max", "p(90)", "p(95)", "p(99)", "p(99.9)"],
            "summaryTimeUnit": "",
            "noColor": true,
        },
        "state": {
            "isStdOutTTY": false,
            "isStdErrTTY": false,
            "testRunDurationMs": document.totals.elapsed_s * 1e3,
        },
        "metrics": metrics,
    });
    format!("{document:#}\n")
}

/// The group that k6 puts all others into; its id is the MD5 of the empty string, as in k6.
fn root(groups: Value, checks: Value) -> Value {
    json!({
        "name": "",
        "path": "",
        "id": "d41d8cd98f00b204e9800998ecf8427e",
        "groups": groups,
        "checks": checks,
    })
}

/// A check of the root group. Its id in k6 is the MD5 of its path; dashboards need it to be unique, and the path is.
fn check(result: &CheckResult) -> Value {
    let path = format!("::{}", result.check);
    json!({
        "name": result.check,
        "id": path,
        "path": path,
        "passes": result.passed,
        "fails": result.failed,
    })
}

/// How many checks passed and failed: those of `--check`, or of what is checked in every answer.
fn checked(document: &Document) -> (u64, u64) {
    let (checks, totals) = (&document.checks, &document.totals);
    if checks.is_empty() {
        return (totals.ok, totals.wrong);
    }
    let sum = |count: fn(&CheckResult) -> u64| checks.iter().map(count).sum();
    (sum(|check| check.passed), sum(|check| check.failed))
}

#[expect(clippy::cast_precision_loss, reason = "counts as shares and rates")]
fn all(document: &Document) -> Vec<Metric> {
    let totals = &document.totals;
    let seconds = totals.elapsed_s.max(1e-9);
    let ended = totals.ok + totals.failed;
    let counter = |count: u64| json!({ "count": count, "rate": count as f64 / seconds });
    let share = |yes: u64, no: u64| {
        let rate = yes as f64 / (yes + no).max(1) as f64;
        json!({ "rate": rate, "passes": yes, "fails": no })
    };
    let gauge = |values: &[usize]| {
        json!({
            "value": values.last(),
            "min": values.iter().min(),
            "max": values.iter().max(),
        })
    };
    let users = document.plan.users;
    let latency = &document.latency;
    let (passed, failed) = checked(document);
    let metric = |name, kind, contains, values| Metric {
        name,
        kind,
        contains,
        values,
        rules: rules(document, name),
    };
    // As in k6, only a run that dropped some has this one.
    let dropped = (totals.unsent > 0).then(|| {
        metric(
            "dropped_iterations",
            "counter",
            "default",
            counter(totals.unsent),
        )
    });
    let mut metrics = vec![
        metric("http_reqs", "counter", "default", counter(ended)),
        metric(
            "http_req_failed",
            "rate",
            "default",
            share(totals.failed, totals.ok),
        ),
        metric(
            "http_req_duration",
            "trend",
            "time",
            trend(&latency.service),
        ),
        metric("http_req_waiting", "trend", "time", trend(&latency.ttfb)),
        metric(
            "iteration_duration",
            "trend",
            "time",
            trend(&latency.response),
        ),
        metric("iterations", "counter", "default", counter(totals.ok)),
        metric("checks", "rate", "default", share(passed, failed)),
        metric("data_received", "counter", "data", counter(totals.bytes)),
        metric("vus", "gauge", "default", gauge(&document.series.users)),
        metric(
            "vus_max",
            "gauge",
            "default",
            json!({ "value": users, "min": users, "max": users }),
        ),
    ];
    metrics.extend(dropped);
    metrics
}

/// k6 counts times in milliseconds.
#[expect(clippy::cast_precision_loss, reason = "microseconds of a request")]
fn trend(timing: &Timing) -> Value {
    let ms = |us: Option<u64>| us.map_or(0.0, |us| us as f64 / 1e3);
    json!({
        "avg": ms(timing.mean),
        "min": ms(timing.min),
        "med": ms(timing.p50),
        "max": ms(timing.max),
        "p(90)": ms(timing.p90),
        "p(95)": ms(timing.p95),
        "p(99)": ms(timing.p99),
        "p(99.9)": ms(timing.p999),
    })
}

/// The rules for a metric, and whether they hold.
fn rules(document: &Document, metric: &str) -> Vec<(String, bool)> {
    let about = |rule: &&ThresholdResult| metric_of(&rule.rule) == metric;
    let rules = document.thresholds.iter().filter(about);
    rules.map(|rule| (rule.rule.clone(), rule.passed)).collect()
}

/// The metric of k6 that a rule of ours is about.
fn metric_of(rule: &str) -> &'static str {
    let name = rule
        .split(['<', '>', '=', '{'])
        .next()
        .unwrap_or_default()
        .trim();
    match name {
        "rps" | "requests" | "achieved" => "http_reqs",
        "error-rate" | "failed" => "http_req_failed",
        "wrong" => "checks",
        name if name.starts_with("service.") => "http_req_duration",
        name if name.starts_with("ttfb.") => "http_req_waiting",
        _ => "iteration_duration",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_export_has_k6_s_metrics_and_says_true_for_a_rule_that_failed() {
        let export: Value = serde_json::from_str(&summary_export(&fixture::failed())).unwrap();
        let metrics = &export["metrics"];
        assert_eq!(
            metrics["iteration_duration"]["thresholds"]["p99<250ms"],
            true
        );
        assert_eq!(metrics["http_req_failed"]["passes"], 7);
        assert!(metrics["http_req_failed"]["value"].as_f64().unwrap() > 0.0);
        assert!(metrics["http_req_duration"]["p(95)"].is_f64());
        assert_eq!(
            export["root_group"]["id"],
            "d41d8cd98f00b204e9800998ecf8427e"
        );
    }

    #[test]
    fn the_summary_says_ok_for_a_rule_that_holds() {
        let summary: Value = serde_json::from_str(&summary(&fixture::passed())).unwrap();
        let metric = &summary["metrics"]["iteration_duration"];
        assert_eq!(metric["thresholds"]["p99<250ms"]["ok"], true);
        assert_eq!(
            (metric["type"].as_str(), metric["contains"].as_str()),
            (Some("trend"), Some("time"))
        );
        assert!(summary["state"]["testRunDurationMs"].is_f64());
    }

    #[test]
    fn every_check_is_listed_by_name_and_the_metric_counts_them_all() {
        let mut run = fixture::passed();
        let result = |check: &str, passed, failed| CheckResult {
            check: check.to_owned(),
            passed,
            failed,
        };
        run.checks = vec![result("status=200", 9, 1), result("body*=hello", 7, 3)];
        let document: Value = serde_json::from_str(&summary(&run)).unwrap();
        let listed = &document["root_group"]["checks"][1];
        assert_eq!(
            (&listed["name"], &listed["path"]),
            (&json!("body*=hello"), &json!("::body*=hello"))
        );
        let export: Value = serde_json::from_str(&summary_export(&run)).unwrap();
        let listed = &export["root_group"]["checks"]["status=200"];
        assert_eq!(
            (&listed["passes"], &listed["fails"]),
            (&json!(9), &json!(1))
        );
        let all = &export["metrics"]["checks"];
        assert_eq!((&all["passes"], &all["fails"]), (&json!(16), &json!(4)));
    }
}
