//! Stop requests: by a signal, or by the exit of the parent process.

use std::os::unix::process::parent_id;
use std::sync::mpsc::Sender;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::signals::Signals;
use hpa_check_core::sim::world::Happening;

/// How often the parent is checked: no portable system call reports its exit.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The first request ends the rehearsal in order, the second immediately.
pub(super) async fn heed(
    mut signals: Signals,
    with_parent: bool,
    happenings: Sender<Happening>,
    kill: CancellationToken,
) {
    tokio::select! {
        () = signals.next() => {}
        () = parent_gone(), if with_parent => {}
    }
    // After the rehearsal nobody receives this.
    let _ = happenings.send(Happening::Interrupted);
    signals.next().await;
    kill.cancel();
}

async fn parent_gone() {
    let parent = parent_id();
    while parent_id() == parent {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
