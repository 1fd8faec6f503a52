//! Whether the way to the API server carries watches: a proxy may buffer a response until it is complete, and a
//! watch is complete when it ends. Then everything is polled instead.

use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::{Api, WatchParams};
use tokio::time::Instant;

use super::connect::Cluster;

/// How long the server is asked to keep the watch open.
const OPEN: Duration = Duration::from_secs(5);

/// The first event comes immediately on any link that streams; this long before the end is not a coincidence.
const EARLY: Duration = Duration::from_secs(1);

/// How the way to the API server treats a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// Events come when they happen.
    Streams,
    /// Events come when the watch ends.
    HoldsBack,
}

/// Watches an existing autoscaler: a watch without a version starts with an event for it.
pub(super) async fn probe(cluster: &Cluster, autoscaler: &str) -> Link {
    let api: Api<HorizontalPodAutoscaler> =
        Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let params = WatchParams {
        field_selector: Some(format!("metadata.name={autoscaler}")),
        timeout: u32::try_from(OPEN.as_secs()).ok(),
        bookmarks: false,
        ..WatchParams::default()
    };
    let began = Instant::now();
    let first = async {
        let stream = api.watch(&params, "").await?;
        pin!(stream).try_next().await
    };
    match tokio::time::timeout(OPEN * 2, first).await {
        Ok(Ok(Some(_))) if began.elapsed() + EARLY > OPEN => Link::HoldsBack,
        // Other problems show up in the watches themselves, which handle them.
        Ok(_) => Link::Streams,
        Err(_) => Link::HoldsBack,
    }
}
