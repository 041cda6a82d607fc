//! The data directory: everything that survives a restart, and the one process that may use it.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use cotejo::platform::{Entropy as _, SystemEntropy};
use serde::de::DeserializeOwned;

/// What this system writes into the directory, and thus what a fresh start removes. The lock stays.
const OURS: &[&str] = &[
    "dynamodb.db",
    "dynamodb.db-shm",
    "dynamodb.db-wal",
    "env",
    "local.json",
    "s3",
    "sandbox-seed.json",
    "sandbox.jsonl",
    "secrets.json",
    "stream.json",
];

/// A locked data directory.
pub struct DataDir {
    path: PathBuf,
    temporary: bool,
    _lock: File,
}

/// The directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Another process uses it.
    #[error("{} is in use by another cotejo-local", .0.display())]
    InUse(PathBuf),
    /// The file system refuses.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
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
            // The system's own entropy: a test's repeats itself, in the next test too.
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
        // It says that everything is up, which is not yet so.
        remove(&path.join("env")).map_err(failed)?;
        Ok(Self { path, temporary, _lock: lock })
    }

    /// The directory.
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
            // Nobody is left to be told; the directory is in the system's place for such things.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
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
    options.open(&new)?.write_all(content)?;
    std::fs::rename(&new, path)
}

/// Reads a JSON file; `None` where there is none.
///
/// # Errors
/// It cannot be read or does not have the shape of `T`.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match std::fs::read(path) {
        Ok(content) => Ok(Some(serde_json::from_slice(&content).map_err(io::Error::other)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
