//! What one snapshot only suggests, and a second one proves or refutes.

use std::time::Duration;

use super::broken::{Do, faults, pending, set_ready};
use super::found;
use super::world::{ago, busy, condition, healthy, pods, samples, scaler, space, target};
use crate::model::before;
use crate::quantity::Quantity;
use crate::snapshot::ClusterSnapshot;
use crate::spec::{CurrentMetric, MetricIdentifier, MetricSource, MetricSpec, MetricTarget};
use crate::units::Millicores;

/// The same snapshot, taken this much earlier, with samples that were older by as much.
pub(super) fn earlier(facts: &ClusterSnapshot, seconds: u64) -> ClusterSnapshot {
    let mut earlier = facts.clone();
    let span = Duration::from_secs(seconds);
    earlier.at = before(earlier.at, span);
    for sample in samples(&mut earlier) {
        sample.timestamp = before(sample.timestamp, span);
    }
    earlier
}

/// The same, without new samples since.
fn standing(facts: &ClusterSnapshot, seconds: u64) -> ClusterSnapshot {
    let mut earlier = earlier(facts, seconds);
    earlier.namespaces = facts.namespaces.clone();
    earlier
}

const UNDECIDED: [&str; 1] = ["needs-second-look"];
const NOTHING: [&str; 0] = [];

/// Samples that are this old by their nodes' clocks.
fn aged(seconds: u64) -> ClusterSnapshot {
    let mut facts = healthy();
    for sample in samples(&mut facts) {
        sample.timestamp = ago(seconds);
    }
    facts
}

#[test]
fn a_node_clock_that_is_minutes_behind_does_not_make_samples_stale_if_they_are_renewed() {
    let behind = aged(312);
    assert_eq!(faults(&behind), UNDECIDED);
    assert_eq!(found(&behind, Some(&earlier(&behind, 15))), NOTHING);
    assert_eq!(found(&behind, Some(&earlier(&behind, 60))), NOTHING);
}

#[test]
fn samples_are_stale_if_a_second_look_finds_the_same_ones_after_they_should_have_been_renewed() {
    let old = aged(312);
    assert_eq!(found(&old, Some(&standing(&old, 59))), UNDECIDED);
    assert_eq!(found(&old, Some(&standing(&old, 60)))[0], "metrics-stale");
    // The same pause and samples that are young by the clock.
    let young = aged(12);
    assert_eq!(found(&young, Some(&standing(&young, 60))), NOTHING);
}

#[test]
fn the_advice_says_how_long_to_wait_for_the_second_look() {
    let report = super::diagnose(&aged(312), None, &super::Assertions::default());
    let first = &report.autoscalers[0].findings[0];
    let advice = "Take a second snapshot: `hpa-check doctor --again 60s`.";
    assert_eq!((report.exit_code, first.fix.as_deref()), (93, Some(advice)));
}

/// One of five pods does all the work.
fn hot(which: usize) -> ClusterSnapshot {
    let mut facts = busy();
    for (n, sample) in samples(&mut facts).iter_mut().enumerate() {
        sample.containers[0].cpu = Some(Millicores(if n == which { 190 } else { 6 }));
    }
    facts
}

#[test]
fn one_hot_pod_must_be_the_same_pod_in_two_samples() {
    let now = hot(1);
    assert_eq!(faults(&now), UNDECIDED);
    assert_eq!(found(&now, Some(&earlier(&now, 30)))[0], "load-not-spread");
    assert_eq!(found(&now, Some(&earlier(&hot(2), 30))), NOTHING);
    assert_eq!(found(&now, Some(&earlier(&busy(), 30))), NOTHING);
}

#[test]
fn the_same_sample_read_twice_is_one_sample() {
    let now = hot(1);
    assert_eq!(found(&now, Some(&standing(&now, 5))), UNDECIDED);
}

/// A queue beside the CPU, which the controller could not read in its latest sync while it scaled on CPU.
pub(super) fn queue_fails() -> ClusterSnapshot {
    let mut facts = healthy();
    let object = &mut scaler(&mut facts).object;
    let name = "s1-prometheus".to_owned();
    object.spec.metrics.push(MetricSpec {
        source: MetricSource::External(MetricIdentifier {
            name,
            selector: None,
        }),
        target: MetricTarget::AverageValue(Quantity::from_milli(5_000)),
    });
    let cpu = CurrentMetric {
        average_utilization: Some(20),
        ..CurrentMetric::default()
    };
    let status = object.status.as_mut().unwrap();
    status.current_metrics = vec![cpu, CurrentMetric::default()];
    facts
}

#[test]
fn a_metric_that_fails_beside_one_that_works_is_a_fault_if_it_does_so_for_longer_than_a_restart() {
    let now = queue_fails();
    assert_eq!(faults(&now), UNDECIDED);
    assert_eq!(found(&now, Some(&earlier(&now, 30))), UNDECIDED);
    assert_eq!(found(&now, Some(&earlier(&now, 75)))[0], "metric-failed");
    let mut works = now.clone();
    let status = scaler(&mut works).object.status.as_mut().unwrap();
    status.current_metrics[1].average_value = Some(Quantity::from_milli(3_000));
    assert_eq!(faults(&works), NOTHING);
    assert_eq!(found(&now, Some(&earlier(&works, 75))), UNDECIDED);
}

#[test]
fn a_sample_that_is_missing_since_the_earlier_look_was_lost_with_one_scrape_of_its_node() {
    let mut now = healthy();
    let all = now.clone();
    samples(&mut now).pop();
    assert_eq!(found(&now, Some(&earlier(&all, 30))), NOTHING);
    assert_eq!(
        found(&now, Some(&earlier(&now, 30)))[0],
        "metrics-incomplete"
    );
}

#[test]
fn replicas_out_of_bounds_are_a_fault_only_if_the_controller_had_time_to_correct_them() {
    let mut out = busy();
    scaler(&mut out).object.spec.max_replicas = 4;
    let mut inside = out.clone();
    target(&mut inside).object.spec_replicas = 4;
    assert_eq!(found(&out, None), NOTHING);
    assert_eq!(found(&out, Some(&earlier(&inside, 30))), NOTHING);
    assert_eq!(found(&out, Some(&earlier(&out, 29))), NOTHING);
    assert_eq!(found(&out, Some(&earlier(&out, 30))), ["left-bounds"]);
}

/// A schedule writes `minReplicas`, as a cron scaler of autoscalers does.
#[test]
fn bounds_that_a_schedule_changed_between_two_looks_are_not_in_force_yet() {
    let mut raised = healthy();
    scaler(&mut raised).object.spec.min_replicas = Some(6);
    assert_eq!(found(&raised, None), NOTHING);
    assert_eq!(found(&raised, Some(&earlier(&healthy(), 60))), NOTHING);
    assert_eq!(found(&raised, Some(&earlier(&raised, 60))), ["left-bounds"]);
}

/// A pod without a request, and what becomes of it.
fn without_request(change: Do) -> Vec<String> {
    let mut facts = healthy();
    let mut old = super::world::pod("cart", 40);
    old.pod.containers[0].cpu_request = None;
    pods(&mut facts).push(old);
    change(&mut facts);
    faults(&facts)
}

#[test]
fn a_pod_without_a_request_that_is_being_deleted_stops_the_autoscaler_only_if_it_stays() {
    assert_eq!(without_request(|_| ())[0], "missing-cpu-request");
    let ends: Do = |f| pods(f).last_mut().unwrap().pod.deleting = true;
    assert_eq!(without_request(ends), NOTHING);
    let stays: Do = |f| {
        pods(f).last_mut().unwrap().pod.deleting = true;
        let says = "failed to get cpu utilization: missing request for cpu in container app of Pod cart-6d-40";
        super::world::refuse(f, "ScalingActive", "FailedGetResourceMetric", says);
        scaler(f).inactive_since = Some(ago(600));
    };
    assert_eq!(without_request(stays)[0], "missing-cpu-request");
}

#[test]
fn completed_pods_of_the_target_itself_are_to_be_deleted_and_those_of_a_job_to_be_labeled() {
    let advice = |owner: &str| {
        let mut facts = healthy();
        let mut done = super::world::pod("cart", 7);
        "Succeeded".clone_into(&mut done.pod.phase);
        done.pod.owner = Some(owner.to_owned());
        space(&mut facts).pods.as_mut().unwrap().push(done);
        let report = super::diagnose(&facts, None, &super::Assertions::default());
        let first = report.autoscalers[0].findings[0].clone();
        assert_eq!(first.id, "completed-pods-counted");
        first.fix.unwrap()
    };
    assert!(advice("ReplicaSet/cart-6d").starts_with("Delete them"));
    assert!(advice("Job/migrate").contains("ttlSecondsAfterFinished"));
}

/// A fault that one snapshot shows and a second one half a minute later proves, and what makes it certain at once.
#[track_caller]
fn proven_by_two(now: &ClusterSnapshot, before: &ClusterSnapshot, id: &str, certain: Do) {
    assert_eq!(faults(now), UNDECIDED, "{id}");
    assert_eq!(found(now, Some(&earlier(before, 30))), UNDECIDED, "{id}");
    assert_eq!(found(now, Some(&earlier(now, 30)))[0], id);
    let mut now = now.clone();
    certain(&mut now);
    assert_eq!(faults(&now)[0], id);
}

#[test]
fn an_image_that_could_not_be_pulled_once_may_be_pulled_at_the_next_attempt() {
    let mut now = healthy();
    pending(&mut now);
    let before = now.clone();
    let last = &mut pods(&mut now).last_mut().unwrap().pod;
    last.waiting = Some("ErrImagePull".to_owned());
    proven_by_two(&now, &before, "image-missing", |f| {
        let last = &mut pods(f).last_mut().unwrap().pod;
        last.waiting = Some("ImagePullBackOff".to_owned());
    });
}

#[test]
fn a_container_whose_secret_is_not_there_yet_may_be_created_at_the_next_attempt() {
    let mut now = healthy();
    pending(&mut now);
    let before = now.clone();
    let last = &mut pods(&mut now).last_mut().unwrap().pod;
    last.waiting = Some("CreateContainerConfigError".to_owned());
    proven_by_two(&now, &before, "pods-crash", |f| {
        pods(f).last_mut().unwrap().pod.life.created = Some(ago(130));
    });
}

#[test]
fn a_webhook_that_does_not_answer_may_be_restarting() {
    let mut now = healthy();
    pending(&mut now);
    pods(&mut now).pop();
    let object = &mut target(&mut now).object;
    (object.replicas, object.updated_replicas) = (3, 3);
    let mut before = now.clone();
    target(&mut before).object.spec_replicas = 3;
    let mut refused = condition("ReplicaFailure", "True", "FailedCreate");
    let says = "Internal error occurred: failed calling webhook \"inject.example.com\": connection refused";
    refused.message = says.into();
    target(&mut now).object.conditions.push(refused);
    proven_by_two(&now, &before, "pods-refused", |f| {
        let says = "admission webhook \"inject.example.com\" denied the request: no team label";
        let object = &mut target(f).object;
        object.conditions.last_mut().unwrap().message = says.into();
    });
}

#[test]
fn a_trigger_of_keda_that_failed_in_one_poll_may_answer_in_the_next() {
    let before = super::world::of_keda();
    let mut now = before.clone();
    let failing = super::world::scaled_object("cart", &[], &[("Ready", "False")]);
    space(&mut now).scaled_objects = vec![failing];
    proven_by_two(&now, &before, "scaled-object-not-ready", |f| {
        let says = "unable to get external metric: rpc error";
        super::world::refuse(f, "ScalingActive", "FailedGetExternalMetric", says);
        scaler(f).inactive_since = Some(ago(600));
    });
}

#[test]
fn the_slow_start_of_an_evicted_pods_successor_is_no_lack_of_pods() {
    let mut now = healthy();
    target(&mut now).object.ready_replicas = 2;
    let last = pods(&mut now).last_mut().unwrap();
    last.pod.started = Some(ago(200));
    super::broken::set_ready(last, "False", 200);
    last.pod.life.start_allowance = Some(Duration::from_mins(15));
    let mut evicted = super::broken::of_pod(("Evicted", "Evicted pod: node is drained", 210));
    "Pod/cart-6d-9".clone_into(&mut evicted.about);
    space(&mut now).events.push(evicted);
    assert_eq!(found(&now, None), ["pods-starting"]);
    pods(&mut now).last_mut().unwrap().pod.life.start_allowance = None;
    assert_eq!(found(&now, None)[0], "pods-evicted");
}

#[test]
fn pods_that_nobody_creates_are_a_fault_once_it_is_clear_that_nobody_will() {
    let mut now = healthy();
    let workload = target(&mut now);
    workload.object.spec_replicas = workload.object.replicas + 2;
    workload.created = Some(ago(7_200));
    let status = scaler(&mut now).object.status.as_mut().unwrap();
    status.last_scale = Some(ago(1_200));
    assert_eq!(faults(&now), UNDECIDED);
    assert_eq!(found(&now, Some(&earlier(&healthy(), 30))), UNDECIDED);
    assert_eq!(found(&now, Some(&earlier(&now, 30)))[0], "pods-not-created");
    let open: [(&str, Do); 3] = [
        ("scaled a minute ago", |f| {
            let status = scaler(f).object.status.as_mut().unwrap();
            status.last_scale = Some(ago(60));
        }),
        ("the last pod became ready a minute ago", |f| {
            set_ready(&mut pods(f)[0], "True", 60);
        }),
        ("a pod that may not count yet exists", |f| {
            let more = target(f).object.spec_replicas;
            target(f).object.replicas = more;
        }),
    ];
    for (what, change) in open {
        let mut now = now.clone();
        change(&mut now);
        let found = found(&now, Some(&earlier(&now, 30)));
        assert!(
            !found.contains(&"pods-not-created".to_owned()),
            "{what}: {found:?}"
        );
    }
}
