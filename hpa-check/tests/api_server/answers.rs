//! Bodies of answers.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::stream;
use http::{Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use super::request::Asked;
use super::store::{Piece, Store};
use super::{Fault, HeldBack, Kind};

/// A body, complete or in pieces.
pub(crate) type Answer = UnsyncBoxBody<Bytes, std::io::Error>;

pub(super) fn version() -> Response<Answer> {
    ok(&json!({"major": "1", "minor": "36", "gitVersion": "v1.36.0", "platform": "linux/amd64"}))
}

/// `APIGroupList`.
pub(super) fn groups(kinds: &[Kind]) -> Response<Answer> {
    let names = kinds.iter().filter_map(|k| k.group_version.split_once('/'));
    let names: BTreeSet<&str> = names.map(|(group, _)| group).collect();
    let groups = names.into_iter().filter_map(|name| api_group(name, kinds));
    let groups: Vec<Value> = groups.collect();
    ok(&json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
}

/// `APIGroup`, for a group with at least one kind.
pub(super) fn group(name: &str, kinds: &[Kind]) -> Response<Answer> {
    api_group(name, kinds).map_or_else(no_such_path, |group| ok(&group))
}

fn api_group(name: &str, kinds: &[Kind]) -> Option<Value> {
    let served: BTreeSet<&str> = kinds.iter().map(|k| k.group_version).collect();
    let of_group = served.into_iter().filter_map(|served| {
        let (group, version) = served.split_once('/')?;
        (group == name).then(|| json!({"groupVersion": served, "version": version}))
    });
    let versions: Vec<Value> = of_group.collect();
    let preferred = versions.first()?.clone();
    Some(
        json!({"kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": versions,
        "preferredVersion": preferred}),
    )
}

/// `APIResourceList`.
pub(super) fn resources(group_version: &str, kinds: &[Kind]) -> Response<Answer> {
    let of = kinds.iter().filter(|k| k.group_version == group_version);
    let resources: Vec<Value> = of
        .map(|k| {
            json!({"name": k.plural, "singularName": "", "namespaced": true, "kind": k.name,
                "verbs": ["get", "list", "watch"]})
        })
        .collect();
    if resources.is_empty() {
        return no_such_path();
    }
    ok(
        &json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version,
        "resources": resources}),
    )
}

/// One object, its `/scale`, or a list.
pub(super) fn read(store: &mut Store, asked: &Asked) -> Response<Answer> {
    let Some(name) = &asked.name else {
        return list(store, asked);
    };
    match store.get(asked) {
        Some(_) if asked.scale && asked.plural == "daemonsets" => status(
            404,
            "NotFound",
            "the server could not find the requested resource",
        ),
        Some(object) if asked.scale => ok(&scale(object)),
        Some(object) => ok(object),
        None => {
            let message = format!("{} \"{name}\" not found", asked.plural);
            status(404, "NotFound", &message)
        }
    }
}

/// What a custom resource's `labelSelectorPath` commonly points at.
fn scale(object: &Value) -> Value {
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": object["metadata"],
        "spec": {"replicas": object["spec"]["replicas"]},
        "status": {"replicas": object["status"]["replicas"], "selector": object["status"]["selector"]}})
}

/// A page of a list. As on the real server, the items of typed lists do not repeat their kind.
fn list(store: &Store, asked: &Asked) -> Response<Answer> {
    let (all, version) = store.list(asked);
    let start: usize = asked
        .continue_from
        .as_ref()
        .map_or(0, |token| token.parse().unwrap());
    let end = asked
        .limit
        .map_or(all.len(), |l| (start + l).min(all.len()));
    let mut items = all[start..end].to_vec();
    for item in &mut items {
        let fields = item.as_object_mut().unwrap();
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if end < all.len() {
        metadata["continue"] = json!(end.to_string());
    }
    // Go's encoder writes an empty list that was never allocated as null.
    let items = if items.is_empty() {
        Value::Null
    } else {
        json!(items)
    };
    ok(
        &json!({"kind": "List", "apiVersion": asked.group_version, "metadata": metadata, "items": items}),
    )
}

pub(super) fn fault(fault: Fault, what: &str) -> Response<Answer> {
    match fault {
        Fault::Status(403, reason) => {
            let (verb, resource) = what.split_once(' ').unwrap_or((what, ""));
            let message = format!(
                "{resource} is forbidden: User \"tester\" cannot {verb} resource \"{resource}\""
            );
            status(403, reason, &message)
        }
        Fault::Status(code, reason) => status(code, reason, &format!("the server says {reason}")),
        Fault::Shed { retry_after } => {
            let text = "Too many requests, please try again later.\n";
            let mut response = whole(StatusCode::TOO_MANY_REQUESTS, text.into());
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, retry_after.into());
            response
        }
        Fault::ErrorEvent(code, reason) => {
            whole(StatusCode::OK, error_event(code, reason).into_bytes())
        }
        Fault::Page => whole(StatusCode::OK, "<html>It works!</html>".into()),
        Fault::Silence => unreachable!("silence is no answer"),
    }
}

pub(super) fn no_such_path() -> Response<Answer> {
    whole(StatusCode::NOT_FOUND, "404 page not found\n".into())
}

pub(super) fn error_event(code: u16, reason: &str) -> String {
    let object = status_object(code, reason, "too old resource version");
    format!("{}\n", json!({"type": "ERROR", "object": object}))
}

pub(super) fn status(code: u16, reason: &str, message: &str) -> Response<Answer> {
    let object = status_object(code, reason, message);
    whole(
        StatusCode::from_u16(code).unwrap(),
        object.to_string().into(),
    )
}

fn status_object(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code})
}

pub(super) fn stream(mut pieces: UnboundedReceiver<Piece>) -> Response<Answer> {
    let pieces = stream::poll_fn(move |context| pieces.poll_recv(context));
    Response::new(StreamBody::new(pieces).boxed_unsync())
}

/// The response through a proxy that buffers until its end.
pub(super) async fn held_back(response: Response<Answer>, what: HeldBack) -> Response<Answer> {
    let (head, body) = response.into_parts();
    let whole = async move {
        body.collect()
            .await
            .map(http_body_util::Collected::to_bytes)
    };
    let body = match what {
        HeldBack::Body => {
            let piece = futures_util::FutureExt::map(whole, |bytes| bytes.map(Frame::data));
            StreamBody::new(stream::once(piece)).boxed_unsync()
        }
        HeldBack::Response => {
            let bytes = whole.await.unwrap_or_default();
            Full::new(bytes)
                .map_err(|never| match never {})
                .boxed_unsync()
        }
    };
    Response::from_parts(head, body)
}

/// With a `Date`, like every answer of the API server.
pub(super) fn dated(mut response: Response<Answer>, now: Timestamp) -> Response<Answer> {
    let date = DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&now)
        .unwrap();
    let headers = response.headers_mut();
    headers.insert(header::DATE, date.parse().unwrap());
    response
}

pub(super) fn ok(body: &Value) -> Response<Answer> {
    whole(StatusCode::OK, body.to_string().into())
}

fn whole(status: StatusCode, body: Vec<u8>) -> Response<Answer> {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    response
}
