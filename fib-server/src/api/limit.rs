//! The rate of one client's requests, where one is set.

use std::sync::Arc;

use salvo::http::{HeaderName, HeaderValue};
use salvo::{Depot, FlowCtrl, Handler, Request, Response, async_trait};

use super::problem::Problem;
use crate::State;
use crate::client::Allowance;
use crate::connection::Conn;

/// Before a route whose requests count.
#[derive(Debug, Clone)]
pub(super) struct Limit(pub(super) Arc<State>);

#[async_trait]
impl Handler for Limit {
    async fn handle(
        &self,
        req: &mut Request,
        depot: &mut Depot,
        res: &mut Response,
        ctrl: &mut FlowCtrl,
    ) {
        let allowance = req
            .extensions()
            .get::<Arc<Conn>>()
            .and_then(|conn| self.0.clients.count(conn.peer().ip(), req.headers()));
        let Some(allowance) = allowance else {
            ctrl.call_next(req, depot, res).await;
            return;
        };
        if let Some(wait) = allowance.wait {
            self.0.metrics.rate_limited();
            ctrl.skip_rest();
            Problem::too_many(wait).write_to(res);
        } else {
            ctrl.call_next(req, depot, res).await;
        }
        tell(&allowance, res);
    }
}

/// The fields of draft-ietf-httpapi-ratelimit-headers: the policy, and what is left of it.
fn tell(allowance: &Allowance, res: &mut Response) {
    let reset = allowance.wait.map_or(0, |wait| wait.as_secs() + 1);
    let fields = [
        (
            HeaderName::from_static("ratelimit-policy"),
            format!("\"client\";q={};w={}", allowance.burst, allowance.window),
        ),
        (
            HeaderName::from_static("ratelimit"),
            format!("\"client\";r={};t={reset}", allowance.remaining),
        ),
    ];
    for (name, value) in fields {
        if let Ok(value) = HeaderValue::try_from(value) {
            res.headers_mut().insert(name, value);
        }
    }
}
