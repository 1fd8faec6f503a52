//! Whether the way to the API server carries a watch: a proxy may hold back a response until it is
//! whole, and a watch is whole when it ends. What is seen so late is polled instead.

use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::{Api, WatchParams};
use tokio::time::Instant;

use super::connect::Cluster;

/// How long the server is asked to keep the watch open.
const OPEN: Duration = Duration::from_secs(5);

/// The first event comes at once on any link that streams; this much before the end it is no
/// coincidence.
const EARLY: Duration = Duration::from_secs(1);

/// What the way to the API server does with a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// Events come when they happen.
    Streams,
    /// Events come when the watch ends.
    HoldsBack,
}

/// Watches an autoscaler that is there: a watch from no version begins with an event for it.
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
        // What else is wrong shows in the watches themselves, which know what to do about it.
        Ok(_) => Link::Streams,
        Err(_) => Link::HoldsBack,
    }
}
