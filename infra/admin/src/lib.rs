//! What the operators of a deployment do by hand: tenants, keys, accounts at companies, a look at a process, stream records
//! that were given up. `cargo admin`.
//!
//! Everything goes through `cotejo`, the crate the functions share: the same store, the same secrets, the same checks.
//! This crate only reads commands and says what came of them. Whoever runs it holds the deployment's own credentials,
//! which is what lets it act for any tenant ([`cotejo::common::Operator`]).
//!
//! | reading on | subject |
//! | --- | --- |
//! | [`cli`] | the commands |
//! | [`settings`] | which deployment |
//! | [`status`], [`tenants`], [`keys`], [`providers`], [`processes`], [`wake`], [`deliveries`], [`dead_letters`], [`unique_keys`] | what they do, one family a file |
//! | [`report`] | what they say |

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

use std::{collections::HashMap, io::Read};

use cotejo::{
    common::{Operator, TenantId},
    deployment::Deployment,
    platform::{Config, ConfigError, Seams, SecretsError},
    providers::{NoProvider, ProviderFactories},
    store::{Store, StoreError, Tenant},
    workflow::{InfraError, unique_keys::RotationError},
};

pub use cli::{Arguments, Command};
pub use report::Report;

/// A deployment and the means to operate it.
pub struct Admin {
    deployment: Deployment,
    store: Store,
    failed_records: Option<String>,
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The settings do not say which deployment.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// A file could not be read or written.
    #[error("{what}: {source}")]
    File {
        /// Which.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The secrets.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The table, the bucket or the secrets, on behalf of a use case.
    #[error(transparent)]
    Trouble(#[from] InfraError),
    /// A step of replacing the key of unique values was not taken, or not to its end.
    #[error(transparent)]
    Rotation(#[from] RotationError),
    /// There is nothing of that name.
    #[error("there is no {0}")]
    Missing(String),
    /// There is something of that name already.
    #[error("there is a {0} already")]
    Exists(String),
    /// What was given cannot be used.
    #[error("{0}")]
    Input(String),
    /// A company does not take the account.
    #[error("{provider} {problem}")]
    Provider {
        /// The company.
        provider: String,
        /// What is wrong.
        problem: NoProvider,
    },
}

impl Admin {
    /// For the deployment that `settings` name, as functions read them and with `FAILED_RECORDS_BUCKET` beside them.
    ///
    /// # Errors
    /// A setting is missing or makes no sense.
    pub fn new(
        settings: &HashMap<String, String>,
        seams: Seams,
        factories: ProviderFactories,
    ) -> Result<Self, AdminError> {
        let deployment = Deployment::new(Config::from_map(settings)?, seams, factories);
        let failed_records = settings.get("FAILED_RECORDS_BUCKET").filter(|name| !name.is_empty()).cloned();
        Ok(Self { store: Store::new(&deployment.platform), deployment, failed_records })
    }

    /// Carries out a command; `input` is what a command may be given besides.
    ///
    /// # Errors
    /// Why it was not carried out.
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

    /// The tenant called `id`.
    async fn tenant(&self, id: &TenantId) -> Result<Tenant, AdminError> {
        let tenant = self.store.tenant(&operator(id)).await?;
        tenant.ok_or_else(|| AdminError::Missing(format!("tenant {id}")))
    }
}

#[expect(clippy::disallowed_methods, reason = "whoever runs this holds the deployment's own credentials")]
fn operator(tenant: &TenantId) -> Operator {
    Operator::acting_for(tenant.clone())
}
