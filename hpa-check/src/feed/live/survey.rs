//! A snapshot of everything that doctor reads: lists in pages, each page reduced to small values before the
//! next is requested, so that a big cluster takes little memory.
//!
//! A missing permission is reported and the rest is read; only the autoscalers themselves are indispensable.

mod decode;
mod deployers;
mod environment;
mod items;
mod lists;
mod metrics;
mod nodes;
mod pods;
mod targets;
mod waiting;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hpa_check_core::doctor::ANNOTATION;
use hpa_check_core::metrics_server::group_of;
use hpa_check_core::observation::ControllerConfig;
use hpa_check_core::snapshot::Unseen;
use hpa_check_core::snapshot::{ClusterSnapshot, Namespace, Scaler, TargetLook};
use jiff::Timestamp;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::connect::{self, Cluster, ClusterArgs};
use super::convert;
use super::find::{NEEDS_V2, did_you_mean};
use super::timing::Timing;
use super::trouble::{Trouble, TroubleKind};
use crate::failure::Failure;
use decode::Bare;
use lists::{Ask, List, Lists, NamespaceScope};

/// A cluster that answered.
pub(crate) struct Surveyor {
    cluster: Cluster,
    timing: Timing,
    scope: NamespaceScope,
}

/// Assumptions about what the API does not show.
#[derive(Debug, Clone)]
pub(crate) struct Assumed {
    pub(crate) controller: ControllerConfig,
    pub(crate) metrics_resolution: Duration,
    /// The labels that name an autoscaler's owner; the first one present counts.
    pub(crate) owner_labels: Vec<String>,
}

/// The most namespaces that a note lists.
const NAMED: usize = 10;

/// What could not be read, collected by all lists at once.
#[derive(Default)]
struct Missing(RefCell<Vec<Unseen>>);

impl Missing {
    /// Records it. An API that does not exist has nothing to read.
    fn note(&self, trouble: &Trouble, rule: &str, consequence: &str, essential: bool) {
        let mut all = self.0.borrow_mut();
        if all.iter().any(|unseen| unseen.rule == rule) {
            return;
        }
        all.push(Unseen {
            rule: rule.to_owned(),
            error: trouble.message.clone(),
            consequence: consequence.to_owned(),
            essential,
        });
    }

    /// Records settings that this version can't follow.
    fn unknown(&self, found: &[Found]) {
        for Found {
            namespace,
            scaler,
            unknown,
        } in found
        {
            for word in unknown {
                let name = &scaler.name;
                self.0.borrow_mut().push(Unseen {
                    rule: format!("{word} of {namespace}/{name}"),
                    error: "this version of hpa-check does not know it".to_owned(),
                    consequence: "what the autoscaler does with it can't be determined".to_owned(),
                    essential: true,
                });
            }
        }
    }

    /// Records the namespaces, out of `of`, that could not be read.
    fn refused(&self, refused: &[(String, Trouble)], of: usize, ask: &Ask<'_>) {
        let Some((_, trouble)) = refused.first() else {
            return;
        };
        let names = refused.iter().take(NAMED).map(|(name, _)| name.as_str());
        let mut named = names.collect::<Vec<_>>().join(", ");
        if refused.len() > NAMED {
            named.push_str(", …");
        }
        let message = format!(
            "not in {} of {of} namespaces ({named}): {}",
            refused.len(),
            trouble.message
        );
        let kind = trouble.kind;
        let trouble = Trouble { kind, message };
        self.note(&trouble, ask.rule, ask.consequence, ask.essential);
    }
}

/// An autoscaler and its namespace.
struct Found {
    namespace: String,
    scaler: Scaler,
    /// The words of its spec that this version does not know.
    unknown: Vec<String>,
}

impl Surveyor {
    /// Connects. Reads one namespace or all.
    pub(crate) async fn connect(args: &ClusterArgs, all: bool) -> Result<Self, Failure> {
        let timing = Timing::default().waiting(args.deadline());
        let cluster = connect::connect(args, timing.call).await?;
        let scope = if all {
            NamespaceScope::All
        } else {
            NamespaceScope::One(cluster.namespace.clone())
        };
        Ok(Self {
            cluster,
            timing,
            scope,
        })
    }

    /// The current time by the server's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.cluster.clock.now()
    }

    /// The namespace to read; `None` for all.
    pub(crate) fn namespace(&self) -> Option<&str> {
        match &self.scope {
            NamespaceScope::All => None,
            NamespaceScope::One(name) => Some(name),
        }
    }

    /// Takes a snapshot.
    pub(crate) async fn look(&self, assumed: &Assumed) -> Result<ClusterSnapshot, Failure> {
        let lists = Lists {
            client: &self.cluster.client,
            timing: self.timing,
            scope: &self.scope,
            missing: Missing::default(),
        };
        let mut found = self.autoscalers(&lists, assumed).await?;
        lists.missing.unknown(&found);
        let names: BTreeSet<String> = found.iter().map(|f| f.namespace.clone()).collect();
        if let (NamespaceScope::One(name), true) = (&self.scope, found.is_empty()) {
            Self::there_is(&lists, name).await?;
        }
        let specs = found.iter().map(|f| &f.scaler.object.spec);
        let metrics = specs.flat_map(|spec| &spec.metrics);
        let needed = metrics.filter_map(|m| group_of(&m.source)).collect();
        let (targets, pods, metrics, nodes, around) = tokio::join!(
            targets::read(&lists, &names, &found),
            pods::read(&lists, &names),
            metrics::read(&lists, &names, &needed),
            nodes::read(&lists),
            environment::read(&lists, &names),
        );
        let mut spaces: BTreeMap<String, Namespace> = around;
        for (name, owners) in targets.owners {
            if let Some(space) = spaces.get_mut(&name) {
                space.owners = owners;
            }
        }
        let room = nodes.and_then(|nodes| nodes.room(pods.requested));
        let (mut pods, mut samples) = (pods.readable, metrics.samples);
        for (name, space) in &mut spaces {
            space.pods = pods.as_mut().and_then(|all| all.take(name));
            space.samples = match &mut samples {
                Some(Ok(all)) => all.take(name).map(Ok),
                Some(Err(error)) => Some(Err(error.clone())),
                None => None,
            };
        }
        for (one, look) in found.iter_mut().zip(targets.looks) {
            one.scaler.target = look;
        }
        for one in found {
            let space = spaces.entry(one.namespace).or_default();
            space.autoscalers.push(one.scaler);
        }
        let deployers = deployers::read(&lists, &spaces).await;
        let node_claims = waiting::read(&lists, &mut spaces).await;
        Ok(ClusterSnapshot {
            at: self.now(),
            kubernetes: self.cluster.kubernetes.clone(),
            controller: assumed.controller.clone(),
            metrics_resolution: assumed.metrics_resolution,
            metrics_api: metrics.api,
            deployers: deployers.read,
            deployers_unread: deployers.unread,
            metrics_servers: metrics.servers,
            node_claims,
            room,
            namespaces: spaces,
            unseen: lists.missing.0.into_inner(),
        })
    }

    /// A list in a missing namespace is empty, not an error.
    async fn there_is(lists: &Lists<'_>, name: &str) -> Result<(), Failure> {
        match lists
            .get::<Bare>(&format!("/api/v1/namespaces/{name}"))
            .await
        {
            Ok(_) => Ok(()),
            Err(trouble) if trouble.kind == TroubleKind::NotFound => {
                let named = |one: Bare| Some(one.metadata.name);
                let names = List::at("/api/v1/namespaces").of_metadata();
                let all: Vec<String> = lists.all(names, named).await.unwrap_or_default();
                let hint = did_you_mean(name, all.iter().map(String::as_str));
                Err(Failure::target(format!(
                    "the namespace {name} does not exist{hint}"
                )))
            }
            Err(trouble) => {
                let consequence = "whether the namespace exists is unknown";
                lists
                    .missing
                    .note(&trouble, "get namespaces", consequence, true);
                Ok(())
            }
        }
    }

    /// The autoscalers of the namespaces in which they may be listed, if there is at least one.
    async fn permitted(
        lists: &Lists<'_>,
        convert: impl Fn(HorizontalPodAutoscaler) -> Option<Found>,
    ) -> Option<Vec<Found>> {
        let named = |one: Bare| Some(one.metadata.name);
        let names = List::at("/api/v1/namespaces").of_metadata();
        let names: Vec<String> = lists.all(names, named).await.ok()?;
        let names = names.into_iter().collect();
        let (found, refused) = lists.each(&AUTOSCALERS, &names, convert).await;
        lists.missing.refused(&refused, names.len(), &AUTOSCALERS);
        (refused.len() < names.len()).then_some(found)
    }

    async fn autoscalers(
        &self,
        lists: &Lists<'_>,
        assumed: &Assumed,
    ) -> Result<Vec<Found>, Failure> {
        let labels = &assumed.owner_labels;
        let convert = |object| found(object, labels);
        let path = lists.path(AUTOSCALERS.api, AUTOSCALERS.plural);
        let mut read = lists.all(List::at(path), convert).await;
        if matches!(&read, Err(trouble) if trouble.kind == TroubleKind::Forbidden)
            && self.scope == NamespaceScope::All
            && let Some(some) = Self::permitted(lists, convert).await
        {
            read = Ok(some);
        }
        read.map_err(|trouble| {
            let place = self.namespace().map_or_else(
                || "all namespaces".to_owned(),
                |name| format!("namespace {name}"),
            );
            let advice = trouble.remedy().unwrap_or(match trouble.kind {
                TroubleKind::Forbidden => "grant list on horizontalpodautoscalers.autoscaling there, or name a namespace with --namespace",
                TroubleKind::NotFound => NEEDS_V2,
                TroubleKind::Silent => "wait longer with --request-timeout",
                _ => "check that the API server is healthy, and try again",
            });
            let message = &trouble.message;
            Failure::target(format!(
                "the HorizontalPodAutoscalers of {place} can't be read: {message}; {advice}"
            ))
        })
    }
}

/// The autoscalers of some namespaces.
const AUTOSCALERS: Ask<'_> = Ask {
    api: "/apis/autoscaling/v2",
    plural: "horizontalpodautoscalers",
    list: List::PAGED,
    rule: "list horizontalpodautoscalers.autoscaling",
    consequence: "the autoscalers there are not checked",
    essential: true,
};

/// KEDA's label is used if the owner reference was lost.
fn owner(metadata: &ObjectMeta) -> Option<String> {
    let keda = convert::keda::owner(metadata).map(|name| format!("ScaledObject/{name}"));
    let owners = metadata.owner_references.as_deref().unwrap_or_default();
    keda.or_else(|| convert::meta::controller(owners))
}

/// When the condition last changed.
fn since(object: &HorizontalPodAutoscaler, kind: &str) -> Option<Timestamp> {
    let conditions = object.status.as_ref()?.conditions.as_ref()?;
    let condition = conditions.iter().find(|c| c.type_ == kind)?;
    Some(condition.last_transition_time.as_ref()?.0)
}

fn found(object: HorizontalPodAutoscaler, owner_labels: &[String]) -> Option<Found> {
    let metadata = &object.metadata;
    let (labels, annotations) = (metadata.labels.as_ref(), metadata.annotations.as_ref());
    let mut owners = owner_labels.iter().filter_map(|key| labels?.get(key));
    let words = object.spec.as_ref().map(convert::autoscaler::unknown_words);
    Some(Found {
        namespace: metadata.namespace.clone()?,
        unknown: words.unwrap_or_default(),
        scaler: Scaler {
            name: metadata.name.clone()?,
            created: metadata.creation_timestamp.as_ref().map(|t| t.0),
            owner: owner(metadata),
            team: owners.next().cloned(),
            inactive_since: since(&object, "ScalingActive"),
            unable_since: since(&object, "AbleToScale"),
            ignore: annotations.and_then(|all| all.get(ANNOTATION)).cloned(),
            object: convert::autoscaler::autoscaler(object),
            target: TargetLook::Unread,
        },
    })
}
