//! Logs on standard error, by a writer that drops lines rather than hold up an answer.

use std::io;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;
use crate::config::BadConfig;

/// Starts logging. What is buffered is written when the guard is dropped.
pub fn start(format: LogFormat, level: &str) -> Result<WorkerGuard, BadConfig> {
    // salvo tells of each connection at a stop; that is no news.
    let filter = EnvFilter::try_new(format!("salvo_core=warn,{level}")).map_err(|e| {
        BadConfig(format!(
            "log-level {level:?} is no level: {e}; use error, warn, info, debug or trace"
        ))
    })?;
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .finish(io::stderr());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    let started = match format {
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .try_init(),
        LogFormat::Text => builder.with_ansi(false).try_init(),
    };
    // Only a second server in one process finds a subscriber there, and logs to that one.
    drop(started);
    Ok(guard)
}
