//! Keys and provider credentials, from Secrets Manager.
//!
//! One secret has the keys of the whole deployment ([`SecretDocument`]). Each account of a tenant at a company is a secret
//! of its own beside it, called after both: `NAME/TENANT/PROVIDER`, in the company's own shape. They are read on first use
//! and again when they are some minutes old ([`super::remembered`]). Nothing of them can be printed.
//!
//! | file | subject |
//! | --- | --- |
//! | [`document`] | the JSON with the deployment's keys |
//! | [`unique_keys`] | the keys of unique values, and the steps in which one is replaced |

pub mod document;
mod fingerprint;
pub mod unique_keys;

use std::sync::Arc;

use aws_sdk_secretsmanager::{
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        create_secret::CreateSecretError, get_secret_value::GetSecretValueError, put_secret_value::PutSecretValueError,
    },
    types::{Filter, FilterNameStringType},
};
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};

use self::unique_keys::{GOOD_FOR, UniqueKeys};
use super::{Clock, ttl_cache::TtlCache};
use crate::common::TenantId;

pub use document::{KeyBytes, NamedKey, SecretDocument};
pub use fingerprint::{Fingerprint, keyed_hash};

/// An account at a company, not yet read. Cannot be printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Account(serde_json::Map<String, serde_json::Value>);

impl Account {
    /// The account in the company's own shape.
    ///
    /// # Errors
    /// It has another one.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, SecretsError> {
        serde_json::from_value(serde_json::Value::Object(self.0.clone()))
            .map_err(|_| SecretsError::Malformed("an account does not have the documented shape"))
    }
}

impl Account {
    /// It as JSON, for whoever says what is wrong with it.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::Value::Object(self.0.clone())
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[account]")
    }
}

/// The secret cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SecretsError {
    /// Secrets Manager did not give it.
    #[error("the secret cannot be read")]
    Unavailable,
    /// It was given and is not what it should be.
    #[error("the secret is malformed: {0}")]
    Malformed(&'static str),
    /// It was given and has not all that it must have.
    #[error("the secret lacks {0} (docs/deploy.md)")]
    Incomplete(String),
}

/// The secrets, remembered for some minutes.
pub struct Secrets {
    client: aws_sdk_secretsmanager::Client,
    name: String,
    clock: Arc<dyn Clock>,
    keys: TtlCache<SecretDocument>,
    accounts: TtlCache<Account>,
}

impl Secrets {
    /// Nothing is read yet. `name` is that of the secret with the keys.
    #[must_use]
    pub fn new(client: aws_sdk_secretsmanager::Client, name: String, clock: Arc<dyn Clock>) -> Self {
        Self { client, name, clock, keys: TtlCache::default(), accounts: TtlCache::default() }
    }

    /// The deployment's keys as they stand.
    ///
    /// # Errors
    /// They were never read and cannot be read now, or are malformed.
    pub async fn current(&self) -> Result<Arc<SecretDocument>, SecretsError> {
        Ok(self.dated().await?.0)
    }

    /// As [`Self::current`], for what decides whose a unique value is: not where they were read too long ago to be sure that no
    /// two steps of a rotation were missed.
    ///
    /// # Errors
    /// Likewise, and [`SecretsError::Unavailable`] where they could not be read for [`GOOD_FOR`].
    pub async fn recent(&self) -> Result<Arc<SecretDocument>, SecretsError> {
        let (keys, read_at) = self.dated().await?;
        if self.clock.now() > read_at + GOOD_FOR { Err(SecretsError::Unavailable) } else { Ok(keys) }
    }

    async fn dated(&self) -> Result<(Arc<SecretDocument>, Timestamp), SecretsError> {
        let read = async { Ok(Some(SecretDocument::parse(&self.text_of_keys().await?)?)) };
        let keys = self.keys.get_dated(&self.name, self.clock.now(), read).await?;
        keys.ok_or(SecretsError::Unavailable)
    }

    /// The keys of unique values as the secret has them at this moment. One request.
    ///
    /// # Errors
    /// They cannot be read, or are malformed.
    pub async fn unique_keys(&self) -> Result<UniqueKeys, SecretsError> {
        Ok(SecretDocument::parse(&self.text_of_keys().await?)?.unique_keys)
    }

    /// Changes the keys of unique values as they stand, and leaves everything else in the secret as it is. Two requests. Secrets
    /// Manager cannot be told what must not have changed meanwhile: whoever else edits the secret now may lose that.
    ///
    /// # Errors
    /// Why `change` refuses, or the secret cannot be read or written.
    pub async fn change_unique_keys<E: From<SecretsError>>(
        &self,
        change: impl FnOnce(&UniqueKeys) -> Result<UniqueKeys, E>,
    ) -> Result<UniqueKeys, E> {
        let text = self.text_of_keys().await?;
        let changed = change(&SecretDocument::parse(&text)?.unique_keys)?;
        let malformed = |_| SecretsError::Malformed("it is no JSON object");
        let mut whole: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).map_err(malformed)?;
        whole.insert("unique_keys".to_owned(), changed.to_json());
        let text = serde_json::to_string(&whole).map_err(malformed)?;
        // Nothing is written that could not be read.
        SecretDocument::parse(&text)?;
        let put = self.client.put_secret_value().secret_id(&self.name).secret_string(text).send().await;
        put.map_err(|error| unavailable(&error))?;
        Ok(changed)
    }

    /// The account of `tenant` at the company called `provider`; `None` where it has none.
    ///
    /// # Errors
    /// It was never read and cannot be read now, or is no JSON object.
    pub async fn account(&self, tenant: &TenantId, provider: &str) -> Result<Option<Arc<Account>>, SecretsError> {
        let name = account_name(&self.name, tenant, provider);
        self.accounts.get(&name, self.clock.now(), self.read(&name)).await
    }

    /// Makes or replaces the account of `tenant` at the company called `provider`, also one that was scheduled for deletion.
    /// Functions that looked at it before know the new one within minutes. Up to three requests.
    ///
    /// # Errors
    /// Secrets Manager did not take it.
    pub async fn set_account(&self, tenant: &TenantId, provider: &str, account: &Account) -> Result<(), SecretsError> {
        let name = account_name(&self.name, tenant, provider);
        let text = serde_json::to_string(&account.0).map_err(|_| SecretsError::Malformed("it is no JSON"))?;
        let put = || self.client.put_secret_value().secret_id(&name).secret_string(&text).send();
        match put().await {
            Ok(_) => return Ok(()),
            Err(error) => match error.as_service_error() {
                Some(PutSecretValueError::ResourceNotFoundException(_)) => {}
                // Its name stays taken for as long as it could be had back.
                Some(PutSecretValueError::InvalidRequestException(_)) => {
                    let restored = self.client.restore_secret().secret_id(&name).send().await;
                    restored.map_err(|error| unavailable(&error))?;
                    return put().await.map(|_| ()).map_err(|error| unavailable(&error));
                }
                _ => return Err(unavailable(&error)),
            },
        }
        match self.client.create_secret().name(&name).secret_string(&text).send().await {
            Ok(_) => Ok(()),
            // Made by somebody else meanwhile, or by the first of two tries.
            Err(error) if error.as_service_error().is_some_and(CreateSecretError::is_resource_exists_exception) => {
                put().await.map(|_| ()).map_err(|error| unavailable(&error))
            }
            Err(error) => Err(unavailable(&error)),
        }
    }

    /// The companies at which `tenant` has an account, by name. One request for each hundred.
    ///
    /// # Errors
    /// Secrets Manager does not say.
    pub async fn accounts(&self, tenant: &TenantId) -> Result<Vec<String>, SecretsError> {
        let prefix = account_name(&self.name, tenant, "");
        let by_name = Filter::builder().key(FilterNameStringType::Name).values(&prefix).build();
        let mut pages = self.client.list_secrets().filters(by_name).into_paginator().send();
        let mut providers = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unavailable(&error))?;
            // The filter knows neither small nor capital letters. What lies deeper is of a deployment called like a tenant of this one.
            let names = page.secret_list().iter().filter_map(|secret| secret.name()?.strip_prefix(&prefix));
            let names = names.filter(|name| !name.contains('/'));
            providers.extend(names.map(str::to_owned));
        }
        providers.sort_unstable();
        Ok(providers)
    }

    async fn text_of_keys(&self) -> Result<String, SecretsError> {
        self.text(&self.name).await?.ok_or(SecretsError::Unavailable)
    }

    /// A secret's JSON; `None` where there is no such secret, or it was scheduled for deletion.
    async fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, SecretsError> {
        let Some(text) = self.text(name).await? else { return Ok(None) };
        let value = serde_json::from_str(&text);
        value.map(Some).map_err(|_| SecretsError::Malformed("it does not have the documented shape"))
    }

    /// A secret's text; `None` likewise.
    async fn text(&self, name: &str) -> Result<Option<String>, SecretsError> {
        // On the heap: what the SDK does for one request is large, and stands in every future above.
        let answer = match Box::pin(self.client.get_secret_value().secret_id(name).send()).await {
            Ok(answer) => answer,
            Err(error) => {
                return match error.as_service_error() {
                    Some(
                        GetSecretValueError::ResourceNotFoundException(_)
                        | GetSecretValueError::InvalidRequestException(_),
                    ) => Ok(None),
                    other => {
                        tracing::error!(code = other.and_then(|error| error.meta().code()), "secret unavailable");
                        Err(SecretsError::Unavailable)
                    }
                };
            }
        };
        answer.secret_string.map(Some).ok_or(SecretsError::Malformed("it has no string"))
    }
}

fn unavailable<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> SecretsError {
    tracing::error!(code = error.code(), "secret unavailable");
    SecretsError::Unavailable
}

/// What the secret with an account is called, given what the one with the keys is.
#[must_use]
pub fn account_name(keys: &str, tenant: &TenantId, provider: &str) -> String {
    format!("{keys}/{tenant}/{provider}")
}
