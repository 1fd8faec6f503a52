//! The live source against the tests' API server, in virtual time and without sockets: what it reports, and
//! when, whatever happens to the watches.

mod access;
mod environment;
mod following;
mod metrics;
mod targets;
mod trouble;

use std::time::Duration;

use hpa_check_core::observation::{ControllerConfig, Fact, Observation, Seen, WatchState};
use jiff::{SignedDuration, Timestamp};
use kube::client::ClientBuilder;
use tokio::time::Instant;

use super::connect::reach;
use super::{Clock, LiveCluster, Timing, Watching, retry_after};
use crate::api_server::{ApiServer, NAMESPACE, objects};
use crate::failure::Failure;

thread_local! {
    /// Every test has its own thread and with it its own start of time.
    static BEGINNING: Instant = Instant::now();
}

/// The time of a test's machine, which only moves with the virtual clock.
pub(crate) fn now() -> Timestamp {
    let elapsed = BEGINNING.with(Instant::elapsed);
    let beginning: Timestamp = "2026-03-04T10:20:30Z".parse().unwrap();
    beginning + SignedDuration::try_from(elapsed).unwrap()
}

fn timing() -> Timing {
    Timing::of(&ControllerConfig::default(), Duration::from_secs(15))
}

/// A server with the autoscaler `fib`, its Deployment and two pods.
fn server() -> ApiServer {
    let server = ApiServer::new(now);
    let deployment = objects::deployment("fib", 2);
    server.put(objects::autoscaler("fib", &deployment));
    server.put(deployment);
    for name in ["fib-1", "fib-2"] {
        server.put(objects::pod(name, "fib", now()));
    }
    server
}

/// Finds the only autoscaler of a server.
pub(crate) async fn find(server: &ApiServer, timing: Timing) -> Result<LiveCluster, Failure> {
    find_any(server, None, timing).await
}

async fn find_named(server: &ApiServer, name: &str) -> Result<LiveCluster, Failure> {
    find_any(server, Some(name), timing()).await
}

async fn find_any(
    server: &ApiServer,
    autoscaler: Option<&str>,
    timing: Timing,
) -> Result<LiveCluster, Failure> {
    let server = server.clone();
    let service = tower::service_fn(move |request| {
        let server = server.clone();
        async move { server.answer(request).await }
    });
    let client = ClientBuilder::new(service, NAMESPACE)
        .with_layer(&retry_after::layer())
        .build();
    let clock = Clock::new(now);
    let cluster = reach(client, "of the test", NAMESPACE.into(), clock, timing.call).await?;
    LiveCluster::on(cluster, autoscaler, timing).await
}

/// The reports since the start.
struct Watched {
    watching: Watching,
    told: Vec<Observation>,
}

/// Watches a server until everything that exists was reported.
async fn watch(server: &ApiServer) -> Watched {
    let live = find(server, timing()).await.unwrap();
    let mut watched = Watched {
        watching: live.watch(),
        told: Vec::new(),
    };
    watched.wait(0.1).await;
    watched
}

impl Watched {
    /// Lets virtual time pass.
    async fn wait(&mut self, seconds: f64) {
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        while let Ok(observation) = self.watching.observations.try_recv() {
            self.told.push(observation);
        }
    }

    /// Forgets earlier reports, so that the next lines are new.
    fn hush(&mut self) {
        self.told.clear();
    }

    /// The reports about a resource (`autoscaler`, `target`, `pods`, `events`, `metrics`, `facts`), one line
    /// each.
    fn about(&self, resource: &str) -> Vec<String> {
        let lines = self.told.iter().filter_map(line);
        let of = lines.filter(|(about, _)| about == resource);
        of.map(|(_, line)| line).collect()
    }

    /// The missing permissions.
    fn forbidden(&self) -> Vec<String> {
        let facts = self.about("facts").into_iter();
        facts
            .filter_map(|fact| Some(fact.strip_prefix("forbidden: ")?.to_owned()))
            .collect()
    }

    /// For each gap of a resource: its start and end in tenths of a second, and the reason.
    fn gaps(&self, resource: &str) -> Vec<(i128, i128, String)> {
        let mut gaps = Vec::new();
        let mut open = None;
        for observation in &self.told {
            let Seen::Watch(watch) = &observation.seen else {
                continue;
            };
            match watch.state {
                _ if watch.resource.name() != resource => {}
                WatchState::Lost => {
                    let from = watch.since.unwrap_or(observation.at);
                    open = Some((from, watch.error.clone().unwrap_or_default()));
                }
                WatchState::Current => {
                    if let Some((from, error)) = open.take() {
                        gaps.push((tenths(from), tenths(observation.at), error));
                    }
                }
            }
        }
        assert_eq!(open, None, "{resource} is still lost");
        gaps
    }
}

/// Tenths of a second since the test's beginning.
fn tenths(at: Timestamp) -> i128 {
    let since = at.duration_since("2026-03-04T10:20:30Z".parse().unwrap());
    (since.as_millis() + 50) / 100
}

/// A short form of an observation, and its subject.
fn line(observation: &Observation) -> Option<(String, String)> {
    let (about, line) = match &observation.seen {
        Seen::Autoscaler(seen) => ("autoscaler", format!("+ {}", seen.uid)),
        Seen::AutoscalerGone => ("autoscaler", "-".to_owned()),
        Seen::Target(seen) => {
            let replicas = if seen.counts_ready {
                seen.ready_replicas
            } else {
                seen.spec_replicas
            };
            ("target", format!("+ {replicas} of {}", seen.selector))
        }
        Seen::TargetGone => ("target", "-".to_owned()),
        Seen::Pod(pod) => ("pods", format!("+ {}", pod.name)),
        Seen::PodGone { name } => ("pods", format!("- {name}")),
        Seen::PodMetrics { samples } => {
            let of =
                |s: &hpa_check_core::observation::PodSample| format!("{} {}m", s.pod, s.cpu().0);
            let all: Vec<String> = samples.iter().map(of).collect();
            ("metrics", format!("+ {}", all.join(", ")))
        }
        Seen::MetricsUnavailable { error, .. } => ("metrics", format!("failed: {error}")),
        Seen::Event(event) => (
            "events",
            format!("{} {} ×{}", event.about, event.reason, event.count),
        ),
        Seen::Fact(Fact::MetricsServer(server)) => {
            let state = server.unavailable.as_deref().unwrap_or("available");
            ("servers", format!("{}: {server}, {state}", server.group))
        }
        Seen::Fact(fact) => ("facts", fact_line(fact)),
        _ => return None,
    };
    Some((about.to_owned(), line))
}

fn fact_line(fact: &Fact) -> String {
    match fact {
        Fact::Forbidden { rule, .. } => format!("forbidden: {rule}"),
        Fact::MetricsApi {
            registered,
            available,
            message,
        } => format!("metrics API registered {registered}, available {available}: {message}"),
        Fact::CpuCapacity { total, how } => format!("CPU {total}: {how}"),
        Fact::NotScalable { kind, message } => format!("{kind} can't be scaled: {message}"),
        Fact::Quota(quota) => format!("quota {} {}", quota.name, quota.hard),
        Fact::OtherAutoscaler { name, target } => format!("{name} scales {target}"),
        Fact::ControllerRestarted { holder } => format!("controller restarted: {holder}"),
        Fact::ScaledObject(object) => format!("{object}, read {}", object.is_read),
        Fact::ScaledObjectGone { name } => format!("ScaledObject/{name} is gone"),
        other @ (Fact::MetricsServer(_)
        | Fact::LoadLimit { .. }
        | Fact::LoadTarget { .. }
        | Fact::WatchHeldBack { .. }) => {
            format!("{other:?}")
        }
    }
}
