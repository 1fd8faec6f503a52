//! The objects of Argo CD and Flux that apply manifests with replicas. They are read only if a manifest sets
//! replicas.

mod argo_cd;
mod flux;

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;

use futures_util::stream::{self, StreamExt};
use hpa_check_core::deployer::{Deployer, ObjectRef, Tool};
use hpa_check_core::snapshot::{Namespace, Scaler};

use super::super::trouble::{Trouble, TroubleKind};
use super::lists::{AT_ONCE, List, Lists};
use argo_cd::{Application, ConfigMap, ignored_everywhere};
use flux::Kustomization;

/// Argo CD's default namespace.
const ARGO_CD: &str = "argocd";

/// What was read.
#[derive(Default)]
pub(super) struct Deployers {
    pub(super) read: Vec<Deployer>,
    /// Tools whose objects could not be read, and why.
    pub(super) unread: Vec<(Tool, String)>,
}

pub(super) async fn read(lists: &Lists<'_>, spaces: &BTreeMap<String, Namespace>) -> Deployers {
    let mut found = Deployers::default();
    let scalers = || {
        let all = spaces.iter();
        all.flat_map(|(namespace, space)| space.autoscalers.iter().map(move |s| (namespace, s)))
    };
    let applied_by = |tool: Tool| scalers().filter(move |(_, scaler)| sets_replicas(scaler, tool));
    let wanted: Vec<ObjectRef> = applied_by(Tool::ArgoCd)
        .map(|(namespace, scaler)| object(namespace, scaler))
        .collect();
    if !wanted.is_empty() {
        found.applications(lists, &wanted).await;
    }
    let names = applied_by(Tool::Flux).filter_map(|(_, scaler)| {
        let manifest = &scaler.workload()?.manifest;
        manifest.kustomization.clone()
    });
    found.kustomizations(lists, names.collect()).await;
    found
}

/// Whether a tool applies a manifest with replicas to the target.
fn sets_replicas(scaler: &Scaler, tool: Tool) -> bool {
    let Some(workload) = scaler.workload() else {
        return false;
    };
    let owners = workload.owners_of_replicas.iter().filter(|o| o.applies);
    let stored = workload.manifest.stored.iter();
    let managers = owners.map(|o| &o.writer).chain(stored).map(|w| &w.manager);
    managers
        .into_iter()
        .any(|m| Tool::of_manager(m) == Some(tool))
}

fn object(namespace: &str, scaler: &Scaler) -> ObjectRef {
    ObjectRef::of_target(&scaler.object.spec.scale_target_ref, namespace)
}

impl Deployers {
    /// Applications are in Argo CD's namespace or in any other. If listing all is forbidden, listing the
    /// default namespace may be allowed.
    async fn applications(&mut self, lists: &Lists<'_>, wanted: &[ObjectRef]) {
        let api = "/apis/argoproj.io/v1alpha1";
        let convert = |app: Application| app.deployer(wanted);
        let mut read = lists
            .all(List::at(format!("{api}/applications")).of_large(), convert)
            .await;
        if matches!(&read, Err(trouble) if trouble.kind == TroubleKind::Forbidden) {
            let usual = format!("{api}/namespaces/{ARGO_CD}/applications");
            read = lists.all(List::at(usual).of_large(), convert).await;
        }
        match read {
            Ok(applications) => self.with_settings(lists, applications).await,
            Err(trouble) => {
                self.miss(
                    lists,
                    Tool::ArgoCd,
                    &trouble,
                    "list applications.argoproj.io",
                );
            }
        }
    }

    /// Adds the fields that Argo CD ignores in every Application by its own settings.
    async fn with_settings(&mut self, lists: &Lists<'_>, applications: Vec<(Deployer, String)>) {
        let mut settings: BTreeMap<String, Result<ConfigMap, Trouble>> = BTreeMap::new();
        for (mut deployer, namespace) in applications {
            if !settings.contains_key(&namespace) {
                let path = format!("/api/v1/namespaces/{namespace}/configmaps/argocd-cm");
                settings.insert(namespace.clone(), lists.get(&path).await);
            }
            match &settings[&namespace] {
                Ok(map) => deployer.ignores.extend(ignored_everywhere(&map.data)),
                Err(trouble) if trouble.kind == TroubleKind::NotFound => {}
                Err(trouble) => {
                    deployer.settings_unread = Some(format!(
                        "ConfigMap {namespace}/argocd-cm, which may ignore it, can't be read: {}",
                        trouble.message
                    ));
                }
            }
            self.read.push(deployer);
        }
    }

    async fn kustomizations(&mut self, lists: &Lists<'_>, names: BTreeSet<String>) {
        let ask = |name: String| async move {
            let (namespace, own) = name.split_once('/').unwrap_or(("", &name));
            let api = "/apis/kustomize.toolkit.fluxcd.io/v1";
            let path = format!("{api}/namespaces/{namespace}/kustomizations/{own}");
            let read = lists.get::<Kustomization>(&path).await;
            (name, read)
        };
        let mut answers = pin!(stream::iter(names).map(ask).buffered(AT_ONCE));
        while let Some((name, read)) = answers.next().await {
            match read {
                Ok(object) => self.read.push(object.deployer(&name)),
                Err(trouble) => {
                    let rule = "get kustomizations.kustomize.toolkit.fluxcd.io";
                    self.miss(lists, Tool::Flux, &trouble, rule);
                }
            }
        }
    }

    fn miss(&mut self, lists: &Lists<'_>, tool: Tool, trouble: &Trouble, rule: &str) {
        // A tool that manages this cluster from another one has no objects here.
        if trouble.kind != TroubleKind::NotFound {
            let consequence = "whether replicas in Git are left to the autoscaler is unknown";
            lists.missing.note(trouble, rule, consequence, false);
        }
        self.unread.push((tool, trouble.message.clone()));
    }
}
