//! Three adjacent findings, and where each begins and ends. With ten pods of 100m and a target of 50 %, asking
//! for the tenth takes more than 450m of CPU use (nine pods at 50 %), and more than 495m from nine pods on,
//! because the tolerance of 10 % must be exceeded first.

use hpa_check_core::observation::Fact;
use hpa_check_core::units::Millicores;

use super::setup::capacity;
use super::world::healthy;

/// The first reason of a run with this CPU request, in millicores, on a node with this much CPU, under a load
/// that takes at most this much: announced beforehand, and at its peak.
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
fn a_request_is_too_high_if_all_available_cpu_can_not_ask_for_the_maximum() {
    for (request, node, expected) in [
        (100, 1000, "path-proven"),
        // Ten pods no longer fit; if they did, the load could ask for them.
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
fn the_limit_of_the_load_counts_like_the_capacity_of_the_node() {
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
fn a_load_that_ran_but_never_asked_for_the_maximum_is_too_weak() {
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
