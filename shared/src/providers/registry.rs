//! Which companies there are, and how a tenant's account at one becomes a [`Provider`].

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

/// A verification company.
pub trait ProviderFactory: Send + Sync {
    /// Its name in requests, answers, settings and secrets: small letters.
    fn name(&self) -> &'static str;

    /// Its connector for one account.
    ///
    /// # Errors
    /// The account has another shape, or no URL is known for it.
    fn connect(&self, account: &Account, connection: &Connection) -> Result<Box<dyn Provider>, NoProvider>;
}

/// The companies that a system knows.
pub type ProviderFactories = &'static [&'static dyn ProviderFactory];

/// What all accounts at one company share.
pub struct Connection {
    /// The way to its API.
    pub api: ApiClient,
    /// The access tokens that it gave out.
    pub tokens: TokenCache,
    /// The API's base URL, where the deployment names one.
    pub url: Option<String>,
}

/// A provider cannot be used by a tenant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoProvider {
    /// There is no company of that name.
    #[error("is not a provider that Cotejo knows")]
    Unknown,
    /// The tenant has no account there.
    #[error("is not set up for this account")]
    NoAccount,
    /// The tenant's account cannot be used as it is set up.
    #[error("is misconfigured for this account")]
    Misconfigured,
    /// One field of the tenant's account is wrong.
    #[error("is misconfigured for this account: {} {}", .0.field, .0.message)]
    Account(FieldError),
    /// The base URL of the company's API in the account cannot be one.
    #[error("is misconfigured for this account: its url {0}")]
    Url(UrlFault),
    /// Nor can the one that the deployment names.
    #[error("is not set up rightly for this deployment: the url of its API {0}")]
    DeploymentUrl(UrlFault),
}

/// Why a tenant's provider cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The tenant cannot use it.
    #[error(transparent)]
    NoProvider(#[from] NoProvider),
    /// The account's secret cannot be read now.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

/// An account in the company's own shape.
///
/// # Errors
/// Which field is wrong, without what it holds.
pub fn read_account<T: DeserializeOwned>(account: &Account) -> Result<T, NoProvider> {
    shape(&account.to_json(), "").map_err(NoProvider::Account)
}

impl Connection {
    /// The base URL of the company's API, as it was understood and without a slash at its end: the account's own, or the
    /// deployment's, or the one that the company publishes.
    ///
    /// # Errors
    /// There is none, or it cannot be one.
    pub fn base_url(&self, own: Option<&str>, published: Option<&str>) -> Result<String, NoProvider> {
        let nowhere = || NoProvider::Account(FieldError::new("url", "is required, since the deployment has none"));
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
    companies: ProviderFactories,
    connections: HashMap<&'static str, Connection>,
}

impl Providers {
    /// Nothing is connected yet.
    #[must_use]
    pub fn new(companies: ProviderFactories, config: &Config) -> Self {
        let connect = |company: &&'static dyn ProviderFactory| (company.name(), connection(company.name(), config));
        Self { companies, connections: companies.iter().map(connect).collect() }
    }

    /// The company called `name`.
    fn company(&self, name: &str) -> Option<&'static dyn ProviderFactory> {
        self.companies.iter().copied().find(|company| company.name() == name)
    }

    /// The name for a metric; what somebody typed into a URL is not one.
    #[must_use]
    pub fn known(&self, name: &str) -> &'static str {
        self.company(name).map_or("unknown", ProviderFactory::name)
    }

    /// The provider called `name`, speaking for `tenant`.
    ///
    /// # Errors
    /// The tenant has none of that name, or its account cannot be looked up.
    pub async fn of_tenant(
        &self,
        name: &str,
        tenant: &TenantId,
        secrets: &Secrets,
    ) -> Result<Box<dyn Provider>, ConnectError> {
        let company = self.company(name).ok_or(NoProvider::Unknown)?;
        let account = match secrets.account(tenant, company.name()).await {
            Ok(account) => account.ok_or(NoProvider::NoAccount)?,
            Err(SecretsError::Malformed(_)) => return Err(NoProvider::Misconfigured.into()),
            Err(error) => return Err(error.into()),
        };
        let provider = self.connect(company, &account).inspect_err(|error| {
            tracing::error!(%tenant, provider = company.name(), %error, "the account cannot be used");
        });
        Ok(provider?)
    }

    /// Whether `account` has the shape that the company called `name` wants.
    ///
    /// # Errors
    /// There is no such company, or the account cannot be used there.
    pub fn check(&self, name: &str, account: &Account) -> Result<(), NoProvider> {
        let company = self.company(name).ok_or(NoProvider::Unknown)?;
        self.connect(company, account).map(|_| ())
    }

    fn connect(&self, company: &dyn ProviderFactory, account: &Account) -> Result<Box<dyn Provider>, NoProvider> {
        let connection = self.connections.get(company.name()).ok_or(NoProvider::Unknown)?;
        company.connect(account, connection)
    }
}

fn connection(name: &'static str, config: &Config) -> Connection {
    Connection { api: ApiClient::new(name), tokens: TokenCache::default(), url: config.company_urls.get(name).cloned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_s_own_url_counts_before_the_deployment_s_and_that_before_the_published_one() {
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
