//! Quotas: which pods one counts, and whether it leaves room for more of them.
//!
//! Source of the scopes' meaning: `pkg/quota/v1/evaluator/core/pods.go`, `podMatchesScopeFunc`.

use serde::{Deserialize, Serialize};

use crate::observation::Pod;
use crate::quantity::Quantity;

/// One bound of a `ResourceQuota`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// The quota's name.
    pub name: String,
    /// The resource, such as `pods` or `requests.cpu`.
    pub resource: String,
    /// Its limit, as the object gives it.
    pub hard: String,
    /// What is used of it.
    pub used: String,
    /// Which pods it counts: those that satisfy every one of these. Without any, all of the namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<Scope>,
}

/// One requirement on the pods that a quota counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Such as `Terminating` or `PriorityClass`.
    pub name: String,
    /// `Exists`, `DoesNotExist`, `In` or `NotIn`.
    pub operator: String,
    /// The values, for the last two.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// What of a pod the scopes ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct QuotaClass {
    /// `spec.priorityClassName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_class: Option<String>,
    /// Whether it has `spec.activeDeadlineSeconds`: what quotas mean by `Terminating`.
    pub has_deadline: bool,
    /// Whether none of its containers asks for anything.
    pub best_effort: bool,
    /// Whether its affinity looks at pods of other namespaces.
    pub cross_namespace_affinity: bool,
}

impl QuotaClass {
    /// Whether it is what most pods are.
    pub fn is_ordinary(&self) -> bool {
        *self == Self::default()
    }
}

impl Quota {
    /// Whether pods like this one count. `None` for a scope that is not known here.
    pub fn counts(&self, pod: &QuotaClass) -> Option<bool> {
        let mut all = true;
        for scope in &self.scopes {
            all &= scope.holds(pod)?;
        }
        Some(all)
    }

    /// What one pod takes of it, in thousandths; `None` where the pod has no such amount, or the resource
    /// is not about pods or their CPU. While no pod is known, pods can be counted all the same.
    pub fn taken_by(&self, pod: Option<&Pod>) -> Option<i64> {
        if matches!(self.resource.as_str(), "pods" | "count/pods") {
            return Some(1000);
        }
        let pod = pod?;
        let own = pod.resources.as_ref();
        let sum = |of: fn(&crate::spec::ContainerResources) -> Option<i64>| {
            pod.containers.iter().map(of).sum::<Option<i64>>()
        };
        match self.resource.as_str() {
            "cpu" | "requests.cpu" => {
                let shared = own.and_then(|r| r.requests.cpu).map(|cpu| cpu.0);
                let each = shared.or_else(|| sum(|c| c.cpu_request.map(|cpu| cpu.0)))?;
                Some(each + pod.overhead.cpu.map_or(0, |cpu| cpu.0))
            }
            "limits.cpu" => {
                let shared = own.and_then(|r| r.limits.cpu).map(|cpu| cpu.0);
                shared.or_else(|| sum(|c| c.cpu_limit.map(|cpu| cpu.0)))
            }
            _ => None,
        }
    }

    /// How many pods like this one fit beside what others use, if fewer than `pods`. `own` is how many of
    /// them the use includes already; while that is not known, all of it may be theirs.
    pub fn falls_short(&self, pod: Option<&Pod>, pods: i64, own: Option<i64>) -> Option<i64> {
        if !self.scopes.is_empty() && !self.counts(&pod?.quota_class)? {
            return None;
        }
        let milli = |text: &str| Some(text.parse::<Quantity>().ok()?.milli());
        let each = self.taken_by(pod).filter(|each| *each > 0)?;
        let used = milli(&self.used)?;
        let others = own.map_or(0, |own| (used - own * each).max(0));
        let fit = (milli(&self.hard)? - others).max(0) / each;
        (fit < pods).then_some(fit)
    }
}

impl Scope {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::ContainerResources;
    use crate::units::Millicores;

    fn quota(resource: &str, hard: &str, used: &str) -> Quota {
        Quota {
            name: "q".to_owned(),
            resource: resource.to_owned(),
            hard: hard.to_owned(),
            used: used.to_owned(),
            scopes: Vec::new(),
        }
    }

    fn pod() -> Pod {
        Pod {
            containers: vec![ContainerResources::cpu("app", Some(Millicores(100)), None)],
            ..Pod::default()
        }
    }

    fn scoped(name: &str, operator: &str, values: &[&str]) -> Quota {
        Quota {
            scopes: vec![Scope {
                name: name.to_owned(),
                operator: operator.to_owned(),
                values: values.iter().map(|v| (*v).to_owned()).collect(),
            }],
            ..quota("pods", "2", "0")
        }
    }

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

    #[test]
    fn a_quota_whose_scope_is_not_known_never_falls_short() {
        assert_eq!(
            scoped("SomethingNew", "Exists", &[]).falls_short(Some(&pod()), 10, Some(3)),
            None
        );
        assert_eq!(
            scoped("NotTerminating", "Exists", &[]).falls_short(Some(&pod()), 10, Some(3)),
            Some(2)
        );
    }

    #[test]
    fn what_others_use_is_gone_and_what_the_pods_themselves_use_is_not() {
        assert_eq!(
            quota("pods", "12", "3").falls_short(Some(&pod()), 10, Some(3)),
            None
        );
        assert_eq!(
            quota("pods", "12", "8").falls_short(Some(&pod()), 10, Some(3)),
            Some(7)
        );
        assert_eq!(
            quota("requests.cpu", "1", "300m").falls_short(Some(&pod()), 10, Some(3)),
            None
        );
        assert_eq!(
            quota("requests.cpu", "0.9", "300m").falls_short(Some(&pod()), 10, Some(3)),
            Some(9)
        );
        assert_eq!(
            quota("limits.cpu", "1", "0").falls_short(Some(&pod()), 10, Some(3)),
            None
        );
        assert_eq!(
            quota("requests.memory", "1", "0").falls_short(Some(&pod()), 10, Some(3)),
            None
        );
    }
}
