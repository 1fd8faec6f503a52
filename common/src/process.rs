//! The limits of this process, and the parent that it must not outlive.

/// Lets this process open as many files as the system allows it to: each connection is one, and the usual
/// limit at the start is 256 or 1,024. Returns the limit that is now in force.
pub fn raise_open_files_limit() -> Option<u64> {
    // Where nothing is granted, the limit stays as it was.
    rlimit::increase_nofile_limit(u64::MAX).ok()
}

/// How many files this process may have open at a time; `None` where there is no such limit to read.
pub fn open_files_limit() -> Option<u64> {
    rlimit::Resource::NOFILE.get_soft().ok()
}

/// Calls `ended` on a thread of its own as soon as standard input ends: the parent that held its other
/// end is gone.
///
/// # Errors
///
/// No thread can be started.
pub fn when_stdin_ends(ended: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(|| {
            // What is read does not matter, only that it ends.
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            ended();
        })?;
    Ok(())
}
