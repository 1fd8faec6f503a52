//! Manifests that set the replicas, by the tool that applies them.

use super::look::SnapshotView;
use super::writers::{managed, others};
use crate::deployer::{Deployer, ObjectRef, Tool, Treatment};
use crate::findings::{Evidence, catalog};
use crate::observation::FieldManager;
use crate::rules::rule::{Rule, Weight};
use crate::snapshot::{FieldOwner, Workload};

pub(crate) const RULES: &[Rule] = &[
    Rule::snapshot(&catalog::REPLICAS_IN_MANIFEST, Weight::Cause, applied),
    Rule::snapshot(&catalog::REPLICAS_PERHAPS_APPLIED, Weight::Cause, unknown),
    Rule::snapshot(&catalog::REPLICAS_LEFT_ALONE, Weight::Cause, left_alone),
    Rule::snapshot(&catalog::REPLICAS_FROM_CHART, Weight::Cause, from_chart),
];

/// A manifest that sets the replicas: whose it is, what shows it, and what happens to them.
struct Setting {
    manager: String,
    quote: String,
    treatment: Treatment,
}

fn settings(look: &SnapshotView<'_>) -> Vec<Setting> {
    let Some(workload) = look.workload() else {
        return Vec::new();
    };
    let target = look.view().reference();
    let applied = others(look, workload).filter(|owner| owner.applies);
    let mut settings: Vec<Setting> = applied
        .map(|owner| Setting {
            manager: owner.writer.manager.clone(),
            quote: managed(&target, owner),
            treatment: treatment(look, workload, &owner.writer.manager),
        })
        .collect();
    if let Some(stored) = &workload.manifest.stored {
        let key = "kubectl.kubernetes.io/last-applied-configuration";
        let by = &stored.manager;
        settings.push(Setting {
            manager: if by.is_empty() || by.starts_with("kubectl") {
                "kubectl apply".to_owned()
            } else {
                by.clone()
            },
            quote: format!("{target}: annotation {key} has spec.replicas"),
            treatment: since(workload, stored)
                .map_or_else(|| treatment(look, workload, by), Treatment::LeftAlone),
        });
    }
    settings
}

/// Another manager has applied the object since, so the stored manifest is history. If that one sets replicas
/// too, it is a setting of its own.
fn since(workload: &Workload, stored: &FieldManager) -> Option<String> {
    let mut appliers = workload.manifest.appliers.iter();
    let newer = appliers.find(|a| a.manager != stored.manager && a.at > stored.at)?;
    let at = newer.at?;
    Some(format!(
        "{} has applied it since, at {at:.0}, so the stored manifest is history",
        newer.manager
    ))
}

fn treatment(look: &SnapshotView<'_>, workload: &Workload, manager: &str) -> Treatment {
    let Some(tool) = Tool::of_manager(manager) else {
        return if copies_the_size(look, workload, manager) {
            Treatment::Unknown(format!(
                "{manager} applied the same number of replicas that the autoscaler had set, so it may copy it each time"
            ))
        } else {
            Treatment::Applied(format!("nothing prevents {manager} from doing so"))
        };
    };
    if let (Tool::Flux, Some(mark)) = (tool, &workload.manifest.left_by_flux) {
        return Treatment::LeftAlone(format!("it is marked {mark}"));
    }
    let object = object(look);
    let is_its = |deployer: &&Deployer| match tool {
        Tool::ArgoCd => deployer.applies.contains(&object),
        Tool::Flux => Some(&deployer.name) == workload.manifest.kustomization.as_ref(),
    };
    let mut deployers = look.cluster.deployers.iter().filter(|d| d.tool == tool);
    let owners = workload.owners_of_replicas.iter();
    let through_scale = owners.filter(|o| o.through_scale);
    let writers: Vec<&str> = through_scale.map(|o| o.writer.manager.as_str()).collect();
    if let Some(deployer) = deployers.find(is_its) {
        return deployer.treatment(&object, &writers);
    }
    let mut unread = look.cluster.deployers_unread.iter();
    let why = unread
        .find(|(of, _)| *of == tool)
        .map(|(_, why)| why.as_str());
    Treatment::Unknown(format!(
        "the {} that applies it could not be read: {}",
        tool.kind(),
        why.unwrap_or("none of the readable ones applies it")
    ))
}

/// Whether a manager applied the replicas that the autoscaler had set, after its last scaling: then both own
/// the field. At the minimum that may be chance, since many manifests set it too.
fn copies_the_size(look: &SnapshotView<'_>, workload: &Workload, manager: &str) -> bool {
    let owners = &workload.owners_of_replicas;
    let shared = owners
        .iter()
        .any(|o| look.view().is_own_writer(&o.writer.manager));
    let scaled = look.view().status().and_then(|s| s.last_scale);
    let min = look.view().spec().map(|s| s.effective_min());
    let since = |o: &FieldOwner| o.applies && o.writer.manager == manager && o.writer.at > scaled;
    shared && min.is_some_and(|min| workload.object.spec_replicas > min) && owners.iter().any(since)
}

fn object(look: &SnapshotView<'_>) -> ObjectRef {
    ObjectRef::of_target(&look.scaler.object.spec.scale_target_ref, look.namespace)
}

fn applied(look: &SnapshotView<'_>) -> Option<Evidence> {
    let settings = settings(look);
    let mut faults = settings
        .iter()
        .filter_map(|setting| match &setting.treatment {
            Treatment::Applied(why) => Some((setting, why)),
            _ => None,
        });
    let (first, why) = faults.next()?;
    let quotes = settings.iter().map(|setting| setting.quote.clone());
    let tool = Tool::of_manager(&first.manager).map(|_| why.clone());
    let evidence = Evidence::new(
        format!(
            "{} applies a manifest that sets replicas, so each apply moves the target",
            first.manager
        ),
        quotes.chain(tool.clone()),
    );
    let advice = tool.map(|_| advice(&first.manager).to_owned());
    Some(evidence.advising(advice))
}

fn advice(manager: &str) -> &'static str {
    match Tool::of_manager(manager) {
        Some(Tool::ArgoCd) => {
            "Remove `replicas` from Git, or add /spec/replicas to ignoreDifferences with the sync option RespectIgnoreDifferences=true."
        }
        _ => {
            "Remove `replicas` from Git, or add /spec/replicas to the Kustomization's spec.ignore."
        }
    }
}

fn unknown(look: &SnapshotView<'_>) -> Option<Evidence> {
    let settings = settings(look);
    let certain = |s: &Setting| matches!(s.treatment, Treatment::Applied(_));
    if settings.iter().any(certain) {
        return None;
    }
    let open = settings
        .into_iter()
        .find_map(|setting| match setting.treatment {
            Treatment::Unknown(why) => Some((setting.manager, setting.quote, why)),
            _ => None,
        });
    let (manager, quote, why) = open?;
    Some(Evidence::new(
        format!(
            "{manager} applies a manifest that sets replicas, and whether it leaves them alone is unknown"
        ),
        [quote, why],
    ))
}

fn left_alone(look: &SnapshotView<'_>) -> Option<Evidence> {
    let settings = settings(look);
    let left: Option<Vec<(String, String, String)>> = settings
        .into_iter()
        .map(|setting| match setting.treatment {
            Treatment::LeftAlone(why) => Some((setting.manager, setting.quote, why)),
            _ => None,
        })
        .collect();
    let left = left.filter(|left| !left.is_empty())?;
    let (manager, _, why) = left.first()?.clone();
    let quotes = left.into_iter().flat_map(|(_, quote, why)| [quote, why]);
    Some(Evidence::new(
        format!(
            "the manifest that {manager} applied sets replicas, and they are left to the autoscaler: {why}"
        ),
        quotes,
    ))
}

/// Helm writes with plain updates, which also own fields that no chart sets. Replicas other than the API's
/// default came from the chart; only the release in a Secret shows whether the chart still sets them.
fn from_chart(look: &SnapshotView<'_>) -> Option<Evidence> {
    let workload = look.workload()?;
    let by_helm = |manager: &str| manager == "helm" || manager == "helm-controller";
    let mut owners = workload.owners_of_replicas.iter();
    let owner = owners.find(|o| by_helm(&o.writer.manager) && !o.applies && !o.through_scale)?;
    let replicas = workload.object.spec_replicas;
    (replicas > 1).then(|| {
        let release = workload.manifest.helm_release.as_ref();
        let release = release.map_or_else(String::new, |r| format!(" of release {r}"));
        Evidence::new(
            format!("the chart{release} set {replicas} replicas; if it still does, each upgrade moves the target"),
            [managed(&look.view().reference(), owner)],
        )
    })
}
