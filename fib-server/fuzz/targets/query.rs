//! The query of `/get`: what is read is within the limits and reads the same again; what is not is a problem.

#![no_main]

use fib_server::api::query::{Ask, IndexLimits};
use fib_server::api::view::Format;
use libfuzzer_sys::fuzz_target;

const LIMITS: IndexLimits = IndexLimits {
    max_n: 1_000_000,
    max_sequence_n: 10_000,
};

fuzz_target!(|input: (&str, Option<&str>)| {
    let (query, accept) = input;
    match Ask::parse(query, accept, LIMITS) {
        Ok(ask) => {
            let (canonical, most) = match ask {
                Ask::Number(index, format) => (
                    format!("n={}&format={}", index.get(), name(format)),
                    LIMITS.max_n,
                ),
                Ask::Sequence(last) => (
                    format!("n={}&sequence=true", last.get()),
                    LIMITS.max_sequence_n,
                ),
            };
            let (Ask::Number(index, _) | Ask::Sequence(index)) = ask;
            assert!(index.get() <= most, "{query:?}");
            assert_eq!(Ask::parse(&canonical, None, LIMITS), Ok(ask), "{query:?}");
        }
        Err(problem) => {
            assert!(matches!(problem.status.as_u16(), 400 | 422), "{query:?}");
            let body: serde_json::Value = serde_json::from_str(&problem.body()).expect("JSON");
            assert_eq!(body["status"], problem.status.as_u16());
        }
    }
});

fn name(format: Format) -> &'static str {
    match format {
        Format::Json => "json",
        Format::Text => "text",
        Format::Hex => "hex",
    }
}
