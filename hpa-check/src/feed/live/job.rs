//! A Job that generates load inside the cluster: created when the load starts, followed through its pods' logs,
//! and deleted when the load ends.

mod following;
mod pods;

use std::time::Duration;

use hpa_check_core::observation::{LoadResult, LoadSecond};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, PostParams, PropagationPolicy};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use self::following::Following;
use super::connect::Cluster;
use super::trouble::{Trouble, TroubleKind, within};
use crate::load::job::LoadJob;

/// A Job on its cluster.
#[derive(Clone)]
pub(crate) struct JobLoad {
    cluster: Cluster,
    load: LoadJob,
    namespace: String,
    /// The deadline of each call.
    deadline: Duration,
}

impl std::fmt::Debug for JobLoad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.load.fmt(f)
    }
}

impl JobLoad {
    /// A Job in the namespace of its manifest, or else in the run's own.
    pub(super) fn new(cluster: Cluster, load: LoadJob, deadline: Duration) -> Self {
        let named = load.job["metadata"]["namespace"].as_str();
        let namespace = named.unwrap_or(&cluster.namespace).to_owned();
        Self {
            cluster,
            load,
            namespace,
            deadline,
        }
    }

    /// The load's URL, if known.
    pub(crate) fn url(&self) -> Option<&str> {
        self.load.url.as_deref()
    }

    /// Creates the Job, follows it until it ends or is stopped, and deletes it.
    pub(crate) async fn attack(
        self,
        stop: CancellationToken,
        emit: impl FnMut(LoadSecond),
    ) -> Result<LoadResult, String> {
        let mut created = Vec::new();
        let name = match self.create(&mut created).await {
            Ok(name) => name,
            Err(error) => {
                self.delete(&created).await;
                return Err(error);
            }
        };
        let followed = Following::new(&self, name).follow(stop, emit).await;
        let left = self.delete(&created).await;
        let mut result = followed?;
        result.output.extend(left);
        Ok(result)
    }

    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.cluster.client.clone(), &self.namespace)
    }

    fn all(&self, part: Part) -> Api<DynamicObject> {
        Api::namespaced_with(
            self.cluster.client.clone(),
            &self.namespace,
            &part.resource(),
        )
    }

    /// Creates the ConfigMaps and then the Job, whose name it returns. `created` lists what was created, even
    /// after an error.
    async fn create(&self, created: &mut Vec<(Part, String)>) -> Result<String, String> {
        for config in &self.load.configs {
            let name = self.create_one(Part::ConfigMap, config).await?;
            created.push((Part::ConfigMap, name));
        }
        let name = self.create_one(Part::Job, &self.load.job).await?;
        created.push((Part::Job, name.clone()));
        Ok(name)
    }

    async fn create_one(&self, part: Part, manifest: &Value) -> Result<String, String> {
        let kind = part.resource().kind;
        let refused = |why: String| format!("the {kind} of the load can't be created: {why}");
        let object: DynamicObject =
            serde_json::from_value(manifest.clone()).map_err(|e| refused(e.to_string()))?;
        let params = PostParams {
            field_manager: Some("hpa-check".to_owned()),
            ..PostParams::default()
        };
        let api = self.all(part);
        let made = within(self.deadline, api.create(&params, &object)).await;
        let made = made.map_err(|trouble| refused(self.advised(part, &trouble)))?;
        made.metadata
            .name
            .ok_or_else(|| refused("the API server gave it no name".to_owned()))
    }

    fn advised(&self, part: Part, trouble: &Trouble) -> String {
        let plural = part.resource().plural;
        let advice = match trouble.kind {
            TroubleKind::Forbidden => format!(
                "; allow create and delete of {plural}, and list of pods and pods/log, in the namespace {}",
                self.namespace
            ),
            _ if trouble.message.contains("already exists") => {
                "; delete it, or write metadata.generateName instead of a name".to_owned()
            }
            _ => String::new(),
        };
        format!("{}{advice}", trouble.message)
    }

    /// Deletes what was created, including pods; returns one sentence for each object that can't be deleted.
    async fn delete(&self, created: &[(Part, String)]) -> Vec<String> {
        let mut left = Vec::new();
        for (part, name) in created.iter().rev() {
            let deleted = self.delete_one(*part, name, PropagationPolicy::Background);
            if let Err(trouble) = deleted.await {
                left.push(format!(
                    "hpa-check: the {} {name} can't be deleted ({}): delete it by hand",
                    part.resource().kind,
                    trouble.message
                ));
            }
        }
        left
    }

    /// An object that is already gone counts as deleted.
    async fn delete_one(
        &self,
        part: Part,
        name: &str,
        propagation: PropagationPolicy,
    ) -> Result<(), Trouble> {
        let params = DeleteParams {
            propagation_policy: Some(propagation),
            ..DeleteParams::default()
        };
        let api = self.all(part);
        match within(self.deadline, api.delete(name, &params)).await {
            Err(trouble) if trouble.kind != TroubleKind::NotFound => Err(trouble),
            _ => Ok(()),
        }
    }
}

/// A kind of object that is created for a load.
#[derive(Debug, Clone, Copy)]
enum Part {
    ConfigMap,
    Job,
}

impl Part {
    fn resource(self) -> ApiResource {
        match self {
            Self::ConfigMap => ApiResource::erase::<ConfigMap>(&()),
            Self::Job => ApiResource::erase::<Job>(&()),
        }
    }
}
