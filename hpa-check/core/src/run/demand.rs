//! How much CPU the load must make the pods use for the autoscaler to ask for the maximum.

use crate::expectation::Expectation;
use crate::run::state::RunState;
use crate::units::Millicores;

/// The load at the maximum, in percent of what the target asks for. With tolerance, the maximum is kept down to
/// 90 %, so nearly a third of the load may be missing.
pub const MARGIN_PERCENT: i64 = 130;

/// The idle load, in percent of what the minimum carries at the target: too little to call for more pods, and
/// enough that draining pods have requests to lose.
const REST_PERCENT: i64 = 40;

/// The idle load is at most this share of the full load.
const MOST_REST: f64 = 0.1;

/// How much load a run needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Demand {
    /// What all pods together must use under full load for the autoscaler to ask for the maximum.
    pub height: Millicores,
    /// The idle load as a share of the full load.
    pub rest: f64,
}

/// What all pods together must use: under full load, the maximum at the asserted target plus the margin; when
/// idle, less than the minimum carries. `None` while no pod is known, or one has no CPU request.
pub fn of_run(state: &RunState, expectation: &Expectation) -> Option<Demand> {
    let request = state.request()?;
    let (max, target) = (expectation.max_replicas, expectation.cpu_target_percent);
    let at_target = request.0 * i64::from(max) * i64::from(target);
    let height = Millicores(at_target * MARGIN_PERCENT / 10_000);
    let mut least = (expectation.min_replicas, target);
    if let Some(spec) = state.spec() {
        least.0 = least.0.min(spec.effective_min());
        least.1 = least.1.min(spec.cpu_target_percent().unwrap_or(target));
    }
    Some(Demand {
        height,
        rest: rest_share(height, request, least),
    })
}

/// The idle load as a share of the full load `height`, for pods with this request, and a minimum with a CPU
/// target in percent.
#[expect(
    clippy::cast_precision_loss,
    reason = "a cluster has far less than 2^52 millicores"
)]
pub fn rest_share(height: Millicores, request: Millicores, (min, target): (i32, i32)) -> f64 {
    let carried = request.0 * i64::from(min) * i64::from(target) / 100;
    let rest = carried as f64 * REST_PERCENT as f64 / 100.0;
    (rest / height.0.max(1) as f64).min(MOST_REST)
}

/// The total use of all pods up to which this many pods are enough by the spec's target alone. `None` while the
/// CPU target or a pod's CPU request is unknown.
pub(crate) fn use_enough_for(state: &RunState, pods: i32) -> Option<Millicores> {
    let request = state.request()?.0;
    let target = i64::from(state.spec()?.cpu_target_percent()?);
    Some(Millicores(i64::from(pods) * request * target / 100))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{Observation, Pod, Seen};
    use crate::spec::ContainerResources;

    fn state(requests: &[Option<i64>]) -> RunState {
        let mut state = RunState::default();
        for (i, request) in requests.iter().enumerate() {
            let pod = Pod {
                name: format!("pod-{i}"),
                uid: i.to_string(),
                phase: "Running".to_owned(),
                deleting: false,
                started: None,
                ready: None,
                containers: vec![ContainerResources::cpu(
                    "fib",
                    request.map(Millicores),
                    None,
                )],
                ..Pod::default()
            };
            state.observe(&Observation {
                at: jiff::Timestamp::UNIX_EPOCH,
                seen: Seen::Pod(pod),
            });
        }
        state
    }

    #[test]
    fn ten_pods_of_100m_at_half_their_request_take_650m_with_the_margin() {
        let demand = of_run(&state(&[Some(100); 3]), &Expectation::default()).unwrap();
        assert_eq!(demand.height, Millicores(650));
    }

    #[test]
    fn the_idle_load_is_less_than_the_minimum_carries_for_any_bounds_and_target() {
        for (min, max, target) in [
            (3, 10, 50),
            (2, 20, 70),
            (1, 50, 80),
            (1, 2, 10),
            (20, 40, 35),
        ] {
            let expectation = Expectation {
                min_replicas: min,
                max_replicas: max,
                cpu_target_percent: target,
                ..Expectation::default()
            };
            let demand = of_run(&state(&[Some(100); 2]), &expectation).unwrap();
            let rest = demand.rest * f64::from(i32::try_from(demand.height.0).unwrap());
            let carried = f64::from(min * target);
            assert!(
                rest > 0.0 && rest <= carried * 0.4,
                "{min}..{max} at {target} %: {rest}m"
            );
        }
    }

    #[test]
    fn there_is_no_demand_while_no_pod_is_known_or_one_has_no_request() {
        let expectation = Expectation::default();
        assert_eq!(of_run(&state(&[]), &expectation), None);
        let one_without = state(&[Some(100), None]);
        assert_eq!(of_run(&one_without, &expectation), None);
    }
}
