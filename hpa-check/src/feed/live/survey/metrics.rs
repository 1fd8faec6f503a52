//! The resource metrics API: whether it is there, and one answer of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hpa_check_core::metrics_server::{MetricsServer, RESOURCE};
use hpa_check_core::observation::PodSample;
use hpa_check_core::snapshot::MetricsApi;

use super::super::convert::metrics::{PodMetricsList, samples_by_namespace};
use super::super::servers;
use super::super::trouble::TroubleKind;
use super::Missing;
use super::lists::Lists;

/// After an error, the metrics API is asked again once, so much later.
const AGAIN: Duration = Duration::from_secs(2);

/// What was read.
pub(super) struct Metrics {
    pub(super) api: MetricsApi,
    /// Who serves what is needed.
    pub(super) servers: Vec<MetricsServer>,
    /// The samples by namespace, or the API's error; `None` when it may not be asked.
    pub(super) samples: Option<Result<BTreeMap<String, Vec<PodSample>>, String>>,
}

pub(super) async fn read(
    lists: &Lists<'_>,
    needed: &BTreeSet<&'static str>,
    missing: &Missing,
) -> Metrics {
    let (api, own, version) = registered(lists, missing).await;
    let mut servers: Vec<MetricsServer> = own.into_iter().collect();
    for group in needed.iter().filter(|group| **group != RESOURCE) {
        // That it may not be read was said of the first one.
        let read = servers::read(lists.client, lists.timing, group).await;
        servers.extend(read.ok().map(|(server, _)| server));
    }
    let Some(version) = version else {
        return Metrics {
            api,
            servers,
            samples: None,
        };
    };
    let path = lists.path(&format!("/apis/{RESOURCE}/{version}"), "pods");
    // One error may be a moment's: a metrics server that is replaced, a busy API server.
    let mut answer = lists.get_patiently::<PodMetricsList>(&path).await;
    if let Err(trouble) = &answer
        && !matches!(trouble.kind, TroubleKind::Forbidden | TroubleKind::Silent)
    {
        tokio::time::sleep(AGAIN).await;
        answer = lists.get_patiently::<PodMetricsList>(&path).await;
    }
    let samples = match answer {
        Ok(list) => Some(Ok(samples_by_namespace(list))),
        Err(trouble) if trouble.kind == TroubleKind::Forbidden => {
            let consequence = "the pods' CPU is not seen";
            missing.note(
                &trouble,
                &format!("list pods.{RESOURCE}"),
                consequence,
                true,
            );
            None
        }
        // Nothing is known of the API when we are the one to hang up.
        Err(trouble) if trouble.kind == TroubleKind::Silent => {
            let consequence =
                "the pods' CPU was not read in time; wait longer with --request-timeout";
            missing.note(
                &trouble,
                &format!("list pods.{RESOURCE}"),
                consequence,
                true,
            );
            None
        }
        Err(trouble) => Some(Err(trouble.message)),
    };
    Metrics {
        api,
        servers,
        samples,
    }
}

/// What the aggregator says of it, who serves it, and the version to ask, if it is worth asking.
async fn registered(
    lists: &Lists<'_>,
    missing: &Missing,
) -> (MetricsApi, Option<MetricsServer>, Option<&'static str>) {
    match servers::read(lists.client, lists.timing, RESOURCE).await {
        Ok((server, version)) => {
            let api = match (version, &server.unavailable) {
                (None, _) => MetricsApi::Absent {
                    message: format!("no APIService is registered for {RESOURCE}"),
                },
                (Some(_), Some(message)) => MetricsApi::Unavailable {
                    message: message.clone(),
                },
                (Some(_), None) => MetricsApi::Served,
            };
            (api, Some(server), version)
        }
        Err(trouble) => {
            let consequence = "why the metrics API does not answer, and who serves it, is not seen";
            let rule = "get apiservices.apiregistration.k8s.io";
            missing.note(&trouble, rule, consequence, false);
            let (api, version) = asked(lists).await;
            (api, None, version)
        }
    }
}

/// Where the aggregator may not be asked: whether the group is served.
async fn asked(lists: &Lists<'_>) -> (MetricsApi, Option<&'static str>) {
    match lists
        .get::<serde_json::Value>(&format!("/apis/{RESOURCE}/v1beta1"))
        .await
    {
        Ok(_) => (MetricsApi::Served, Some("v1beta1")),
        Err(trouble) if trouble.kind == TroubleKind::NotFound => {
            let message = trouble.message;
            (MetricsApi::Absent { message }, None)
        }
        Err(_) => (MetricsApi::Unknown, Some("v1beta1")),
    }
}
