//! The errors of the sandbox's own interface.

use std::path::PathBuf;

/// Why a sandbox could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The state file exists but cannot be read, or cannot be written.
    #[error("the sandbox's state file {} cannot be used: {source}", path.display())]
    StateFile { path: PathBuf, source: std::io::Error },
    /// A line of the state file is damaged.
    #[error("line {line} of the sandbox's state file {} is damaged ({source}): restore a copy, or remove the file to start with empty providers", path.display())]
    StateLine {
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        source: serde_json::Error,
    },
    /// The client that sends webhooks could not be built.
    #[error("the sandbox's HTTP client could not be built: {0}")]
    Client(#[from] reqwest::Error),
}

/// Why an authorization could not be created.
#[derive(Debug, thiserror::Error)]
pub enum TecalisError {
    /// The script has an unknown word.
    #[error("the script has the unknown word \"{0}\"")]
    UnknownWord(String),
    /// The authorization could not be saved.
    #[error("the authorization could not be saved: {0}")]
    Unsaved(#[from] std::io::Error),
}

/// A picture's script has an unknown word.
#[derive(Debug, thiserror::Error, Eq, PartialEq)]
#[error("the script has the unknown word \"{0}\"")]
pub struct UnknownWord(pub String);
