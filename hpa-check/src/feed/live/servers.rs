//! The servers of the metrics APIs, from their `APIServices`.

use hpa_check_core::metrics_server::{CUSTOM, EXTERNAL, MetricsServer, RESOURCE, group_of};
use hpa_check_core::observation::{Fact, Seen};
use hpa_check_core::spec::MetricSource;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::Client;
use kube::api::Api;
use tokio::sync::watch;

use super::reporter::Reporter;
use super::timing::Timing;
use super::trouble::{Trouble, TroubleKind, within};

/// The versions of a group that can be read, best first.
pub(super) const fn versions(group: &str) -> &'static [&'static str] {
    match group.as_bytes() {
        b"custom.metrics.k8s.io" => &["v1beta2", "v1beta1"],
        b"external.metrics.k8s.io" => &["v1beta1"],
        _ => &["v1", "v1beta1"],
    }
}

/// What is registered for a group, and in which of its versions.
pub(super) async fn read(
    client: &Client,
    timing: Timing,
    group: &str,
) -> Result<(MetricsServer, Option<&'static str>), Trouble> {
    let api: Api<APIService> = Api::all(client.clone());
    for version in versions(group) {
        let name = format!("{version}.{group}");
        if let Some(service) = within(timing.call, api.get_opt(&name)).await? {
            return Ok((server(group, service), Some(version)));
        }
    }
    // A virtual cluster or a proxy may serve the group without an aggregator.
    let version = served(client, timing, group).await;
    let server = MetricsServer {
        group: group.to_owned(),
        registered: version.is_some(),
        ..MetricsServer::default()
    };
    Ok((server, version))
}

/// The best version in which the API server says that it serves a group.
async fn served(client: &Client, timing: Timing, group: &str) -> Option<&'static str> {
    let list = within(timing.call, client.list_api_groups()).await.ok()?;
    let found = list.groups.into_iter().find(|one| one.name == group)?;
    let mut best = versions(group).iter().copied();
    best.find(|version| found.versions.iter().any(|v| v.version == *version))
}

fn server(group: &str, service: APIService) -> MetricsServer {
    let reference = service.spec.and_then(|spec| spec.service);
    let name = reference.and_then(|r| Some(format!("{}/{}", r.namespace?, r.name?)));
    let conditions = service.status.and_then(|status| status.conditions);
    let mut conditions = conditions.into_iter().flatten();
    let available = conditions.find(|c| c.type_ == "Available");
    let available = available.filter(|c| c.status != "True");
    let unavailable_since = available
        .as_ref()
        .and_then(|c| Some(c.last_transition_time.as_ref()?.0));
    let unavailable = available.map(|c| {
        let (reason, message) = (c.reason.unwrap_or_default(), c.message.unwrap_or_default());
        format!("Available {}, {reason}: {message}", c.status)
    });
    MetricsServer {
        group: group.to_owned(),
        registered: true,
        service: name,
        unavailable,
        unavailable_since,
    }
}

/// What to poll.
pub(super) struct Servers {
    pub(super) client: Client,
    /// The custom and external metrics of the autoscaler.
    pub(super) custom: watch::Receiver<Option<Vec<MetricSource>>>,
    pub(super) timing: Timing,
    pub(super) reporter: Reporter,
}

impl Servers {
    /// Polls until the task is dropped, and reports changes. A missing permission is reported once.
    pub(super) async fn run(mut self) {
        let mut told: Vec<MetricsServer> = Vec::new();
        loop {
            let needed = self.custom.borrow_and_update().clone().unwrap_or_default();
            let groups = [RESOURCE, CUSTOM, EXTERNAL];
            let wanted = |group: &&str| {
                *group == RESOURCE || needed.iter().any(|m| group_of(m) == Some(*group))
            };
            for group in groups.into_iter().filter(wanted) {
                match read(&self.client, self.timing, group).await {
                    Ok((server, _)) if !told.contains(&server) => {
                        told.retain(|older| older.group != server.group);
                        told.push(server.clone());
                        self.reporter.tell(Seen::Fact(Fact::MetricsServer(server)));
                    }
                    Err(trouble) if trouble.kind == TroubleKind::Forbidden => return,
                    _ => {}
                }
            }
            tokio::select! {
                changed = self.custom.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(self.timing.facts) => {}
            }
        }
    }
}
