//! The running system and its interface.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use cotejo::platform::Platform;
use cotejo_sandbox::Sandbox;
use serde_json::Value;
use tokio::sync::watch;

use crate::{
    functions::Deployed,
    live::{self, Pumped},
    options::{LocalError, Options},
    seed::TenantAccess,
    servers::Tasks,
    start::{self, Started},
    stores::mail::{Mail, Sms},
    system::System,
};

/// The running system. Dropping it stops everything where it stands, as a kill would.
pub struct Local {
    system: Arc<System>,
    tasks: Tasks,
    stop: watch::Sender<bool>,
    api_key: String,
    webhook_url: String,
    env: BTreeMap<String, String>,
}

impl Local {
    /// Starts the system, and returns once it answers.
    ///
    /// # Errors
    /// The first stage that failed.
    pub async fn start(options: Options) -> Result<Self, LocalError> {
        let Started { system, tasks, stop, api_key, webhook_url, env } = start::start(options).await?;
        Ok(Self { system, tasks, stop, api_key, webhook_url, env })
    }

    /// Base URL of the API, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.system.endpoints.api_url
    }

    /// The API key of the tenant `local`.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// Base URL of the providers' stand-ins, without a slash at the end.
    #[must_use]
    pub fn sandbox_url(&self) -> &str {
        &self.system.endpoints.sandbox_url
    }

    /// Where Auco sends the webhooks of the tenant `local`.
    #[must_use]
    pub fn auco_webhook_url(&self) -> &str {
        &self.webhook_url
    }

    /// The content of the file `functions.env` in the data directory.
    #[must_use]
    pub fn env(&self) -> &BTreeMap<String, String> {
        &self.env
    }

    #[must_use]
    pub fn data(&self) -> &std::path::Path {
        self.system.data.path()
    }

    /// The stand-ins for the providers.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.system.sandbox
    }

    /// The e-mails sent so far.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.system.mailbox.mails()
    }

    /// The text messages sent so far.
    #[must_use]
    pub fn sms(&self) -> Vec<Sms> {
        self.system.mailbox.sms()
    }

    /// The key for queries at Auco.
    #[must_use]
    pub fn auco_public_key(&self) -> &str {
        &self.system.keys.auco_public
    }

    /// The key for authorizations at Tecalis.
    #[must_use]
    pub fn tecalis_api_key(&self) -> &str {
        &self.system.keys.tecalis
    }

    /// Whether the functions find the sandbox at `provider`'s base URL, one of [`Self::env`]; otherwise a server of the
    /// environment.
    #[must_use]
    pub fn is_own_sandbox(&self, provider_url: &str) -> bool {
        // A longer port number may begin with the sandbox's.
        provider_url
            .strip_prefix(&self.system.endpoints.sandbox_url)
            .is_some_and(|path| path.is_empty() || path.starts_with('/'))
    }

    /// The platform that a function runs with at present; [`Self::add_tenant`] gives functions a new one.
    ///
    /// # Errors
    /// There is no such function.
    pub fn platform(&self, function: &str) -> Result<Platform, LocalError> {
        Ok(self.system.functions.get(function)?.deployment.platform)
    }

    /// The function as it runs now, for a later call.
    ///
    /// # Errors
    /// There is no such function.
    pub fn function(&self, name: &str) -> Result<Deployed, LocalError> {
        Ok(self.system.functions.get(name)?)
    }

    /// Calls a function with an event. Dropping the future stops it where it stands, as a crash would.
    ///
    /// # Errors
    /// There is no such function, or it failed.
    pub async fn invoke(&self, function: &str, event: Value) -> Result<Value, LocalError> {
        Ok(self.system.functions.get(function)?.invoke(event).await?)
    }

    /// Runs sandbox and stream in turns until both have nothing left to do at the present time.
    pub async fn pump(&self) -> Pumped {
        live::pump(&self.system).await
    }

    /// Deletes expired data, fires every schedule once, then pumps.
    pub async fn run_schedules(&self) -> Pumped {
        self.system.sweep().await;
        live::fire_all(&self.system).await;
        self.pump().await
    }

    /// A further tenant, with an account and a webhook of its own at the sandbox's Auco. The functions start anew,
    /// since they remember their secret for minutes.
    ///
    /// # Errors
    /// The name is no tenant id, or a store or file refuses.
    pub async fn add_tenant(&self, tenant: &str) -> Result<TenantAccess, LocalError> {
        let system = &self.system;
        let api_key = system.tenants.ensure(tenant, &system.keys, &system.platform).await?;
        system.sandbox.set_auco_webhooks(system.tenants.webhooks()?);
        system.restart_functions()?;
        Ok(TenantAccess { api_key, auco_webhook_url: system.tenants.webhook_url(tenant)? })
    }

    /// Creates or replaces the account of `tenant` at `provider`, and restarts the functions.
    ///
    /// # Errors
    /// The tenant id is invalid, or a file cannot be written.
    pub fn set_account(&self, tenant: &str, provider: &str, account: Value) -> Result<(), LocalError> {
        self.system.tenants.set_account(tenant, provider, account)?;
        self.system.restart_functions()
    }

    /// Sets the retention of `tenant`, in days, and restarts the functions.
    ///
    /// # Errors
    /// The table or a file cannot be written.
    pub async fn retain(&self, tenant: &str, days: u32) -> Result<(), LocalError> {
        self.system.tenants.retain(tenant, days, &self.system.platform).await?;
        self.system.restart_functions()
    }

    /// Stops everything. Running requests get a few seconds to finish.
    pub async fn shutdown(self) {
        let _ = self.stop.send(true);
        self.tasks.finish(Duration::from_secs(5)).await;
    }
}

#[cfg(test)]
mod tests;
