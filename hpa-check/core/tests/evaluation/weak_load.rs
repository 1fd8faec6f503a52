//! A load that is too weak for a cluster: found early, but never in a run that can pass.

use hpa_check_core::verdict::Outcome;
use proptest::prelude::*;

use super::world::{World, in_a_cluster};

/// How many seconds a run took, and its outcome.
fn run(world: &World) -> (i64, Outcome, String) {
    let (recording, result) = world.run();
    let (first, last) = (recording.first().unwrap(), recording.last().unwrap());
    let reason = result.verdict.reasons[0].id.clone();
    let seconds = last.at.duration_since(first.at).as_secs();
    (seconds, result.verdict.outcome, reason)
}

#[test]
fn a_load_that_settles_below_the_maximum_ends_long_before_its_deadline_with_the_same_reason() {
    let mut world = World {
        high: 380,
        ..in_a_cluster()
    };
    world.expectation.patience = std::time::Duration::from_mins(5);
    let (early, outcome, reason) = run(&world);
    assert_eq!(
        (outcome, reason.as_str()),
        (Outcome::Inconclusive, "load-too-weak")
    );
    world.steady = false;
    let (late, outcome, reason) = run(&world);
    assert_eq!(
        (outcome, reason.as_str()),
        (Outcome::Inconclusive, "load-too-weak")
    );
    assert!(early + 200 < late, "{early} s, {late} s");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_run_that_passes_when_it_is_waited_for_is_never_ended_early(
        high in 350_i64..700,
        wobble in 0_i64..20,
        pod_start in 1000_i64..40_000,
        patience in 10_u64..600,
    ) {
        let mut world = World { high, wobble, pod_start, steady: false, ..in_a_cluster() };
        world.expectation.patience = std::time::Duration::from_secs(patience);
        let (_, waited, _) = run(&world);
        world.steady = true;
        let (_, ended, reason) = run(&world);
        if waited == Outcome::Pass {
            prop_assert_eq!(ended, Outcome::Pass, "{}", reason);
        }
    }
}
