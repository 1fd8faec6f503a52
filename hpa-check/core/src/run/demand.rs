//! How much CPU the load has to make the pods use, so that the autoscaler asks for the maximum.

use crate::expectation::Expectation;
use crate::run::state::RunState;
use crate::units::Millicores;

/// How far the load is above the target, in percent, when the maximum carries it. The maximum is held
/// down to 90 (tolerance), so a third of the load may be missing before it is not.
pub const MARGIN_PERCENT: i64 = 130;

/// What all pods together have to use: the maximum at the asserted target, with the margin. `None`
/// while no pod is seen, or one has no CPU request.
pub fn for_the_maximum(state: &RunState, expectation: &Expectation) -> Option<Millicores> {
    let request = state.request()?;
    let (max, target) = (expectation.max_replicas, expectation.cpu_target_percent);
    let at_target = request.0 * i64::from(max) * i64::from(target);
    Some(Millicores(at_target * MARGIN_PERCENT / 10_000))
}

/// Use, all pods together, up to which that many pods are enough by the spec's target alone. `None`
/// while a CPU target or a pod's CPU request is not known.
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
        let demand = for_the_maximum(&state(&[Some(100); 3]), &Expectation::default());
        assert_eq!(demand, Some(Millicores(650)));
    }

    #[test]
    fn nothing_can_be_said_while_a_pod_has_no_request_or_none_is_seen() {
        let expectation = Expectation::default();
        assert_eq!(for_the_maximum(&state(&[]), &expectation), None);
        let one_without = state(&[Some(100), None]);
        assert_eq!(for_the_maximum(&one_without, &expectation), None);
    }
}
