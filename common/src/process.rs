//! The limits of this process, and the parent process that it must not outlive.

/// Raises this process' limit of open files as far as the system allows: each connection is one, and the
/// initial limit is usually 256 or 1,024. Returns the new limit.
pub fn raise_open_files_limit() -> Option<u64> {
    // If it can't be raised, the limit stays the same.
    rlimit::increase_nofile_limit(u64::MAX).ok()
}

/// How many files this process may have open at a time; `None` if the limit can't be read.
pub fn open_files_limit() -> Option<u64> {
    rlimit::Resource::NOFILE.get_soft().ok()
}

/// Calls `ended` on a separate thread as soon as standard input ends, which means that the parent process with
/// its other end is gone.
///
/// # Errors
///
/// No thread can be started.
pub fn when_stdin_ends(ended: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(|| {
            // The content does not matter, only its end.
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            ended();
        })?;
    Ok(())
}
