//! A big cluster is diagnosed quickly.

use std::time::{Duration, Instant};

use super::super::{Assertions, diagnose};
use super::world::{autoscaler, facts, pod, sample};
use crate::snapshot::{ClusterSnapshot, Namespace};

/// All in one namespace, the worst case: selectors are matched within a namespace.
fn big(autoscalers: usize, pods_each: usize) -> ClusterSnapshot {
    let mut space = Namespace {
        pods: Some(Vec::new()),
        samples: Some(Ok(Vec::new())),
        ..Namespace::default()
    };
    for n in 0..autoscalers {
        let name = format!("app{n}");
        space.autoscalers.push(autoscaler(&name, 10));
        let pods = (0..pods_each).map(|p| pod(&name, p));
        space.pods.as_mut().unwrap().extend(pods);
        let samples = (0..pods_each).map(|p| sample(&name, p, 45));
        space
            .samples
            .as_mut()
            .unwrap()
            .as_mut()
            .unwrap()
            .extend(samples);
        space.owners.insert(
            format!("ReplicaSet/{name}-6d"),
            format!("Deployment/{name}"),
        );
    }
    let mut facts = facts(space);
    facts.room = None;
    facts
}

/// In a debug build on a busy machine this takes well under a second. Matching every selector against every pod
/// would take minutes.
#[test]
#[expect(clippy::disallowed_methods, reason = "a measurement, not a decision")]
fn a_thousand_autoscalers_and_ten_thousand_pods_take_seconds_at_most() {
    let facts = big(1_000, 10);
    let begun = Instant::now();
    let report = diagnose(&facts, None, &Assertions::default());
    let took = begun.elapsed();
    assert_eq!((report.autoscalers.len(), report.pods), (1_000, 10_000));
    assert_eq!(report.exit_code, 0);
    assert!(took < Duration::from_secs(5), "took {took:?}");
}
