//! Lists in pages, each decoded while it arrives. Every wait for the server has a deadline of its own.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use futures_util::AsyncBufReadExt;
use futures_util::stream::{self, StreamExt};
use kube::Client;
use kube::api::ListParams;
use kube::core::Request;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::super::timing::Timing;
use super::super::trouble::{Trouble, TroubleKind, get, within};
use super::Missing;
use super::items::{Envelope, Items};

/// The namespaces to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NamespaceScope {
    All,
    One(String),
}

/// Objects per page.
const PAGE: u32 = 500;

/// The pause before a busy server that names no delay is tried once more.
const PAUSE: Duration = Duration::from_millis(500);

/// The longest total delay that a server may ask for in one request.
const PATIENCE: Duration = Duration::from_secs(30);

/// Requests of one kind at the same time.
pub(super) const AT_ONCE: usize = 8;

/// How lists are requested.
pub(super) struct Lists<'a> {
    pub(super) client: &'a Client,
    pub(super) timing: Timing,
    pub(super) scope: &'a NamespaceScope,
    /// What could not be read.
    pub(super) missing: Missing,
}

/// One list.
#[derive(Debug, Clone)]
pub(super) struct List {
    path: String,
    fields: Option<&'static str>,
    metadata: bool,
    limit: Option<u32>,
    patience: u32,
}

impl List {
    /// In pages of the default size, with an empty path.
    pub(super) const PAGED: Self = Self {
        path: String::new(),
        fields: None,
        metadata: false,
        limit: Some(PAGE),
        patience: 1,
    };

    /// In pages of the default size.
    pub(super) fn at(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            ..Self::PAGED
        }
    }

    /// Only objects that a field selector matches.
    pub(super) fn of(self, fields: &'static str) -> Self {
        let fields = Some(fields);
        Self { fields, ..self }
    }

    /// For large objects: a few at a time.
    pub(super) fn of_large(self) -> Self {
        Self {
            limit: Some(PAGE / 10),
            ..self
        }
    }

    /// Only the objects' metadata, which costs the server and the network less.
    pub(super) fn of_metadata(self) -> Self {
        Self {
            metadata: true,
            ..self
        }
    }

    /// All at once, from a server without pages that takes its time.
    pub(super) fn whole(self) -> Self {
        Self {
            limit: None,
            patience: 6,
            ..self
        }
    }
}

/// A list that needs a permission.
pub(super) struct Ask<'a> {
    /// The API, such as `/apis/apps/v1`.
    pub(super) api: &'a str,
    pub(super) plural: &'a str,
    /// How to request it in any namespace.
    pub(super) list: List,
    /// The permission, as `verb resource.group`.
    pub(super) rule: &'a str,
    /// What can't be determined without it.
    pub(super) consequence: &'a str,
    /// Whether it is so important that finding no fault without it proves nothing.
    pub(super) essential: bool,
}

/// What could be read.
pub(super) struct Granted<A> {
    pub(super) all: A,
    /// The namespaces that are missing.
    pub(super) refused: BTreeSet<String>,
}

impl Lists<'_> {
    /// The path of a namespaced resource, in one namespace or all.
    pub(super) fn path(&self, api: &str, plural: &str) -> String {
        match self.scope {
            NamespaceScope::All => format!("{api}/{plural}"),
            NamespaceScope::One(name) => format!("{api}/namespaces/{name}/{plural}"),
        }
    }

    /// All objects, each reduced to something small as it arrives.
    pub(super) async fn all<K, T, A>(
        &self,
        list: List,
        convert: impl Fn(K) -> Option<T>,
    ) -> Result<A, Trouble>
    where
        K: DeserializeOwned,
        A: Default + Extend<T>,
    {
        let mut all = A::default();
        let mut params = ListParams {
            limit: list.limit,
            field_selector: list.fields.map(str::to_owned),
            ..ListParams::default()
        };
        loop {
            let take = |object: K| all.extend(convert(object));
            let page = match self.page(&list, &params, take).await {
                // The server no longer has the position: start over, in one page.
                Err(trouble) if trouble.kind == TroubleKind::Expired && params.limit.is_some() => {
                    all = A::default();
                    params.limit = None;
                    params.continue_token = None;
                    continue;
                }
                page => page?,
            };
            match page.metadata.next.filter(|token| !token.is_empty()) {
                None => return Ok(all),
                next if next == params.continue_token => {
                    return Err(Trouble {
                        kind: TroubleKind::Other,
                        message: format!("the list {} never ends: its pages repeat", list.path),
                    });
                }
                next => params.continue_token = next,
            }
        }
    }

    /// The same for each of these namespaces, with those that could not be read.
    pub(super) async fn each<K, T, A>(
        &self,
        asked: &Ask<'_>,
        names: &BTreeSet<String>,
        convert: impl Fn(K) -> Option<T>,
    ) -> (A, Vec<(String, Trouble)>)
    where
        K: DeserializeOwned,
        A: Default + Extend<T>,
    {
        let (mut all, mut refused) = (A::default(), Vec::new());
        let ask = async |name: &String| {
            let list = List {
                path: format!("{}/namespaces/{name}/{}", asked.api, asked.plural),
                ..asked.list.clone()
            };
            (name.clone(), self.all::<K, T, Vec<T>>(list, &convert).await)
        };
        let mut answers = pin!(stream::iter(names).map(ask).buffer_unordered(AT_ONCE));
        while let Some((name, answer)) = answers.next().await {
            match answer {
                Ok(part) => all.extend(part),
                Err(trouble) => refused.push((name, trouble)),
            }
        }
        refused.sort_by(|one, other| one.0.cmp(&other.0));
        (all, refused)
    }

    /// The readable objects; a missing permission is recorded.
    pub(super) async fn granted<K, T, A>(
        &self,
        ask: &Ask<'_>,
        names: &BTreeSet<String>,
        convert: impl Fn(K) -> Option<T>,
    ) -> Option<Granted<A>>
    where
        K: DeserializeOwned,
        A: Default + Extend<T>,
    {
        let read = self.permitted(ask, names, convert).await;
        read.inspect_err(|trouble| {
            // An extension that is not installed has no objects.
            if ask.essential || trouble.kind != TroubleKind::NotFound {
                self.missing
                    .note(trouble, ask.rule, ask.consequence, ask.essential);
            }
        })
        .ok()
    }

    /// All objects, or those of the namespaces in which they may be listed; the other namespaces are recorded.
    pub(super) async fn permitted<K, T, A>(
        &self,
        ask: &Ask<'_>,
        names: &BTreeSet<String>,
        convert: impl Fn(K) -> Option<T>,
    ) -> Result<Granted<A>, Trouble>
    where
        K: DeserializeOwned,
        A: Default + Extend<T>,
    {
        let list = List {
            path: self.path(ask.api, ask.plural),
            ..ask.list.clone()
        };
        let trouble = match self.all(list, &convert).await {
            Ok(all) => {
                let refused = BTreeSet::new();
                return Ok(Granted { all, refused });
            }
            Err(trouble) => trouble,
        };
        if trouble.kind == TroubleKind::Forbidden
            && *self.scope == NamespaceScope::All
            && !names.is_empty()
        {
            let (all, refused) = self.each(ask, names, convert).await;
            if refused.len() < names.len() {
                self.missing.refused(&refused, names.len(), ask);
                let refused = refused.into_iter().map(|(name, _)| name).collect();
                return Ok(Granted { all, refused });
            }
        }
        Err(trouble)
    }

    async fn page<K: DeserializeOwned>(
        &self,
        list: &List,
        params: &ListParams,
        mut take: impl FnMut(K),
    ) -> Result<Envelope, Trouble> {
        let ask = async || {
            let request = Request::new(&list.path);
            let request = if list.metadata {
                request.list_metadata(params)
            } else {
                request.list(params)
            };
            let request = request.map_err(kube::Error::BuildRequest)?;
            let deadline = self.timing.call * list.patience;
            within(deadline, self.client.request_stream(request)).await
        };
        let mut body = pin!(patiently(ask).await?);
        let mut items = Items::default();
        loop {
            let chunk = tokio::time::timeout(self.timing.call, body.fill_buf());
            let chunk = chunk
                .await
                .map_err(|_| Trouble::silent(self.timing.call))?
                .map_err(broken)?;
            if chunk.is_empty() {
                return items.end().map_err(|e| kube::Error::SerdeError(e).into());
            }
            items
                .feed(chunk, |item| serde_json::from_slice(item).map(&mut take))
                .map_err(kube::Error::SerdeError)?;
            let used = chunk.len();
            body.as_mut().consume_unpin(used);
        }
    }

    /// Any one answer.
    pub(super) async fn get<K: DeserializeOwned>(&self, path: &str) -> Result<K, Trouble> {
        patiently(async || get(self.client, path, self.timing.call).await).await
    }
}

fn broken(error: std::io::Error) -> Trouble {
    Trouble {
        kind: TroubleKind::Other,
        message: format!("the answer broke off: {error}"),
    }
}

/// Retries a busy server: when it says so, or once if it names no delay.
pub(super) async fn patiently<T>(ask: impl AsyncFn() -> Result<T, Trouble>) -> Result<T, Trouble> {
    let begun = Instant::now();
    let mut paused = false;
    loop {
        let trouble = match ask().await {
            Err(trouble) if matches!(trouble.kind, TroubleKind::Busy(_)) => trouble,
            answer => return answer,
        };
        let wait = match trouble.kind.asked() {
            Some(asked) if begun.elapsed() + asked <= PATIENCE => asked,
            None if !paused => PAUSE,
            _ => return Err(trouble),
        };
        paused = true;
        tokio::time::sleep(wait).await;
    }
}
