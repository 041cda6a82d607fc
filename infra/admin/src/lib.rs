//! `cargo admin`: the manual tasks of a deployment's operators with tenants, keys, accounts at providers, processes and dead
//! letters.
//!
//! Everything goes through `cotejo`, the crate the functions share: the same store, the same secrets, the same checks.
//! This crate only reads commands and reports their results. Who runs it holds the deployment's own credentials, and may
//! therefore act for any tenant ([`cotejo::common::Operator`]).
//!
//! | reading on | subject |
//! | --- | --- |
//! | [`cli`] | the commands |
//! | [`settings`] | which deployment to operate |
//! | [`status`], [`tenants`], [`keys`], [`providers`], [`processes`], [`wake`], [`deliveries`], [`dead_letters`], [`unique_keys`] | one file per command |
//! | [`report`] | the output |

pub mod cli;
pub mod dead_letters;
pub mod deliveries;
pub mod keys;
pub mod processes;
pub mod providers;
pub mod report;
pub mod settings;
pub mod status;
pub mod tenants;
pub mod unique_keys;
pub mod wake;

use std::io::Read;

use cotejo::{
    common::{Operator, TenantId},
    deployment::Deployment,
    platform::{ConfigError, Seams, SecretsError},
    providers::{NoProvider, ProviderFactories},
    store::{Store, StoreError, Tenant},
    workflow::{InfraError, unique_keys::RotationError},
};

pub use cli::{Arguments, Command};
pub use report::Report;
pub use settings::Settings;

/// A deployment and the means to operate it.
pub struct Admin {
    deployment: Deployment,
    store: Store,
    failed_records: Option<String>,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error(transparent)]
    Settings(#[from] ConfigError),
    #[error("{what}: {source}")]
    File {
        /// The file's path, or standard input.
        what: String,
        source: std::io::Error,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error(transparent)]
    Infra(#[from] InfraError),
    /// A step of the key rotation failed.
    #[error(transparent)]
    Rotation(#[from] RotationError),
    #[error("there is no {0}")]
    Missing(String),
    #[error("there is already a {0}")]
    Exists(String),
    #[error("{0}")]
    Input(String),
    /// The provider's module refuses the account.
    #[error("{provider} {problem}")]
    Provider { provider: String, problem: NoProvider },
}

impl Admin {
    /// Operates the deployment that `settings` name.
    ///
    /// # Errors
    /// A setting is missing or invalid.
    pub fn new(settings: &Settings, seams: Seams, factories: ProviderFactories) -> Result<Self, AdminError> {
        let deployment = Deployment::new(settings.config()?, seams, factories);
        Ok(Self { store: Store::new(&deployment.platform), deployment, failed_records: settings.failed_records() })
    }

    /// Runs a command; `input` stands for standard input.
    ///
    /// # Errors
    /// The reason why the command failed.
    pub async fn run(&self, command: &Command, input: &mut (dyn Read + Send)) -> Result<Report, AdminError> {
        match command {
            Command::Status => status::run(self).await,
            Command::Tenant(command) => tenants::run(self, command).await,
            Command::Key(command) => keys::run(self, command).await,
            Command::Provider(command) => providers::run(self, command, input).await,
            Command::Process(command) => processes::run(self, command).await,
            Command::Delivery(command) => deliveries::run(self, command).await,
            Command::DeadLetters(command) => dead_letters::run(self, command).await,
            Command::UniqueKeys(command) => unique_keys::run(self, command).await,
        }
    }

    async fn tenant(&self, id: &TenantId) -> Result<Tenant, AdminError> {
        let tenant = self.store.tenant(&operator(id)).await?;
        tenant.ok_or_else(|| AdminError::Missing(format!("tenant {id}")))
    }
}

#[expect(clippy::disallowed_methods, reason = "whoever runs this holds the deployment's own credentials")]
fn operator(tenant: &TenantId) -> Operator {
    Operator::acting_for(tenant.clone())
}
