//! What keeps pods from being made: quotas, admission, the nodes.

use super::super::facts::Quota;
use super::super::patient::Patient;
use crate::findings::Evidence;

/// The API server's words when it refuses a pod: a condition of the target, or an event.
fn refusal(patient: &Patient<'_>) -> Option<String> {
    let target = patient.target()?;
    if target.replicas >= target.spec_replicas {
        return None;
    }
    let condition = target
        .conditions
        .iter()
        .find(|c| c.kind == "ReplicaFailure" && c.status == "True")
        .map(|c| format!("condition {} {}: {}", c.kind, c.reason, c.message));
    // A StatefulSet has no such condition; its event is about itself.
    let own = patient.reference();
    let event = patient
        .space
        .events
        .iter()
        .find(|e| e.reason == "FailedCreate" && e.about == own);
    condition.or_else(|| event.map(|e| format!("event {}: {}", e.reason, e.message)))
}

pub(super) fn quota(patient: &Patient<'_>) -> Option<Evidence> {
    if let Some(says) = refusal(patient) {
        let target = patient.target()?;
        let (made, wanted) = (target.replicas, target.spec_replicas);
        return says.contains("exceeded quota").then(|| {
            let message =
                format!("{wanted} pods were asked for, and a quota stopped them at {made}");
            Evidence::new(message, [says])
        });
    }
    patient
        .space
        .quotas
        .iter()
        .find_map(|quota| too_small(patient, quota))
}

/// The quota has not spoken yet, and will.
fn too_small(patient: &Patient<'_>, quota: &Quota) -> Option<Evidence> {
    let pod = &patient.living().next()?.pod;
    let own = i64::try_from(patient.living().count()).ok()?;
    let max = i64::from(patient.spec().max_replicas);
    let fit = quota.falls_short(pod, max, own)?.max(own);
    let (more, room) = (max - own, fit - own);
    (more > room).then(|| {
        let (name, resource) = (&quota.name, &quota.resource);
        Evidence::new(
            format!("quota {name} leaves room for {room} more pods, and the maximum of {max} needs {more}"),
            [format!("quota {name}: {resource} hard {}, used {}", quota.hard, quota.used)],
        )
    })
}

pub(super) fn refused(patient: &Patient<'_>) -> Option<Evidence> {
    let says = refusal(patient).filter(|says| !says.contains("exceeded quota"))?;
    let target = patient.target()?;
    let (made, wanted) = (target.replicas, target.spec_replicas);
    Some(Evidence::new(
        format!("{wanted} pods were asked for, and the API server refused them at {made}"),
        [says],
    ))
}

pub(super) fn capacity(patient: &Patient<'_>) -> Option<Evidence> {
    let room = patient.facts.room.as_ref()?;
    let pod = patient.living().next()?;
    let each: i64 = pod
        .pod
        .containers
        .iter()
        .filter_map(|c| c.cpu_request)
        .map(|r| r.0)
        .sum();
    let max = patient.spec().max_replicas;
    let more = i64::from(max) - i64::try_from(patient.living().count()).ok()?;
    let left = (room.allocatable.0 - room.requested.0).max(0);
    (more > 0 && each > 0 && more * each > left).then(|| {
        Evidence::new(
            format!(
                "the nodes have {left}m of CPU left, and {more} more pods at {each}m each, up to the \
                 maximum of {max}, request {}m",
                more * each
            ),
            [
                format!("nodes: {} allocatable, {} requested", room.allocatable, room.requested),
                format!("pod {}: requests.cpu {each}m", pod.pod.name),
            ],
        )
    })
}
