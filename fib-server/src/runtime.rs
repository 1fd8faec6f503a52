//! The threads that serve connections.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// After this many task turns, a thread checks for sockets that have become ready. Under load there is always a
/// task to run, so a new request waits for this many of them before it is seen. The runtime's default of 61
/// made that tens of milliseconds while a few clients flooded their connections; a check takes about a
/// microsecond.
const TURNS_PER_LOOK: u32 = 8;

/// A runtime with this many threads.
pub fn start(threads: usize) -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(threads)
        .event_interval(TURNS_PER_LOOK)
        .enable_all()
        .build()
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Poll;

    use tokio::io::AsyncReadExt;

    use super::*;

    #[test]
    fn sockets_are_checked_after_a_few_turns_however_many_tasks_are_always_ready() {
        let runtime = start(1).unwrap();
        let (mut client, server) = UnixStream::pair().unwrap();
        server.set_nonblocking(true).unwrap();
        let turns = Arc::new(AtomicU32::new(0));
        let waited = runtime.block_on(runtime.spawn({
            let turns = Arc::clone(&turns);
            async move {
                let mut server = tokio::net::UnixStream::from_std(server).unwrap();
                for _ in 0..4 {
                    let turns = Arc::clone(&turns);
                    // To yield to the runtime would let it look at once; a connection that is flooded does not.
                    tokio::spawn(poll_fn(move |cx| {
                        turns.fetch_add(1, Ordering::Relaxed);
                        cx.waker().wake_by_ref();
                        Poll::<()>::Pending
                    }));
                }
                let mut most = 0;
                for _ in 0..50 {
                    // Nothing has arrived yet, so this task waits for the runtime to check.
                    let mut byte = [0];
                    let read = server.read_exact(&mut byte);
                    let write = async {
                        client.write_all(b"x").unwrap();
                        turns.load(Ordering::Relaxed)
                    };
                    let (read, before) = tokio::join!(read, write);
                    read.unwrap();
                    most = most.max(turns.load(Ordering::Relaxed) - before);
                }
                most
            }
        }));
        // Its own turn comes after those of the four.
        let waited = waited.unwrap();
        assert!(waited <= 2 * TURNS_PER_LOOK, "{waited}");
        runtime.shutdown_background();
    }
}
