//! The wiring between the autoscaler and its target.

use super::super::facts::TargetLook;
use super::super::patient::Patient;
use super::quoted;
use crate::findings::Evidence;

/// Kinds that live in the group `apps` and nowhere else.
const APPS: [&str; 3] = ["Deployment", "StatefulSet", "ReplicaSet"];

pub(super) fn api_version(patient: &Patient<'_>) -> Option<Evidence> {
    let reference = &patient.spec().scale_target_ref;
    let version = reference.api_version.as_str();
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let kind = reference.kind.as_str();
    let message = format!("scaleTargetRef.apiVersion \"{version}\" has no kind {kind}");
    let written = format!("spec.scaleTargetRef: apiVersion \"{version}\", kind {kind}");
    match patient.refusal("AbleToScale") {
        Some(("FailedGetScale", text)) if text.contains("no matches for kind") => Some(
            Evidence::new(message, [written, quoted("FailedGetScale", text)]),
        ),
        _ => (APPS.contains(&kind) && group != "apps").then(|| Evidence::new(message, [written])),
    }
}

pub(super) fn not_found(patient: &Patient<'_>) -> Option<Evidence> {
    if api_version(patient).is_some() {
        return None;
    }
    let reference = &patient.spec().scale_target_ref;
    let name = format!(
        "{} {}/{}",
        reference.api_version, reference.kind, reference.name
    );
    let message = format!("the scale target {name} can't be found");
    match (&patient.scaler.target, patient.refusal("AbleToScale")) {
        (TargetLook::Absent { message: says }, _) => {
            Some(Evidence::new(message, [format!("{name}: {says}")]))
        }
        (TargetLook::Unread, Some((reason @ "FailedGetScale", says))) => {
            Some(Evidence::new(message, [quoted(reason, says)]))
        }
        _ => None,
    }
}

pub(super) fn not_scalable(patient: &Patient<'_>) -> Option<Evidence> {
    let TargetLook::NotScalable { message } = &patient.scaler.target else {
        return None;
    };
    let kind = &patient.spec().scale_target_ref.kind;
    let refusal = patient.refusal("AbleToScale");
    let refusal = refusal.map(|(reason, says)| quoted(reason, says));
    let api = format!(
        "the API server, of the scale of {}: {message}",
        patient.reference()
    );
    Some(Evidence::new(
        format!("a {kind} can't be scaled"),
        [api].into_iter().chain(refusal),
    ))
}

pub(super) fn disabled(patient: &Patient<'_>) -> Option<Evidence> {
    let meant = patient.spec().effective_min() == 0 || patient.says("ScaledToZero");
    (patient.target()?.spec_replicas == 0 && !meant).then(|| {
        let target = format!("{}: spec.replicas 0", patient.reference());
        let condition = patient.refusal("ScalingActive");
        let condition = condition.map(|(reason, message)| quoted(reason, message));
        Evidence::new(
            "the target is scaled to 0, which switches the autoscaler off",
            [target].into_iter().chain(condition),
        )
    })
}

pub(super) fn rescale_failed(patient: &Patient<'_>) -> Option<Evidence> {
    let (reason, message) = patient.refusal("AbleToScale")?;
    (reason == "FailedUpdateScale").then(|| {
        Evidence::new(
            "the controller could not write the target's size",
            [quoted(reason, message)],
        )
    })
}

pub(super) fn never_synced(patient: &Patient<'_>) -> Option<Evidence> {
    let patience = patient.facts.controller.sync_period * 3;
    let old = patient.longer(patient.scaler.created, patience);
    (patient.status().is_none() && old).then(|| {
        let age = patient.scaler.created.map_or(0, |at| patient.seconds(at));
        Evidence::new(
            format!("the controller has written no status in the autoscaler's {age} s of life"),
            ["status: empty".to_owned()],
        )
    })
}
