//! Who else moves the replicas or what they are measured by.

use std::time::Duration;

use jiff::Timestamp;

use super::super::facts::{EventFacts, FieldOwner, Vertical, Workload};
use super::super::patient::Patient;
use crate::findings::Evidence;
use crate::model::after;

/// The controller's name as a writer.
const CONTROLLER: &str = "kube-controller-manager";

/// Scalers that are known by the name they write under.
const SCALERS: [&str; 3] = ["keda", "cluster-proportional-autoscaler", "kube-downscaler"];

/// A write this long ago is history.
const RECENT: Duration = Duration::from_hours(1);

/// The server keeps whole seconds, and an object is made by more than one write.
const MARGIN: Duration = Duration::from_secs(5);

/// The autoscaler put the same size back as often as this: somebody else took it away each time.
const PUT_BACK: i32 = 3;

pub(super) fn another_scaler(patient: &Patient<'_>) -> Option<Evidence> {
    let target = patient.reference();
    let own = patient.scaler.owner.as_deref();
    let declared = patient
        .space
        .other_scalers
        .iter()
        .find(|other| other.target == target && own != Some(other.name.as_str()));
    if let Some(other) = declared {
        let name = &other.name;
        return Some(Evidence::new(
            format!("{name} scales {target} too"),
            [format!("{name}: scaleTargetRef {target}")],
        ));
    }
    let workload = patient.workload()?;
    let by_name = |o: &&FieldOwner| SCALERS.iter().any(|s| o.writer.manager.contains(s));
    let owner = workload.owners_of_replicas.iter().find(by_name)?;
    let manager = &owner.writer.manager;
    Some(Evidence::new(
        format!("{manager} scales {target} too"),
        [managed(&target, owner)],
    ))
}

pub(super) fn moved(patient: &Patient<'_>) -> Option<Evidence> {
    if another_scaler(patient).is_some() {
        return None;
    }
    written(patient).or_else(|| put_back(patient))
}

/// A foreign write that came after the autoscaler's last one.
fn written(patient: &Patient<'_>) -> Option<Evidence> {
    let workload = patient.workload()?;
    let scaled = patient.status()?.last_scale?;
    let born = workload.created.max(patient.scaler.created)?;
    let foreign = |o: &&FieldOwner| {
        o.writer.manager != CONTROLLER
            && o.writer.at.is_some_and(|at| {
                at > after(scaled, MARGIN)
                    && at > after(born, MARGIN)
                    && !patient.longer(Some(at), RECENT)
            })
    };
    let owner = workload.owners_of_replicas.iter().find(foreign)?;
    let (manager, replicas) = (&owner.writer.manager, workload.object.spec_replicas);
    Some(Evidence::new(
        format!("{manager} set the replicas to {replicas} after the autoscaler's last scaling"),
        [
            managed(&patient.reference(), owner),
            format!("status.lastScaleTime: {scaled:.0}"),
        ],
    ))
}

/// The autoscaler reaches the same size again and again, and never goes back itself.
fn put_back(patient: &Patient<'_>) -> Option<Evidence> {
    let rescales: Vec<&EventFacts> = rescales(patient).collect();
    let down = |e: &EventFacts| {
        e.message.contains("below target") || e.message.contains("above Spec.MaxReplicas")
    };
    if rescales.iter().any(|e| down(e)) {
        return None;
    }
    let again = rescales.into_iter().find(|e| e.count >= PUT_BACK)?;
    let others = others(patient.workload()?);
    Some(Evidence::new(
        format!(
            "the autoscaler had to set the same size {} times: somebody takes it back",
            again.count
        ),
        [format!(
            "event SuccessfulRescale {}×: {}",
            again.count, again.message
        )]
        .into_iter()
        .chain(others.map(|o| managed(&patient.reference(), o))),
    ))
}

/// The autoscaler's own scalings, as far as events tell.
pub(super) fn rescales<'a>(patient: &Patient<'a>) -> impl Iterator<Item = &'a EventFacts> {
    let about = format!("HorizontalPodAutoscaler/{}", patient.scaler.name);
    let events = patient.space.events.iter();
    events.filter(move |e| e.about == about && e.reason == "SuccessfulRescale")
}

fn others(workload: &Workload) -> impl Iterator<Item = &FieldOwner> {
    let owners = workload.owners_of_replicas.iter();
    owners.filter(|o| o.writer.manager != CONTROLLER)
}

fn managed(target: &str, owner: &FieldOwner) -> String {
    let at = owner
        .writer
        .at
        .map_or_else(String::new, |at: Timestamp| format!(" at {at:.0}"));
    let how = match (owner.through_scale, owner.applies) {
        (true, _) => " through /scale",
        (false, true) => " by apply",
        (false, false) => "",
    };
    format!(
        "{target}: managedFields {} wrote spec.replicas{how}{at}",
        owner.writer.manager
    )
}

pub(super) fn in_manifest(patient: &Patient<'_>) -> Option<Evidence> {
    if another_scaler(patient).is_some() || moved(patient).is_some() {
        return None;
    }
    let workload = patient.workload()?;
    let target = patient.reference();
    let applier = others(workload).find(|o| o.applies);
    let stored = workload.replicas_in_manifest.then(|| {
        format!("{target}: annotation kubectl.kubernetes.io/last-applied-configuration has spec.replicas")
    });
    let evidence: Vec<String> = applier
        .map(|o| managed(&target, o))
        .into_iter()
        .chain(stored)
        .collect();
    let who = applier.map_or("kubectl apply", |o| o.writer.manager.as_str());
    (!evidence.is_empty()).then(|| {
        let message =
            format!("{who} applies a manifest that sets replicas, so each apply moves the target");
        Evidence::new(message, evidence)
    })
}

pub(super) fn vertical(patient: &Patient<'_>) -> Option<Evidence> {
    patient.cpu()?;
    let target = patient.reference();
    let resizes = |v: &&Vertical| v.target == target && v.controls_cpu && v.mode != "Off";
    let vertical = patient.space.verticals.iter().find(resizes)?;
    let (name, mode) = (&vertical.name, &vertical.mode);
    let mut requests: Vec<i64> = patient
        .living()
        .filter_map(|p| patient.request(p))
        .collect();
    requests.sort_unstable();
    requests.dedup();
    let differ = (requests.len() > 1).then(|| {
        let list: Vec<String> = requests.iter().map(|r| format!("{r}m")).collect();
        format!("pods of one target: requests.cpu {}", list.join(", "))
    });
    Some(Evidence::new(
        format!(
            "VerticalPodAutoscaler {name} in mode {mode} changes the CPU requests of the same pods"
        ),
        [format!(
            "VerticalPodAutoscaler {name}: targetRef {target}, updateMode {mode}, controls cpu"
        )]
        .into_iter()
        .chain(differ),
    ))
}
