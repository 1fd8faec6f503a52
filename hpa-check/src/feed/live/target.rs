//! The scale target: where it is in the API, the object itself, and the selector of its pods.

use std::sync::Arc;

use hpa_check_core::observation::Seen;
use hpa_check_core::spec::TargetRef;
use kube::api::{Api, ApiResource, DynamicObject};
use tokio::sync::watch;

use super::chain::{Chain, set};
use super::follow::{Subject, Which, follow};
use super::known::{Change, Known};
use super::trouble::Kind;
use super::{backoff, convert, scale};

/// Attempts to read the target's `/scale` before it is done without.
const SCALE_ATTEMPTS: u32 = 4;

/// What is scaled, and where it is.
struct ScaleTarget {
    api: Api<DynamicObject>,
    name: String,
    /// The resource as an RBAC rule names it.
    rule: String,
}

impl Chain {
    /// Follows the target, and tells those who hang on it the selector of its pods.
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
        let mut known = Known::default();
        if scale::has_own_selector(&resource) {
            return self.objects(&target, None, &mut known, &selector).await;
        }
        let mut asked = self.scale_selector(&target).await;
        loop {
            tokio::select! {
                () = self.objects(&target, asked.as_deref(), &mut known, &selector) => return,
                other = self.other_selector(&target, asked.as_deref()) => asked = other,
            }
            known.tell_again();
        }
    }

    async fn objects(
        &self,
        target: &ScaleTarget,
        asked: Option<&str>,
        known: &mut Known,
        selector: &watch::Sender<Option<String>>,
    ) {
        let subject = Subject {
            api: target.api.clone(),
            resource: "target",
            rule: target.rule.clone(),
            consequence: "neither the wanted nor the ready replicas are seen",
            which: Which::Named(target.name.clone()),
        };
        follow(
            subject,
            known,
            (self.timing, self.link),
            self.reporter.clone(),
            |change| {
                let Change::Put(object) = change else {
                    return Some(Seen::TargetGone);
                };
                let seen = convert::target::target(&object, asked);
                let known = Some(seen.selector.clone()).filter(|selector| !selector.is_empty());
                set(selector, known);
                Some(Seen::Target(seen))
            },
        )
        .await;
    }

    /// Asks until it is known: a custom resource may be defined after its autoscaler.
    async fn resource(&self, reference: &TargetRef) -> ApiResource {
        let mut failures = 0;
        loop {
            match scale::resource(&self.cluster.client, reference, self.timing).await {
                Ok(resource) => return resource,
                Err(trouble) => {
                    failures += 1;
                    if failures == 1 {
                        self.reporter.lost("target", &trouble.message, None);
                    }
                    tokio::time::sleep(backoff::delay(failures, None)).await;
                }
            }
        }
    }

    /// The selector that the target's `/scale` gives; `None` when it gives none, or not to us.
    async fn scale_selector(&self, target: &ScaleTarget) -> Option<String> {
        for attempt in 1..=SCALE_ATTEMPTS {
            match scale::selector(&target.api, &target.name, self.timing).await {
                Ok(selector) => return selector,
                // There is nothing to scale yet.
                Err(trouble) if trouble.kind == Kind::NotFound => return None,
                Err(trouble) if trouble.kind == Kind::Forbidden => {
                    let (plural, group) = target.rule.split_once('.').unwrap_or((&target.rule, ""));
                    self.reporter.forbidden(
                        format!("get {plural}/scale.{group}"),
                        "the pods are found by the target's own selector, which may not be the one that counts",
                    );
                    return None;
                }
                Err(trouble) => {
                    tokio::time::sleep(backoff::delay(attempt, trouble.kind.asked())).await;
                }
            }
        }
        None
    }

    /// Asks now and then, until `/scale` gives another selector.
    async fn other_selector(&self, target: &ScaleTarget, asked: Option<&str>) -> Option<String> {
        loop {
            tokio::time::sleep(self.timing.facts).await;
            let found = scale::selector(&target.api, &target.name, self.timing).await;
            if let Ok(Some(found)) = found
                && Some(found.as_str()) != asked
            {
                return Some(found);
            }
        }
    }
}
