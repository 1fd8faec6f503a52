//! Follows one resource: lists, watches, and resumes from the last version; lists again if the server no longer
//! has that version, and polls if watching is forbidden. It never gives up, and reports when it could not
//! observe the resource.

use std::fmt::Debug;
use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt;
use hpa_check_core::observation::{Seen, Watched};
use jiff::Timestamp;
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::backoff;
use super::known::{Known, ObjectChange};
use super::link::Link;
use super::reporter::Reporter;
use super::timing::Timing;
use super::trouble::{Trouble, TroubleKind, within};

/// Objects per page of a list, as in Kubernetes' own tools.
const PAGE: u32 = 500;

/// Failed attempts to resume a watch before everything is listed again.
const RESUME_ATTEMPTS: u32 = 4;

/// Polls before watching is tried again.
const POLLS_BEFORE_WATCH: u32 = 30;

/// A server that no longer has the version to resume from may answer 200 and report it in the stream
/// immediately. Only a watch that lasts this long has really resumed.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

/// What to follow.
pub(super) struct Subject<K> {
    pub(super) api: Api<K>,
    /// Its name in observations, such as `pods`.
    pub(super) resource: Watched,
    /// The resource as an RBAC rule names it, such as `deployments.apps`.
    pub(super) rule: String,
    /// What can't be determined if listing is forbidden.
    pub(super) consequence: &'static str,
    pub(super) which: Which,
}

/// Which objects of the resource.
pub(super) enum Which {
    /// The one with this name.
    Named(String),
    /// Those that a label selector matches.
    Labeled(String),
    /// All in the namespace.
    All,
}

/// Follows the subject until the task is dropped. `known` is what was already reported; `translate` turns a
/// change into an observation.
pub(super) async fn follow<K, F>(
    subject: Subject<K>,
    known: &mut Known,
    (timing, link): (Timing, Link),
    reporter: Reporter,
    translate: F,
) where
    K: Resource + Clone + DeserializeOwned + Debug,
    F: FnMut(ObjectChange<K>) -> Option<Seen>,
{
    let follower = Follower {
        subject,
        timing,
        reporter,
        translate,
        known,
        proven: None,
        failures: 0,
        // A link that buffers watches will not stop doing so.
        polls_left: match link {
            Link::Streams => 0,
            Link::HoldsBack => u32::MAX,
        },
        told_forbidden: Vec::new(),
    };
    follower.run().await;
}

struct Follower<'a, K, F> {
    subject: Subject<K>,
    timing: Timing,
    reporter: Reporter,
    translate: F,
    known: &'a mut Known,
    /// The last instant up to which everything is known.
    proven: Option<Timestamp>,
    /// Failures in a row.
    failures: u32,
    /// Polls before watching is tried again.
    polls_left: u32,
    told_forbidden: Vec<&'static str>,
}

/// How a watch ended.
enum Ended {
    /// The server closed it, as it does after the requested time.
    Closed,
    Failed(Trouble),
}

impl<K, F> Follower<'_, K, F>
where
    K: Resource + Clone + DeserializeOwned + Debug,
    F: FnMut(ObjectChange<K>) -> Option<Seen>,
{
    async fn run(mut self) {
        loop {
            match self.list().await {
                Ok(Some(version)) if self.polls_left == 0 => self.watch_from(version).await,
                Ok(_) => {
                    self.polls_left = self.polls_left.saturating_sub(1);
                    tokio::time::sleep(self.timing.poll).await;
                }
                Err(trouble) => self.recover(&trouble).await,
            }
        }
    }

    /// Lists everything and reports changes. Returns the version to watch from, if there is one.
    async fn list(&mut self) -> Result<Option<String>, Trouble> {
        let (objects, version) = match self.list_pages().await {
            Err(trouble) if trouble.kind == TroubleKind::Forbidden => {
                self.get_instead(trouble).await?
            }
            other => other?,
        };
        for change in self.known.replace(objects) {
            self.tell(change);
        }
        self.prove();
        Ok(version)
    }

    async fn list_pages(&mut self) -> Result<(Vec<K>, Option<String>), Trouble> {
        let mut params = ListParams::default().limit(PAGE);
        match &self.subject.which {
            Which::Named(name) => params = params.fields(&format!("metadata.name={name}")),
            Which::Labeled(selector) => params = params.labels(selector),
            Which::All => {}
        }
        let mut objects = Vec::new();
        loop {
            let page = within(self.timing.call, self.subject.api.list(&params)).await?;
            objects.extend(page.items);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok((objects, page.metadata.resource_version)),
            }
        }
    }

    /// A role may allow reading one object by name and nothing else. Then that object is polled.
    async fn get_instead(
        &mut self,
        forbidden: Trouble,
    ) -> Result<(Vec<K>, Option<String>), Trouble> {
        let Which::Named(name) = &self.subject.which else {
            self.tell_forbidden("list", self.subject.consequence);
            return Err(forbidden);
        };
        match within(self.timing.call, self.subject.api.get_opt(name)).await {
            Ok(object) => {
                self.tell_polled("list");
                Ok((object.into_iter().collect(), None))
            }
            Err(trouble) if trouble.kind == TroubleKind::Forbidden => {
                self.tell_forbidden("get", self.subject.consequence);
                Err(trouble)
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// Watches from a version on, again and again, until a list is needed.
    async fn watch_from(&mut self, mut version: String) {
        loop {
            let opened = Instant::now();
            match self.watch(&mut version).await {
                Ended::Closed => {
                    self.prove();
                    // If a server or a proxy closes watches immediately, avoid a tight loop.
                    let earliest = opened + backoff::delay(1, None);
                    tokio::time::sleep_until(earliest).await;
                }
                Ended::Failed(trouble) if trouble.kind == TroubleKind::Forbidden => {
                    self.tell_polled("watch");
                    self.polls_left = POLLS_BEFORE_WATCH;
                    return tokio::time::sleep(self.timing.poll).await;
                }
                Ended::Failed(trouble) => {
                    self.recover(&trouble).await;
                    if trouble.kind == TroubleKind::Expired || self.failures >= RESUME_ATTEMPTS {
                        return;
                    }
                }
            }
        }
    }

    /// One watch, to its end. `version` advances with every report.
    async fn watch(&mut self, version: &mut String) -> Ended {
        let params = WatchParams {
            label_selector: match &self.subject.which {
                Which::Labeled(selector) => Some(selector.clone()),
                _ => None,
            },
            field_selector: match &self.subject.which {
                Which::Named(name) => Some(format!("metadata.name={name}")),
                _ => None,
            },
            timeout: Some(whole_seconds(self.timing.watch)),
            bookmarks: true,
            send_initial_events: false,
        };
        let deadline = Instant::now() + self.timing.watch + self.timing.grace;
        let opening = self.subject.api.watch(&params, version);
        let stream = match within(self.timing.call, opening).await {
            Ok(stream) => stream,
            Err(trouble) => return Ended::Failed(trouble),
        };
        let mut stream = pin!(stream);
        let settled_at = Instant::now() + SETTLED_AFTER;
        loop {
            let settled = self.failures == 0;
            let until = if settled { deadline } else { settled_at };
            let event = match tokio::time::timeout_at(until, stream.try_next()).await {
                Err(_) if !settled => {
                    self.prove();
                    continue;
                }
                Err(_) => {
                    return Ended::Failed(Trouble::silent(self.timing.watch + self.timing.grace));
                }
                Ok(Err(error)) => return Ended::Failed(error.into()),
                Ok(Ok(None)) => return Ended::Closed,
                Ok(Ok(Some(event))) => event,
            };
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    advance(version, object.resource_version());
                    for change in self.known.put(object) {
                        self.tell(change);
                    }
                    self.saw();
                }
                WatchEvent::Deleted(object) => {
                    advance(version, object.resource_version());
                    if let Some(change) = self.known.delete(&object) {
                        self.tell(change);
                    }
                    self.saw();
                }
                WatchEvent::Bookmark(bookmark) => {
                    advance(version, Some(bookmark.metadata.resource_version));
                    self.prove();
                }
                WatchEvent::Error(status) => return Ended::Failed(Trouble::from_status(&status)),
            }
        }
    }

    fn tell(&mut self, change: ObjectChange<K>) {
        if let Some(seen) = (self.translate)(change) {
            self.reporter.tell(seen);
        }
    }

    /// Everything is known up to now, unless a new watch may still turn out to be invalid.
    fn saw(&mut self) {
        if self.failures == 0 {
            self.proven = Some(self.reporter.now());
        }
    }

    /// Everything is known up to now, and it is reported.
    fn prove(&mut self) {
        self.failures = 0;
        self.proven = Some(self.reporter.now());
        self.reporter.current(self.subject.resource);
    }

    /// Reports the first of consecutive failures, and waits.
    async fn recover(&mut self, trouble: &Trouble) {
        self.failures = self.failures.saturating_add(1);
        if self.failures == 1 {
            self.reporter
                .lost(self.subject.resource, &trouble.message, self.proven);
        }
        let wait = backoff::delay(self.failures, trouble.kind.asked());
        tokio::time::sleep(wait).await;
    }

    fn tell_polled(&mut self, verb: &'static str) {
        let consequence = format!(
            "it is polled every {} s instead of watched, so a change that is undone between two polls is missed",
            self.timing.poll.as_secs_f64()
        );
        self.tell_forbidden(verb, &consequence);
    }

    fn tell_forbidden(&mut self, verb: &'static str, consequence: &str) {
        if !self.told_forbidden.contains(&verb) {
            self.told_forbidden.push(verb);
            self.reporter
                .forbidden(format!("{verb} {}", self.subject.rule), consequence);
        }
    }
}

fn advance(version: &mut String, to: Option<String>) {
    if let Some(to) = to.filter(|to| !to.is_empty()) {
        *version = to;
    }
}

/// The API takes whole seconds; 0 would mean no limit.
fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX).max(1)
}
