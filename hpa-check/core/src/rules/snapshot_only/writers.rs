//! Who writes the replicas besides the controller, according to managed fields and events.

use std::time::Duration;

use jiff::Timestamp;

use super::look::SnapshotView;
use crate::model::after;
use crate::rules::view::{ConflictingWrites, Writer};
use crate::snapshot::{EventSnapshot, FieldOwner, Workload};

/// A write this long ago is history.
const RECENT: Duration = Duration::from_hours(1);

/// The server keeps whole seconds, and creating an object takes more than one write.
const MARGIN: Duration = Duration::from_secs(5);

/// Events this close together are all still there, even if they are kept for less than the usual hour.
const KEPT: Duration = Duration::from_mins(30);

/// The autoscaler set the same replicas again this many times, so another writer reverted it each time.
const PUT_BACK: i32 = 3;

pub(super) fn conflicting(look: &SnapshotView<'_>) -> Option<ConflictingWrites> {
    written(look).or_else(|| put_back(look))
}

/// Managers that apply a manifest repeatedly, by a part of their names. Others may write only once: a person or a
/// schedule sets a size, and the autoscaler continues from there.
const APPLIERS: [&str; 10] = [
    "argocd",
    "kustomize-controller",
    "helm",
    "client-side-apply",
    "kubectl-replace",
    "fleet-agent",
    "terraform",
    "hashicorp",
    "pulumi",
    "ansible",
];

/// Whether a writer will write the same value again.
pub(super) fn applies_again(owner: &FieldOwner) -> bool {
    let manager = owner.writer.manager.to_lowercase();
    owner.applies || APPLIERS.iter().any(|part| manager.contains(part))
}

fn written(look: &SnapshotView<'_>) -> Option<ConflictingWrites> {
    let owner = foreign_write(look).filter(|owner| applies_again(owner))?;
    let replicas = look.workload()?.object.spec_replicas;
    let scaled = look.view().status()?.last_scale?;
    Some(ConflictingWrites {
        writer: Some(Writer::Manager(owner.writer.manager.clone())),
        times: 1,
        at: None,
        quotes: vec![
            managed(&look.view().reference(), owner),
            format!("spec.replicas {replicas}, status.lastScaleTime {scaled:.0}"),
        ],
    })
}

/// Another manager's write after the autoscaler's last one. If the autoscaler still owns the field too, the other wrote
/// the same number, as Argo CD does with every sync if it leaves the replicas alone. At zero the autoscaler is off, so
/// nothing conflicts with it.
pub(super) fn foreign_write<'a>(look: &'a SnapshotView<'_>) -> Option<&'a FieldOwner> {
    let workload = look.workload().filter(|w| w.object.spec_replicas > 0)?;
    let mut owners = workload.owners_of_replicas.iter();
    if owners.any(|o| look.view().is_own_writer(&o.writer.manager)) {
        return None;
    }
    // Only a scaling of this object took the field from whoever created it.
    let scaled = look.view().status()?.last_scale?;
    if workload.created.is_some_and(|made| scaled < made) {
        return None;
    }
    let born = workload.created.max(look.scaler.created)?;
    let foreign = |o: &&FieldOwner| {
        !look.view().is_own_writer(&o.writer.manager)
            && o.writer.at.is_some_and(|at| {
                at > after(scaled, MARGIN)
                    && at > after(born, MARGIN)
                    && !look.view().longer(Some(at), RECENT)
            })
    };
    workload.owners_of_replicas.iter().find(foreign)
}

/// The autoscaler sets the same replicas again and again, and never goes back itself.
fn put_back(look: &SnapshotView<'_>) -> Option<ConflictingWrites> {
    let rescales: Vec<&EventSnapshot> = look.rescales().collect();
    let down = |e: &EventSnapshot| {
        e.message.contains("below target") || e.message.contains("above Spec.MaxReplicas")
    };
    if rescales.iter().any(|e| down(e)) {
        return None;
    }
    // The event keeps counting over days, while the scale-downs in between have expired.
    let close = |e: &&EventSnapshot| {
        let (Some(first), Some(last)) = (e.first, e.last) else {
            return false;
        };
        last <= after(first, KEPT)
    };
    let mut again = rescales.into_iter().filter(close);
    let again = again.find(|e| e.count >= PUT_BACK)?;
    let others = others(look, look.workload()?);
    let event = format!(
        "event SuccessfulRescale {}×: {}",
        again.count, again.message
    );
    let target = look.view().reference();
    Some(ConflictingWrites {
        writer: None,
        times: usize::try_from(again.count).unwrap_or_default(),
        at: None,
        quotes: [event]
            .into_iter()
            .chain(others.map(|o| managed(&target, o)))
            .collect(),
    })
}

/// The writers that do not act for the autoscaler.
pub(super) fn others<'a>(
    look: &'a SnapshotView<'_>,
    workload: &'a Workload,
) -> impl Iterator<Item = &'a FieldOwner> {
    let owners = workload.owners_of_replicas.iter();
    owners.filter(|o| !look.view().is_own_writer(&o.writer.manager))
}

/// A writer of the replicas, quoted.
pub(super) fn managed(target: &str, owner: &FieldOwner) -> String {
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
