//! The objects with their versions, their changes, and their watchers.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;
use http::Response;
use hyper::body::Frame;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::answers::{self, Answer};
use super::request::{Asked, Selector};

/// A piece of a body, or an abrupt end of the connection.
pub(super) type Piece = io::Result<Frame<Bytes>>;

/// The 410 for a forgotten version.
pub(super) struct Forgotten;

/// By collection, namespace and name.
type Key = (String, String, String);

#[derive(Default)]
pub(super) struct Store {
    version: u64,
    forgotten: u64,
    made: u64,
    objects: BTreeMap<Key, Value>,
    history: Vec<Happened>,
    watches: Vec<Watch>,
    logs: BTreeMap<String, Log>,
}

/// The output of a pod, and its followers.
#[derive(Default)]
struct Log {
    printed: String,
    ended: bool,
    followers: Vec<UnboundedSender<Piece>>,
}

struct Happened {
    version: u64,
    key: Key,
    before: Option<Value>,
    after: Option<Value>,
}

struct Watch {
    id: u64,
    collection: String,
    plural: String,
    namespace: Option<String>,
    selector: Selector,
    out: UnboundedSender<Piece>,
    silent: bool,
}

fn key(collection: &str, object: &Value) -> Key {
    let text = |name: &str| {
        let value = object["metadata"][name].as_str().unwrap_or_default();
        value.to_owned()
    };
    (collection.to_owned(), text("namespace"), text("name"))
}

impl Store {
    pub(super) fn put(&mut self, collection: &str, mut object: Value, now: Timestamp) {
        let key = key(collection, &object);
        let before = self.objects.get(&key).cloned();
        let metadata = &mut object["metadata"];
        if let Some(before) = &before {
            for kept in ["uid", "creationTimestamp", "resourceVersion"] {
                metadata[kept] = before["metadata"][kept].clone();
            }
            if *before == object {
                return;
            }
        } else {
            self.made += 1;
            metadata["uid"] = json!(format!("uid-{}", self.made));
            let second = Timestamp::from_second(now.as_second()).unwrap();
            metadata["creationTimestamp"] = json!(second);
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.insert(key.clone(), object.clone());
        self.happened(key, before, Some(object));
    }

    pub(super) fn delete(&mut self, which: &str) {
        let key = self.key_of(which);
        let mut before = self.objects.remove(&key).unwrap();
        self.version += 1;
        before["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.happened(key, Some(before), None);
    }

    /// The object for `plural/name`.
    pub(super) fn find(&self, which: &str) -> Value {
        self.objects[&self.key_of(which)].clone()
    }

    pub(super) fn has(&self, which: &str) -> bool {
        self.find_key(which).is_some()
    }

    fn key_of(&self, which: &str) -> Key {
        let found = self.find_key(which);
        found.unwrap_or_else(|| panic!("no {which}")).clone()
    }

    fn find_key(&self, which: &str) -> Option<&Key> {
        let (plural, wanted) = which.split_once('/').unwrap();
        let mut keys = self.objects.keys();
        keys.find(|(collection, _, name)| {
            collection.ends_with(&format!("/{plural}")) && name == wanted
        })
    }

    fn happened(&mut self, key: Key, before: Option<Value>, after: Option<Value>) {
        let happened = Happened {
            version: self.version,
            key,
            before,
            after,
        };
        for watch in self.watches.iter().filter(|watch| !watch.silent) {
            watch.send(happened.line(watch));
        }
        self.history.push(happened);
    }

    pub(super) fn get(&self, asked: &Asked) -> Option<&Value> {
        let name = asked.name.clone()?;
        let namespace = asked.namespace.clone().unwrap_or_default();
        self.objects.get(&(asked.collection(), namespace, name))
    }

    /// All requested objects, and their resource version.
    pub(super) fn list(&self, asked: &Asked) -> (Vec<Value>, u64) {
        let here = |(collection, namespace, _): &Key| {
            *collection == asked.collection()
                && asked.namespace.as_ref().is_none_or(|n| n == namespace)
        };
        let all = self.objects.iter().filter(|(key, _)| here(key));
        let matching = all.filter(|(_, object)| asked.selector.matches(object));
        (
            matching.map(|(_, object)| object.clone()).collect(),
            self.version,
        )
    }

    pub(super) fn watch(
        &mut self,
        asked: &Asked,
    ) -> Result<(u64, UnboundedReceiver<Piece>), Forgotten> {
        let from: u64 = asked.resource_version.parse().unwrap_or(0);
        if from < self.forgotten {
            return Err(Forgotten);
        }
        let (out, body) = unbounded_channel();
        self.made += 1;
        let watch = Watch {
            id: self.made,
            collection: asked.collection(),
            plural: asked.plural.clone(),
            namespace: asked.namespace.clone(),
            selector: asked.selector.clone(),
            out,
            silent: false,
        };
        for happened in self.history.iter().filter(|h| h.version > from) {
            watch.send(happened.line(&watch));
        }
        self.watches.push(watch);
        Ok((self.made, body))
    }

    /// A pod prints a line; `None` is its end.
    pub(super) fn print(&mut self, pod: &str, line: Option<&str>) {
        let log = self.logs.entry(pod.to_owned()).or_default();
        let Some(line) = line else {
            log.ended = true;
            log.followers.clear();
            return;
        };
        let line = format!("{line}\n");
        log.printed += &line;
        log.followers
            .retain(|follower| follower.send(Ok(Frame::data(line.clone().into()))).is_ok());
    }

    /// Everything that a pod has printed, and will print until its end.
    pub(super) fn follow_log(&mut self, pod: &str) -> Response<Answer> {
        let (out, body) = unbounded_channel();
        let log = self.logs.entry(pod.to_owned()).or_default();
        let _ = out.send(Ok(Frame::data(log.printed.clone().into())));
        if !log.ended {
            log.followers.push(out);
        }
        answers::stream(body)
    }

    pub(super) fn bookmark(&self, plural: &str) {
        let version = self.version.to_string();
        for watch in self.watches.iter().filter(|w| w.is_of(plural)) {
            let metadata = json!({"resourceVersion": version, "creationTimestamp": null});
            let object = json!({"kind": "Any", "apiVersion": "v1", "metadata": metadata});
            watch.send(Some(line("BOOKMARK", &object)));
        }
    }

    pub(super) fn forget(&mut self) {
        self.version += 1;
        self.forgotten = self.version;
    }

    /// Ends the watches of a resource with a last piece, cleanly or not.
    pub(super) fn end(
        &mut self,
        plural: &str,
        last: Option<String>,
        how: Result<(), io::ErrorKind>,
    ) {
        for watch in self.watches.iter().filter(|w| w.is_of(plural)) {
            watch.send(last.clone());
            if let Err(kind) = how {
                let _ = watch.out.send(Err(kind.into()));
            }
        }
        self.watches.retain(|w| !w.is_of(plural));
    }

    pub(super) fn silence(&mut self, plural: &str) {
        for watch in self.watches.iter_mut().filter(|w| w.is_of(plural)) {
            watch.silent = true;
        }
    }

    /// The end of a watch's time; a silent watch doesn't report it.
    pub(super) fn time_out(&mut self, id: u64) {
        self.watches.retain(|w| w.id != id || w.silent);
    }
}

impl Asked {
    fn collection(&self) -> String {
        format!("{}/{}", self.group_version, self.plural)
    }
}

impl Watch {
    fn is_of(&self, plural: &str) -> bool {
        !self.silent && (plural == "*" || self.plural == plural)
    }

    fn send(&self, line: Option<String>) {
        if let Some(line) = line {
            let _ = self.out.send(Ok(Frame::data(line.into())));
        }
    }
}

impl Happened {
    /// The change as the watch sees it: an object may enter or leave its selector.
    fn line(&self, watch: &Watch) -> Option<String> {
        let (collection, namespace, _) = &self.key;
        if *collection != watch.collection
            || watch.namespace.as_ref().is_some_and(|n| n != namespace)
        {
            return None;
        }
        let seen = |object: &Option<Value>| {
            let object = object.clone();
            object.filter(|object| watch.selector.matches(object))
        };
        match (seen(&self.before), seen(&self.after)) {
            (None, None) => None,
            (None, Some(object)) => Some(line("ADDED", &object)),
            (Some(_), Some(object)) => Some(line("MODIFIED", &object)),
            (Some(before), None) => {
                let last = self.after.clone();
                Some(line("DELETED", &last.unwrap_or(before)))
            }
        }
    }
}

fn line(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": kind, "object": object}))
}
