//! A load generator.
pub mod chance;
pub mod oracle;
pub mod plan;
pub mod quantity;
pub mod workload;
