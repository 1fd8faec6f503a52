//! The resource metrics API: whether it is there, and one answer of it.

use std::collections::BTreeMap;

use hpa_check_core::observation::PodSample;
use hpa_check_core::snapshot::MetricsApi;
use serde::Deserialize;

use super::super::convert::metrics::{PodMetricsList, samples_by_namespace};
use super::super::trouble::{Kind, Trouble};
use super::Missing;
use super::lists::Lists;

const GROUP: &str = "metrics.k8s.io";

/// Versions whose shape is known, best first.
const VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// What was read.
pub(super) struct Metrics {
    pub(super) api: MetricsApi,
    /// The samples by namespace, or the API's error; `None` when it may not be asked.
    pub(super) samples: Option<Result<BTreeMap<String, Vec<PodSample>>, String>>,
}

#[derive(Deserialize)]
struct Service {
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
}

pub(super) async fn read(lists: &Lists<'_>, missing: &Missing) -> Metrics {
    let (api, version) = registered(lists, missing).await;
    let Some(version) = version else {
        return Metrics { api, samples: None };
    };
    let path = lists.path(&format!("/apis/{GROUP}/{version}"), "pods");
    let samples = match lists.get_patiently::<PodMetricsList>(&path).await {
        Ok(list) => Some(Ok(samples_by_namespace(list))),
        Err(trouble) if trouble.kind == Kind::Forbidden => {
            let consequence = "the pods' CPU is not seen";
            missing.note(&trouble, &format!("list pods.{GROUP}"), consequence, true);
            None
        }
        // Nothing is known of the API when we are the one to hang up.
        Err(trouble) if trouble.kind == Kind::Silent => {
            let consequence =
                "the pods' CPU was not read in time; wait longer with --request-timeout";
            missing.note(&trouble, &format!("list pods.{GROUP}"), consequence, true);
            None
        }
        Err(trouble) => Some(Err(trouble.message)),
    };
    Metrics { api, samples }
}

/// What the aggregator says of it, and the version to ask, if it is worth asking.
async fn registered(lists: &Lists<'_>, missing: &Missing) -> (MetricsApi, Option<&'static str>) {
    let mut last = None;
    for version in VERSIONS {
        let path = format!("/apis/apiregistration.k8s.io/v1/apiservices/{version}.{GROUP}");
        match lists.get::<Service>(&path).await {
            Ok(service) => return (state(service), Some(version)),
            Err(trouble) => last = Some(trouble),
        }
    }
    match last {
        Some(Trouble {
            kind: Kind::NotFound,
            message,
        }) => (MetricsApi::Absent { message }, None),
        Some(trouble) => {
            let consequence = "why the metrics API does not answer is not seen";
            missing.note(
                &trouble,
                "get apiservices.apiregistration.k8s.io",
                consequence,
                false,
            );
            asked(lists).await
        }
        None => (MetricsApi::Unknown, None),
    }
}

/// Where the aggregator may not be asked: whether the group is served.
async fn asked(lists: &Lists<'_>) -> (MetricsApi, Option<&'static str>) {
    match lists
        .get::<serde_json::Value>(&format!("/apis/{GROUP}/v1beta1"))
        .await
    {
        Ok(_) => (MetricsApi::Served, Some("v1beta1")),
        Err(trouble) if trouble.kind == Kind::NotFound => {
            let message = trouble.message;
            (MetricsApi::Absent { message }, None)
        }
        Err(_) => (MetricsApi::Unknown, Some("v1beta1")),
    }
}

fn state(service: Service) -> MetricsApi {
    let mut conditions = service.status.conditions.into_iter();
    match conditions.find(|c| c.kind == "Available") {
        Some(c) if c.status != "True" => MetricsApi::Unavailable {
            message: format!("Available {}, {}: {}", c.status, c.reason, c.message),
        },
        _ => MetricsApi::Served,
    }
}
