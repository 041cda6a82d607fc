//! The providers that Cotejo supports, and how a tenant's account becomes a [`Provider`].

use std::collections::HashMap;

use serde::de::DeserializeOwned;

use super::{ApiClient, Provider, token::TokenCache};
use crate::{
    common::{FieldError, TenantId, shape::shape},
    platform::{
        Config, Secrets, SecretsError,
        http::{UrlFault, read_url},
        secrets::Account,
    },
};

/// A provider.
pub trait ProviderFactory: Send + Sync {
    /// The name in requests, answers, settings and secrets, in lower case.
    fn name(&self) -> &'static str;

    /// Its connector for one account.
    ///
    /// # Errors
    /// The account has another shape, or no URL is known for it.
    fn connect(&self, account: &Account, connection: &Connection) -> Result<Box<dyn Provider>, NoProvider>;
}

/// The providers of a deployment.
pub type ProviderFactories = &'static [&'static dyn ProviderFactory];

/// What all accounts at a provider share.
pub struct Connection {
    pub api: ApiClient,
    pub tokens: TokenCache,
    /// The API's base URL in the deployment's settings.
    pub url: Option<String>,
}

/// Why a tenant cannot use a provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoProvider {
    #[error("is not a supported provider")]
    Unknown,
    #[error("is not set up for this account")]
    NoAccount,
    /// The account's secret is malformed.
    #[error("is misconfigured for this account")]
    Misconfigured,
    /// A field of the account is invalid.
    #[error("is misconfigured for this account: {} {}", .0.field, .0.message)]
    Account(FieldError),
    /// The base URL in the account is invalid.
    #[error("is misconfigured for this account: its url {0}")]
    Url(UrlFault),
    /// The base URL in the deployment's settings is invalid.
    #[error("is misconfigured for this deployment: the url of its API {0}")]
    DeploymentUrl(UrlFault),
}

/// Why a tenant's provider could not be bound to its account.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccessError {
    /// It stays so until somebody changes the account.
    #[error(transparent)]
    NoProvider(#[from] NoProvider),
    /// The account cannot be read at the moment.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

/// Reads an account in the provider's own shape.
///
/// # Errors
/// The invalid field, without its value.
pub fn read_account<T: DeserializeOwned>(account: &Account) -> Result<T, NoProvider> {
    shape(&account.to_json(), "").map_err(NoProvider::Account)
}

impl Connection {
    /// The base URL of the provider's API, parsed and without a slash at its end: the account's own, else the deployment's, else
    /// the one that the provider publishes.
    ///
    /// # Errors
    /// There is none, or it is invalid.
    pub fn base_url(&self, own: Option<&str>, published: Option<&str>) -> Result<String, NoProvider> {
        let nowhere = || NoProvider::Account(FieldError::new("url", "is required, because the deployment has none"));
        let url = own.or(self.url.as_deref()).or(published).ok_or_else(nowhere)?;
        let wrong = if own.is_some() { NoProvider::Url } else { NoProvider::DeploymentUrl };
        let url = read_url(url).map_err(wrong)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(UrlFault::NotAUrl));
        }
        Ok(url.as_str().trim_end_matches('/').to_owned())
    }
}

/// Every provider, ready to be bound to a tenant's account.
pub struct Providers {
    factories: ProviderFactories,
    connections: HashMap<&'static str, Connection>,
}

impl Providers {
    /// Opens no connection yet.
    #[must_use]
    pub fn new(factories: ProviderFactories, config: &Config) -> Self {
        let connect = |factory: &&'static dyn ProviderFactory| (factory.name(), connection(factory.name(), config));
        Self { factories, connections: factories.iter().map(connect).collect() }
    }

    fn factory(&self, name: &str) -> Option<&'static dyn ProviderFactory> {
        self.factories.iter().copied().find(|factory| factory.name() == name)
    }

    /// The provider's name as a metric label: `unknown` for whatever somebody typed into a URL.
    #[must_use]
    pub fn known(&self, name: &str) -> &'static str {
        self.factory(name).map_or("unknown", ProviderFactory::name)
    }

    /// The provider called `name`, with the account of `tenant`.
    ///
    /// # Errors
    /// The tenant cannot use the provider, or its account cannot be read now.
    pub async fn of_tenant(
        &self,
        name: &str,
        tenant: &TenantId,
        secrets: &Secrets,
    ) -> Result<Box<dyn Provider>, AccessError> {
        let factory = self.factory(name).ok_or(NoProvider::Unknown)?;
        let account = match secrets.account(tenant, factory.name()).await {
            Ok(Some(account)) => account,
            Ok(None) => return Err(NoProvider::NoAccount.into()),
            Err(SecretsError::Malformed(_)) => return Err(NoProvider::Misconfigured.into()),
            Err(error) => return Err(error.into()),
        };
        let provider = self.connect(factory, &account).inspect_err(|error| {
            tracing::error!(%tenant, provider = factory.name(), %error, "the account cannot be used");
        });
        Ok(provider?)
    }

    /// Checks an account for the provider called `name`.
    ///
    /// # Errors
    /// The provider is unknown, or the account cannot be used there.
    pub fn check(&self, name: &str, account: &Account) -> Result<(), NoProvider> {
        let factory = self.factory(name).ok_or(NoProvider::Unknown)?;
        self.connect(factory, account).map(|_| ())
    }

    fn connect(&self, factory: &dyn ProviderFactory, account: &Account) -> Result<Box<dyn Provider>, NoProvider> {
        let connection = self.connections.get(factory.name()).ok_or(NoProvider::Unknown)?;
        factory.connect(account, connection)
    }
}

fn connection(name: &'static str, config: &Config) -> Connection {
    Connection {
        api: ApiClient::new(name),
        tokens: TokenCache::default(),
        url: config.provider_urls.get(name).cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_s_url_precedes_the_deployment_s_and_the_published_one() {
        let base_url = |own: Option<&str>, deployment: Option<&str>, published: Option<&str>| {
            let connection = Connection {
                api: ApiClient::new("x"),
                tokens: TokenCache::default(),
                url: deployment.map(str::to_owned),
            };
            connection.base_url(own, published)
        };
        let [own, deployment, published] =
            ["https://own.example/api", "https://deployment.example", "https://published.example"].map(Some);
        let is = |url: Option<&str>| Ok(url.unwrap_or_default().to_owned());
        assert_eq!(base_url(own, deployment, published), is(own));
        assert_eq!(base_url(None, deployment, published), is(deployment));
        assert_eq!(base_url(None, None, published), is(published));
        assert_eq!(base_url(Some("https://own.example/api/"), None, None), is(own));
        assert!(matches!(base_url(None, None, None), Err(NoProvider::Account(problem)) if problem.field == "url"));
        let wrong = Some("https://deployment.example/?a=1");
        assert!(matches!(base_url(None, wrong, None), Err(NoProvider::DeploymentUrl(_))), "it is not the account's");
        assert!(matches!(base_url(Some("https://own.example/?a=1"), None, None), Err(NoProvider::Url(_))));
    }
}
