//! The custom and external metrics that the controller read. Its status shows them; if the metrics API gave
//! this tool the same value at about that time, the API's exact answer is used.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{after, before};
use crate::observation::{AutoscalerStatus, MetricAnswer, MetricReading};
use crate::quantity::Quantity;
use crate::run::state::RunState;
use crate::spec::{AutoscalerSpec, CurrentMetric, MetricSpec};

/// The custom and external metrics of one sync at an unknown instant of a span. `observed` is the possible
/// number of pods that the target counted.
pub(super) fn at_a_sync(
    spec: &AutoscalerSpec,
    status: &AutoscalerStatus,
    (from, until): (Timestamp, Timestamp),
    observed: &[i32],
    state: &RunState,
) -> Vec<MetricReading> {
    let period = state.setting.as_ref().map_or(Duration::ZERO, |s| {
        s.metrics_resolution.max(s.controller.sync_period)
    });
    let (from, until) = (before(from, period), after(until, period));
    let seen = |metric: &MetricSpec| {
        let all = state.custom.iter().rev();
        let near = all.filter(move |(at, _)| from <= *at && *at <= until);
        near.map(|(_, reading)| reading)
            .filter(|reading| reading.metric == metric.source)
            .map(|reading| &reading.answer)
            .collect::<Vec<_>>()
    };
    let values = spec.metrics.iter().zip(&status.current_metrics);
    let others = values.filter(|(spec, _)| spec.resource().is_none());
    others
        .map(|(metric, current)| MetricReading {
            metric: metric.source.clone(),
            answer: answer(&seen(metric), *current, observed),
        })
        .collect()
}

fn answer(seen: &[&MetricAnswer], current: CurrentMetric, observed: &[i32]) -> MetricAnswer {
    let mut seen = seen.iter().copied();
    if current.is_empty() {
        let error = seen.find(|answer| matches!(answer, MetricAnswer::Error(_)));
        let said = || MetricAnswer::Error("the status says that it failed".to_owned());
        return error.cloned().unwrap_or_else(said);
    }
    let same = seen.find(|answer| shows(answer, current, observed));
    same.cloned().unwrap_or(MetricAnswer::Status(current))
}

/// Whether the controller would have written this value for that answer.
fn shows(answer: &MetricAnswer, current: CurrentMetric, observed: &[i32]) -> bool {
    let MetricAnswer::Values(values) = answer else {
        // The model decides which pods count; the status has their average.
        return false;
    };
    let total: i128 = values.iter().map(|v| i128::from(v.milli())).sum();
    let is = |amount: Quantity, expected: i128| i128::from(amount.milli()) == expected;
    match (current.value, current.average_value) {
        (Some(value), _) => is(value, total),
        (None, Some(average)) => observed.iter().filter(|n| **n > 0).any(|n| {
            let n = i128::from(*n);
            // Rounded up, as `GetExternalPerPodMetricReplicas` does.
            is(average, (total + n - 1).div_euclid(n))
        }),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    fn average(text: &str) -> CurrentMetric {
        CurrentMetric {
            average_value: Some(amount(text)),
            ..CurrentMetric::default()
        }
    }

    #[test]
    fn an_answer_that_matches_the_status_is_used_and_any_other_is_not() {
        let (api, other) = (
            MetricAnswer::Values(vec![amount("400"), amount("200")]),
            MetricAnswer::Values(vec![amount("7")]),
        );
        let shown = average("150");
        assert_eq!(answer(&[&other, &api], shown, &[3, 4]), api);
        assert_eq!(answer(&[&other], shown, &[4]), MetricAnswer::Status(shown));
        assert_eq!(answer(&[&api], shown, &[3]), MetricAnswer::Status(shown));
    }

    #[test]
    fn a_failed_metric_is_reported_with_the_apis_own_error() {
        let error = MetricAnswer::Error("no adapter".to_owned());
        assert_eq!(answer(&[&error], CurrentMetric::default(), &[3]), error);
    }
}
