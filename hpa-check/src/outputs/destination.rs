//! One place to write to: checked before the run, and written atomically at its end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::Output;
use crate::failure::Failure;
use crate::notice::unless_gone;

/// Where one result goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Standard output.
    Stdout,
    /// A regular or new file: replaced by renaming a finished file over it.
    File(PathBuf),
    /// A device or a pipe such as `/dev/null`: must not be replaced, so it is written in place.
    Device(PathBuf),
}

impl Destination {
    /// Checks whether the output can be written, and leaves the file as it is.
    pub(crate) fn open(output: &Output) -> Result<Self, Failure> {
        let Some(path) = &output.file else {
            return Ok(Self::Stdout);
        };
        probe(path).map_err(|error| {
            Failure::usage(format!(
                "the {} output `{}` can't be written ({error}): give a file in a folder that exists and may be written",
                output.kind.word(),
                path.display(),
            ))
        })
    }

    /// Writes everything, or leaves the old file.
    pub(crate) fn write(&self, content: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                unless_gone(stdout.write_all(content).and_then(|()| stdout.flush()))
            }
            Self::Device(path) => OpenOptions::new()
                .write(true)
                .open(path)?
                .write_all(content),
            Self::File(path) => {
                let mut unfinished = temporary_beside(path)?;
                unfinished.write_all(content)?;
                unfinished.as_file().sync_all()?;
                unfinished.persist(path).map(drop).map_err(|e| e.error)
            }
        }
    }

    /// The file's path for display: absolute if the folder can be resolved.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Stdout => None,
            Self::File(path) | Self::Device(path) => {
                Some(std::path::absolute(path).unwrap_or_else(|_| path.clone()))
            }
        }
    }
}

/// The kind of destination at `path`, if a file can be created there.
fn probe(path: &Path) -> io::Result<Destination> {
    // A symbolic link stays a link: its target is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&path) {
        Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if !there.is_file() => {
            OpenOptions::new().write(true).open(&path)?;
            Ok(Destination::Device(path))
        }
        _ => {
            temporary_beside(&path)?;
            Ok(Destination::File(path))
        }
    }
}

/// A new file in the same folder, so that renaming it over `path` is atomic; removed when dropped.
fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(name);
    // By default only its owner can read a temporary file; a report gets the permissions of any new file.
    Builder::new()
        .prefix(&prefix)
        .suffix(".tmp")
        .make_in(folder, |path| File::create_new(path))
}
