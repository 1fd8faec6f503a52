//! Facts about the environment.

use serde::{Deserialize, Serialize};

use crate::keda::ScaledObject;
use crate::metrics_server::MetricsServer;
use crate::quota::Quota;
use crate::units::Millicores;

/// A fact about the environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum Fact {
    /// Whether a resource metrics API is registered and available.
    MetricsApi {
        /// Whether it is registered.
        registered: bool,
        /// Whether its `APIService` is available.
        available: bool,
        /// The API server's message about it.
        message: String,
    },
    /// The server behind a metrics API.
    MetricsServer(MetricsServer),
    /// The total CPU that the environment can give to the target's pods.
    CpuCapacity {
        /// In total.
        total: Millicores,
        /// How it was found, for use as evidence.
        how: String,
    },
    /// The most CPU that the load can make the target's pods use, if known beforehand.
    LoadLimit {
        /// In total.
        total: Millicores,
        /// How it is known, for use as evidence.
        how: String,
    },
    /// A quota that limits the pods of the namespace.
    Quota(Quota),
    /// Another autoscaler in the namespace.
    OtherAutoscaler {
        /// Its name.
        name: String,
        /// What it scales, as `Kind/name`.
        target: String,
    },
    /// The `ScaledObject` of KEDA that the autoscaler belongs to.
    ScaledObject(ScaledObject),
    /// That `ScaledObject` was deleted.
    ScaledObjectGone {
        /// Its name.
        name: String,
    },
    /// The controller restarted, or another instance took over: its history is lost.
    ControllerRestarted {
        /// The new holder of the lease.
        holder: String,
    },
    /// The target exists, but has no `/scale` subresource.
    NotScalable {
        /// Its kind.
        kind: String,
        /// The API server's message.
        message: String,
    },
    /// Where the load goes.
    LoadTarget {
        /// The URL.
        url: String,
        /// Whether the host is this machine.
        loopback: bool,
    },
    /// A proxy buffers watch responses until the watch ends, so everything is polled.
    WatchHeldBack {
        /// What can't be determined because of it.
        consequence: String,
    },
    /// Something that the tool may not read.
    Forbidden {
        /// The missing RBAC rule, as `verb resource.group`.
        rule: String,
        /// What can't be determined without it.
        consequence: String,
    },
}
