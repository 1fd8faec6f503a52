//! The resource metrics API: whether it is there, and one answer of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hpa_check_core::metrics_server::{MetricsServer, RESOURCE};
use hpa_check_core::observation::PodSample;
use hpa_check_core::snapshot::MetricsApi;

use super::super::convert::metrics::{self, PodMetrics};
use super::super::servers;
use super::super::trouble::TroubleKind;
use super::Missing;
use super::lists::{Ask, Granted, List, Lists};
use super::pods::ByNamespace;

/// After an error, the metrics API is asked again once, so much later.
const AGAIN: Duration = Duration::from_secs(2);

/// What was read.
pub(super) struct Metrics {
    pub(super) api: MetricsApi,
    /// Who serves what is needed.
    pub(super) servers: Vec<MetricsServer>,
    /// The samples by namespace, or the API's error; `None` when it may not be asked.
    pub(super) samples: Option<Result<ByNamespace<PodSample>, String>>,
}

pub(super) async fn read(
    lists: &Lists<'_>,
    (names, needed): (&BTreeSet<String>, &BTreeSet<&'static str>),
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
    let ask = Ask {
        api: &format!("/apis/{RESOURCE}/{version}"),
        plural: "pods",
        list: List::PAGED.whole(),
        rule: &format!("list pods.{RESOURCE}"),
        consequence: "the pods' CPU is not seen",
        essential: true,
    };
    Metrics {
        api,
        servers,
        samples: samples(lists, &ask, (names, missing)).await,
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
    (names, missing): (&BTreeSet<String>, &Missing),
) -> Option<Result<ByNamespace<PodSample>, String>> {
    let convert = |item: PodMetrics| {
        let namespace = item.namespace();
        let wanted = names.contains(namespace).then(|| namespace.to_owned())?;
        Some((wanted, metrics::sample(item)))
    };
    let ask_once = async || -> Result<Granted<Gathered>, _> {
        lists.permitted(ask, (names, missing), convert).await
    };
    let mut read = ask_once().await;
    // One error may be a moment's: a metrics server that is replaced, a busy API server.
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
        // Nothing is known of the API when we are the one to hang up.
        TroubleKind::Silent => {
            "the pods' CPU was not read in time; wait longer with --request-timeout"
        }
        _ => return Some(Err(trouble.message)),
    };
    missing.note(&trouble, ask.rule, consequence, true);
    None
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
                    since: server.unavailable_since,
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
