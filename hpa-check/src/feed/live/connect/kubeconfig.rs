//! The kubeconfig: which files are read, and which cluster and user they select.

use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Cluster, Kubeconfig};

use super::super::trouble::one_line;
use super::args::ClusterArgs;
use crate::failure::Failure;

const ADVICE: &str = "name a kubeconfig with --kubeconfig, or run inside the cluster";

/// The selection from a kubeconfig.
#[derive(Debug)]
pub(super) struct Chosen {
    /// The cluster's name in the file.
    pub(super) cluster_name: String,
    pub(super) cluster: Cluster,
    /// The user's name in the file; empty for a context without one.
    pub(super) user_name: String,
    pub(super) user: AuthInfo,
    pub(super) namespace: Option<String>,
}

/// Where to look, and what exists.
enum Files {
    /// At least one file exists.
    Found(Vec<PathBuf>),
    /// None of these exists.
    Missing(String),
}

/// Reads the kubeconfig as kubectl does: the named file, or all files in `KUBECONFIG`, some of which may be
/// missing, or `~/.kube/config`. `None` if there is no file at all, for the pod's service account; the text
/// says where it looked.
pub(super) fn choose(
    args: &ClusterArgs,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Result<Chosen, String>, Failure> {
    let files = match (&args.kubeconfig, named_by(&environment)) {
        (Some(path), _) => Files::Found(vec![path.clone()]),
        (None, Some(listed)) => present(listed, "$KUBECONFIG names only missing files: "),
        (None, None) => {
            let home = environment("HOME").map(|home| Path::new(&home).join(".kube/config"));
            present(home.into_iter().collect(), "there is no ")
        }
    };
    let files = match files {
        Files::Found(files) => files,
        Files::Missing(why) if args.choose() => {
            return Err(Failure::target(format!(
                "--context, --cluster and --user choose from a kubeconfig, and {why}; {ADVICE}"
            )));
        }
        Files::Missing(why) => return Ok(Err(why)),
    };
    let place = listed(&files);
    let file = read(&files)?;
    select(file, args, &place).map(Ok)
}

fn named_by(environment: impl Fn(&str) -> Option<String>) -> Option<Vec<PathBuf>> {
    let list = environment("KUBECONFIG")?;
    let paths: Vec<PathBuf> = std::env::split_paths(&list)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    (!paths.is_empty()).then_some(paths)
}

fn present(paths: Vec<PathBuf>, missing: &str) -> Files {
    let (there, gone): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| path.exists());
    if there.is_empty() {
        return Files::Missing(format!("{missing}{}", listed(&gone)));
    }
    Files::Found(there)
}

fn listed(paths: &[PathBuf]) -> String {
    let names = paths.iter().map(|path| path.display().to_string());
    names.collect::<Vec<_>>().join(", ")
}

/// Merges the files; the first one to set a value wins.
fn read(files: &[PathBuf]) -> Result<Kubeconfig, Failure> {
    files
        .iter()
        .try_fold(Kubeconfig::default(), |merged, path| {
            Kubeconfig::read_from(path)
                .and_then(|next| merged.merge(next))
                .map_err(|error| {
                    let (path, error) = (path.display(), one_line(&error));
                    Failure::target(format!(
                        "the kubeconfig {path} can't be used: {error}; {ADVICE}"
                    ))
                })
        })
}

fn select(file: Kubeconfig, args: &ClusterArgs, place: &str) -> Result<Chosen, Failure> {
    let name = args.context.as_ref().or(file.current_context.as_ref());
    let name = name.filter(|name| !name.is_empty());
    let contexts = file.contexts.iter().map(|c| c.name.as_str());
    let context = match name {
        Some(name) => {
            let found = file.contexts.iter().find(|c| c.name == *name);
            found
                .and_then(|named| named.context.clone())
                .ok_or_else(|| lacking(place, "context", name, contexts))?
        }
        None if args.cluster.is_some() => kube::config::Context::default(),
        None => {
            return Err(Failure::target(format!(
                "the kubeconfig {place} has no current context: {}",
                match or_none(contexts).as_str() {
                    "none" => format!("it has no context at all, so {ADVICE}"),
                    known => format!("choose one with --context ({known})"),
                }
            )));
        }
    };
    let cluster_name = args.cluster.clone().unwrap_or(context.cluster);
    let clusters = file.clusters.iter().map(|c| c.name.as_str());
    let named = file.clusters.iter().find(|c| c.name == cluster_name);
    let cluster = named
        .and_then(|named| named.cluster.clone())
        .ok_or_else(|| lacking(place, "cluster", &cluster_name, clusters))?;
    let user_name = args.user.clone().or(context.user).unwrap_or_default();
    let users = file.auth_infos.iter().map(|u| u.name.as_str());
    let named = file.auth_infos.iter().find(|u| u.name == user_name);
    // kubectl treats a context without a user, or with a missing one, as anonymous; a user that was named must
    // exist.
    if named.is_none() && args.user.is_some() {
        return Err(lacking(place, "user", &user_name, users));
    }
    let mut user = named
        .and_then(|named| named.auth_info.clone())
        .unwrap_or_default();
    if let Some(exec) = &mut user.exec
        && exec.provide_cluster_info
    {
        let info = (&cluster).try_into();
        exec.cluster = Some(info.map_err(|error: kube::config::KubeconfigError| {
            let error = one_line(&error);
            Failure::target(format!(
                "the cluster `{cluster_name}` of {place} can't be used: {error}"
            ))
        })?);
    }
    Ok(Chosen {
        cluster_name,
        cluster,
        user_name,
        user,
        namespace: context.namespace.filter(|namespace| !namespace.is_empty()),
    })
}

fn lacking<'a>(place: &str, kind: &str, name: &str, all: impl Iterator<Item = &'a str>) -> Failure {
    Failure::target(format!(
        "the kubeconfig {place} has no {kind} `{name}`; it has: {}",
        or_none(all)
    ))
}

fn or_none<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names = names.collect::<Vec<_>>().join(", ");
    if names.is_empty() {
        "none".to_owned()
    } else {
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "apiVersion: v1\nkind: Config\ncurrent-context: one\n\
        contexts:\n- {name: one, context: {cluster: a, user: u, namespace: web}}\n\
        - {name: two, context: {cluster: b, user: gone}}\n- {name: bad, context: {cluster: x}}\n\
        clusters:\n- {name: a, cluster: {server: 'https://a'}}\n- {name: b, cluster: {server: 'https://b'}}\n\
        users:\n- {name: u, user: {token: t}}\n";

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::write(&file, FILE).unwrap();
        (folder, file)
    }

    fn chosen(args: &ClusterArgs, kubeconfig: &str) -> Result<Result<Chosen, String>, Failure> {
        choose(args, |name| {
            (name == "KUBECONFIG").then(|| kubeconfig.to_owned())
        })
    }

    #[test]
    fn a_missing_file_in_the_list_is_skipped() {
        let (_folder, file) = folder();
        let list = format!("/gone:{}::/gone/too", file.display());
        let chosen = chosen(&ClusterArgs::default(), &list).unwrap().unwrap();
        assert_eq!(chosen.cluster.server.as_deref(), Some("https://a"));
        assert_eq!(chosen.namespace.as_deref(), Some("web"));
    }

    #[test]
    fn a_list_of_missing_files_leaves_the_service_account_and_says_where_it_looked() {
        let why = chosen(&ClusterArgs::default(), "/gone:/gone/too")
            .unwrap()
            .unwrap_err();
        assert!(why.contains("/gone, /gone/too"), "{why}");
        let args = ClusterArgs {
            context: Some("one".into()),
            ..ClusterArgs::default()
        };
        let failure = chosen(&args, "/gone").unwrap_err();
        assert!(failure.message.contains("/gone"), "{failure}");
    }

    #[test]
    fn the_first_file_to_set_a_value_wins() {
        let (folder, file) = folder();
        let first = folder.path().join("first");
        std::fs::write(&first, "current-context: two\n").unwrap();
        let list = format!("{}:{}", first.display(), file.display());
        let chosen = chosen(&ClusterArgs::default(), &list).unwrap().unwrap();
        assert_eq!(chosen.cluster_name, "b");
        // Its user is missing, so kubectl continues without credentials.
        assert_eq!(chosen.user_name, "gone");
    }

    #[test]
    fn a_missing_entry_is_reported_with_the_existing_ones() {
        let (_folder, file) = folder();
        let of = |context: Option<&str>, cluster: Option<&str>, user: Option<&str>| {
            let args = ClusterArgs {
                kubeconfig: Some(file.clone()),
                context: context.map(Into::into),
                cluster: cluster.map(Into::into),
                user: user.map(Into::into),
                ..ClusterArgs::default()
            };
            choose(&args, |_| None).unwrap_err().message
        };
        assert!(
            of(Some("three"), None, None).contains("no context `three`; it has: one, two, bad")
        );
        assert!(of(Some("bad"), None, None).contains("no cluster `x`; it has: a, b"));
        assert!(of(None, Some("c"), None).contains("no cluster `c`; it has: a, b"));
        assert!(of(None, None, Some("v")).contains("no user `v`; it has: u"));
    }

    #[test]
    fn a_missing_named_file_is_one_sentence() {
        let args = ClusterArgs {
            kubeconfig: Some("/nowhere/config".into()),
            ..ClusterArgs::default()
        };
        let failure = choose(&args, |_| None).unwrap_err();
        assert_eq!(failure.code, 90);
        assert!(failure.message.contains("/nowhere/config"), "{failure}");
        assert!(!failure.message.contains('\n'), "{failure}");
    }
}
