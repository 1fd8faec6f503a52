//! Who applies a workload's manifest, and whether that leaves the replicas to the autoscaler.

use serde::Deserialize;

use crate::observation::{FieldManager, is_controller};
use crate::spec::TargetRef;

/// What a workload's metadata reveals about the manifests applied to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppliedManifest {
    /// Who stored a last-applied configuration that sets `replicas`, and when.
    pub stored: Option<FieldManager>,
    /// All field managers that use server-side apply, whatever they own.
    pub appliers: Vec<FieldManager>,
    /// The Helm release it belongs to, as `namespace/name`.
    pub helm_release: Option<String>,
    /// The Flux object that applies it, as `namespace/name`.
    pub kustomization: Option<String>,
    /// The annotation or label that makes Flux ignore the object, as `name: value`.
    pub left_by_flux: Option<String>,
}

/// A tool that applies manifests continuously.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Argo CD, whose objects are Applications.
    ArgoCd,
    /// The kustomize-controller of Flux, whose objects are Kustomizations.
    Flux,
}

impl Tool {
    /// The tool behind a field manager name.
    pub fn of_manager(manager: &str) -> Option<Self> {
        match manager {
            "kustomize-controller" => Some(Self::Flux),
            _ => manager.starts_with("argocd").then_some(Self::ArgoCd),
        }
    }

    /// The kind of its objects.
    pub fn kind(self) -> &'static str {
        match self {
            Self::ArgoCd => "Application",
            Self::Flux => "Kustomization",
        }
    }
}

/// An object of a deployer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployer {
    /// The tool it belongs to.
    pub tool: Tool,
    /// Its name, as `namespace/name`.
    pub name: String,
    /// The scale targets that it applies.
    pub applies: Vec<ObjectRef>,
    /// What it ignores.
    pub ignores: Vec<IgnoredFields>,
    /// Whether ignored fields are also left out of what is applied. Argo CD does so only with
    /// `RespectIgnoreDifferences=true`; otherwise it only hides the difference.
    pub respects: bool,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Why the tool's own settings, which may ignore more fields, could not be read.
    pub settings_unread: Option<String>,
}

/// A reference to an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ObjectRef {
    /// API group, such as `apps`.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl ObjectRef {
    /// The scale target of an autoscaler in this namespace.
    pub fn of_target(target: &TargetRef, namespace: &str) -> Self {
        Self {
            group: target.group().to_owned(),
            kind: target.kind.clone(),
            namespace: namespace.to_owned(),
            name: target.name.clone(),
        }
    }
}

/// A rule that selects what to ignore.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoredFields {
    /// Group, kind, namespace and name of the objects; `*` and an empty string match all.
    pub group: String,
    /// See `group`.
    pub kind: String,
    /// See `group`.
    pub namespace: String,
    /// See `group`.
    pub name: String,
    /// The fields, as JSON pointers or as jq paths.
    pub paths: Vec<String>,
    /// Field managers whose fields are ignored.
    pub managers: Vec<String>,
    /// Whether it also selects by something that is not read, such as labels.
    pub selects_more: bool,
}

/// What happens to the replicas when a manifest that sets them is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Treatment {
    /// They are reset; says why nothing prevents that.
    Applied(String),
    /// They are kept; says what ensures that.
    LeftAlone(String),
    /// Unknown; says why.
    Unknown(String),
}

/// The paths that cover the replicas: the field itself or the whole spec.
const REPLICAS: [&str; 7] = [
    "/spec/replicas",
    "/spec",
    "",
    ".spec.replicas",
    ".spec",
    ".spec[\"replicas\"]",
    ".spec.replicas?",
];

impl Deployer {
    /// What it does to an object's replicas.
    pub fn treatment(&self, object: &ObjectRef, writers: &[&str]) -> Treatment {
        let who = format!("{} {}", self.tool.kind(), self.name);
        if self.suspended {
            return Treatment::LeftAlone(format!("{who} is suspended"));
        }
        let fitting = || self.ignores.iter().filter(|rule| rule.concerns(object));
        let certain = fitting().find(|rule| !rule.selects_more && rule.names_replicas(writers));
        let possible = fitting().any(|rule| rule.may_name_replicas(writers));
        match (certain, &self.settings_unread) {
            (Some(_), _) if self.respects => {
                Treatment::LeftAlone(format!("{who} ignores spec.replicas"))
            }
            (Some(_), _) => Treatment::Applied(format!(
                "{who} ignores spec.replicas in its comparison alone: without RespectIgnoreDifferences=true each sync \
                 puts them back"
            )),
            (None, _) if possible => {
                Treatment::Unknown(format!("{who} has a rule that may ignore spec.replicas"))
            }
            (None, Some(why)) => Treatment::Unknown(why.clone()),
            (None, None) => Treatment::Applied(format!("{who} does not ignore spec.replicas")),
        }
    }
}

impl IgnoredFields {
    fn concerns(&self, object: &ObjectRef) -> bool {
        let pairs = [
            (&self.group, &object.group),
            (&self.kind, &object.kind),
            (&self.namespace, &object.namespace),
            (&self.name, &object.name),
        ];
        pairs
            .into_iter()
            .all(|(pattern, text)| matches(pattern, text))
    }

    fn names_replicas(&self, writers: &[&str]) -> bool {
        let by_path = self
            .paths
            .iter()
            .any(|path| REPLICAS.contains(&path.as_str()));
        let by_manager = self
            .managers
            .iter()
            .any(|manager| is_controller(manager, None) || writers.contains(&manager.as_str()));
        by_path || by_manager
    }

    /// Whether it may cover the replicas by a path that is not understood or a selector that is not read.
    fn may_name_replicas(&self, writers: &[&str]) -> bool {
        let other = self.paths.iter().any(|path| path.contains("replicas"));
        other || self.names_replicas(writers)
    }
}

/// Whether a pattern matches; `*` stands for any text, and an empty pattern matches everything.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        _ if pattern.is_empty() => true,
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            tail.is_empty()
                || (0..=rest.len()).any(|at| rest.get(at..).is_some_and(|r| matches(tail, r)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cart() -> ObjectRef {
        ObjectRef {
            group: "apps".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: "shop".to_owned(),
            name: "cart".to_owned(),
        }
    }

    fn application(ignores: Vec<IgnoredFields>, respects: bool) -> Deployer {
        Deployer {
            tool: Tool::ArgoCd,
            name: "argocd/shop".to_owned(),
            applies: vec![cart()],
            ignores,
            respects,
            suspended: false,
            settings_unread: None,
        }
    }

    fn rule(kind: &str, path: &str) -> IgnoredFields {
        IgnoredFields {
            group: "apps".to_owned(),
            kind: kind.to_owned(),
            paths: vec![path.to_owned()],
            ..IgnoredFields::default()
        }
    }

    fn is_left(ignores: Vec<IgnoredFields>) -> bool {
        let treatment = application(ignores, true).treatment(&cart(), &[]);
        matches!(treatment, Treatment::LeftAlone(_))
    }

    #[test]
    fn a_rule_applies_to_the_objects_and_fields_that_it_names() {
        for path in ["/spec/replicas", ".spec.replicas", "/spec"] {
            assert!(is_left(vec![rule("Deployment", path)]), "{path}");
            assert!(is_left(vec![rule("*", path)]), "{path}");
            assert!(!is_left(vec![rule("StatefulSet", path)]), "{path}");
        }
        assert!(!is_left(vec![rule("Deployment", "/spec/template")]));
        let named = |name: &str| IgnoredFields {
            name: name.to_owned(),
            ..rule("Deployment", "/spec/replicas")
        };
        assert!(is_left(vec![named("cart")]) && is_left(vec![named("c*t")]));
        assert!(!is_left(vec![named("web")]));
    }

    #[test]
    fn a_rule_by_field_managers_applies_if_the_controller_owns_the_replicas() {
        let by = |manager: &str| IgnoredFields {
            managers: vec![manager.to_owned()],
            ..IgnoredFields::default()
        };
        assert!(is_left(vec![by("kube-controller-manager")]));
        assert!(is_left(vec![by("k3s")]));
        assert!(!is_left(vec![by("cert-manager")]));
        let hosted = application(vec![by("controlplane-kcm")], true);
        let treatment = hosted.treatment(&cart(), &["controlplane-kcm"]);
        assert!(matches!(treatment, Treatment::LeftAlone(_)));
    }

    #[test]
    fn argo_cd_resets_replicas_that_it_ignores_only_in_its_diff() {
        let shown = application(vec![rule("Deployment", "/spec/replicas")], false);
        let Treatment::Applied(why) = shown.treatment(&cart(), &[]) else {
            panic!("it is applied");
        };
        assert!(why.contains("RespectIgnoreDifferences=true"), "{why}");
    }

    #[test]
    fn a_rule_that_is_not_understood_or_not_read_is_unknown() {
        let unknown =
            |deployer: &Deployer| matches!(deployer.treatment(&cart(), &[]), Treatment::Unknown(_));
        let odd = rule("Deployment", ".spec | select(.replicas > 2)");
        assert!(unknown(&application(vec![odd], true)));
        let mut more = rule("Deployment", "/spec/replicas");
        more.selects_more = true;
        assert!(unknown(&application(vec![more], true)));
        let mut unread = application(Vec::new(), true);
        unread.settings_unread = Some("configmaps \"argocd-cm\" is forbidden".to_owned());
        assert!(unknown(&unread));
    }
}
