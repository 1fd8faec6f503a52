//! The formats of a run's output, each with its version.

pub mod doctor;
pub mod result;
pub mod trace;

/// Whether a schema is a minor version of this major one, such as `hpa-check/1`.
fn is_version(schema: &str, major: &str) -> bool {
    let minor = schema.strip_prefix(major);
    minor.is_some_and(|minor| minor.is_empty() || minor.starts_with('.'))
}
