//! Runs in which the autoscaler, its rivals or the service did wrong.

use std::time::Duration;

use hpa_check_core::observation::{Observation, Seen};
use hpa_check_core::run::conductor::LoadSchedule;

use super::pairs::{Pair, beside, pair};
use super::setup::of_container;
use super::world::{Fate, World, at, healthy, in_a_cluster, replay};

pub(crate) fn pairs() -> Vec<Pair> {
    vec![
        pair("replicas-moved-by-another", |w| {
            w.rival = Some((4, "argocd-controller"));
        }),
        beside(with_sidecar("fib-server"), "metric-container-idle", |w| {
            *w = with_sidecar("proxy");
        }),
        pair("wrong-answers", |w| w.account.wrong = 1),
        beside(
            World {
                hot: 20,
                ..healthy()
            },
            "load-not-spread",
            |w| w.hot = 96,
        ),
        pair("left-bounds", |w| {
            w.decide = |_, wanted| if wanted == 10 { 12 } else { wanted };
        }),
        // Shorter than a sync period, and longer.
        beside(late_load(), "minimum-not-held", |w| {
            w.fate = |n| second_pod(n, Fate::Pauses(12, 15));
        }),
        // The owner of a custom resource, read through `/scale`, sets its own replica count again.
        beside(custom_resource(), "replicas-moved-by-another", |w| {
            w.rival = Some((2, "flink-operator"));
        }),
        // The same because of a node or a readiness gate, and a rollout that deletes a pod before it creates the next.
        beside(late_load(), "readiness-withdrawn", |w| {
            w.fate = |n| second_pod(n, Fate::Pauses(12, 15));
            w.unready = Some("ReadinessGatesNotReady");
        }),
        beside(
            World {
                rollout: Some(12),
                fate: |_| Fate::Serves,
                ..late_load()
            },
            "rollout-below-minimum",
            |w| (w.max_unavailable, w.pod_start) = (1, 4000),
        ),
        // Most pods fail their probes under load: for less than a sync period, and for longer.
        beside(
            World {
                fate: |n| most_pods(n, Fate::Pauses(25, 27)),
                ..healthy()
            },
            "readiness-fails-under-load",
            |w| w.fate = |n| most_pods(n, Fate::Pauses(25, 30)),
        ),
        // A rollout that is late but completes, and one whose last pods wait for a volume.
        beside(
            World {
                stalled: true,
                ..healthy()
            },
            "rollout-stuck",
            |w| {
                w.fate = |n| {
                    if n > 6 {
                        Fate::Waits("ContainerCreating")
                    } else {
                        Fate::Serves
                    }
                }
            },
        ),
        // It forgets the window as soon as the current metric asks for fewer replicas.
        beside(in_a_cluster(), "scale-down-too-early", |w| {
            w.decide = |current, wanted| match (current, wanted) {
                (10, 10) => 5,
                _ => wanted,
            };
        }),
        pair("scale-up-missing", |w| {
            w.decide = |current, wanted| wanted.min(current);
        }),
        // It scales down in steps of one, though no policy says so.
        pair("decision-unexplained", |w| {
            w.decide = |current, wanted| wanted.max(current - 1);
        }),
        // Only the window keeps a fluctuating load from moving the replicas each time.
        beside(swinging(), "flapping", |w| {
            w.controller.downscale_stabilization = Duration::ZERO;
        }),
        pair("failed-requests", |w| w.account.failed = 7),
        // Two syncs are skipped, or all of them.
        beside(
            World {
                stands_still: Some((55, 80)),
                ..in_a_cluster()
            },
            "scale-up-too-late",
            |w| w.stands_still = Some((55, 1200)),
        ),
        beside(
            World {
                stands_still: Some((51, 60)),
                ..healthy()
            },
            "scale-down-missing",
            |w| w.stands_still = Some((51, 400)),
        ),
        pair("scale-down-missing", |w| {
            w.decide = |current, wanted| wanted.max(current);
        }),
    ]
}

fn custom_resource() -> World {
    let mut world = World {
        generation: false,
        ..healthy()
    };
    let reference = &mut world.spec.scale_target_ref;
    reference.api_version = "flink.apache.org/v1beta1".into();
    reference.kind = "FlinkDeployment".into();
    world
}

/// A sidecar idles next to the container that does the work, and the metric covers one of the two.
fn with_sidecar(measured: &str) -> World {
    let mut world = World {
        sidecar: Some("proxy"),
        ..healthy()
    };
    of_container(&mut world, measured);
    world
}

pub(crate) fn second_pod(pod: usize, fate: Fate) -> Fate {
    if pod == 2 { fate } else { Fate::Serves }
}

fn most_pods(pod: usize, fate: Fate) -> Fate {
    if pod <= 8 { fate } else { Fate::Serves }
}

/// The load begins late enough for something to happen at rest.
pub(crate) fn late_load() -> World {
    World {
        pace: LoadSchedule::Planned {
            up: Duration::from_secs(14),
            down: Duration::from_secs(54),
            end: Duration::from_secs(100),
        },
        fate: |n| second_pod(n, Fate::Pauses(12, 14)),
        ..healthy()
    }
}

/// The load alternates every nine seconds, and the window is longer than that.
fn swinging() -> World {
    let mut world = World {
        swing: Some(9),
        pace: LoadSchedule::Planned {
            up: Duration::from_secs(4),
            down: Duration::from_secs(67),
            end: Duration::from_secs(130),
        },
        ..healthy()
    };
    world.controller.downscale_stabilization = Duration::from_secs(21);
    world
}

#[test]
fn the_writer_that_moved_the_replicas_is_named() {
    let world = World {
        rival: Some((4, "argocd-controller")),
        ..healthy()
    };
    let message = &world.result().verdict.reasons[0].message;
    assert!(message.contains("argocd-controller"), "{message}");
}

/// The findings of a run whose maximum becomes 8 in second 30, if ten replicas are still observed this much
/// later.
fn after_a_lower_maximum(later: i64) -> Vec<String> {
    let world = healthy();
    let (recording, _) = world.run();
    let mut heard: Vec<Observation> = recording
        .into_iter()
        .filter(|o| o.at < at(30_000))
        .collect();
    let last =
        |pick: fn(&Seen) -> bool| heard.iter().rfind(|o| pick(&o.seen)).unwrap().seen.clone();
    let (mut autoscaler, mut target) = (
        last(|s| matches!(s, Seen::Autoscaler(_))),
        last(|s| matches!(s, Seen::Target(_))),
    );
    if let (Seen::Autoscaler(autoscaler), Seen::Target(target)) = (&mut autoscaler, &mut target) {
        autoscaler.spec.max_replicas = 8;
        target.updated_replicas -= 1;
    }
    for (ms, seen) in [(30_000, autoscaler), (30_000 + later, target)] {
        heard.push(Observation { at: at(ms), seen });
    }
    let reasons = replay(&world.expectation, &heard).verdict.reasons;
    reasons.into_iter().map(|reason| reason.id).collect()
}

#[test]
fn replicas_above_a_maximum_that_was_just_lowered_are_not_outside_the_bounds() {
    let left = |later| after_a_lower_maximum(later).contains(&"left-bounds".to_owned());
    assert!(!left(500));
    assert!(left(10_000));
}
