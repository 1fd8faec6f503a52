//! Exports of Prometheus and Grafana, and how people change them.

use super::*;

const MATRIX: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[
    {"metric":{"pod":"a"},"values":[[1700000000,"1"],[1700000060,"NaN"],[1700000120.5,"3.5"],[1700000180,"+Inf"],[1700000240,"2"]]}]}}"#;

fn points(text: &str) -> Vec<(f64, f64)> {
    let measured = profile(read(text).unwrap(), false, None).unwrap();
    let points = measured.profile.points.iter();
    points.map(|p| (p.second, p.millicores)).collect()
}

fn refused(text: &str) -> String {
    read(text)
        .and_then(|series| profile(series, false, None))
        .unwrap_err()
}

#[test]
fn a_prometheus_answer_is_a_load_in_cores_and_gaps_are_filled_and_noted() {
    assert_eq!(
        points(MATRIX),
        [(0.0, 1000.0), (120.5, 3500.0), (240.0, 2000.0)]
    );
    let regular: Vec<String> = (0..20)
        .filter(|i| !(5..8).contains(i))
        .map(|i| format!("[{},\"1\"]", 1_700_000_000 + i * 60))
        .collect();
    let text = format!(r#"[{{"metric":{{}},"values":[{}]}}]"#, regular.join(","));
    let measured = profile(read(&text).unwrap(), false, None).unwrap();
    assert_eq!(
        measured.notes,
        [
            "a gap, 3m in total, filled by straight lines; the longest is 4m from 2023-11-14T22:17:20Z"
        ]
    );
    assert_eq!(measured.until.to_string(), "2023-11-14T22:32:20Z");
}

#[test]
fn with_a_cost_the_values_are_requests_per_second() {
    let cost = Some(Duration::from_millis(5));
    let measured = profile(read(MATRIX).unwrap(), false, cost).unwrap();
    assert_eq!(measured.profile.rate(0.0), Some(1.0));
    assert!((measured.profile.at(0.0) - 5.0).abs() < 1e-9);
}

#[test]
fn every_grafana_export_is_parsed() {
    let same = [(0.0, 250.0), (60.0, 500.0), (180.0, 125.0)];
    for text in [
        "Time,cart\n2026-11-20 15:00:00,0.25\n2026-11-20 15:01:00,0.5\n2026-11-20 15:02:00,\n2026-11-20 15:03:00,0.125\n",
        "sep=;\n\"Time\";\"cart\"\n\"2026-11-20 15:00:00\";\"0,25\"\n\"2026-11-20 15:01:00\";\"0,5\"\n\"2026-11-20 15:03:00\";\"0,125\"\n",
        "\u{feff}\"Series\";\"Time\";\"Value\"\n\"cart\";\"2026-11-20T15:00:00+00:00\";0.25\n\"cart\";\"2026-11-20T15:01:00+00:00\";0.5\n\"cart\";\"2026-11-20T15:02:00+00:00\";null\n\"cart\";\"2026-11-20T15:03:00+00:00\";0.125\n",
        "\"Time\",\"{pod=\"\"a\"\", x=\"\"b\"\"}\"\n1795186800000,0.25\n1795186860000,0.5\n1795186980000,0.125\n",
        "cart\ttime\n0.25\t1795186800\n0.5\t1795186860\n0.125\t1795186980\n",
        r#"[{"schema":{"name":"cart","fields":[{"name":"Time","type":"time"},{"name":"Value","type":"number","labels":{"pod":"a"}}]},"data":{"values":[[1795186800000,1795186860000,1795186920000,1795186980000],[0.25,0.5,null,0.125]]}}]"#,
        r#"{"results":{"A":{"status":200,"frames":[{"schema":{"fields":[{"name":"Time","type":"time"},{"name":"Value","type":"number"}]},"data":{"values":[[1795186800000,1795186860000,1795186980000],[0.25,0.5,0.125]]}}]}}}"#,
        r#"{"state":"Done","series":[{"name":"cart","fields":[{"name":"Time","type":"time","values":[1795186800000,1795186860000,1795186980000]},{"name":"Value","type":"number","values":[0.25,0.5,0.125]}]}]}"#,
    ] {
        assert_eq!(points(text), same, "{text}");
    }
}

#[test]
fn an_offset_applies_and_a_time_without_a_zone_is_utc() {
    let text =
        "Time,x\n2026-11-20T16:00:00+01:00,1\n2026-11-20 15:01:00,1\n2026-11-20T15:02:00Z,1\n";
    assert_eq!(
        points(text),
        [(0.0, 1000.0), (60.0, 1000.0), (120.0, 1000.0)]
    );
}

#[test]
fn several_series_are_added_up_only_on_request() {
    let text = "Time,a,b\n0,1,2\n60,1,\n120,,4\n";
    let error = refused(text);
    assert!(
        error.contains("2 series (a, b)") && error.contains("--load-sum"),
        "{error}"
    );
    let sum = profile(read(text).unwrap(), true, None).unwrap();
    let cores: Vec<f64> = sum.profile.points.iter().map(|p| p.millicores).collect();
    assert_eq!(cores, [3000.0, 1000.0, 4000.0]);
    let apart = "Series,Time,Value\na,0,1\nb,30,1\na,60,1\nb,90,1\na,120,1\nb,150,1\n";
    let error = profile(read(apart).unwrap(), true, None).unwrap_err();
    assert!(error.contains("different instants"), "{error}");
}

#[test]
fn what_is_not_a_load_is_refused_with_advice() {
    for (text, expected) in [
        ("", "is empty"),
        ("[]", "holds no value"),
        ("Time,x\n0,NaN\n60,\n", "holds no value"),
        ("Time,x\n0,1\n", "a single value"),
        ("Time,x\n0,1\n60,-1\n", "negative value -1"),
        ("Time,x\n0,1\n60,1e12\n", "beyond any cluster"),
        ("Time,x\n60,1\n0,1\n", "goes back in time"),
        (
            "Time,x\n0,1\n60,1\n120,1\n180,1\n9000,1\n",
            "more than half",
        ),
        ("Time,x\n0,1.5 cores\n", "`1.5 cores` in line 2"),
        ("Time,x\nyesterday,1\n", "`yesterday` in line 2"),
        ("0,1\n60,2\n", "no heading"),
        ("Time,x\n0,1,2\n", "is not CSV"),
        ("hello", "no heading"),
        ("{", "is not JSON"),
        ("{\"a\":1}", "is neither"),
        (
            r#"{"status":"error","errorType":"bad_data","error":"parse error at char 3"}"#,
            "parse error at char 3",
        ),
        (
            r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
            "/api/v1/query_range",
        ),
        (
            r#"[{"metric":{"__name__":"http_requests_total","job":"x"},"values":[[0,"1"],[60,"9"]]}]"#,
            "rate(http_requests_total[2m])",
        ),
        (
            r#"[{"metric":{},"values":[[0,"1"]],"histograms":[]}]"#,
            "histogram",
        ),
    ] {
        let error = refused(text);
        assert!(error.contains(expected), "{text}: {error}");
        assert!(!error.contains('\n'), "{text}: {error}");
    }
}
