//! Quotas, and which pods they count.
//!
//! Source of the scopes: `pkg/quota/v1/evaluator/core/pods.go`, `podMatchesScopeFunc`.

use serde::{Deserialize, Serialize};

/// One limit of a `ResourceQuota`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// The quota's name.
    pub name: String,
    /// The resource, such as `pods` or `requests.cpu`.
    pub resource: String,
    /// The limit, as written in the object.
    pub hard: String,
    /// The current use.
    pub used: String,
    /// The scopes: it counts pods that satisfy all of them. Without any, it counts all pods in the namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<QuotaScope>,
}

/// One requirement on the pods that a quota counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaScope {
    /// The name, such as `Terminating` or `PriorityClass`.
    pub name: String,
    /// `Exists`, `DoesNotExist`, `In` or `NotIn`.
    pub operator: String,
    /// The values, for `In` and `NotIn`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// The properties of a pod that scopes select by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct QuotaClass {
    /// `spec.priorityClassName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_class: Option<String>,
    /// Whether it has `spec.activeDeadlineSeconds`, which quotas call `Terminating`.
    pub has_deadline: bool,
    /// Whether none of its containers has a request or limit.
    pub best_effort: bool,
    /// Whether its affinity refers to pods of other namespaces.
    pub cross_namespace_affinity: bool,
}

impl QuotaClass {
    /// Whether it has the properties of most pods.
    pub fn is_ordinary(&self) -> bool {
        *self == Self::default()
    }
}

impl Quota {
    /// Whether a pod like this one counts. `None` if a scope is unknown.
    pub fn counts(&self, pod: &QuotaClass) -> Option<bool> {
        let mut all = true;
        for scope in &self.scopes {
            all &= scope.holds(pod)?;
        }
        Some(all)
    }
}

impl QuotaScope {
    fn holds(&self, pod: &QuotaClass) -> Option<bool> {
        let has = match self.name.as_str() {
            "Terminating" => pod.has_deadline,
            "NotTerminating" => !pod.has_deadline,
            "BestEffort" => pod.best_effort,
            "NotBestEffort" => !pod.best_effort,
            "CrossNamespacePodAffinity" => pod.cross_namespace_affinity,
            "PriorityClass" => return self.holds_for_class(pod.priority_class.as_deref()),
            _ => return None,
        };
        Some(has)
    }

    fn holds_for_class(&self, class: Option<&str>) -> Option<bool> {
        let among = || class.is_some_and(|class| self.values.iter().any(|value| value == class));
        match self.operator.as_str() {
            "" | "Exists" => Some(class.is_some()),
            "DoesNotExist" => Some(class.is_none()),
            "In" => Some(among()),
            "NotIn" => Some(!among()),
            _ => None,
        }
    }
}

/// Quotas for tests.
#[cfg(test)]
pub(crate) mod fixture {
    use super::*;

    pub(crate) fn quota(resource: &str, hard: &str, used: &str) -> Quota {
        Quota {
            name: "q".to_owned(),
            resource: resource.to_owned(),
            hard: hard.to_owned(),
            used: used.to_owned(),
            scopes: Vec::new(),
        }
    }

    /// Of two pods, with one scope.
    pub(crate) fn scoped(name: &str, operator: &str, values: &[&str]) -> Quota {
        Quota {
            scopes: vec![QuotaScope {
                name: name.to_owned(),
                operator: operator.to_owned(),
                values: values.iter().map(|v| (*v).to_owned()).collect(),
            }],
            ..quota("pods", "2", "0")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fixture::scoped;
    use super::*;

    #[test]
    fn a_scope_counts_the_pods_that_it_names_and_no_others() {
        let critical = QuotaClass {
            priority_class: Some("critical".to_owned()),
            ..QuotaClass::default()
        };
        let ordinary = QuotaClass::default();
        for (quota, of_ordinary, of_critical) in [
            (scoped("Terminating", "Exists", &[]), false, false),
            (scoped("NotTerminating", "Exists", &[]), true, true),
            (scoped("BestEffort", "Exists", &[]), false, false),
            (scoped("NotBestEffort", "Exists", &[]), true, true),
            (scoped("PriorityClass", "In", &["critical"]), false, true),
            (scoped("PriorityClass", "NotIn", &["critical"]), true, false),
            (scoped("PriorityClass", "Exists", &[]), false, true),
            (scoped("PriorityClass", "DoesNotExist", &[]), true, false),
        ] {
            assert_eq!(quota.counts(&ordinary), Some(of_ordinary), "{quota:?}");
            assert_eq!(quota.counts(&critical), Some(of_critical), "{quota:?}");
        }
        assert_eq!(
            scoped("SomethingNew", "Exists", &[]).counts(&ordinary),
            None
        );
    }
}
