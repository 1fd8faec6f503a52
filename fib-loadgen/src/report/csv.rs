//! The run over time as CSV, one row per step.

use std::fmt::Write as _;

use super::facts;
use crate::result::Document;

const HEAD: &str = "elapsed_s,phase,users,in_flight,offered_rps,rps,ok,failed,bytes,p50_us,p90_us,p99_us,p999_us,pods,fairness";

/// A header and one row for each step of the series; unknown values are empty.
pub(super) fn csv(document: &Document) -> String {
    let series = &document.series;
    let mut text = format!("{HEAD}\n");
    for (at, end) in series.ends().into_iter().enumerate() {
        let row = [
            format!("{end:.3}"),
            facts::phase_at(document, end - 1e-3).to_owned(),
            cell(&series.users, at),
            cell(&series.in_flight, at),
            maybe(&series.offered_rps, at),
            cell(&series.rps, at),
            cell(&series.ok, at),
            cell(&series.failed, at),
            cell(&series.bytes, at),
            maybe(&series.p50, at),
            maybe(&series.p90, at),
            maybe(&series.p99, at),
            maybe(&series.p999, at),
            cell(&series.pods, at),
            maybe(&series.fairness, at),
        ];
        // Writing to a String can't fail.
        let _ = writeln!(text, "{}", row.join(","));
    }
    text
}

fn cell<T: ToString>(list: &[T], at: usize) -> String {
    list.get(at).map(ToString::to_string).unwrap_or_default()
}

fn maybe<T: ToString>(list: &[Option<T>], at: usize) -> String {
    let value = list.get(at).and_then(Option::as_ref);
    value.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn every_row_has_a_cell_for_each_column_and_unknown_values_are_not_zero() {
        let text = csv(&fixture::passed());
        let columns = HEAD.split(',').count();
        assert!(
            text.lines().all(|row| row.split(',').count() == columns),
            "{text}"
        );
        assert!(
            text.lines().nth(1).unwrap().starts_with("1.000,hold,20,"),
            "{text}"
        );
    }

    #[test]
    fn a_document_without_the_newer_columns_leaves_them_empty() {
        let text = csv(&fixture::first());
        assert_eq!(text.lines().count(), 9);
        assert!(text.lines().nth(1).unwrap().ends_with(",1,"), "{text}");
    }
}
