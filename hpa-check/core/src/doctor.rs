//! Diagnoses autoscalers from one or two snapshots of the API, without load and without a watch.
//!
//! ```text
//! ClusterSnapshot ─ SnapshotView (one autoscaler, its target, its pods, their use) ─ judge ─ Report
//! ```

mod ignore;
mod policy;

use std::collections::{BTreeSet, HashSet};

pub use ignore::{ANNOTATION, Ignore};
pub use policy::ReportPolicy;

use crate::documents::doctor::{
    AutoscalerReport, DoctorSettings, FailOn, Groups, IgnoredBy, Report, SCHEMA, Scope,
};
use crate::judge;
use crate::keda::ScaledObject;
use crate::rules::snapshot_only::look::{Place, SnapshotView};
use crate::snapshot::index::Index;
use crate::snapshot::{Assertions, ClusterSnapshot, Namespace};
use crate::verdict::{Outcome, Reason};

/// Diagnoses every autoscaler of a snapshot. `earlier` is a snapshot taken some seconds before; without it,
/// what only shows as a change is judged from one snapshot where possible.
pub fn diagnose(
    cluster: &ClusterSnapshot,
    earlier: Option<&ClusterSnapshot>,
    asserted: &Assertions,
) -> Report {
    let mut autoscalers = Vec::new();
    let mut warnings = Vec::new();
    let mut pods = 0;
    for (name, space) in &cluster.namespaces {
        pods += space.pods.as_ref().map_or(0, Vec::len);
        let index = Index::of(space);
        let place = Place {
            cluster,
            namespace: name,
            space,
            index: &index,
        };
        let earlier = earlier.and_then(|look| Some((look, look.namespaces.get(name)?)));
        let earlier_index = earlier.map(|(_, space)| Index::of(space));
        let before = earlier.zip(earlier_index.as_ref());
        let before = before.map(|((cluster, space), index)| Place {
            cluster,
            namespace: name,
            space,
            index,
        });
        let only = asserted.autoscaler.as_ref();
        let wanted = |name: &String| only.is_none_or(|only| only == name);
        for scaler in space.autoscalers.iter().filter(|s| wanted(&s.name)) {
            let view = SnapshotView::new(place, before, scaler, asserted);
            let mut one = report(name, &view, judge::snapshot(&view));
            let (ignores, wrong) = ignore::annotated(scaler.ignore.as_deref().unwrap_or_default());
            let full_name = one.full_name();
            warnings.extend(
                wrong
                    .into_iter()
                    .map(|sentence| format!("{full_name}, annotation {ANNOTATION}: {sentence}")),
            );
            policy::ignore(
                std::slice::from_mut(&mut one),
                &ignores,
                IgnoredBy::Annotation,
            );
            autoscalers.push(one);
        }
        let taken = Taken::of(space);
        let withdrawn = space.scaled_objects.iter().filter(|o| !taken.has(o));
        let withdrawn = withdrawn.filter_map(|object| withdrawn_by_keda(name, object));
        autoscalers.extend(withdrawn.filter(|one| wanted(&one.name)));
    }
    let spaces: BTreeSet<&str> = autoscalers.iter().map(|a| a.namespace.as_str()).collect();
    policy::settle(Report {
        schema: SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: cluster.at,
        kubernetes: cluster.kubernetes.clone(),
        looks: if earlier.is_some() { 2 } else { 1 },
        scope: Scope::default(),
        settings: Some(DoctorSettings {
            command: None,
            controller: cluster.controller.clone(),
            metrics_resolution: cluster.metrics_resolution,
            expect_min: asserted.min_replicas,
            expect_max: asserted.max_replicas,
            expect_cpu: asserted.cpu_target_percent,
        }),
        outcome: Outcome::Pass,
        fail_on: FailOn::default(),
        exit_code: 0,
        namespaces: spaces.len() as u64,
        pods: pods as u64,
        owner_labels: Vec::new(),
        autoscalers,
        groups: Groups::default(),
        baseline: None,
        unseen: cluster.unseen.clone(),
        warnings,
    })
}

fn report(namespace: &str, view: &SnapshotView<'_>, findings: Vec<Reason>) -> AutoscalerReport {
    let spec = &view.scaler.object.spec;
    let reference = &spec.scale_target_ref;
    AutoscalerReport {
        namespace: namespace.to_owned(),
        name: view.scaler.name.clone(),
        owner: view.scaler.team.clone(),
        target: format!("{}/{}", reference.kind, reference.name),
        min_replicas: spec.effective_min(),
        max_replicas: spec.max_replicas,
        cpu_target_percent: spec.cpu_target_percent(),
        metrics: spec
            .metrics
            .iter()
            .map(|metric| format!("{} at {}", metric.source, metric.target))
            .collect(),
        requests: view.requests(),
        explanation: view.explanation(),
        findings,
        known: Vec::new(),
        ignored: Vec::new(),
    }
}

/// The owners and the targets of a namespace's autoscalers.
struct Taken<'a> {
    owners: HashSet<&'a str>,
    targets: HashSet<String>,
}

impl<'a> Taken<'a> {
    fn of(space: &'a Namespace) -> Self {
        let references = space.autoscalers.iter();
        let references = references.map(|scaler| &scaler.object.spec.scale_target_ref);
        let owners = space.autoscalers.iter();
        Self {
            owners: owners.filter_map(|s| s.owner.as_deref()).collect(),
            targets: references
                .map(|reference| format!("{}/{}", reference.kind, reference.name))
                .collect(),
        }
    }

    /// Whether a `ScaledObject` has an autoscaler, or its target has another one.
    fn has(&self, object: &ScaledObject) -> bool {
        self.targets.contains(&object.target) || self.owners.contains(object.to_string().as_str())
    }
}

/// Reports the autoscaler that KEDA deletes while its `ScaledObject` is paused; otherwise it would be missing
/// from the report.
fn withdrawn_by_keda(namespace: &str, object: &ScaledObject) -> Option<AutoscalerReport> {
    let note = judge::pause(object)?;
    Some(AutoscalerReport {
        namespace: namespace.to_owned(),
        name: object.autoscaler.clone()?,
        owner: None,
        target: object.target.clone(),
        min_replicas: object.min_replicas.unwrap_or(0).max(1),
        max_replicas: object.max_replicas.unwrap_or(KEDA_MAX),
        cpu_target_percent: None,
        metrics: Vec::new(),
        requests: Vec::new(),
        explanation: None,
        findings: vec![note],
        known: Vec::new(),
        ignored: Vec::new(),
    })
}

/// The default of `maxReplicaCount` (`defaultHPAMaxReplicas` of KEDA).
const KEDA_MAX: i32 = 100;

#[cfg(test)]
mod tests;
