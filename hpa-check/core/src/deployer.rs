//! Who applies a workload's manifest, and whether its replicas are left to the autoscaler then.

use crate::observation::{CONTROLLER, FieldManager};

/// What a workload itself tells of the manifests that are applied to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppliedManifest {
    /// Who stored a last-applied configuration with `replicas` in it, and when.
    pub stored: Option<FieldManager>,
    /// The field managers that apply (server-side), whatever they own.
    pub appliers: Vec<FieldManager>,
    /// The release that Helm says it belongs to, as `namespace/name`.
    pub helm_release: Option<String>,
    /// The object of Flux that applies it, as `namespace/name`.
    pub kustomization: Option<String>,
    /// The annotation or label by which Flux leaves the whole object alone, as `name: value`.
    pub left_by_flux: Option<String>,
}

/// A tool that applies manifests again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Argo CD, whose objects are Applications.
    ArgoCd,
    /// The kustomize-controller of Flux, whose objects are Kustomizations.
    Flux,
}

impl Tool {
    /// The tool that writes under the name of a field manager.
    pub fn of_manager(manager: &str) -> Option<Self> {
        match manager {
            "kustomize-controller" => Some(Self::Flux),
            _ => manager.starts_with("argocd").then_some(Self::ArgoCd),
        }
    }

    /// What its objects are called.
    pub fn kind(self) -> &'static str {
        match self {
            Self::ArgoCd => "Application",
            Self::Flux => "Kustomization",
        }
    }
}

/// An object of such a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployer {
    /// Whose it is.
    pub tool: Tool,
    /// Its name, as `namespace/name`.
    pub name: String,
    /// The scale targets that it applies.
    pub applies: Vec<Object>,
    /// What it leaves alone.
    pub ignores: Vec<IgnoredFields>,
    /// Whether what is ignored is left out of what is applied too. Argo CD only does so with
    /// `RespectIgnoreDifferences=true`; otherwise it is merely not shown as a difference.
    pub respects: bool,
    /// Whether it is told to apply nothing for now.
    pub suspended: bool,
    /// Why its tool's own settings could not be read, which may ignore more.
    pub settings_unread: Option<String>,
}

/// An object by its reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// API group, such as `apps`.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// A rule that says what is left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoredFields {
    /// Group, kind, namespace and name of the objects; `*` and what is empty stand for all.
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
    /// Whether it selects by more than is read here, such as labels.
    pub selects_more: bool,
}

/// What becomes of the replicas when a manifest that sets them is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Treatment {
    /// They are put back, and why nothing keeps them from it.
    Applied(String),
    /// They are left alone, and what says so.
    LeftAlone(String),
    /// It can't be told, and why.
    Unknown(String),
}

/// The ways in which a rule names the replicas, or all of the spec.
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
    /// What it does about the replicas of an object.
    pub fn treatment(&self, object: &Object, writers: &[&str]) -> Treatment {
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
    fn concerns(&self, object: &Object) -> bool {
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
            .any(|manager| manager == CONTROLLER || writers.contains(&manager.as_str()));
        by_path || by_manager
    }

    /// Whether it names them in a way that is not understood here, or selects by more than is read.
    fn may_name_replicas(&self, writers: &[&str]) -> bool {
        let other = self.paths.iter().any(|path| path.contains("replicas"));
        other || self.names_replicas(writers)
    }
}

/// Whether a pattern with `*` for any text fits; an empty one fits all.
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

    fn cart() -> Object {
        Object {
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
    fn a_rule_counts_for_the_objects_and_the_fields_that_it_names() {
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
    fn a_rule_by_managers_counts_where_the_controller_owns_the_replicas() {
        let by = |manager: &str| IgnoredFields {
            managers: vec![manager.to_owned()],
            ..IgnoredFields::default()
        };
        assert!(is_left(vec![by("kube-controller-manager")]));
        assert!(!is_left(vec![by("cert-manager")]));
        let hosted = application(vec![by("controlplane-kcm")], true);
        let treatment = hosted.treatment(&cart(), &["controlplane-kcm"]);
        assert!(matches!(treatment, Treatment::LeftAlone(_)));
    }

    #[test]
    fn what_argo_cd_only_ignores_in_its_comparison_is_put_back_by_the_next_sync() {
        let shown = application(vec![rule("Deployment", "/spec/replicas")], false);
        let Treatment::Applied(why) = shown.treatment(&cart(), &[]) else {
            panic!("it is applied");
        };
        assert!(why.contains("RespectIgnoreDifferences=true"), "{why}");
    }

    #[test]
    fn what_is_not_understood_or_not_read_is_unknown() {
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
