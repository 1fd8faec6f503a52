//! The wiring between the autoscaler, its controller and its scale target.

use crate::findings::{Evidence, catalog};
use crate::rules::rule::{Rule, Weight};
use crate::rules::view::{TargetLookup, View, quoted};
use crate::spec::MetricSpec;

pub(crate) const RULES: &[Rule] = &[
    Rule::shared(&catalog::TARGET_API_VERSION, Weight::Blocker, api_version),
    Rule::shared(&catalog::TARGET_NOT_FOUND, Weight::Blocker, not_found),
    Rule::shared(&catalog::TARGET_NOT_SCALABLE, Weight::Blocker, not_scalable),
    Rule::shared(&catalog::SCALING_DISABLED, Weight::Blocker, disabled),
    Rule::shared(&catalog::RESCALE_FAILED, Weight::Cause, rescale_failed),
    Rule::shared(&catalog::NO_SYNCS_SEEN, Weight::Cause, never_synced),
];

/// Kinds of the group `apps`. Other groups have kinds with these names too, such as `StatefulSet` in
/// `apps.kruise.io`.
const APPS: [&str; 3] = ["Deployment", "StatefulSet", "ReplicaSet"];

/// Groups without them: `v1`, and `extensions`, which had them up to Kubernetes 1.15.
const WITHOUT_APPS: [&str; 2] = ["", "extensions"];

/// After this many sync periods without a status write, the controller is considered inactive.
const SILENT_SYNCS: u32 = 3;

fn api_version(view: &dyn View) -> Option<Evidence> {
    let reference = &view.spec()?.scale_target_ref;
    let (version, group) = (reference.api_version.as_str(), reference.group());
    let kind = reference.kind.as_str();
    let message = format!("scaleTargetRef.apiVersion \"{version}\" has no kind {kind}");
    let written = format!("spec.scaleTargetRef: apiVersion \"{version}\", kind {kind}");
    match view
        .standing_refusal("AbleToScale")
        .filter(|_| !is_outdated(view))
    {
        Some(("FailedGetScale", text)) if text.contains("no matches for kind") => Some(
            Evidence::new(message, [written, quoted("FailedGetScale", text)]),
        ),
        _ => (APPS.contains(&kind) && WITHOUT_APPS.contains(&group))
            .then(|| Evidence::new(message, [written])),
    }
}

/// Whether a condition about the target is older than the target. A snapshot has read it since.
fn is_outdated(view: &dyn View) -> bool {
    !view.is_watched() && matches!(view.scaled(), TargetLookup::Read(_))
}

fn not_found(view: &dyn View) -> Option<Evidence> {
    let name = target_name(view);
    let (how, quote, at) = match (view.scaled(), view.standing_refusal("AbleToScale")) {
        (TargetLookup::Absent { how, quote, at }, _) => (how, quote, at),
        (TargetLookup::NotScalable { .. }, _) => return None,
        (_, Some((_, says))) if says.contains(NO_SCALE) => return None,
        (TargetLookup::Read(_), Some((_, says))) if is_outdated(view) || !says_not_found(says) => {
            return None;
        }
        (_, Some((reason @ "FailedGetScale", says))) => {
            ("can't be found", quoted(reason, says), None)
        }
        _ => return None,
    };
    let message = format!("the scale target{name} {how}");
    Some(Evidence::new(message, [quote]).at(at))
}

/// client-go's error for a path that the API server does not serve, because the kind has no such subresource.
/// The error for a missing object names the object instead.
pub(crate) const NO_SCALE: &str = "could not find the requested resource";

/// The object exists, but its `/scale` is not found.
fn not_scalable(view: &dyn View) -> Option<Evidence> {
    // Whether a kind can be scaled does not change between syncs either.
    let refusal = view.refusal("AbleToScale");
    let refusal = refusal.filter(|(reason, _)| *reason == "FailedGetScale");
    let said = refusal.map(|(reason, says)| quoted(reason, says));
    let quotes: Vec<String> = match view.scaled() {
        TargetLookup::NotScalable { message } => {
            let api = format!("the API server on its scale: {message}");
            [api].into_iter().chain(said).collect()
        }
        TargetLookup::Read(_) | TargetLookup::Unread => {
            refusal.filter(|(_, says)| says.contains(NO_SCALE))?;
            said.into_iter().collect()
        }
        TargetLookup::Absent { .. } => return None,
    };
    Some(Evidence::new(
        format!("the scale target{} can't be scaled", target_name(view)),
        quotes,
    ))
}

/// The reference as written, with a leading space.
pub(crate) fn target_name(view: &dyn View) -> String {
    let reference = view.spec().map(|s| &s.scale_target_ref);
    reference.map_or_else(String::new, |r| {
        format!(" {} {}/{}", r.api_version, r.kind, r.name)
    })
}

/// Whether the object or its kind is missing.
pub(crate) fn says_not_found(message: &str) -> bool {
    ["not found", "no matches for kind"]
        .iter()
        .any(|words| message.contains(words))
}

/// Zero replicas are intended if something scales the target up again: KEDA, or a metric that does not need
/// pods.
pub(crate) fn means_zero(view: &dyn View) -> bool {
    let metrics = view.spec().map_or(&[][..], |spec| &spec.metrics);
    let without_pods = |m: &MetricSpec| m.source.is_object_or_external();
    let by_itself =
        view.spec().is_some_and(|s| s.effective_min() == 0) || view.says("ScaledToZero");
    view.scaled_object().is_some() || (by_itself && metrics.iter().any(without_pods))
}

/// People switch an autoscaler off by scaling its target to 0, so it is a fault only if pods are asserted. A run
/// asserts them, because it tests the scaling.
fn disabled(view: &dyn View) -> Option<Evidence> {
    let asserted = view.is_watched() || view.asserted().min_replicas.is_some_and(|min| min > 0);
    asserted.then(|| switched_off(view))?
}

/// The target has zero replicas, and nothing but a person brings it back.
pub(crate) fn switched_off(view: &dyn View) -> Option<Evidence> {
    view.spec()?;
    (view.target()?.spec_replicas == 0 && !means_zero(view)).then(|| {
        let target = format!("{}: spec.replicas 0", view.reference());
        let condition = view.quoted_refusal("ScalingActive");
        Evidence::new(
            "the target is scaled to 0, which turns the autoscaler off",
            [target].into_iter().chain(condition),
        )
    })
}

fn rescale_failed(view: &dyn View) -> Option<Evidence> {
    let (reason, message) = view.standing_refusal("AbleToScale")?;
    (reason == "FailedUpdateScale" && !view.is_complete()).then(|| {
        Evidence::new(
            "the controller could not write the target's scale",
            [quoted(reason, message)],
        )
    })
}

fn never_synced(view: &dyn View) -> Option<Evidence> {
    let (silence, before) = view.silence()?;
    (silence >= view.controller().sync_period * SILENT_SYNCS).then(|| {
        let seconds = silence.as_secs();
        Evidence::new(
            format!("the controller wrote no status in {seconds} s"),
            [format!("status: {before}")],
        )
    })
}
