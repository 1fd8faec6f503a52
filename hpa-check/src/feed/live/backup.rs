//! The objects of a namespace as manifests, and the proof that the server accepts them.

use hpa_check_core::manifests::{self, EXPORTED, clean, differences, in_order, is_own};
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams,
};
use serde_json::Value;

use super::connect::{self, Cluster, ClusterArgs};
use super::timing::Timing;
use super::trouble::{Trouble, TroubleKind, get, within};
use crate::failure::Failure;

/// An extension that many clusters do not have.
const KEDA: &str = "keda.sh";

/// The field manager of a dry run.
const MANAGER: &str = "hpa-check";

/// Objects per page.
const PAGE: u32 = 500;

/// An export.
pub(crate) struct Export {
    pub(crate) manifests: Vec<Value>,
    /// One sentence for each kind that could not be read, and for each thing that a restore needs in addition.
    pub(crate) missing: Vec<String>,
}

/// The effect of applying a manifest.
pub(crate) enum Restored {
    /// The object does not exist and would be created.
    Made,
    /// The fields that would change, if any.
    Changed(Vec<String>),
    /// The server rejects it.
    Refused(String),
}

/// A cluster to export from and to try a restore on.
pub(crate) struct Backup {
    cluster: Cluster,
    timing: Timing,
}

impl Backup {
    pub(crate) async fn connect(args: &ClusterArgs) -> Result<Self, Failure> {
        let timing = Timing::default().waiting(args.deadline());
        let cluster = connect::connect(args, timing.call).await?;
        Ok(Self { cluster, timing })
    }

    /// The namespace.
    pub(crate) fn namespace(&self) -> &str {
        &self.cluster.namespace
    }

    /// All kinds, cleaned and sorted.
    pub(crate) async fn export(&self) -> Export {
        let (mut objects, mut missing) = (Vec::new(), Vec::new());
        for (group, version, kind) in EXPORTED {
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
            match self.list(&resource).await {
                Ok(list) => objects.extend(list),
                // A kind that is not installed has no objects, whether or not listing it is allowed.
                Err(_) if group == KEDA && !self.serves(KEDA).await => {}
                Err(trouble) => {
                    missing.push(format!(
                        "{} can't be read: {}",
                        resource.plural, trouble.message
                    ));
                }
            }
        }
        let scaled: Vec<(Value, Value)> = objects
            .iter()
            .filter(|o| o["kind"] == "HorizontalPodAutoscaler" || o["kind"] == "ScaledObject")
            .map(|o| {
                let target = &o["spec"]["scaleTargetRef"];
                let kind = target["kind"].as_str().filter(|kind| !kind.is_empty());
                (
                    Value::from(kind.unwrap_or("Deployment")),
                    target["name"].clone(),
                )
            })
            .collect();
        missing.extend(manifests::missing(&objects));
        let manifests = objects
            .iter()
            .filter(|o| is_own(o))
            .map(|o| {
                clean(
                    o,
                    scaled.contains(&(o["kind"].clone(), o["metadata"]["name"].clone())),
                )
            })
            .collect();
        Export {
            manifests: in_order(manifests),
            missing,
        }
    }

    /// Whether an API group exists; true if that can't be determined.
    async fn serves(&self, group: &str) -> bool {
        let path = format!("/apis/{group}");
        let answer = get::<Value>(&self.cluster.client, &path, self.timing.call).await;
        !matches!(answer, Err(trouble) if trouble.kind == TroubleKind::NotFound)
    }

    async fn list(&self, resource: &ApiResource) -> Result<Vec<Value>, Trouble> {
        let api: Api<DynamicObject> = Api::namespaced_with(
            self.cluster.client.clone(),
            &self.cluster.namespace,
            resource,
        );
        let mut params = ListParams::default().limit(PAGE);
        let mut all = Vec::new();
        loop {
            let page = within(self.timing.call, api.list(&params)).await?;
            for object in page.items {
                let mut value = serde_json::to_value(object).unwrap_or_default();
                // The items of a list have no kind.
                value["apiVersion"] = Value::from(resource.api_version.clone());
                value["kind"] = Value::from(resource.kind.clone());
                all.push(value);
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(all),
            }
        }
    }

    /// What the server would make of a manifest, by a dry run of server-side apply: nothing is written.
    pub(crate) async fn try_restore(&self, manifest: &Value) -> Result<Restored, Failure> {
        let kind = manifest["kind"].as_str().unwrap_or_default();
        let name = manifest["metadata"]["name"].as_str().unwrap_or_default();
        let version = manifest["apiVersion"].as_str().unwrap_or_default();
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        if name.is_empty() || !EXPORTED.contains(&(group, version, kind)) {
            let what = format!("`{kind}` of `{group}/{version}`, `{name}`");
            return Ok(Restored::Refused(format!(
                "{what} is not of a kind that this program exports"
            )));
        }
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let api: Api<DynamicObject> = Api::namespaced_with(
            self.cluster.client.clone(),
            &self.cluster.namespace,
            &resource,
        );
        let live = within(self.timing.call, api.get_opt(name))
            .await
            .map_err(unreachable)?;
        let mut manifest = manifest.clone();
        // It is tried in the requested namespace, wherever it was exported from.
        if let Some(metadata) = manifest["metadata"].as_object_mut() {
            metadata.remove("namespace");
        }
        let mut params = PatchParams::apply(MANAGER).force();
        params.dry_run = true;
        let applied = within(
            self.timing.call,
            api.patch(name, &params, &Patch::Apply(&manifest)),
        )
        .await;
        let applied = match applied {
            Ok(applied) => applied,
            Err(trouble)
                if matches!(
                    trouble.kind,
                    TroubleKind::Silent | TroubleKind::Unauthorized
                ) =>
            {
                return Err(unreachable(trouble));
            }
            Err(trouble) => return Ok(Restored::Refused(trouble.message)),
        };
        // Both are of this kind and in this namespace, whether or not the answers say so.
        let plain = |object: DynamicObject| {
            let mut whole = serde_json::to_value(object).unwrap_or_default();
            for key in ["apiVersion", "kind"] {
                whole[key] = manifest[key].clone();
            }
            let mut plain = clean(&whole, false);
            if let Some(metadata) = plain["metadata"].as_object_mut() {
                metadata.remove("namespace");
            }
            plain
        };
        Ok(match live {
            None => Restored::Made,
            Some(live) => Restored::Changed(differences(&plain(live), &plain(applied))),
        })
    }
}

fn unreachable(trouble: Trouble) -> Failure {
    Failure::target(format!(
        "the API server can't be reached: {}",
        trouble.message
    ))
}
