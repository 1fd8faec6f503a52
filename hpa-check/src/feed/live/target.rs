//! The scale target: its API resource, the object itself, and its pods' selector.

use std::sync::Arc;

use hpa_check_core::observation::{Fact, Seen, Watched};
use hpa_check_core::spec::TargetRef;
use kube::api::{Api, ApiResource, DynamicObject};
use tokio::sync::watch;

use super::chain::{Chain, set};
use super::follow::{Subject, Which, follow};
use super::known::{Known, ObjectChange};
use super::trouble::{Trouble, TroubleKind};
use super::{backoff, convert, scale};

/// The scale target and its API resource.
struct ScaleTarget {
    api: Api<DynamicObject>,
    name: String,
    /// The resource as an RBAC rule names it.
    rule: String,
}

impl Chain {
    /// Follows the target, and passes its pods' selector to those who need it.
    pub(super) async fn target(
        self,
        reference: TargetRef,
        selector: Arc<watch::Sender<Option<String>>>,
    ) {
        let resource = self.resource(&reference).await;
        let target = ScaleTarget {
            api: Api::namespaced_with(
                self.cluster.client.clone(),
                &self.cluster.namespace,
                &resource,
            ),
            name: reference.name,
            rule: scale::rule(&resource),
        };
        if scale::is_workload(&resource) {
            return self.workload(&target, &selector).await;
        }
        let (object, to_scale) = watch::channel(None);
        tokio::join!(
            self.custom(&target, object),
            self.scales(&target, &resource.kind, to_scale, &selector)
        );
    }

    /// Follows an object whose kind stores its replicas under known names.
    async fn workload(&self, target: &ScaleTarget, selector: &watch::Sender<Option<String>>) {
        let tell = |object: &DynamicObject| {
            let seen = convert::target::target(object);
            let known = Some(seen.selector.clone()).filter(|selector| !selector.is_empty());
            set(selector, known);
            Some(Seen::Target(seen))
        };
        self.objects(target, tell).await;
    }

    /// Follows an object of any other kind: only its `/scale` shows its replicas.
    async fn custom(&self, target: &ScaleTarget, object: watch::Sender<Option<DynamicObject>>) {
        let tell = |seen: &DynamicObject| {
            object.send_replace(Some(seen.clone()));
            None
        };
        self.objects(target, tell).await;
    }

    /// Reads `/scale` after each change of the object, and now and then, because a change of the scale need not
    /// change the object.
    async fn scales(
        &self,
        target: &ScaleTarget,
        kind: &str,
        mut object: watch::Receiver<Option<DynamicObject>>,
        selector: &watch::Sender<Option<String>>,
    ) {
        let mut told = None;
        let mut failures = 0;
        loop {
            let mut wait = self.timing.poll;
            let current = object.borrow_and_update().clone();
            if let Some(current) = current {
                match scale::read(&target.api, &target.name, self.timing).await {
                    Ok(scale) => {
                        failures = 0;
                        let seen = convert::target::scaled(&current, &scale);
                        set(selector, scale.selector.clone());
                        if told.as_ref() != Some(&seen) {
                            self.reporter.tell(Seen::Target(seen.clone()));
                            told = Some(seen);
                        }
                    }
                    Err(trouble) => {
                        failures += 1;
                        wait = backoff::delay(failures, trouble.kind.asked());
                        if failures == 1 {
                            self.no_scale(target, kind, trouble);
                        }
                    }
                }
            }
            tokio::select! {
                changed = object.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Reports why the scale can't be read, unless that is temporary. The object exists, so what was not found
    /// is its scale.
    fn no_scale(&self, target: &ScaleTarget, kind: &str, trouble: Trouble) {
        match trouble.kind {
            TroubleKind::NotFound => self.reporter.tell(Seen::Fact(Fact::NotScalable {
                kind: kind.to_owned(),
                message: trouble.message,
            })),
            TroubleKind::Forbidden => {
                let (plural, group) = target.rule.split_once('.').unwrap_or((&target.rule, ""));
                self.reporter.forbidden(
                    format!("get {plural}/scale.{group}"),
                    "the desired replicas and the pods can't be observed",
                );
            }
            _ => {}
        }
    }

    async fn objects(
        &self,
        target: &ScaleTarget,
        mut tell: impl FnMut(&DynamicObject) -> Option<Seen>,
    ) {
        let subject = Subject {
            api: target.api.clone(),
            resource: Watched::Target,
            rule: target.rule.clone(),
            consequence: "the desired and ready replicas can't be observed",
            which: Which::Named(target.name.clone()),
        };
        let mut known = Known::default();
        let reporter = self.reporter.clone();
        follow(
            subject,
            &mut known,
            (self.timing, self.link),
            reporter,
            |change| match change {
                ObjectChange::Put(object) => tell(&object),
                ObjectChange::Gone { .. } => Some(Seen::TargetGone),
            },
        )
        .await;
    }

    /// Retries until it is known: a custom resource may be defined after its autoscaler.
    async fn resource(&self, reference: &TargetRef) -> ApiResource {
        let mut failures = 0;
        loop {
            match scale::resource(&self.cluster.client, reference, self.timing).await {
                Ok(resource) => return resource,
                Err(trouble) => {
                    failures += 1;
                    if failures == 1 {
                        self.reporter.lost(Watched::Target, &trouble.message, None);
                    }
                    tokio::time::sleep(backoff::delay(failures, None)).await;
                }
            }
        }
    }
}
