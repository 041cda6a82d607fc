//! How to start, and why that may fail.

use std::{collections::HashMap, io, path::PathBuf};

use cotejo::{
    platform::{ConfigError, Seams},
    providers::ProviderFactories,
};
use cotejo_sandbox::{SandboxError, Times};

use crate::{data::DataError, functions::InvokeError, stores::StoreError, template::TemplateError};

/// How to start.
pub struct Options {
    /// Port of the API; 0 is any that is free.
    pub port: u16,
    /// The data directory; `None` is a temporary one with the database in memory.
    pub data: Option<PathBuf>,
    /// Whether to forget what an earlier run left in the data directory.
    pub fresh: bool,
    /// Clock, entropy and the transport under the functions' AWS clients.
    pub seams: Seams,
    /// The providers that the functions know.
    pub factories: ProviderFactories,
    /// How long things take in the sandbox.
    pub sandbox_times: Times,
    /// The sandbox's seed, from which its codes and links follow; 0 chooses one and remembers it with the data, so that
    /// two runs over the same table of the environment never give two processes the same code.
    pub sandbox_seed: u64,
    /// Whether things go on by themselves.
    pub mode: Mode,
    /// Whether the functions run here; otherwise only the stores and the sandbox do.
    pub functions: bool,
    /// What [`crate::settings`] takes from the environment. The library itself never looks there.
    pub overrides: HashMap<String, String>,
}

/// Whether things go on by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They do.
    Live,
    /// Only the API answers by itself; everything else waits for [`Local::pump`] and [`Local::run_schedules`].
    Pumped,
}

/// Why the local system does not start, or cannot do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The port is taken.
    #[error("port {0} is in use; stop whoever uses it or choose another with --port")]
    PortInUse(u16),
    /// The environment leads back to this very system.
    #[error("{variable}={url} is this system's own address: unset {variable}, or choose other ports with --port")]
    OwnPort {
        /// The variable.
        variable: String,
        /// What it holds.
        url: String,
    },
    /// The template cannot be run locally.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The data directory cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sandbox cannot be used.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The template does not give a function what it needs.
    #[error("function {function}: {source}")]
    Config {
        /// The function.
        function: String,
        /// What is missing.
        source: ConfigError,
    },
    /// A function could not be called, or failed.
    #[error(transparent)]
    Invoke(#[from] InvokeError),
    /// This is no name for a tenant.
    #[error("{0} is no tenant id: 1 to 40 lower-case letters, digits or -")]
    Tenant(String),
    /// A tenant could not be made.
    #[error("the tenant cannot be made: {0}")]
    Seed(String),
    /// A file cannot be read or written, or no port is to be had.
    #[error(transparent)]
    Io(#[from] io::Error),
}
