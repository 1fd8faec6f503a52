//! Manifests on the command line: YAML or JSON, from a file or standard input, as people write them, charts
//! render them or `kubectl get -o yaml` prints them. [`hpa_check_core::manifests`] parses them.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use hpa_check_core::manifests::{self, Manifest, Simulable};
use hpa_check_core::spec::Behavior;
use serde_json::Value;

use crate::failure::Failure;
use crate::notice::notice;
use crate::report::escape::Terminal;

/// The flags of a command that reads an autoscaler from a manifest; `#[command(flatten)]` them.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Autoscaler")]
pub(crate) struct ManifestArgs {
    /// The autoscaler, in YAML or JSON; requests and limits come from its Deployment in the same file; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    hpa: Option<PathBuf>,
    /// The name of the autoscaler, if FILE has several
    #[arg(value_name = "NAME", requires = "hpa")]
    name: Option<String>,
}

impl ManifestArgs {
    /// The autoscaler as written, if given.
    pub(crate) fn read(&self) -> Result<Option<Manifest>, Failure> {
        self.found(manifests::read)
    }

    /// The autoscaler for a command that only knows the pods' CPU. Prints what it drops or replaces.
    pub(crate) fn simulable(&self) -> Result<Option<Simulable>, Failure> {
        let Some(manifest) = self.read()? else {
            return Ok(None);
        };
        let name = manifest.name.clone();
        let simulable = manifest.on_cpu();
        for note in &simulable.notes {
            notice(&Terminal(format!("hpa-check: {name}: {note}")).to_string());
        }
        Ok(Some(simulable))
    }

    /// The autoscaler's object as autoscaling/v2, with its status, if given.
    pub(crate) fn object(&self) -> Result<Option<Value>, Failure> {
        self.found(manifests::object)
    }

    fn found<T>(
        &self,
        find: impl Fn(&[Value], Option<&str>) -> Result<T, String>,
    ) -> Result<Option<T>, Failure> {
        let path = self.hpa.as_deref();
        path.map(|path| of(path, |documents| find(documents, self.name.as_deref())))
            .transpose()
    }
}

/// A `behavior`, either alone, under its key, or in a whole autoscaler.
pub(crate) fn behavior(path: &Path) -> Result<Behavior, Failure> {
    of(path, |documents| manifests::read_behavior(documents, None))
}

/// A file's name for messages.
pub(crate) fn shown(path: &Path) -> String {
    if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        format!("`{}`", path.display())
    }
}

/// Text from a file, or from standard input for `-`.
pub(crate) fn text(path: &Path) -> std::io::Result<String> {
    if path != Path::new("-") {
        return std::fs::read_to_string(path);
    }
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text)?;
    Ok(text)
}

/// The YAML or JSON documents of a text; the error completes a sentence.
pub(crate) fn documents(text: &str) -> Result<Vec<Value>, String> {
    serde_saphyr::from_multiple(text).map_err(|e| {
        let message = e.to_string();
        let line = message.lines().next().unwrap_or_default();
        if text.contains("{{") {
            return "is a template and not a manifest: render it first, as with `helm template`"
                .to_owned();
        }
        format!("is neither YAML nor JSON: {line}")
    })
}

/// Calls `read` with the documents of a file, or of standard input for `-`.
pub(crate) fn of<T>(
    path: &Path,
    read: impl Fn(&[Value]) -> Result<T, String>,
) -> Result<T, Failure> {
    let shown = shown(path);
    let text = text(path).map_err(|e| {
        Failure::usage(format!(
            "{shown} can't be read ({e}): give a file of YAML or JSON, or - for standard input"
        ))
    })?;
    documents(&text)
        .and_then(|documents| read(&documents))
        .map_err(|what| Failure::usage(Terminal(format!("{shown} {what}")).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_repositorys_own_manifest_is_read() {
        let documents = documents(include_str!("../../../k8s/base/hpa.yaml")).unwrap();
        let manifest = manifests::read(&documents, None).unwrap();
        let spec = manifest.spec;
        assert_eq!((spec.min_replicas, spec.max_replicas), (Some(3), 10));
        assert_eq!(spec.cpu_target_percent(), Some(50));
        let down = spec.behavior.unwrap().scale_down.unwrap();
        assert_eq!(down.stabilization_window_seconds, Some(300));
    }

    #[test]
    fn an_invalid_manifest_is_refused_in_one_line_that_says_what_to_do() {
        for (text, expected) in [
            ("a: [", "is neither YAML nor JSON: "),
            ("kind: {{ .Values.kind }}\n", "render it first"),
        ] {
            let error = documents(text).unwrap_err();
            assert!(error.contains(expected), "{text:?}: {error}");
            assert!(!error.contains('\n'), "{text:?}: {error}");
        }
    }
}
