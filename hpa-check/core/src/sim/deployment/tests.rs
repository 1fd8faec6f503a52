use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn deployment(replicas: i32, quota: Option<i32>) -> Deployment {
    let template = ContainerResources::cpu("fib-server", None, None);
    Deployment::new("Deployment", "fib-server", template, replicas, quota, true)
}

fn names(orders: &[Order]) -> Vec<&str> {
    orders
        .iter()
        .map(|order| match order {
            Order::Start(name) | Order::Stop(name) => name.as_str(),
        })
        .collect()
}

fn all_ready(deployment: &mut Deployment) {
    for pod in deployment.pods.clone() {
        deployment.ready(&pod.name, true, NOW);
    }
}

#[test]
fn exactly_as_many_pods_are_started_as_the_spec_says() {
    let mut d = deployment(3, None);
    assert_eq!(d.reconcile(NOW).len(), 3);
    assert!(d.reconcile(NOW).is_empty());
}

#[test]
fn the_youngest_pods_are_deleted_first() {
    let mut d = deployment(4, None);
    d.reconcile(NOW);
    all_ready(&mut d);
    d.scale(2, "test", NOW);
    assert_eq!(names(&d.reconcile(NOW)), ["fib-server-04", "fib-server-03"]);
}

#[test]
fn an_unready_pod_is_deleted_before_a_younger_ready_one() {
    let mut d = deployment(3, None);
    d.reconcile(NOW);
    all_ready(&mut d);
    d.ready("fib-server-01", false, NOW);
    d.scale(2, "test", NOW);
    assert_eq!(names(&d.reconcile(NOW)), ["fib-server-01"]);
}

#[test]
fn a_terminating_pod_is_no_longer_a_ready_replica() {
    let mut d = deployment(2, None);
    d.reconcile(NOW);
    all_ready(&mut d);
    d.scale(1, "test", NOW);
    d.reconcile(NOW);
    let target = d.target();
    assert_eq!((target.replicas, target.ready_replicas), (1, 1));
    assert_eq!(d.pods.len(), 2);
}

#[test]
fn a_quota_limits_the_pods_and_shows_in_condition_and_event() {
    let mut d = deployment(3, Some(2));
    assert_eq!(d.reconcile(NOW).len(), 2);
    assert!(d.reconcile(NOW).is_empty());
    assert_eq!(d.target().conditions[0].kind, "ReplicaFailure");
    let events = d
        .take_changes()
        .into_iter()
        .filter(|seen| matches!(seen, Seen::Event(e) if e.message.contains("exceeded quota")))
        .count();
    assert_eq!(events, 1, "the event is emitted once, not at every attempt");
}

#[test]
fn each_change_of_the_replicas_raises_the_generation_by_one() {
    let mut d = deployment(3, None);
    d.scale(3, "test", NOW);
    d.scale(7, "test", NOW);
    assert_eq!(d.target().generation, Some(2));
    assert_eq!(d.target().replicas_writer.unwrap().manager, "test");
}

#[test]
fn no_change_is_reported_twice() {
    let mut d = deployment(1, None);
    d.reconcile(NOW);
    assert!(!d.take_changes().is_empty());
    d.ready("fib-server-01", false, NOW);
    assert!(d.take_changes().is_empty());
}
