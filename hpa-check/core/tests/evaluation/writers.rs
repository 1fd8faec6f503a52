//! Who wrote the replicas: the controller runs under several names, and not every write is recorded.

use hpa_check_core::observation::{FieldManager, Observation, Seen};
use hpa_check_core::verdict::Outcome;

use super::pairs::{Pair, beside};
use super::world::{World, at, healthy, replay};

pub(crate) fn pairs() -> Vec<Pair> {
    vec![
        beside(in_k3s(), "replicas-moved-by-another", |w| {
            w.rival = Some((4, "argocd-controller"));
        }),
        beside(replica_set(), "replicas-moved-by-another", |w| {
            w.rival = Some((2, "kube-controller-manager"));
        }),
        beside(rollout(), "replicas-moved-by-another", |w| {
            w.rival = Some((2, "flink-operator"));
        }),
    ]
}

/// A ReplicaSet of its own, or one of a Deployment, which sets its replicas under the same name.
fn replica_set() -> World {
    let mut world = World {
        owner: |_| "ReplicaSet/fib-server",
        ..healthy()
    };
    world.spec.scale_target_ref.kind = "ReplicaSet".into();
    world
}

/// k3s runs the controller in its own process.
fn in_k3s() -> World {
    World {
        manager: "k3s",
        ..healthy()
    }
}

/// A custom resource that Helm applied.
fn rollout() -> World {
    let mut world = World {
        generation: false,
        applier: Some("helm"),
        ..healthy()
    };
    world.spec.scale_target_ref.api_version = "argoproj.io/v1alpha1".into();
    world.spec.scale_target_ref.kind = "Rollout".into();
    world
}

/// The API server rejected the status of each sync that scaled.
#[test]
fn scalings_without_a_status_are_the_controllers_under_any_name_and_for_any_kind() {
    for world in [healthy(), in_k3s(), rollout()] {
        let (recording, _) = world.run();
        let scales = |o: &&Observation| match &o.seen {
            Seen::Autoscaler(a) => a
                .status
                .as_ref()
                .is_none_or(|s| s.current_replicas == Some(s.desired_replicas)),
            _ => true,
        };
        let heard: Vec<Observation> = recording.iter().filter(scales).cloned().collect();
        let verdict = replay(&world.expectation, &heard).verdict;
        let kind = &world.spec.scale_target_ref.kind;
        let manager = world.manager;
        assert!(
            matches!(verdict.outcome, Outcome::Pass | Outcome::Inconclusive),
            "{kind} {manager}: {verdict:#?}"
        );
    }
}

/// A deployment sets the replicas that the run starts from: once before it is at rest, or again after that.
#[test]
fn replicas_that_somebody_sets_once_before_the_run_is_at_rest_are_not_moved() {
    let world = healthy();
    let (recording, _) = world.run();
    let findings = |after_rest: bool| {
        let mut heard = recording.clone();
        let target = |o: &&Observation| matches!(o.seen, Seen::Target(_));
        let mut earlier = heard.iter().find(target).unwrap().clone();
        if let Seen::Target(target) = &mut earlier.seen {
            target.spec_replicas = 1;
            target.generation = Some(0);
        }
        for observation in heard.iter_mut().filter(|o| o.at < at(12_000)) {
            if let Seen::Target(target) = &mut observation.seen {
                target.replicas_writer = Some(FieldManager {
                    manager: "helm".into(),
                    at: Some(at(0)),
                });
            }
        }
        if after_rest {
            let mut later = heard
                .iter()
                .rfind(|o| o.at < at(10_000) && target(o))
                .unwrap()
                .clone();
            if let Seen::Target(target) = &mut later.seen {
                target.spec_replicas = 4;
                target.replicas_writer.as_mut().unwrap().at = Some(at(10_000));
            }
            let position = heard.iter().position(|o| o.at >= at(10_000)).unwrap();
            later.at = at(10_000);
            heard.insert(position, later);
        }
        let first = heard.iter().position(|o| target(&o)).unwrap();
        heard.insert(first, earlier);
        let reasons = replay(&world.expectation, &heard).verdict.reasons;
        reasons.into_iter().map(|r| r.id).collect::<Vec<_>>()
    };
    let moved = "replicas-moved-by-another".to_owned();
    assert!(!findings(false).contains(&moved));
    assert!(findings(true).contains(&moved));
}
