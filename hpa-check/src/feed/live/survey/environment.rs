//! Quotas, disruption budgets, other scalers, events: all optional.

use std::collections::{BTreeMap, BTreeSet};

use hpa_check_core::snapshot::{DisruptionBudget, Namespace, Quota};
use k8s_openapi::api::core::v1::ResourceQuota;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::de::DeserializeOwned;

use super::super::convert::keda::{self, scaled_object};
use super::super::convert::selector;
use super::super::facts::quotas;
use super::decode::{EventObject, VpaObject};
use super::lists::{Ask, List, Lists};

/// An optional list.
fn ask(
    api: &'static str,
    plural: &'static str,
    rule: &'static str,
    consequence: &'static str,
) -> Ask<'static> {
    Ask {
        api,
        plural,
        list: List::PAGED,
        rule,
        consequence,
        essential: false,
    }
}

fn events(fields: &'static str) -> Ask<'static> {
    let consequence =
        "past scalings and rejected pods, which only show in events, can't be observed";
    Ask {
        list: List::PAGED.of(fields),
        ..ask("/api/v1", "events", "list events", consequence)
    }
}

pub(super) async fn read(
    lists: &Lists<'_>,
    names: &BTreeSet<String>,
) -> BTreeMap<String, Namespace> {
    let get = Getting { lists, names };
    let (quotas, budgets, vpas, scaled, rescales, refusals) = tokio::join!(
        get.list(
            ask(
                "/api/v1",
                "resourcequotas",
                "list resourcequotas",
                "a quota that stops new pods is only noticed once it does"
            ),
            quota
        ),
        get.list(
            ask(
                "/apis/policy/v1",
                "poddisruptionbudgets",
                "list poddisruptionbudgets.policy",
                "budgets that block drains can't be observed"
            ),
            budget
        ),
        get.list(
            ask(
                "/apis/autoscaling.k8s.io/v1",
                "verticalpodautoscalers",
                "list verticalpodautoscalers.autoscaling.k8s.io",
                "a VPA on the same pods can't be observed"
            ),
            |vpa: VpaObject| Some(vpa.facts())
        ),
        get.list(
            ask(
                "/apis/keda.sh/v1alpha1",
                "scaledobjects",
                "list scaledobjects.keda.sh",
                "a ScaledObject on the same target, or a pause or fallback of KEDA, can't be observed"
            ),
            |one: keda::Object| Some((one.metadata.namespace.clone(), scaled_object(one)))
        ),
        get.list(
            events("involvedObject.kind=HorizontalPodAutoscaler,reason=SuccessfulRescale"),
            EventObject::facts
        ),
        get.list(events("reason=FailedCreate"), EventObject::facts),
    );
    let mut spaces: BTreeMap<String, Namespace> = names
        .iter()
        .map(|n| (n.clone(), Namespace::default()))
        .collect();
    sort(&mut spaces, quotas, |space, list: Vec<Quota>| {
        space.quotas.extend(list);
    });
    sort(&mut spaces, budgets, |space, one| space.budgets.push(one));
    sort(&mut spaces, vpas, |space, one| {
        space.vpas.push(one);
    });
    for (name, one) in scaled {
        // KEDA deletes the autoscaler of a paused one, and its namespace may have no other.
        if one.is_paused() || spaces.contains_key(&name) {
            spaces.entry(name).or_default().scaled_objects.push(one);
        }
    }
    sort(&mut spaces, rescales, |space, one| space.events.push(one));
    sort(&mut spaces, refusals, |space, one| space.events.push(one));
    spaces
}

struct Getting<'a> {
    lists: &'a Lists<'a>,
    names: &'a BTreeSet<String>,
}

impl Getting<'_> {
    async fn list<K: DeserializeOwned, T>(
        &self,
        ask: Ask<'_>,
        convert: impl Fn(K) -> Option<(String, T)>,
    ) -> Vec<(String, T)> {
        let read = self.lists.granted(&ask, self.names, convert).await;
        read.map_or_else(Vec::new, |read| read.all)
    }
}

/// Sorts each into its namespace; other namespaces do not matter.
pub(super) fn sort<T>(
    spaces: &mut BTreeMap<String, Namespace>,
    list: Vec<(String, T)>,
    put: impl Fn(&mut Namespace, T),
) {
    for (name, one) in list {
        if let Some(space) = spaces.get_mut(&name) {
            put(space, one);
        }
    }
}

fn quota(object: ResourceQuota) -> Option<(String, Vec<Quota>)> {
    let quotas = quotas(&object);
    Some((object.metadata.namespace?, quotas))
}

fn budget(object: PodDisruptionBudget) -> Option<(String, DisruptionBudget)> {
    let spec = object.spec?;
    let selector = spec.selector?;
    let labels = selector.match_labels.as_ref().map_or(0, BTreeMap::len);
    let rules = selector.match_expressions.as_ref().map_or(0, Vec::len);
    // An empty one selects every pod of the namespace; a missing one selects none.
    let selects_all = labels + rules == 0;
    let selector = serde_json::to_value(selector).ok()?;
    let text = |amount| match amount {
        IntOrString::Int(number) => number.to_string(),
        IntOrString::String(text) => text,
    };
    Some((
        object.metadata.namespace?,
        DisruptionBudget {
            name: object.metadata.name?,
            selector: if selects_all {
                String::new()
            } else {
                selector::text(&selector)?
            },
            min_available: spec.min_available.map(text),
            max_unavailable: spec.max_unavailable.map(text),
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_budget_with_an_empty_selector_is_for_every_pod_and_one_without_is_for_none() {
        let selector = |selector: Value| {
            let object = json!({"metadata": {"name": "b", "namespace": "shop"},
                "spec": {"selector": selector, "maxUnavailable": 0}});
            let (_, budget) = budget(serde_json::from_value(object).unwrap())?;
            Some(budget.selector)
        };
        assert_eq!(selector(json!({})).as_deref(), Some(""));
        assert_eq!(selector(json!({"matchLabels": {}})).as_deref(), Some(""));
        let cart = selector(json!({"matchLabels": {"app": "cart"}}));
        assert_eq!(cart.as_deref(), Some("app=cart"));
        assert_eq!(selector(Value::Null), None);
    }
}
