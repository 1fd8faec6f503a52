//! The pods' CPU from the resource metrics API, and whether there is such an API. It has no watch, so it is
//! polled, with a deadline for each request.

use std::time::Duration;

use hpa_check_core::observation::{Fact, Seen};
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::Client;
use kube::api::{Api, ListParams};
use kube::core::Request;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use super::convert::metrics::{PodMetricsList, samples};
use super::convert::null_as_empty;
use super::reporter::Reporter;
use super::timing::Timing;
use super::trouble::{Trouble, TroubleKind, get, within};

const GROUP: &str = "metrics.k8s.io";

/// Versions whose shape is known, best first.
const VERSIONS: [&str; 2] = ["v1", EVERYWHERE];

/// The version that every metrics server serves.
const EVERYWHERE: &str = "v1beta1";

/// The longest wait for an answer, unless the user sets another one.
const LONGEST: Duration = Duration::from_mins(1);

/// What to poll.
pub(super) struct PodCpu {
    pub(super) client: Client,
    pub(super) namespace: String,
    /// The pods' selector, as far as known.
    pub(super) selector: watch::Receiver<Option<String>>,
    pub(super) timing: Timing,
    pub(super) reporter: Reporter,
}

impl PodCpu {
    /// Polls until the task is dropped.
    pub(super) async fn run(self) {
        let mut ticks = tokio::time::interval(self.timing.metrics);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut registry = Registry::default();
        let mut patience = self.timing.call;
        loop {
            ticks.tick().await;
            let version = registry.ask(&self).await;
            let selector = self.selector.borrow().clone();
            match (version, selector) {
                (Ok(version), Some(selector)) => {
                    match self.poll(&version, &selector, patience).await {
                        Ok(list) => self.reporter.tell(Seen::PodMetrics {
                            samples: samples(list),
                        }),
                        Err(trouble) => {
                            // A slow link or a busy server may just need more time.
                            if trouble.kind == TroubleKind::Silent {
                                patience = (patience * 2).min(LONGEST.max(self.timing.call));
                            }
                            // Another version may be served by now.
                            registry.asked = None;
                            self.unavailable(&trouble);
                        }
                    }
                }
                // Without pods there is nothing to query.
                (Ok(_), None) => {}
                (Err(trouble), _) => self.unavailable(&trouble),
            }
        }
    }

    async fn poll(
        &self,
        version: &str,
        selector: &str,
        deadline: Duration,
    ) -> Result<PodMetricsList, Trouble> {
        let path = format!("/apis/{GROUP}/{version}/namespaces/{}/pods", self.namespace);
        let request = Request::new(path)
            .list(&ListParams::default().labels(selector))
            .map_err(kube::Error::BuildRequest)?;
        within(deadline, self.client.request(request)).await
    }

    fn unavailable(&self, trouble: &Trouble) {
        let error = match trouble.kind {
            TroubleKind::Forbidden => {
                self.reporter.forbidden(
                    format!("list pods.{GROUP}"),
                    "the pods' CPU can't be observed, so no decision can be explained",
                );
                format!("forbidden: {}", trouble.message)
            }
            _ => trouble.message.clone(),
        };
        self.reporter.tell(Seen::MetricsUnavailable {
            error,
            timed_out: trouble.kind == TroubleKind::Silent,
        });
    }
}

/// What is registered, checked again now and then, and reported when it changes.
#[derive(Default)]
struct Registry {
    asked: Option<Instant>,
    version: Option<Result<String, Trouble>>,
    told: Option<Fact>,
}

#[derive(Deserialize)]
struct ApiGroup {
    #[serde(default, deserialize_with = "null_as_empty")]
    versions: Vec<GroupVersion>,
}

#[derive(Deserialize)]
struct GroupVersion {
    version: String,
}

impl Registry {
    /// The version to use.
    async fn ask(&mut self, cpu: &PodCpu) -> Result<String, Trouble> {
        let due = self
            .asked
            .is_none_or(|asked| asked.elapsed() >= cpu.timing.facts);
        if let (false, Some(Ok(version))) = (due, &self.version) {
            return Ok(version.clone());
        }
        self.asked = Some(Instant::now());
        let version = registered_version(cpu).await;
        self.tell(cpu, &version).await;
        self.version = Some(version.clone());
        version
    }

    async fn tell(&mut self, cpu: &PodCpu, version: &Result<String, Trouble>) {
        let fact = match version {
            Ok(version) => service(cpu, version).await,
            Err(trouble) if trouble.kind == TroubleKind::NotFound => Fact::MetricsApi {
                registered: false,
                available: false,
                message: format!("the API server does not serve {GROUP}: {}", trouble.message),
            },
            // The API server itself is in trouble, which proves nothing about the metrics.
            Err(_) => return,
        };
        if self.told.as_ref() != Some(&fact) {
            cpu.reporter.tell(Seen::Fact(fact.clone()));
            self.told = Some(fact);
        }
    }
}

async fn registered_version(cpu: &PodCpu) -> Result<String, Trouble> {
    let answer = get(&cpu.client, &format!("/apis/{GROUP}"), cpu.timing.call).await;
    let group: ApiGroup = match answer {
        // Someone who may read metrics need not be allowed to list API groups.
        Err(trouble) if trouble.kind == TroubleKind::Forbidden => return Ok(EVERYWHERE.to_owned()),
        answer => answer?,
    };
    VERSIONS
        .iter()
        .find(|known| {
            group
                .versions
                .iter()
                .any(|offered| offered.version == **known)
        })
        .map(|version| (*version).to_owned())
        .ok_or_else(|| Trouble {
            kind: TroubleKind::NotFound,
            message: format!("{GROUP} has neither {}", VERSIONS.join(" nor ")),
        })
}

/// What the aggregator says. If that is unreadable, being listed has to be enough.
async fn service(cpu: &PodCpu, version: &str) -> Fact {
    let api: Api<APIService> = Api::all(cpu.client.clone());
    let found = within(cpu.timing.call, api.get_opt(&format!("{version}.{GROUP}"))).await;
    let condition = found
        .ok()
        .flatten()
        .and_then(|service| service.status)
        .and_then(|status| status.conditions)
        .into_iter()
        .flatten()
        .find(|condition| condition.type_ == "Available");
    match condition {
        Some(condition) => Fact::MetricsApi {
            registered: true,
            available: condition.status == "True",
            message: format!(
                "{}: {}",
                condition.reason.unwrap_or_default(),
                condition.message.unwrap_or_default()
            ),
        },
        None => Fact::MetricsApi {
            registered: true,
            available: true,
            message: format!("{GROUP}/{version} is served"),
        },
    }
}
