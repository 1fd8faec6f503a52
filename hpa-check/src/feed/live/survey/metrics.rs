//! The resource metrics API: whether it exists, and one answer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hpa_check_core::metrics_server::{MetricsServer, RESOURCE};
use hpa_check_core::observation::PodSample;
use hpa_check_core::snapshot::MetricsApi;

use super::super::convert::metrics::{self, PodMetrics};
use super::super::servers;
use super::super::trouble::TroubleKind;
use super::lists::{Ask, Granted, List, Lists};
use super::pods::ByNamespace;

/// The delay before the metrics API is queried once more after an error.
const AGAIN: Duration = Duration::from_secs(2);

/// What was read.
pub(super) struct Metrics {
    pub(super) api: MetricsApi,
    /// The servers of the APIs that are needed.
    pub(super) servers: Vec<MetricsServer>,
    /// The samples by namespace, or the API's error; `None` if querying it is forbidden.
    pub(super) samples: Option<Result<ByNamespace<PodSample>, String>>,
}

pub(super) async fn read(
    lists: &Lists<'_>,
    names: &BTreeSet<String>,
    needed: &BTreeSet<&'static str>,
) -> Metrics {
    let (api, own, version) = registered(lists).await;
    let mut servers: Vec<MetricsServer> = own.into_iter().collect();
    for group in needed.iter().filter(|group| **group != RESOURCE) {
        // The missing permission was already reported for the first one.
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
    let ask = Ask {
        api: &format!("/apis/{RESOURCE}/{version}"),
        plural: "pods",
        list: List::PAGED.whole(),
        rule: &format!("list pods.{RESOURCE}"),
        consequence: "the pods' CPU can't be observed",
        essential: true,
    };
    Metrics {
        api,
        servers,
        samples: samples(lists, &ask, names).await,
    }
}

/// The samples so far.
#[derive(Default)]
struct Gathered(BTreeMap<String, Vec<PodSample>>);

impl Extend<(String, PodSample)> for Gathered {
    fn extend<I: IntoIterator<Item = (String, PodSample)>>(&mut self, samples: I) {
        for (namespace, sample) in samples {
            self.0.entry(namespace).or_default().push(sample);
        }
    }
}

/// The samples of these namespaces.
async fn samples(
    lists: &Lists<'_>,
    ask: &Ask<'_>,
    names: &BTreeSet<String>,
) -> Option<Result<ByNamespace<PodSample>, String>> {
    let convert = |item: PodMetrics| {
        let namespace = item.namespace();
        let wanted = names.contains(namespace).then(|| namespace.to_owned())?;
        Some((wanted, metrics::sample(item)))
    };
    let ask_once =
        async || -> Result<Granted<Gathered>, _> { lists.permitted(ask, names, convert).await };
    let mut read = ask_once().await;
    // The error may be temporary: a metrics server that is being replaced, a busy API server.
    if let Err(trouble) = &read
        && !matches!(trouble.kind, TroubleKind::Forbidden | TroubleKind::Silent)
    {
        tokio::time::sleep(AGAIN).await;
        read = ask_once().await;
    }
    let trouble = match read {
        Ok(Granted { all, refused }) => {
            let read = all.0;
            return Some(Ok(ByNamespace { read, refused }));
        }
        Err(trouble) => trouble,
    };
    let consequence = match trouble.kind {
        TroubleKind::Forbidden => ask.consequence,
        // A timeout on our side proves nothing about the API.
        TroubleKind::Silent => {
            "the pods' CPU was not read in time; wait longer with --request-timeout"
        }
        _ => return Some(Err(trouble.message)),
    };
    lists.missing.note(&trouble, ask.rule, consequence, true);
    None
}

/// What the aggregator says about it, its server, and the version to query, if that makes sense.
async fn registered(
    lists: &Lists<'_>,
) -> (MetricsApi, Option<MetricsServer>, Option<&'static str>) {
    match servers::read(lists.client, lists.timing, RESOURCE).await {
        Ok((server, version)) => {
            let api = match (version, &server.unavailable) {
                (None, _) => MetricsApi::Absent {
                    message: format!("no APIService is registered for {RESOURCE}"),
                },
                (Some(_), Some(message)) => MetricsApi::Unavailable {
                    message: message.clone(),
                    since: server.unavailable_since,
                },
                (Some(_), None) => MetricsApi::Served,
            };
            (api, Some(server), version)
        }
        Err(trouble) => {
            let consequence =
                "the server of the metrics API, and why it does not answer, are unknown";
            let rule = "get apiservices.apiregistration.k8s.io";
            lists.missing.note(&trouble, rule, consequence, false);
            let (api, version) = asked(lists).await;
            (api, None, version)
        }
    }
}

/// If reading the aggregator is forbidden: whether the group is served.
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
