//! The `ScaledObject` that an autoscaler belongs to. It is polled, since watching may be forbidden and the
//! exact instant of a pause does not matter. All of it is optional.

use hpa_check_core::keda::ScaledObject;
use hpa_check_core::observation::{Fact, Seen};
use kube::Client;
use tokio::sync::watch;

use super::convert::keda::{Object, scaled_object};
use super::reporter::Reporter;
use super::timing::Timing;
use super::trouble::{TroubleKind, get};

/// The path of `ScaledObjects` in a namespace.
fn path(namespace: &str) -> String {
    format!("/apis/keda.sh/v1alpha1/namespaces/{namespace}/scaledobjects")
}

/// What to follow.
pub(super) struct Following {
    pub(super) client: Client,
    pub(super) namespace: String,
    /// The name, once the autoscaler is known to be KEDA's.
    pub(super) name: watch::Receiver<Option<String>>,
    /// What was reported before.
    pub(super) told: Option<Fact>,
    pub(super) timing: Timing,
    pub(super) reporter: Reporter,
}

impl Following {
    /// Polls until the task is dropped.
    pub(super) async fn run(mut self) {
        let mut told = self.told.take();
        let mut told_forbidden = false;
        loop {
            let name = self.name.borrow_and_update().clone();
            let Some(name) = name else {
                if self.name.changed().await.is_err() {
                    return;
                }
                continue;
            };
            let one = format!("{}/{name}", path(&self.namespace));
            let read = get::<Object>(&self.client, &one, self.timing.call).await;
            let fact = match read {
                Ok(object) => Some(Fact::ScaledObject(scaled_object(object))),
                // If it could never be read, the cluster may lack the definition; the owner reference is
                // enough.
                Err(trouble)
                    if trouble.kind == TroubleKind::NotFound && told_read(told.as_ref()) =>
                {
                    Some(Fact::ScaledObjectGone { name })
                }
                Err(trouble)
                    if matches!(trouble.kind, TroubleKind::NotFound | TroubleKind::Forbidden) =>
                {
                    if trouble.kind == TroubleKind::Forbidden && !told_forbidden {
                        told_forbidden = true;
                        let consequence =
                            "whether KEDA pauses scaling or uses a fallback can't be observed";
                        let rule = "get scaledobjects.keda.sh".to_owned();
                        self.reporter.forbidden(rule, consequence);
                    }
                    // Earlier readings stay valid.
                    let nothing_yet = told.is_none();
                    nothing_yet.then(|| Fact::ScaledObject(ScaledObject::unread(&name)))
                }
                Err(_) => None,
            };
            if let Some(fact) = fact.filter(|fact| told.as_ref() != Some(fact)) {
                self.reporter.tell(Seen::Fact(fact.clone()));
                told = Some(fact);
            }
            tokio::time::sleep(self.timing.poll).await;
        }
    }
}

fn told_read(told: Option<&Fact>) -> bool {
    match told {
        Some(Fact::ScaledObject(object)) => object.is_read,
        Some(Fact::ScaledObjectGone { .. }) => true,
        _ => false,
    }
}

/// The current object, or just its name if it can't be read.
pub(super) async fn object(
    client: &Client,
    namespace: &str,
    name: &str,
    timing: Timing,
) -> ScaledObject {
    let one = format!("{}/{name}", path(namespace));
    let read = get::<Object>(client, &one, timing.call).await;
    read.map_or_else(|_| ScaledObject::unread(name), scaled_object)
}

#[derive(serde::Deserialize)]
struct List {
    #[serde(default, deserialize_with = "super::convert::null_as_empty")]
    items: Vec<Object>,
}

/// Why an autoscaler may be missing: paused `ScaledObjects`, whose autoscalers KEDA deletes. Only improves an
/// error message, so its own failure does not matter.
pub(super) async fn paused(client: &Client, namespace: &str, timing: Timing) -> Vec<ScaledObject> {
    let list = get::<List>(client, &path(namespace), timing.call).await;
    let items = list.map(|list| list.items).unwrap_or_default();
    let objects = items.into_iter().map(scaled_object);
    objects.filter(ScaledObject::is_paused).collect()
}
