//! `hpa-check export` and `hpa-check restore --dry-run`: the application's manifests, and the proof that the
//! server accepts them.

use std::path::PathBuf;

use hpa_check_core::manifests::named;
use serde_json::Value;

use super::file;
use crate::failure::Failure;
use crate::feed::live::{Backup, ClusterArgs, Restored};
use crate::notice::answer;
use crate::notice::notice;
use crate::outputs::{Destination, Output, ReportFormat};
use crate::report::escape::Terminal;
use crate::runtime::runtime;

/// The flags of `export`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Where to write the YAML [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The flags of `restore`.
#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    /// Manifests that `export` wrote
    file: PathBuf,
    /// Ask the server what it would change, and write nothing
    #[arg(long, required = true)]
    dry_run: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Exports the namespace.
pub(crate) fn execute(args: &Args) -> Result<u8, Failure> {
    // Opened like JSON output, so that an unwritable file is found before the cluster is queried.
    let destination = Destination::open(&Output {
        kind: ReportFormat::Json,
        file: args.output.clone(),
    })?;
    let (namespace, export) = runtime()?.block_on(async {
        let backup = Backup::connect(&args.cluster).await?;
        Ok::<_, Failure>((backup.namespace().to_owned(), backup.export().await))
    })?;
    for sentence in &export.missing {
        notice(&format!("hpa-check: left out: {}", Terminal(sentence)));
    }
    if export.manifests.is_empty() {
        return Err(Failure::target(format!(
            "nothing in the namespace {namespace} can be exported: check --namespace and --context, and grant list on what was left out"
        )));
    }
    let yaml = yaml(&export.manifests)?;
    destination
        .write(yaml.as_bytes())
        .map_err(|e| Failure::internal(format!("the manifests can't be written: {e}")))?;
    Ok(0)
}

/// One YAML document per object.
fn yaml(manifests: &[Value]) -> Result<String, Failure> {
    let documents: Result<Vec<String>, _> = manifests.iter().map(serde_saphyr::to_string).collect();
    let documents = documents
        .map_err(|e| Failure::internal(format!("an object can't be written as YAML: {e}")))?;
    Ok(documents
        .iter()
        .map(|d| d.trim_end().to_owned() + "\n")
        .collect::<Vec<_>>()
        .join("---\n"))
}

/// Sends every manifest to the server as a dry run, and reports what would change.
pub(crate) fn restore(args: &RestoreArgs) -> Result<u8, Failure> {
    let place = args.file.display();
    let shown = format!("the manifests `{place}`");
    let text = file::text(&args.file, &shown, "a file that export wrote")?;
    let manifests: Vec<Value> = serde_saphyr::from_multiple(&text).map_err(|e| {
        let error = e.to_string();
        let first = error.lines().next().unwrap_or_default();
        Failure::usage(format!("{shown} can't be understood: {first}"))
    })?;
    runtime()?.block_on(async {
        let backup = Backup::connect(&args.cluster).await?;
        let (mut text, mut refused) = (String::new(), 0);
        for manifest in manifests.iter().filter(|m| !m.is_null()) {
            let (what, lines) = match backup.try_restore(manifest).await? {
                Restored::Made => ("would be created".to_owned(), Vec::new()),
                Restored::Changed(lines) if lines.is_empty() => ("is the same".to_owned(), lines),
                Restored::Changed(lines) => ("would be changed".to_owned(), lines),
                Restored::Refused(message) => {
                    refused += 1;
                    (format!("is refused: {message}"), Vec::new())
                }
            };
            text += &format!("{} {}\n", Terminal(named(manifest)), Terminal(what));
            for line in lines {
                text += &format!("    {}\n", Terminal(line));
            }
        }
        answer(text.trim_end(), false)?;
        Ok(if refused > 0 { 91 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_that_yaml_could_misread_is_quoted() {
        let words = [
            "yes",
            "no",
            "on",
            "null",
            "~",
            "1",
            "1.0",
            "0x1f",
            "1e3",
            "true",
            "2026-01-01",
            "",
            " x ",
            "a: b",
            "#c",
            "- d",
            "it's \"so\"",
            "line\nline\n",
            "\t",
            "é",
            "100m",
            "=",
            "<<",
            "*a",
            "&a",
            "!t",
            "%",
            "@",
            "`",
        ];
        let data: serde_json::Map<String, Value> = words
            .iter()
            .enumerate()
            .map(|(n, w)| (format!("k{n}"), json!(w)))
            .collect();
        let keys: serde_json::Map<String, Value> = words
            .iter()
            .filter(|w| !w.is_empty())
            .map(|w| ((*w).to_owned(), json!("v")))
            .collect();
        let manifests = vec![
            json!({"kind": "ConfigMap", "data": data, "keys": keys}),
            json!({"n": [1, 1.5, true, null, {}, []]}),
        ];
        let text = yaml(&manifests).unwrap();
        let read: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        assert_eq!(read, manifests, "{text}");
    }
}
