//! The panels of lines, each a function that draws itself below the previous one.

use super::Sheet;

/// Requests per second: due, and answered correctly.
pub(super) fn rate(sheet: &mut Sheet<'_>) {
    let series = &sheet.document.series;
    let offered = series.offered_rps.iter().flatten().copied();
    let most = series.rps.iter().copied().chain(offered.clone());
    let most = most.fold(0.0, f64::max);
    let mut keys = vec![("rps", "answered correctly")];
    if offered.count() > 0 {
        keys.push(("offered", "due"));
    }
    sheet.title("Requests per second", &keys);
    let axis = sheet.frame(92.0, most, true);
    let due = |at| series.offered_rps.get(at).copied().flatten();
    sheet.draw("offered", due, |v| axis.y(v));
    sheet.draw("rps", |at| series.rps.get(at).copied(), |v| axis.y(v));
}

/// Percentiles of each step's response times.
pub(super) fn percentiles(sheet: &mut Sheet<'_>) {
    let series = &sheet.document.series;
    let mut lists = vec![
        ("p999", "p99.9", &series.p999),
        ("p99", "p99", &series.p99),
        ("p90", "p90", &series.p90),
        ("p50", "p50", &series.p50),
    ];
    lists.retain(|(.., list)| list.iter().any(Option::is_some));
    let times = || lists.iter().flat_map(|(.., list)| list.iter().flatten());
    let (Some(least), Some(most)) = (times().min(), times().max()) else {
        return;
    };
    let keys: Vec<(&str, &str)> = lists.iter().map(|list| (list.0, list.1)).collect();
    sheet.title("Response time", &keys);
    let axis = sheet.log_frame(110.0, float(*least), float(*most));
    for (class, _, list) in lists {
        let time = |at: usize| list.get(at).copied().flatten().map(float);
        sheet.draw(class, time, |v| axis.y(v));
    }
}

/// Failures in each step; nothing if there were none.
pub(super) fn failures(sheet: &mut Sheet<'_>) {
    let series = &sheet.document.series;
    let most = series.failed.iter().copied().max().unwrap_or(0);
    if most == 0 {
        return;
    }
    sheet.title("Failures", &[]);
    let axis = sheet.frame(44.0, float(most), true);
    let begins = std::iter::once(0.0).chain(sheet.ends.clone());
    for ((from, end), failed) in begins.zip(sheet.ends.clone()).zip(&series.failed) {
        if *failed > 0 {
            let (left, right) = (sheet.x(from), sheet.x(end));
            let top = (left, axis.y(float(*failed)));
            let bottom = (right.max(left + 1.5), axis.bottom);
            sheet.canvas.rect("failed", top, bottom, "");
        }
    }
}

/// Users up, and requests in flight.
pub(super) fn users(sheet: &mut Sheet<'_>) {
    let series = &sheet.document.series;
    let all = series.users.iter().chain(&series.in_flight);
    let most = all.copied().max().unwrap_or(0);
    if most == 0 {
        return;
    }
    let mut keys = vec![("ready", "up")];
    if !series.in_flight.is_empty() {
        keys.push(("spec", "requests in flight"));
    }
    sheet.title("Users", &keys);
    let axis = sheet.frame(56.0, count(most), true);
    let up = |at| series.users.get(at).map(|n| count(*n));
    let in_flight = |at| series.in_flight.get(at).map(|n| count(*n));
    sheet.draw("ready", up, |v| axis.y(v));
    sheet.draw("spec", in_flight, |v| axis.y(v));
}

/// How evenly the pods were loaded, within a sliding window.
pub(super) fn fairness(sheet: &mut Sheet<'_>) {
    let series = &sheet.document.series;
    if sheet.document.pods.len() < 2 || series.fairness.iter().all(Option::is_none) {
        return;
    }
    let title = format!("Fairness in the last {} s", series.fairness_window_s);
    sheet.title(&title, &[]);
    let axis = sheet.frame(44.0, 1.0, false);
    let fairness = |at: usize| series.fairness.get(at).copied().flatten();
    sheet.draw("target", fairness, |v| axis.y(v));
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and microseconds of a run are far below 2^52"
)]
pub(super) fn float(number: u64) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a run are far below 2^52"
)]
pub(super) fn count(number: usize) -> f64 {
    number as f64
}
