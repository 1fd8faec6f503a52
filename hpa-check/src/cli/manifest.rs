//! Manifests on the command line: YAML or JSON, from a file or standard input, as people write them, charts
//! render them or `kubectl get -o yaml` prints them. [`hpa_check_core::manifests`] parses them.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use hpa_check_core::manifests::{self, Manifest, PodRequest, Simulable};
use hpa_check_core::spec::Behavior;
use serde::de::IgnoredAny;
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
    pub(crate) fn simulable(&self, own: PodRequest) -> Result<Option<Simulable>, Failure> {
        let Some(manifest) = self.read()? else {
            return Ok(None);
        };
        let name = Some(manifest.name.clone()).filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| "the autoscaler".to_owned());
        let simulable = manifest.on_cpu(own);
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
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut bytes)?;
    } else {
        bytes = std::fs::read(path)?;
    }
    decoded(bytes).ok_or_else(|| {
        let message = "it is not UTF-8 text";
        std::io::Error::new(std::io::ErrorKind::InvalidData, message)
    })
}

/// UTF-8, or UTF-16 with a byte order mark, in which `PowerShell` redirects output to a file.
fn decoded(bytes: Vec<u8>) -> Option<String> {
    let unit: fn([u8; 2]) -> u16 = match bytes.as_slice() {
        [0xFF, 0xFE, ..] => u16::from_le_bytes,
        [0xFE, 0xFF, ..] => u16::from_be_bytes,
        _ => return String::from_utf8(bytes).ok(),
    };
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().skip(1).map(|pair| unit(*pair)).collect();
    String::from_utf16(&units).ok().filter(|_| rest.is_empty())
}

/// The YAML or JSON documents of a text; the error completes a sentence.
pub(crate) fn documents(text: &str) -> Result<Vec<Value>, String> {
    let read: Result<Vec<Value>, _> = match json_values(text) {
        Some(values) => values.into_iter().map(serde_saphyr::from_str).collect(),
        None => serde_saphyr::from_multiple(text),
    };
    let mut documents = read.map_err(|e| {
        let message = e.to_string();
        let line = message.lines().next().unwrap_or_default();
        if text.contains("{{") {
            return "is a template and not a manifest: render it first, as with `helm template`"
                .to_owned();
        }
        format!("is neither YAML nor JSON: {line}")
    })?;
    documents.iter_mut().for_each(whole_numbers);
    Ok(documents)
}

/// The values of a text that has several in JSON one after the other, as `jq` and log pipelines print them. YAML has
/// no such form, but is what finds a key that is written twice.
fn json_values(text: &str) -> Option<Vec<&str>> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let mut from = 0;
    let mut found = Vec::new();
    while let Some(value) = values.next() {
        value.ok()?;
        let to = values.byte_offset();
        found.push(&text[from..to]);
        from = to;
    }
    (found.len() > 1).then_some(found)
}

/// Writes `10.0` and `1e1` as `10`, as kubectl does before it sends an object.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(whole_numbers),
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Number(number) if number.is_f64() => {
            let whole = number.as_f64().map(|n| n.to_string());
            if let Some(whole) = whole.and_then(|text| text.parse::<i64>().ok()) {
                *value = whole.into();
            }
        }
        _ => {}
    }
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
    use serde_json::json;

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

    #[test]
    fn json_values_may_follow_each_other_and_a_key_may_not() {
        for text in [
            "{\"a\": 1}\n{\"a\": 2}\n",
            "{\n  \"a\": 1\n}{\n  \"a\": 2\n}",
            "a: 1\n---\na: 2\n",
        ] {
            let read = documents(text).unwrap();
            assert_eq!(read, [json!({"a": 1}), json!({"a": 2})], "{text:?}");
        }
        for text in [
            "{\"a\": 1, \"a\": 2}\n{}",
            "a: 1\na: 2\n",
            "{\"a\": 1}\n{\"a\"",
        ] {
            assert!(documents(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_whole_number_is_one_in_every_notation() {
        let read = documents("[10.0, 1e1, 10, 0.5, '10.0', -3.0, 1e300]").unwrap();
        let expected = json!([10, 10, 10, 0.5, "10.0", -3, 1e300]);
        assert_eq!(read, [expected]);
    }

    #[test]
    fn a_file_of_powershell_is_read_like_any_other() {
        let text = "a: é\r\n";
        for (mark, unit) in [
            ([0xFF, 0xFE], u16::to_le_bytes as fn(u16) -> [u8; 2]),
            ([0xFE, 0xFF], u16::to_be_bytes),
        ] {
            let units = text.encode_utf16().flat_map(unit);
            let bytes: Vec<u8> = mark.into_iter().chain(units).collect();
            assert_eq!(decoded(bytes.clone()).as_deref(), Some(text));
            assert_eq!(decoded(bytes[..bytes.len() - 1].to_vec()), None);
        }
        assert_eq!(decoded(text.as_bytes().to_vec()).as_deref(), Some(text));
        assert_eq!(decoded(vec![b'a', 0xFF]), None);
    }
}
