//! KEDA's `ScaledObject`: the parts that decide what its autoscaler may do.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::condition::Condition;

/// The prefix of the annotations that pause scaling (`apis/keda/v1alpha1/scaledobject_types.go`,
/// `docs/concepts/scaling-deployments`).
pub const PREFIX: &str = "autoscaling.keda.sh/";

/// The label on autoscalers that KEDA creates.
pub const LABEL: &str = "scaledobject.keda.sh/name";

const PAUSED: &str = "autoscaling.keda.sh/paused";
const PAUSED_REPLICAS: &str = "autoscaling.keda.sh/paused-replicas";
const PAUSED_SCALE_IN: &str = "autoscaling.keda.sh/paused-scale-in";
/// The name of `paused-scale-in` in the releases that introduced it.
const PAUSED_SCALE_DOWN: &str = "autoscaling.keda.sh/paused-scale-down";
const PAUSED_SCALE_OUT: &str = "autoscaling.keda.sh/paused-scale-out";

/// A `ScaledObject`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScaledObject {
    /// Its name.
    pub name: String,
    /// Whether it could be read. If not, only the autoscaler's owner reference is known.
    #[serde(default)]
    pub is_read: bool,
    /// What it scales, as `Kind/name`.
    #[serde(default)]
    pub target: String,
    /// The autoscaler that it creates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaler: Option<String>,
    /// `spec.minReplicaCount`; `None` means 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_replicas: Option<i32>,
    /// `spec.maxReplicaCount`; `None` means 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_replicas: Option<i32>,
    /// `spec.idleReplicaCount`: the replicas while no trigger is active, if not the minimum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_replicas: Option<i32>,
    /// Its annotations that begin with [`PREFIX`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// `Ready`, `Active`, `Fallback` and `Paused`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// What a pause stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// All scaling; the target keeps its replicas.
    Whole,
    /// All scaling, at this many replicas.
    At(i32),
    /// Scale-down only.
    ScaleIn,
    /// Scale-up only.
    ScaleOut,
}

impl ScaledObject {
    /// A `ScaledObject` that is known only from an autoscaler's owner reference or label.
    pub fn unread(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// What is paused, and the annotation that pauses it, as `name: value`. Two pauses, one in each direction,
    /// pause everything.
    pub fn pause(&self) -> Option<(Pause, String)> {
        let quote = |key: &str| {
            let value = self.annotations.get(key).map_or("", String::as_str);
            format!("{key}: {value:?}")
        };
        if let Some(count) = self.annotations.get(PAUSED_REPLICAS) {
            let pause = count.parse().map_or(Pause::Whole, Pause::At);
            return Some((pause, quote(PAUSED_REPLICAS)));
        }
        if self.is_set(PAUSED) {
            return Some((Pause::Whole, quote(PAUSED)));
        }
        let down = [PAUSED_SCALE_IN, PAUSED_SCALE_DOWN]
            .into_iter()
            .find(|key| self.is_set(key));
        match (down, self.is_set(PAUSED_SCALE_OUT)) {
            (Some(down), true) => {
                let both = format!("{}, {}", quote(down), quote(PAUSED_SCALE_OUT));
                Some((Pause::Whole, both))
            }
            (Some(down), false) => Some((Pause::ScaleIn, quote(down))),
            (None, true) => Some((Pause::ScaleOut, quote(PAUSED_SCALE_OUT))),
            (None, false) => None,
        }
    }

    /// Whether KEDA deletes the autoscaler, as it does when both directions are paused.
    pub fn is_paused(&self) -> bool {
        matches!(self.pause(), Some((Pause::Whole | Pause::At(_), _)))
    }

    /// The condition of a failed trigger whose fallback sets the replicas.
    pub fn fallback(&self) -> Option<&Condition> {
        self.condition("Fallback").filter(|c| c.status == "True")
    }

    /// The condition of a `ScaledObject` that does not work.
    pub fn failure(&self) -> Option<&Condition> {
        self.condition("Ready").filter(|c| c.status == "False")
    }

    /// Whether it holds the target at replicas outside the autoscaler's bounds: idle, or paused at N.
    pub fn holds_at(&self, replicas: i32) -> bool {
        let idle = self.idle_replicas.unwrap_or(0);
        replicas == 0 || replicas == idle || self.is_paused()
    }

    /// Whether it scales the target between an idle size and the autoscaler's minimum, which is possible even if
    /// minimum and maximum are equal. True if the object could not be read.
    pub fn idles(&self) -> bool {
        self.min_replicas.unwrap_or(0) == 0 || self.idle_replicas.is_some()
    }

    fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|c| c.kind == kind)
    }

    /// Reads a boolean annotation as KEDA does: a value that is not a boolean is true.
    fn is_set(&self, key: &str) -> bool {
        let no = ["0", "f", "F", "false", "FALSE", "False"];
        let value = self.annotations.get(key);
        value.is_some_and(|value| !no.contains(&value.as_str()))
    }
}

/// Its name in kubectl.
impl fmt::Display for ScaledObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScaledObject/{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotated(annotations: &[(&str, &str)]) -> ScaledObject {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        ScaledObject {
            annotations: annotations.iter().map(owned).collect(),
            ..ScaledObject::unread("cart")
        }
    }

    #[test]
    fn a_pause_is_read_as_keda_reads_it() {
        let pause = |annotations| annotated(annotations).pause().map(|(pause, _)| pause);
        assert_eq!(pause(&[]), None);
        assert_eq!(pause(&[(PAUSED, "false")]), None);
        assert_eq!(pause(&[(PAUSED, "true")]), Some(Pause::Whole));
        assert_eq!(pause(&[(PAUSED, "maintenance")]), Some(Pause::Whole));
        assert_eq!(pause(&[(PAUSED_REPLICAS, "0")]), Some(Pause::At(0)));
        let both = [(PAUSED, "false"), (PAUSED_REPLICAS, "4")];
        assert_eq!(pause(&both), Some(Pause::At(4)));
        assert_eq!(pause(&[(PAUSED_SCALE_IN, "true")]), Some(Pause::ScaleIn));
        assert_eq!(pause(&[(PAUSED_SCALE_OUT, "true")]), Some(Pause::ScaleOut));
        let each = [(PAUSED_SCALE_DOWN, "true"), (PAUSED_SCALE_OUT, "true")];
        assert_eq!(pause(&each), Some(Pause::Whole));
    }

    #[test]
    fn the_annotation_is_quoted_with_its_value() {
        let (_, quote) = annotated(&[(PAUSED_REPLICAS, "4")]).pause().unwrap();
        assert_eq!(quote, "autoscaling.keda.sh/paused-replicas: \"4\"");
    }
}
