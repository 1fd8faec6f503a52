//! A second owner that works on a schedule, as a cron scaler does: it writes the target's replicas, or the
//! autoscaler's bounds, while the run watches.

use hpa_check_core::observation::{FieldManager, Observation, Seen};
use hpa_check_core::verdict::{Outcome, Verdict};

use super::world::{World, at, healthy, replay};

const CRON: &str = "kubernetes-cronhpa-controller";

/// The verdict on a healthy run whose observations from second 20 on, while it scales up, are changed.
fn with(world: &World, change: impl Fn(&mut Seen)) -> Verdict {
    let (mut recording, _) = world.run();
    let later = recording.iter_mut().filter(|o| o.at >= at(20_000));
    later.for_each(|observation| change(&mut observation.seen));
    replay(&world.expectation, &recording).verdict
}

/// The schedule raises the minimum.
fn raised(seen: &mut Seen) {
    if let Seen::Autoscaler(autoscaler) = seen {
        autoscaler.spec.min_replicas = Some(5);
    }
}

fn first(verdict: &Verdict) -> (&str, Outcome) {
    let first = &verdict.reasons[0];
    (first.id.as_str(), first.outcome)
}

#[test]
fn bounds_that_a_schedule_changes_are_a_fault_only_if_others_are_asserted() {
    let asserted = healthy();
    let verdict = with(&asserted, raised);
    assert_eq!(first(&verdict), ("spec-bounds-differ", Outcome::Wrong));
    let mut from_spec = healthy();
    from_spec.expectation.own.min_replicas = true;
    from_spec.expectation.own.max_replicas = true;
    let verdict = with(&from_spec, raised);
    assert_eq!(first(&verdict), ("spec-changed", Outcome::Inconclusive));
    assert_eq!(with(&from_spec, |_| ()).outcome, Outcome::Pass);
}

/// The recording of a healthy run, in which the schedule is the last writer of the replicas in second 20, and
/// sets them to what `size` makes of them.
fn written(size: fn(i32) -> i32) -> Verdict {
    let world = healthy();
    let (mut recording, _) = world.run();
    let position = recording.iter().position(|o| o.at >= at(20_000)).unwrap();
    let of_target = |o: &&Observation| matches!(o.seen, Seen::Target(_));
    let mut seen = recording[..position]
        .iter()
        .rfind(of_target)
        .unwrap()
        .seen
        .clone();
    let before = seen.clone();
    if let Seen::Target(target) = &mut seen {
        target.spec_replicas = size(target.spec_replicas);
        let manager = CRON.to_owned();
        let writer = FieldManager {
            manager,
            at: Some(at(20_000)),
        };
        target.replicas_writer = Some(writer);
    }
    let then = at(20_000);
    recording.insert(position, Observation { at: then, seen });
    recording.insert(
        position + 1,
        Observation {
            at: then,
            seen: before,
        },
    );
    replay(&world.expectation, &recording).verdict
}

#[test]
fn replicas_that_a_schedule_writes_during_a_run_are_another_owners_and_the_same_number_is_not() {
    let verdict = written(|replicas| replicas - 1);
    assert_eq!(
        first(&verdict),
        ("replicas-moved-by-another", Outcome::Wrong)
    );
    assert!(verdict.reasons[0].message.contains(CRON), "{verdict:#?}");
    let same = written(|replicas| replicas);
    assert_eq!(same.outcome, Outcome::Pass, "{same:#?}");
}
