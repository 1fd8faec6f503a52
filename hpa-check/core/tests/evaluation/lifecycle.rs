//! Pods that are replaced, evicted or created again while the run watches.

use std::time::Duration;

use hpa_check_core::observation::{Life, Observation, Ready, Seen};
use hpa_check_core::run::conductor::LoadSchedule;

use super::pairs::{Pair, beside};
use super::world::{Fate, World, at, healthy, in_a_cluster, replay};
use super::wrong::late_load;

pub(crate) fn pairs() -> Vec<Pair> {
    let replaced = |kind: &str| {
        let mut world = World {
            fate: |_| Fate::Serves,
            ..late_load()
        };
        world.spec.scale_target_ref.kind = kind.into();
        if kind == "CloneSet" {
            world.spec.scale_target_ref.api_version = "apps.kruise.io/v1alpha1".into();
        }
        world.owner = |_| "StatefulSet/fib-server";
        world
    };
    vec![
        beside(replaced("StatefulSet"), "rollout-below-minimum", roll),
        beside(replaced("CloneSet"), "rollout-below-minimum", roll),
        beside(
            World {
                evicted: Some((12, 2)),
                fate: |_| Fate::Serves,
                ..late_load()
            },
            "pods-evicted",
            |w| w.pod_start = 4000,
        ),
        // The same swings in half an hour each, and in two minutes.
        beside(busy_hours(), "flapping", |w| {
            w.swing = Some(120);
            w.controller.downscale_stabilization = Duration::ZERO;
        }),
    ]
}

/// One pod after the other is replaced, and the last of them starts the slowest.
fn roll(world: &mut World) {
    world.rollout = Some(4);
    (world.max_unavailable, world.max_surge) = (1, 0);
    world.pod_start = 3000;
    world.fate = |n| {
        if n == 6 {
            Fate::Late(2000)
        } else {
            Fate::Serves
        }
    };
}

/// A real load with a peak every half an hour.
fn busy_hours() -> World {
    World {
        swing: Some(1800),
        pace: LoadSchedule::Planned {
            up: Duration::from_mins(2),
            down: Duration::from_mins(242),
            end: Duration::from_mins(260),
        },
        longest: 16_000,
        ..in_a_cluster()
    }
}

#[test]
fn a_target_that_was_created_again_has_not_left_the_bounds_until_the_controller_had_time() {
    let world = healthy();
    let (recording, _) = world.run();
    let findings = |later: i64| {
        let mut heard: Vec<Observation> = recording
            .iter()
            .filter(|o| o.at < at(30_000))
            .cloned()
            .collect();
        let of_target = |o: &&Observation| matches!(o.seen, Seen::Target(_));
        let mut seen = heard.iter().rfind(of_target).unwrap().seen.clone();
        if let Seen::Target(target) = &mut seen {
            target.uid = "another".into();
            target.spec_replicas = 1;
        }
        let mut same = seen.clone();
        if let Seen::Target(target) = &mut same {
            target.ready_replicas = 1;
        }
        for (ms, seen) in [(30_000, seen), (30_000 + later, same)] {
            heard.push(Observation { at: at(ms), seen });
        }
        let reasons = replay(&world.expectation, &heard).verdict.reasons;
        reasons.into_iter().map(|r| r.id).collect::<Vec<_>>()
    };
    assert!(!findings(3_000).contains(&"left-bounds".to_owned()));
    assert!(findings(9_000).contains(&"left-bounds".to_owned()));
}

/// The kubelet reports a killed container before its restart: it was no probe.
#[test]
fn a_container_that_ended_did_not_fail_its_readiness_probe() {
    let reason = |exits: bool| {
        let world = World {
            fate: |n| {
                if n <= 8 {
                    Fate::Pauses(25, 30)
                } else {
                    Fate::Serves
                }
            },
            ..healthy()
        };
        let (mut recording, _) = world.run();
        for observation in &mut recording {
            let Seen::Pod(pod) = &mut observation.seen else {
                continue;
            };
            let unready = matches!(&pod.ready, Some(Ready { status, since: Some(since) })
                if status == "False" && *since >= at(25_000));
            if exits && (unready || observation.at >= at(30_000)) && pod.phase == "Running" {
                *pod.life = Life {
                    last_exit: Some(at(25_000)),
                    ..Life::default()
                };
                pod.restarts = i32::from(!unready);
            }
        }
        replay(&world.expectation, &recording).verdict.reasons[0]
            .id
            .clone()
    };
    assert_eq!(reason(false), "readiness-fails-under-load");
    assert_ne!(reason(true), "readiness-fails-under-load");
}
