//! Lines written as they come, on a thread of their own: a slow or broken reader never stops the load.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Lines queued for a reader; beyond an hour's worth, new ones are dropped.
const BACKLOG: usize = 3600;
/// How long the end of a run waits for a slow reader.
const PATIENCE: Duration = Duration::from_secs(1);

/// A place for lines.
#[derive(Debug)]
pub struct Lines {
    queue: SyncSender<String>,
    writer: JoinHandle<io::Result<()>>,
    name: String,
}

/// A file that could not be written completely: its name, and why.
pub type Cut = (String, io::Error);

impl Lines {
    /// Opens the file, truncating it unless it is a pipe or a device.
    pub fn open(path: &Path) -> io::Result<Self> {
        let sink = if path.exists() && !path.is_file() {
            OpenOptions::new().write(true).open(path)?
        } else {
            File::create(path)?
        };
        Ok(Self::to(format!("`{}`", path.display()), sink))
    }

    /// Writes to an open sink.
    pub fn to(name: String, sink: impl Write + Send + 'static) -> Self {
        let (queue, lines) = sync_channel(BACKLOG);
        let writer = std::thread::spawn(move || write(sink, &lines));
        Self {
            queue,
            writer,
            name,
        }
    }

    /// Queues a line.
    pub fn send(&self, line: String) {
        // A full queue or a missing reader costs lines, never the run.
        let _ = self.queue.try_send(line);
    }

    /// Waits briefly until everything is written. A reader that left has read enough; a full disk is an error.
    pub fn finish(self) -> Result<(), Cut> {
        drop(self.queue);
        let deadline = Instant::now() + PATIENCE;
        while !self.writer.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        if !self.writer.is_finished() {
            return Ok(());
        }
        match self.writer.join() {
            Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err((self.name, error)),
            _ => Ok(()),
        }
    }
}

fn write(mut sink: impl Write, lines: &Receiver<String>) -> io::Result<()> {
    for mut line in lines {
        line.push('\n');
        sink.write_all(line.as_bytes())
            .and_then(|()| sink.flush())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sink that refuses everything.
    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_broken_pipe_ends_the_writer_and_nothing_else() {
        let lines = Lines::to("-".to_owned(), Broken(io::ErrorKind::BrokenPipe));
        for _ in 0..2 * BACKLOG {
            lines.send("line".to_owned());
        }
        assert!(lines.finish().is_ok());
    }

    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let lines = Lines::to("`full`".to_owned(), Broken(io::ErrorKind::StorageFull));
        lines.send("line".to_owned());
        let (name, error) = lines.finish().unwrap_err();
        assert_eq!(
            (name.as_str(), error.kind()),
            ("`full`", io::ErrorKind::StorageFull)
        );
    }

    #[test]
    fn lines_arrive_complete_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let lines = Lines::open(&path).unwrap();
        (0..3).for_each(|n| lines.send(format!("{{\"n\":{n}}}")));
        assert!(lines.finish().is_ok());
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n"
        );
    }
}
