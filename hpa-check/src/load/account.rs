//! The load generator's result file (`fib-loadgen/1`), as far as a verdict needs it.

use std::path::Path;

use hpa_check_core::observation::{GeneratorVerdict, LoadResult};
use serde::Deserialize;

/// Reads the file; `code` is the generator's exit code, if it had one.
pub(super) fn read(path: &Path, code: Option<i32>) -> Result<LoadResult, String> {
    parse(&text(path)?, code)
}

/// Reads any part of it.
pub(super) fn read_result<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, String> {
    serde_json::from_str(&text(path)?)
        .map_err(|e| format!("its result is not a fib-loadgen/1 document: {e}"))
}

fn text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path)
        .map_err(|e| format!("its result `{}` can't be read: {e}", path.display()))
}

fn parse(text: &str, code: Option<i32>) -> Result<LoadResult, String> {
    let document: Document = serde_json::from_str(text)
        .map_err(|e| format!("its result is not a fib-loadgen/1 document: {e}"))?;
    if !document.schema.starts_with("fib-loadgen/1") {
        return Err(format!(
            "its result is a `{}`, not a fib-loadgen/1",
            document.schema
        ));
    }
    Ok(LoadResult {
        requests: document.totals.sent,
        failed: document.totals.failed,
        wrong: document.totals.wrong,
        verified: document.totals.verified,
        generator: document.generator.verdict,
        generator_reasons: document.generator.reasons,
        exit_code: code.unwrap_or(document.exit.code),
        ..LoadResult::default()
    })
}

#[derive(Debug, Deserialize)]
struct Document {
    schema: String,
    totals: Totals,
    generator: Generator,
    exit: Exit,
}

#[derive(Debug, Deserialize)]
struct Totals {
    sent: u64,
    failed: u64,
    wrong: u64,
    verified: u64,
}

#[derive(Debug, Deserialize)]
struct Generator {
    verdict: GeneratorVerdict,
    #[serde(default)]
    reasons: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Exit {
    code: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULT: &str = r#"{"schema":"fib-loadgen/1","new_key":1,
        "totals":{"sent":9,"ok":7,"failed":1,"wrong":1,"verified":7,"bytes":1},
        "generator":{"verdict":"saturated","reasons":["out of CPU"],"cpu_used":1.0},
        "exit":{"code":91,"reasons":[]}}"#;

    #[test]
    fn the_totals_and_the_generators_verdict_are_read() {
        let result = parse(RESULT, None).unwrap();
        assert_eq!(
            (
                result.requests,
                result.failed,
                result.wrong,
                result.verified
            ),
            (9, 1, 1, 7)
        );
        assert_eq!(result.generator, GeneratorVerdict::Saturated);
        assert_eq!(result.generator_reasons, ["out of CPU"]);
        assert_eq!(result.exit_code, 91);
    }

    #[test]
    fn the_actual_exit_code_takes_precedence_over_the_one_in_the_file() {
        assert_eq!(parse(RESULT, Some(0)).unwrap().exit_code, 0);
    }

    #[test]
    fn another_document_is_refused_by_name() {
        let other = RESULT.replace("fib-loadgen/1", "k6/1");
        assert!(parse(&other, None).unwrap_err().contains("`k6/1`"));
        assert!(parse("{", None).is_err());
    }
}
