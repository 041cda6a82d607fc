//! The data directory: it holds everything that survives a restart, and only one process may use it.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use cotejo::platform::{Entropy as _, SystemEntropy};
use serde::de::DeserializeOwned;

/// The files that this system writes, and that `--fresh` removes. The lock file stays.
const OURS: &[&str] = &[
    "dynamodb.db",
    "dynamodb.db-shm",
    "dynamodb.db-wal",
    "env",
    "functions.env",
    "local.json",
    "s3",
    "sandbox-seed.json",
    "sandbox.jsonl",
    "secrets.json",
    "stream.json",
    "version.json",
];

/// The version of the directory's format. It rises with each change after which old data cannot be read.
pub(crate) const FORMAT: u32 = 2;

/// A data directory that no other process uses.
pub struct DataDir {
    path: PathBuf,
    temporary: bool,
    _lock: File,
}

/// The directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Another process uses the directory.
    #[error("{} is in use by another cotejo-local", .0.display())]
    InUse(PathBuf),
    /// Another version wrote the directory, in another format.
    #[error(
        "{} was written by {other} version of Cotejo: run that version on it, choose another directory with --data, \
         or forget what is in it with --fresh", path.display()
    )]
    Version {
        path: PathBuf,
        /// An earlier or a later one.
        other: &'static str,
    },
    /// The file system refuses.
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl DataDir {
    /// Opens `path`, or makes a directory that is gone when this value is. With `fresh`, what an earlier run left in
    /// it is removed; other files stay.
    ///
    /// # Errors
    /// The directory cannot be made, or another process uses it.
    pub fn open(path: Option<&Path>, fresh: bool) -> Result<Self, DataError> {
        let (path, temporary) = match path {
            Some(path) => (path.to_owned(), false),
            // The system's entropy: a test's entropy repeats, also in the next test.
            None => (std::env::temp_dir().join(format!("cotejo-local-{}", SystemEntropy.uuid())), true),
        };
        let failed = |source| DataError::Io { path: path.clone(), source };
        std::fs::create_dir_all(&path).map_err(failed)?;
        let lock = File::create(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DataError::InUse(path)),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        if fresh {
            for name in OURS {
                remove(&path.join(name)).map_err(failed)?;
            }
        }
        // These files say that the system is up, which is not true yet.
        for name in ["env", "functions.env"] {
            remove(&path.join(name)).map_err(failed)?;
        }
        if !temporary {
            check_version(&path)?;
        }
        Ok(Self { path, temporary, _lock: lock })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file or directory in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        debug_assert!(OURS.contains(&name), "{name} would survive a fresh start");
        self.path.join(name)
    }

    /// Whether it is gone when this value is.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.temporary
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        if self.temporary {
            // An error has no reader here, and the system cleans its temporary directory.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Checks the format of the directory, and stamps a new one.
fn check_version(path: &Path) -> Result<(), DataError> {
    let file = path.join("version.json");
    let failed = |source| DataError::Io { path: path.to_owned(), source };
    let other = match read_json::<u32>(&file).map_err(failed)? {
        Some(FORMAT) => return Ok(()),
        Some(later) if later > FORMAT => "a later",
        Some(_) => "an earlier",
        // The oldest data has no version file.
        None if OURS.iter().any(|name| path.join(name).exists()) => "an earlier",
        None => return write_private(&file, FORMAT.to_string().as_bytes()).map_err(failed),
    };
    Err(DataError::Version { path: path.to_owned(), other })
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes a file that only its owner may read, so that after a kill at any moment either the old or the new content
/// is there.
///
/// # Errors
/// The file system refuses.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&new).and_then(|mut file| file.write_all(content));
    written.and_then(|()| std::fs::rename(&new, path)).map_err(|error| naming(path, &error))
}

/// Adds the file's path to an error, and advice if there is any.
fn naming(path: &Path, error: &io::Error) -> io::Error {
    let help = match error.kind() {
        io::ErrorKind::StorageFull => "; make room on the disk",
        io::ErrorKind::PermissionDenied => "; it must be its owner's who runs this",
        _ => "",
    };
    io::Error::new(error.kind(), format!("{}: {error}{help}", path.display()))
}

/// The error for a damaged file, with advice.
#[must_use]
pub fn damaged(path: &Path, problem: &dyn std::fmt::Display) -> io::Error {
    let help = "restore a copy of it, or delete all local data with --fresh";
    io::Error::new(io::ErrorKind::InvalidData, format!("{} is damaged ({problem}): {help}", path.display()))
}

/// Reads a JSON file; `None` where there is none.
///
/// # Errors
/// It cannot be read or does not have the shape of `T`.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match std::fs::read(path) {
        Ok(content) => Ok(Some(serde_json::from_slice(&content).map_err(|error| damaged(path, &error))?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(naming(path, &error)),
    }
}
