//! The main port: the list of routes, and what wraps them.

pub mod get;
pub mod meta;
pub mod problem;
pub mod query;
pub mod view;

use std::sync::Arc;

use salvo::Router;

use crate::State;

/// Every route of the main port, for GET and HEAD.
pub fn router(state: &Arc<State>) -> Router {
    let at = |path: &str| Router::with_path(path);
    let get = get::Get(Arc::clone(state));
    let metrics = meta::MetricsText(Arc::clone(state));
    let health = meta::Health(Arc::clone(state));
    Router::new()
        .push(at("get").get(get.clone()).head(get))
        .push(at("health").get(health.clone()).head(health))
        .push(at("metrics").get(metrics.clone()).head(metrics))
        .push(at("version").get(meta::version).head(meta::version))
        .push(at("openapi.json").get(meta::openapi).head(meta::openapi))
        .push(at("docs").get(meta::docs).head(meta::docs))
}

/// Every route of the admin port.
pub fn admin_router(state: &Arc<State>) -> Router {
    let at = |path: &str| Router::with_path(path);
    let ready = meta::Ready(Arc::clone(state));
    let metrics = meta::MetricsText(Arc::clone(state));
    Router::new()
        .push(at("livez").get(meta::live).head(meta::live))
        .push(at("readyz").get(ready.clone()).head(ready.clone()))
        .push(at("startupz").get(ready.clone()).head(ready))
        .push(at("metrics").get(metrics.clone()).head(metrics))
        .push(at("drain").post(meta::Drain(Arc::clone(state))))
}
