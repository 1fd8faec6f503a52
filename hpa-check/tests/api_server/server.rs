//! A Kubernetes API server for tests: it stores objects, answers get, list, watch and discovery like the real
//! one, and fails on demand. Requests arrive by a call, without a socket and so in virtual time, or over
//! loopback ([`socket`]).

#![allow(dead_code, reason = "each of the test programs uses its part")]

pub(crate) mod answers;
pub(crate) mod cluster;
pub(crate) mod objects;
pub(crate) mod proxy;
mod request;
pub(crate) mod socket;
mod store;
mod writes;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, Request, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::time::Instant;

use answers::Answer;
use request::{Asked, Question};
use store::Store;

/// The namespace of every namespaced object.
pub(crate) const NAMESPACE: &str = "demo";

/// A handle on the server; all clones share it.
#[derive(Clone)]
pub(crate) struct ApiServer(Arc<Mutex<Inner>>);

struct Inner {
    store: Store,
    kinds: Vec<Kind>,
    faults: Vec<(String, Fault, usize)>,
    log: Vec<(Duration, String)>,
    headers: Vec<(String, String)>,
    began: Instant,
    clock: fn() -> Timestamp,
    ahead: SignedDuration,
    up: bool,
    forgets_in_stream: bool,
    held_back: Option<HeldBack>,
}

/// What a proxy in front of the server buffers until a watch is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeldBack {
    /// The events.
    Body,
    /// The whole response.
    Response,
}

/// A kind that is served.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) group_version: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) name: &'static str,
}

const fn kind(group_version: &'static str, plural: &'static str, name: &'static str) -> Kind {
    Kind {
        group_version,
        plural,
        name,
    }
}

/// The kinds that every cluster has.
const BUILT_IN: [Kind; 12] = [
    kind("v1", "configmaps", "ConfigMap"),
    kind("batch/v1", "jobs", "Job"),
    kind("v1", "pods", "Pod"),
    kind("v1", "events", "Event"),
    kind("v1", "nodes", "Node"),
    kind("v1", "resourcequotas", "ResourceQuota"),
    kind("apps/v1", "deployments", "Deployment"),
    kind("apps/v1", "statefulsets", "StatefulSet"),
    kind("apps/v1", "replicasets", "ReplicaSet"),
    kind(
        "autoscaling/v2",
        "horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
    ),
    kind("apiregistration.k8s.io/v1", "apiservices", "APIService"),
    kind("coordination.k8s.io/v1", "leases", "Lease"),
];

/// A failure of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// An answer with a `Status`.
    Status(u16, &'static str),
    /// API priority and fairness sheds load: plain text, with a header in seconds.
    Shed { retry_after: u32 },
    /// 200, followed only by an `ERROR` event.
    ErrorEvent(u16, &'static str),
    /// An answer from something other than an API server.
    Page,
    /// Never an answer.
    Silence,
}

impl ApiServer {
    /// A running server without objects; `clock` provides its time.
    pub(crate) fn new(clock: fn() -> Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            store: Store::default(),
            kinds: BUILT_IN.to_vec(),
            faults: Vec::new(),
            log: Vec::new(),
            headers: Vec::new(),
            began: Instant::now(),
            clock,
            ahead: SignedDuration::ZERO,
            up: true,
            forgets_in_stream: false,
            held_back: None,
        })))
    }

    /// Serves another kind, such as one of an aggregated API or a custom resource.
    pub(crate) fn serve(
        &self,
        group_version: &'static str,
        plural: &'static str,
        name: &'static str,
    ) {
        self.lock().kinds.push(kind(group_version, plural, name));
    }

    /// Stops serving a group.
    pub(crate) fn withdraw(&self, group: &str) {
        let of_group = |kind: &Kind| kind.group_version.starts_with(&format!("{group}/"));
        self.lock().kinds.retain(|kind| !of_group(kind));
    }

    /// Creates or replaces an object; an equal one keeps its version.
    pub(crate) fn put(&self, object: Value) {
        let mut inner = self.lock();
        let now = inner.now();
        let collection = inner.collection(&object);
        inner.store.put(&collection, object, now);
    }

    /// Deletes an object, such as `deployments/fib`.
    pub(crate) fn delete(&self, which: &str) {
        self.lock().store.delete(which);
    }

    /// Changes an object, such as `deployments/fib`.
    pub(crate) fn change(&self, which: &str, change: impl FnOnce(&mut Value)) {
        let mut inner = self.lock();
        let (now, mut object) = (inner.now(), inner.store.find(which));
        change(&mut object);
        let collection = inner.collection(&object);
        inner.store.put(&collection, object, now);
    }

    /// The current object, such as `deployments/fib`.
    pub(crate) fn object(&self, which: &str) -> Value {
        self.lock().store.find(which)
    }

    /// Whether an object such as `deployments/fib` exists.
    pub(crate) fn has(&self, which: &str) -> bool {
        self.lock().store.has(which)
    }

    /// Sends a bookmark to the watches of a resource.
    pub(crate) fn bookmark(&self, plural: &str) {
        self.lock().store.bookmark(plural);
    }

    /// Forgets all versions up to now: a request to watch from one of them gets 410, as a status or, with
    /// `in_stream`, as an event after a 200.
    pub(crate) fn forget(&self, in_stream: bool) {
        let mut inner = self.lock();
        inner.forgets_in_stream = in_stream;
        inner.store.forget();
    }

    /// Sends an `ERROR` event with 410 to the open watches of a resource, and ends them.
    pub(crate) fn expire(&self, plural: &str) {
        let line = answers::error_event(410, "Expired");
        self.lock().store.end(plural, Some(line), Ok(()));
    }

    /// Ends the open watches of a resource cleanly.
    pub(crate) fn close(&self, plural: &str) {
        self.lock().store.end(plural, None, Ok(()));
    }

    /// Cuts the open watches of a resource in the middle of a line.
    pub(crate) fn cut(&self, plural: &str) {
        let half = r#"{"type":"MODIFIED","object":{"metadata":{"na"#.to_owned();
        let cut = Err(io::ErrorKind::UnexpectedEof);
        self.lock().store.end(plural, Some(half), cut);
    }

    /// Lets the open watches of a resource go silent: no event and no end arrives any more.
    pub(crate) fn silence(&self, plural: &str) {
        self.lock().store.silence(plural);
    }

    /// Goes down: open watches break, and connections are refused.
    pub(crate) fn stop(&self) {
        let mut inner = self.lock();
        inner.up = false;
        inner
            .store
            .end("*", None, Err(io::ErrorKind::ConnectionReset));
    }

    /// Comes back with all its objects.
    pub(crate) fn start(&self) {
        self.lock().up = true;
    }

    /// Fails the next `times` requests of a kind, such as `watch pods` or `*`.
    pub(crate) fn fail(&self, what: &str, fault: Fault, times: usize) {
        self.lock().faults.push((what.to_owned(), fault, times));
    }

    /// Puts a proxy in front that buffers every watch until its end.
    pub(crate) fn hold_back(&self, what: HeldBack) {
        self.lock().held_back = Some(what);
    }

    /// Forbids a kind of request permanently.
    pub(crate) fn forbid(&self, what: &str) {
        self.fail(what, Fault::Status(403, "Forbidden"), usize::MAX);
    }

    /// Removes the faults of a kind of request.
    pub(crate) fn heal(&self, what: &str) {
        self.lock().faults.retain(|(known, _, _)| known != what);
    }

    /// Sets the clock ahead by this.
    pub(crate) fn run_ahead(&self, by: SignedDuration) {
        self.lock().ahead = by;
    }

    /// The instants of all requests of a kind, since the start.
    pub(crate) fn asked(&self, what: &str) -> Vec<Duration> {
        let inner = self.lock();
        let of_kind = inner.log.iter().filter(|(_, asked)| asked == what);
        of_kind.map(|(at, _)| *at).collect()
    }

    /// The values of a header in all requests so far.
    pub(crate) fn headers(&self, name: &str) -> Vec<String> {
        let inner = self.lock();
        let named = inner.headers.iter().filter(|(known, _)| known == name);
        named.map(|(_, value)| value.clone()).collect()
    }

    /// Answers a request.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> io::Result<Response<Answer>>
    where
        B: hyper::body::Body,
    {
        let question = Question::of(request.uri());
        let asked = writes::rule(request.method(), &question);
        let (fault, now) = {
            let mut inner = self.lock();
            if !inner.up {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let now = inner.now();
            inner
                .headers
                .extend(request.headers().iter().map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes());
                    (name.to_string(), value.into_owned())
                }));
            (inner.fault(&asked), now)
        };
        let response = match fault {
            Some(Fault::Silence) => std::future::pending().await,
            Some(fault) => answers::fault(fault, &asked),
            None if request.method() != Method::GET => self.write(&question, request).await,
            None => self.serve_question(&question),
        };
        let held_back = self.lock().held_back;
        let response = match (held_back, question) {
            (Some(what), Question::Objects(asked)) if asked.watch => {
                answers::held_back(response, what).await
            }
            _ => response,
        };
        Ok(answers::dated(response, now))
    }

    fn serve_question(&self, question: &Question) -> Response<Answer> {
        let mut inner = self.lock();
        match question {
            Question::Version => answers::version(),
            Question::Groups => answers::groups(&inner.kinds),
            Question::Group(group) => answers::group(group, &inner.kinds),
            Question::Resources(group_version) => answers::resources(group_version, &inner.kinds),
            Question::Objects(asked) if !inner.serves(asked) => answers::no_such_path(),
            Question::Objects(asked) if asked.watch => self.watch(&mut inner, asked),
            Question::Objects(asked) => answers::read(&mut inner.store, asked),
            Question::Log(pod) => inner.store.follow_log(pod),
            Question::Unknown => answers::no_such_path(),
        }
    }

    fn watch(&self, inner: &mut Inner, asked: &Asked) -> Response<Answer> {
        let Ok((id, body)) = inner.store.watch(asked) else {
            return if inner.forgets_in_stream {
                answers::fault(Fault::ErrorEvent(410, "Expired"), "watch")
            } else {
                answers::fault(Fault::Status(410, "Expired"), "watch")
            };
        };
        let server = self.clone();
        let timeout = asked.timeout;
        tokio::spawn(async move {
            tokio::time::sleep(timeout).await;
            server.lock().store.time_out(id);
        });
        answers::stream(body)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn now(&self) -> Timestamp {
        (self.clock)() + self.ahead
    }

    fn serves(&self, asked: &Asked) -> bool {
        let mut kinds = self.kinds.iter();
        kinds.any(|k| k.group_version == asked.group_version && k.plural == asked.plural)
    }

    /// The path of an object's collection, such as `apps/v1/deployments`.
    fn collection(&self, object: &Value) -> String {
        let same = |k: &&Kind| object["apiVersion"] == k.group_version && object["kind"] == k.name;
        let kind = self.kinds.iter().find(same);
        let kind = kind.unwrap_or_else(|| panic!("nothing serves {object}"));
        format!("{}/{}", kind.group_version, kind.plural)
    }

    fn fault(&mut self, what: &str) -> Option<Fault> {
        self.log.push((self.began.elapsed(), what.to_owned()));
        let mut faults = self.faults.iter_mut();
        let (_, fault, times) =
            faults.find(|(known, _, times)| *times > 0 && (known == what || known == "*"))?;
        *times -= 1;
        Some(*fault)
    }
}
