//! Lists in pages, each call with a deadline of its own.

use std::time::Duration;

use super::super::convert::null_as_empty;
use kube::Client;
use kube::api::ListParams;
use kube::core::Request;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::timing::Timing;
use super::super::trouble::{Trouble, TroubleKind, within};

/// Which namespaces are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NamespaceScope {
    All,
    One(String),
}

/// Objects a page.
const PAGE: u32 = 500;

/// A server that is busy is waited for once, so long at most.
const PATIENCE: Duration = Duration::from_secs(2);

/// How lists are asked for.
pub(super) struct Lists<'a> {
    pub(super) client: &'a Client,
    pub(super) timing: Timing,
    pub(super) scope: &'a NamespaceScope,
}

#[derive(Deserialize)]
struct Page<K> {
    #[serde(default)]
    metadata: PageMeta,
    #[serde(
        default = "Vec::new",
        deserialize_with = "null_as_empty",
        bound(deserialize = "K: Deserialize<'de>")
    )]
    items: Vec<K>,
}

#[derive(Default, Deserialize)]
struct PageMeta {
    #[serde(default, rename = "continue")]
    next: Option<String>,
}

impl Lists<'_> {
    /// The path of a namespaced resource: of the one namespace, or of all.
    pub(super) fn path(&self, api: &str, plural: &str) -> String {
        match self.scope {
            NamespaceScope::All => format!("{api}/{plural}"),
            NamespaceScope::One(name) => format!("{api}/namespaces/{name}/{plural}"),
        }
    }

    /// All objects, each turned into something small as its page comes in.
    pub(super) async fn all<K: DeserializeOwned, T>(
        &self,
        path: &str,
        fields: Option<&str>,
        convert: impl Fn(K) -> Option<T>,
    ) -> Result<Vec<T>, Trouble> {
        self.pages(path, fields, false, PAGE, convert).await
    }

    /// The same of objects that are large each, a few at a time.
    pub(super) async fn large<K: DeserializeOwned, T>(
        &self,
        path: &str,
        convert: impl Fn(K) -> Option<T>,
    ) -> Result<Vec<T>, Trouble> {
        self.pages(path, None, false, PAGE / 10, convert).await
    }

    /// The same of the objects' metadata alone, which costs the server and the line less.
    pub(super) async fn metadata<K: DeserializeOwned, T>(
        &self,
        path: &str,
        convert: impl Fn(K) -> Option<T>,
    ) -> Result<Vec<T>, Trouble> {
        self.pages(path, None, true, PAGE, convert).await
    }

    async fn pages<K: DeserializeOwned, T>(
        &self,
        path: &str,
        fields: Option<&str>,
        metadata: bool,
        limit: u32,
        convert: impl Fn(K) -> Option<T>,
    ) -> Result<Vec<T>, Trouble> {
        let mut all = Vec::new();
        let mut params = ListParams::default().limit(limit);
        if let Some(fields) = fields {
            params = params.fields(fields);
        }
        loop {
            let page: Page<K> = match self.page(path, &params, metadata).await {
                // The server has forgotten where it was: begin anew, in one page.
                Err(trouble) if trouble.kind == TroubleKind::Expired && params.limit.is_some() => {
                    all.clear();
                    params.limit = None;
                    params.continue_token = None;
                    continue;
                }
                page => page?,
            };
            all.extend(page.items.into_iter().filter_map(&convert));
            match page.metadata.next.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(all),
            }
        }
    }

    async fn page<K: DeserializeOwned>(
        &self,
        path: &str,
        params: &ListParams,
        metadata: bool,
    ) -> Result<Page<K>, Trouble> {
        let ask = || async {
            let request = Request::new(path);
            let request = if metadata {
                request.list_metadata(params)
            } else {
                request.list(params)
            };
            let request = request.map_err(kube::Error::BuildRequest)?;
            within(self.timing.call, self.client.request(request)).await
        };
        match ask().await {
            Err(Trouble {
                kind: TroubleKind::Busy(asked),
                ..
            }) => {
                tokio::time::sleep(asked.unwrap_or(PATIENCE / 4).min(PATIENCE)).await;
                ask().await
            }
            answer => answer,
        }
    }

    /// One answer, whatever it is.
    pub(super) async fn get<K: DeserializeOwned>(&self, path: &str) -> Result<K, Trouble> {
        self.get_within(path, self.timing.call).await
    }

    /// One answer that may be large, and takes its time over a slow link.
    pub(super) async fn get_patiently<K: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<K, Trouble> {
        self.get_within(path, self.timing.call * 6).await
    }

    async fn get_within<K: DeserializeOwned>(
        &self,
        path: &str,
        deadline: Duration,
    ) -> Result<K, Trouble> {
        let request = http::Request::get(path)
            .body(Vec::new())
            .map_err(|error| Trouble {
                kind: TroubleKind::Other,
                message: error.to_string(),
            })?;
        within(deadline, self.client.request(request)).await
    }
}
