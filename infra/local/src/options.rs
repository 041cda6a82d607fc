//! How to start, and why that may fail.

use std::{collections::HashMap, io, path::PathBuf};

use cotejo::{
    platform::{ConfigError, Seams},
    providers::ProviderFactories,
};
use cotejo_sandbox::{SandboxError, Times};

use crate::{data::DataError, functions::InvokeError, stores::StoreError, template::TemplateError};

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
    /// The sandbox's seed, which determines its codes and links. With 0 the system chooses a seed and stores it with the data, so
    /// that two runs over the same table never give two processes the same code.
    pub sandbox_seed: u64,
    /// Whether the system runs by itself.
    pub mode: Mode,
    /// Whether the functions run here; otherwise only the stores and the sandbox do.
    pub functions: bool,
    /// The variables of [`crate::settings`]. The library itself never reads the environment.
    pub overrides: HashMap<String, String>,
}

/// Whether the system runs by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Live,
    /// Only the API runs; everything else waits for [`crate::Local::pump`] and [`crate::Local::run_schedules`].
    Pumped,
}

/// Why the local system does not start, or a call of [`crate::Local`] fails.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error("port {0} is in use; stop the process that uses it, or choose another port with --port")]
    PortInUse(u16),
    /// A variable names an address of this system itself.
    #[error("{variable}={url} is this system's own address: unset {variable}, or choose other ports with --port")]
    OwnPort { variable: String, url: String },
    /// The template cannot be run locally.
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The template does not give a function what it needs.
    #[error("function {function}: {source}")]
    Config { function: String, source: ConfigError },
    /// A function could not be called, or failed.
    #[error(transparent)]
    Invoke(#[from] InvokeError),
    /// This is no name for a tenant.
    #[error("{0} is not a tenant id: 1 to 40 lower-case letters, digits or -")]
    Tenant(String),
    /// A tenant could not be made.
    #[error("the tenant cannot be created: {0}")]
    Seed(String),
    /// A file cannot be read or written, or no port is free.
    #[error(transparent)]
    Io(#[from] io::Error),
}
