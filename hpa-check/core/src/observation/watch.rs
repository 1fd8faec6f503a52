//! Which resources a run watches, and whether each watch is current.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run watches.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Watched {
    /// The autoscaler.
    Autoscaler,
    /// The scale target.
    Target,
    /// The target's pods.
    Pods,
    /// Events about any of the above.
    Events,
    /// The controller's lease.
    Controller,
}

impl Watched {
    /// Its name in messages and documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Autoscaler => "autoscaler",
            Self::Target => "target",
            Self::Pods => "pods",
            Self::Events => "events",
            Self::Controller => "controller",
        }
    }
}

/// A change in the state of a watch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// What is watched.
    pub resource: Watched,
    /// The new state.
    pub state: WatchState,
    /// The error, if there was one.
    #[serde(default)]
    pub error: Option<String>,
    /// For `Lost`: everything up to this instant is known, if that is earlier than the observation.
    /// A dead connection is noticed only some time after it died.
    #[serde(default)]
    pub since: Option<Timestamp>,
}

/// The state of a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WatchState {
    /// Up to date: from a list, an event or a bookmark.
    Current,
    /// The stream broke; changes go unseen until it is `Current` again.
    Lost,
}
