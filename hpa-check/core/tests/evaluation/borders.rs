//! Three findings that border on each other, and where each begins and ends: at ten pods of 100m and
//! a target of 50 %, asking for the tenth takes more than 450m of CPU use (nine pods at 50 %), and
//! more than 495m from nine pods on, where the tolerance of 10 % has to be left behind first.

use hpa_check_core::observation::Fact;
use hpa_check_core::units::Millicores;

use super::setup::capacity;
use super::world::healthy;

/// The first reason at a request of that many millicores, of pods on a node with that much CPU,
/// under a load that takes that much: at most, as told beforehand, and at its height.
fn first_reason(request: i64, node: i64, at_most: Option<i64>, high: i64) -> String {
    let mut world = healthy();
    world.request = Some(request);
    world.facts = vec![capacity(node)];
    world.facts.extend(at_most.map(|most| Fact::LoadLimit {
        total: Millicores(most),
        how: "the load's plan".into(),
    }));
    (world.high, world.rest, world.after) = (high, high / 20, high / 20);
    world.result().verdict.reasons[0].id.clone()
}

#[test]
fn a_request_is_too_high_where_all_the_cpu_there_is_can_t_ask_for_the_maximum() {
    for (request, node, expected) in [
        (100, 1000, "path-proven"),
        // Ten pods no longer fit; but if they did, the load could ask for them.
        (101, 1000, "capacity-too-small"),
        (222, 1000, "capacity-too-small"),
        // 9 × 223m × 50 % = 1003m.
        (223, 1000, "cpu-request-too-high"),
        (2000, 1000, "cpu-request-too-high"),
    ] {
        let found = first_reason(request, node, None, 6 * request.min(150));
        assert_eq!(found, expected, "request {request}m on {node}m");
    }
}

#[test]
fn what_the_load_is_limited_to_counts_as_what_the_node_has() {
    for (request, at_most, expected) in [
        (100, 451, "path-proven"),
        (100, 450, "cpu-request-too-high"),
        (101, 451, "cpu-request-too-high"),
    ] {
        let found = first_reason(request, 4000, Some(at_most), 650);
        assert_eq!(found, expected, "request {request}m, load up to {at_most}m");
    }
}

#[test]
fn a_load_is_too_weak_where_it_was_there_and_never_asked_for_the_maximum() {
    for (high, expected) in [
        (300, "load-too-weak"),
        (440, "load-too-weak"),
        // Six pods use 76 % and more: ceil(6 × 76 / 50) = 10.
        (460, "path-proven"),
        (650, "path-proven"),
    ] {
        assert_eq!(
            first_reason(100, 1000, None, high),
            expected,
            "load of {high}m"
        );
    }
}
