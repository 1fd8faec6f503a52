//! The signals that end a run.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C, `kill`, and a closed terminal.
pub(crate) struct Signals([Signal; 3]);

impl Signals {
    /// From now on they no longer end the process by themselves.
    pub(crate) fn catch() -> std::io::Result<Self> {
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        let [int, term, hup] = &mut self.0;
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
            _ = hup.recv() => {}
        }
    }
}
