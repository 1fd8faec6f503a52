//! The routes of the two ports.
//!
//! The framework routes requests, knows the methods of each path, and answers people and probes. `GET /get`,
//! which load tests request by the hundred thousand, is answered before it: routing by the framework takes some
//! twenty allocations.

pub(crate) mod cors;
pub mod get;
pub mod meta;
pub mod openapi;
pub mod problem;
pub mod query;
pub mod view;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper::{Method, Request, Response, StatusCode};
use salvo::http::ResBody;
use salvo::http::uri::Scheme;
use salvo::routing::{Filter, filters};
use salvo::{ConnCtrl, Depot, FlowCtrl, Handler, Router, Service, async_trait};

use crate::State;
use crate::connection::Conn;
use crate::metrics::Route;
use crate::reply::Reply;
use cors::Cors;
use get::{Get, Head, Spelled};
use problem::Problem;

/// A request's route, if known, and its answer.
pub(crate) struct Routed {
    /// The route that matched.
    pub(crate) route: Option<Route>,
    /// What it answered.
    pub(crate) response: Response<ResBody>,
}

impl Routed {
    /// An answer from a route.
    pub(crate) fn to(route: Option<Route>, response: Response<ResBody>) -> Self {
        Self { route, response }
    }
}

/// The routes of one port.
pub(crate) struct Routes {
    get: Option<Arc<Get>>,
    cors: Option<Cors>,
    framework: Framework,
}

type Framework =
    Box<dyn Fn(Request<Incoming>) -> BoxFuture<'static, Response<ResBody>> + Send + Sync>;

impl Routes {
    /// Of the main port.
    pub(crate) fn main(state: &Arc<State>) -> Self {
        let get = Arc::new(Get::new(Arc::clone(state)));
        let mut router = Router::new()
            .push(readable("get", Spelled(Arc::clone(&get))))
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
        Self {
            get: Some(get),
            cors: Cors::for_origins(&state.config.cors_origins),
            framework: framework(router),
        }
    }

    /// Of the admin port.
    pub(crate) fn admin(state: &Arc<State>) -> Self {
        let ready = meta::Ready(Arc::clone(state));
        let router = Router::new()
            .push(readable("livez", meta::live))
            .push(readable("readyz", ready.clone()))
            .push(readable("startupz", ready))
            .push(readable("metrics", meta::MetricsText(Arc::clone(state))))
            .push(readable("log-level", meta::log_level).put(meta::set_log_level))
            .push(Router::with_path("drain").post(meta::Drain(Arc::clone(state))));
        Self {
            get: None,
            cors: None,
            framework: framework(router),
        }
    }

    /// Answers a request. It is moved only if a route keeps it, because moving takes longer than reading it.
    pub(crate) fn answer(
        &self,
        request: &mut Option<Request<Incoming>>,
        conn: &Arc<Conn>,
    ) -> Reply<Routed> {
        let (Some(cors), Some(asked)) = (&self.cors, &*request) else {
            return self.route(request, conn);
        };
        let origin = cors.origin(asked.headers());
        let reply = match origin.preflight(asked) {
            Some(response) => Reply::now(Routed::to(None, response)),
            None => self.route(request, conn),
        };
        reply.map(move |mut routed| {
            origin.mark(&mut routed.response);
            routed
        })
    }

    fn route(&self, request: &mut Option<Request<Incoming>>, conn: &Arc<Conn>) -> Reply<Routed> {
        if let (Some(get), Some(request)) = (&self.get, &*request)
            && request.uri().path() == Route::Get.as_str()
            && matches!(*request.method(), Method::GET | Method::HEAD)
        {
            let to_get = |response| Routed::to(Some(Route::Get), response);
            return get.answer(Head::of(request), conn).map(to_get);
        }
        let Some(mut request) = request.take() else {
            return Reply::now(Routed::to(None, Problem::internal().answer()));
        };
        request.extensions_mut().insert(Arc::clone(conn));
        Reply::Later((self.framework)(request))
            .map(|mut response| Routed::to(response.extensions_mut().remove::<Route>(), response))
    }
}

/// A path for GET and HEAD.
fn readable(path: &str, handler: impl Handler) -> Router {
    let route = Router::with_filter(filters::get().or(filters::head())).goal(handler);
    Router::with_path(path).push(route)
}

/// The framework's service, whose type can't be named here.
fn framework(router: Router) -> Framework {
    // It offers handlers both ends of the connection. None of them needs that: they use `Conn`.
    let nobody = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let handler = Service::new(router).hoop(Outermost).hyper_handler(
        nobody.into(),
        nobody.into(),
        Scheme::HTTP,
        None,
        ConnCtrl::new(),
        None,
    );
    Box::new(move |request| {
        let answered = handler.call(request);
        // It answers every request; errors are answers too.
        let failed = |_| Problem::internal().answer();
        answered
            .map(move |made| made.unwrap_or_else(failed))
            .boxed()
    })
}

/// Records which route matched, and turns a bare status into a problem.
struct Outermost;

#[async_trait]
impl Handler for Outermost {
    async fn handle(
        &self,
        req: &mut salvo::Request,
        depot: &mut Depot,
        res: &mut salvo::Response,
        ctrl: &mut FlowCtrl,
    ) {
        res.extensions.insert(Route::of(req.matched_path()));
        ctrl.call_next(req, depot, res).await;
        let status = *res.status_code.get_or_insert(StatusCode::OK);
        let failed = status.is_client_error() || status.is_server_error();
        if failed && matches!(res.body, ResBody::None | ResBody::Error(_)) {
            Problem::of_status(status).write_to(res);
        }
    }
}
