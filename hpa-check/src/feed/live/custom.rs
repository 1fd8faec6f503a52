//! The values of custom and external metrics, from the same APIs that the controller reads. Like the pods' CPU
//! they have no watch, so they are polled. If that is forbidden, the autoscaler's status has the values that
//! the controller read.

use hpa_check_core::observation::{MetricAnswer, MetricReading, PodValue, Seen};
use hpa_check_core::quantity::Quantity;
use hpa_check_core::spec::{
    AutoscalerSpec, LabelSelector, MetricIdentifier, MetricSource, TargetRef,
};
use kube::Client;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::convert::null_as_empty;
use super::reporter::Reporter;
use super::scale;
use super::timing::Timing;
use super::trouble::{Trouble, TroubleKind, get};

const CUSTOM: &str = "/apis/custom.metrics.k8s.io";

/// Versions of the custom metrics API, best first; the fields that are read have the same shape in both.
const VERSIONS: [&str; 2] = ["v1beta2", "v1beta1"];

const EXTERNAL: &str = "/apis/external.metrics.k8s.io/v1beta1";

/// What to poll.
pub(super) struct CustomMetrics {
    pub(super) client: Client,
    pub(super) namespace: String,
    /// The spec's custom and external metrics, as far as known.
    pub(super) metrics: watch::Receiver<Option<Vec<MetricSource>>>,
    /// The pods' selector, as far as known.
    pub(super) selector: watch::Receiver<Option<String>>,
    pub(super) timing: Timing,
    pub(super) reporter: Reporter,
}

/// The metrics of a spec that are not resources of its pods.
pub(super) fn custom_metrics(spec: &AutoscalerSpec) -> Vec<MetricSource> {
    let sources = spec.metrics.iter().map(|metric| &metric.source);
    let known = |source: &&MetricSource| source.is_known();
    let custom = sources.filter(|source| source.resource().is_none());
    custom.filter(known).cloned().collect()
}

/// `MetricValueList` and `ExternalMetricValueList`.
#[derive(Deserialize)]
struct Values {
    #[serde(default, deserialize_with = "null_as_empty")]
    items: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Value {
    #[serde(default)]
    described_object: Described,
    value: Quantity,
}

#[derive(Default, Deserialize)]
struct Described {
    #[serde(default)]
    name: String,
}

impl CustomMetrics {
    /// Polls until the task is dropped.
    pub(super) async fn run(self) {
        let mut ticks = tokio::time::interval(self.timing.metrics);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let metrics = self.metrics.borrow().clone().unwrap_or_default();
            for metric in metrics {
                self.read(metric).await;
            }
        }
    }

    async fn read(&self, metric: MetricSource) {
        let answer = match &metric {
            MetricSource::Pods(identifier) => self.of_pods(identifier).await,
            MetricSource::Object { metric, object } => self.of_object(metric, object).await,
            MetricSource::External(identifier) => self.external(identifier).await,
            _ => return,
        };
        let answer = match answer {
            Ok(answer) => answer,
            // What is forbidden to this program need not be forbidden to the controller.
            Err(trouble) if trouble.kind == TroubleKind::Forbidden => {
                let (verb, group) = match &metric {
                    MetricSource::External(_) => ("list", "external.metrics.k8s.io"),
                    _ => ("get", "custom.metrics.k8s.io"),
                };
                return self.reporter.forbidden(
                    format!("{verb} {}.{group}", metric.name()),
                    "the metric's values come from the autoscaler's status",
                );
            }
            Err(trouble) => MetricAnswer::Error(trouble.message),
        };
        self.reporter
            .tell(Seen::Metric(MetricReading { metric, answer }));
    }

    async fn of_pods(&self, metric: &MetricIdentifier) -> Result<MetricAnswer, Trouble> {
        let Some(selector) = self.selector.borrow().clone() else {
            return Ok(MetricAnswer::Pods(Vec::new()));
        };
        let name = &metric.name;
        let query = query(&[
            ("labelSelector", Some(selector)),
            ("metricLabelSelector", labels(metric)),
        ]);
        let values = self.custom(&format!("pods/*/{name}"), &query).await?;
        let values = values.items.into_iter().map(|item| PodValue {
            pod: item.described_object.name,
            value: item.value,
        });
        Ok(MetricAnswer::Pods(values.collect()))
    }

    async fn of_object(
        &self,
        metric: &MetricIdentifier,
        object: &TargetRef,
    ) -> Result<MetricAnswer, Trouble> {
        let name = &metric.name;
        let path = if object.kind == "Namespace" && !object.api_version.contains('/') {
            format!("metrics/{name}")
        } else {
            let resource = scale::resource(&self.client, object, self.timing).await?;
            format!("{}/{}/{name}", scale::rule(&resource), object.name)
        };
        let query = query(&[("metricLabelSelector", labels(metric))]);
        let values = self.custom(&path, &query).await?;
        Ok(MetricAnswer::Values(
            values.items.into_iter().map(|item| item.value).collect(),
        ))
    }

    async fn external(&self, metric: &MetricIdentifier) -> Result<MetricAnswer, Trouble> {
        let (namespace, name) = (&self.namespace, &metric.name);
        let query = query(&[("labelSelector", labels(metric))]);
        let path = format!("{EXTERNAL}/namespaces/{namespace}/{name}{query}");
        let values: Values = self.get(&path).await?;
        Ok(MetricAnswer::Values(
            values.items.into_iter().map(|item| item.value).collect(),
        ))
    }

    /// The newest version of the custom metrics API that has the metric.
    async fn custom(&self, path: &str, query: &str) -> Result<Values, Trouble> {
        let namespace = &self.namespace;
        let of = |version: &str| format!("{CUSTOM}/{version}/namespaces/{namespace}/{path}{query}");
        match self.get(&of(VERSIONS[0])).await {
            Err(trouble) if trouble.kind == TroubleKind::NotFound => {
                self.get(&of(VERSIONS[1])).await
            }
            answer => answer,
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Trouble> {
        get(&self.client, path, self.timing.call).await
    }
}

fn labels(metric: &MetricIdentifier) -> Option<String> {
    metric.selector.as_ref().and_then(LabelSelector::query)
}

/// The query with its question mark, or an empty string.
fn query(parameters: &[(&str, Option<String>)]) -> String {
    let mut encoder = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            encoder.append_pair(name, value);
        }
    }
    let query = encoder.finish();
    if query.is_empty() {
        query
    } else {
        format!("?{query}")
    }
}
