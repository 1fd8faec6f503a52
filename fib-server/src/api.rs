//! The main port: the list of routes, and what wraps them.

pub(crate) mod cors;
pub mod get;
mod limit;
pub mod meta;
pub mod openapi;
pub mod problem;
pub mod query;
pub mod view;

use std::sync::Arc;

use salvo::routing::{Filter, filters};
use salvo::{Handler, Router};

use crate::State;

/// Every route of the main port, for GET and HEAD.
pub fn router(state: &Arc<State>) -> Router {
    let get = readable("get", get::Get(Arc::clone(state))).hoop(limit::Limit(Arc::clone(state)));
    let mut router = Router::new()
        .push(get)
        .push(readable("health", meta::Health(Arc::clone(state))))
        .push(readable("version", meta::version))
        .push(readable(
            "openapi.json",
            meta::OpenApi::new(state.config.limits()),
        ))
        .push(readable("docs", meta::docs));
    if state.config.main_metrics {
        router = router.push(readable("metrics", meta::MetricsText(Arc::clone(state))));
    }
    router
}

/// Every route of the admin port.
pub fn admin_router(state: &Arc<State>) -> Router {
    let ready = meta::Ready(Arc::clone(state));
    Router::new()
        .push(readable("livez", meta::live))
        .push(readable("readyz", ready.clone()))
        .push(readable("startupz", ready))
        .push(readable("metrics", meta::MetricsText(Arc::clone(state))))
        .push(readable("log-level", meta::log_level).put(meta::set_log_level))
        .push(Router::with_path("drain").post(meta::Drain(Arc::clone(state))))
}

/// A path for GET and HEAD.
fn readable(path: &str, handler: impl Handler) -> Router {
    let route = Router::with_filter(filters::get().or(filters::head())).goal(handler);
    Router::with_path(path).push(route)
}
