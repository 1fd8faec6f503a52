//! Logs on standard error through a writer that drops lines instead of delaying an answer. The level can be
//! changed while the server runs.

use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use crate::args::LogFormat;
use crate::config::BadConfig;

/// Decides which lines this process logs.
struct Level {
    handle: reload::Handle<EnvFilter, Registry>,
    now: Mutex<String>,
}

static LEVEL: OnceLock<Level> = OnceLock::new();

/// Starts logging. Buffered lines are written when the guard is dropped.
pub fn start(format: LogFormat, level: &str) -> Result<WorkerGuard, BadConfig> {
    let (filter, handle) = reload::Layer::new(filter(level)?);
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .finish(io::stderr());
    let lines = fmt::layer().with_writer(writer);
    let subscriber = tracing_subscriber::registry().with(filter);
    let started = match format {
        LogFormat::Json => subscriber
            .with(
                lines
                    .json()
                    .flatten_event(true)
                    .with_current_span(false)
                    .with_span_list(false),
            )
            .try_init(),
        LogFormat::Text => subscriber.with(lines.with_ansi(false)).try_init(),
    };
    // Only a second server in the same process finds a subscriber already, and uses that one.
    if started.is_ok() {
        let now = Mutex::new(level.to_owned());
        let _ = LEVEL.set(Level { handle, now });
    }
    Ok(guard)
}

/// The current filter; empty without logging.
pub fn level() -> String {
    LEVEL
        .get()
        .map(|l| l.now.lock().unwrap_or_else(PoisonError::into_inner).clone())
        .unwrap_or_default()
}

/// Changes the filter.
///
/// If the text is neither a level nor a filter.
pub fn set_level(text: &str) -> Result<(), BadConfig> {
    let filter = filter(text)?;
    if let Some(level) = LEVEL.get() {
        text.clone_into(&mut level.now.lock().unwrap_or_else(PoisonError::into_inner));
        // It fails only if the subscriber is gone, together with the process.
        let _ = level.handle.reload(filter);
    }
    Ok(())
}

fn filter(level: &str) -> Result<EnvFilter, BadConfig> {
    // The frameworks log every connection, which is not news.
    EnvFilter::try_new(format!(
        "salvo_core=warn,hyper=warn,h2=warn,rustls=warn,{level}"
    ))
    .map_err(|e| {
        BadConfig(format!(
            "log-level {level:?} is not a level: {e}; use error, warn, info, debug or trace"
        ))
    })
}
