//! Keys and provider credentials, from Secrets Manager.
//!
//! One secret has the keys of the whole deployment ([`SecretDocument`]). Each account of a tenant at a provider is a
//! secret of its own, `NAME/TENANT/PROVIDER`, in the provider's own shape. Secrets are read on first use and cached
//! for some minutes ([`super::ttl_cache`]). They cannot be printed.
//!
//! | file | subject |
//! | --- | --- |
//! | [`document`] | the JSON with the deployment's keys |
//! | [`unique_keys`] | the keys of unique values, and the steps in which one is replaced |

pub mod document;
mod fingerprint;
mod key_bytes;
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

pub use document::{NamedKey, SecretDocument};
pub use fingerprint::{Fingerprint, keyed_hash};
pub use key_bytes::KeyBytes;

/// An account at a provider, not yet parsed. It cannot be printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Account(serde_json::Map<String, serde_json::Value>);

impl Account {
    /// The account in the provider's own shape.
    ///
    /// # Errors
    /// It has another shape.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, SecretsError> {
        serde_json::from_value(serde_json::Value::Object(self.0.clone()))
            .map_err(|_| SecretsError::Malformed("an account does not have the documented shape"))
    }
}

impl Account {
    /// The account as JSON, for error messages.
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

/// Why a secret cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SecretsError {
    /// Secrets Manager did not return it.
    #[error("the secret cannot be read")]
    Unavailable,
    /// It is not as documented.
    #[error("the secret is malformed: {0}")]
    Malformed(&'static str),
    /// It lacks a required part.
    #[error("the secret lacks {0} (docs/deploy.md)")]
    Incomplete(String),
}

/// The secrets, cached for some minutes.
pub struct Secrets {
    client: aws_sdk_secretsmanager::Client,
    name: String,
    clock: Arc<dyn Clock>,
    keys: TtlCache<SecretDocument>,
    accounts: TtlCache<Account>,
}

impl Secrets {
    /// Reads nothing yet. `name` is the secret with the keys.
    #[must_use]
    pub fn new(client: aws_sdk_secretsmanager::Client, name: String, clock: Arc<dyn Clock>) -> Self {
        Self { client, name, clock, keys: TtlCache::default(), accounts: TtlCache::default() }
    }

    /// The deployment's keys.
    ///
    /// # Errors
    /// They are not cached and cannot be read now, or are malformed.
    pub async fn current(&self) -> Result<Arc<SecretDocument>, SecretsError> {
        Ok(self.dated().await?.0)
    }

    /// Like [`Self::current`], for deciding who has a unique value. Keys that were read too long ago are refused: two
    /// steps of a rotation may have been missed.
    ///
    /// # Errors
    /// As there, and [`SecretsError::Unavailable`] where they could not be read for [`GOOD_FOR`].
    pub async fn recent(&self) -> Result<Arc<SecretDocument>, SecretsError> {
        let (keys, read_at) = self.dated().await?;
        if self.clock.now() > read_at + GOOD_FOR { Err(SecretsError::Unavailable) } else { Ok(keys) }
    }

    async fn dated(&self) -> Result<(Arc<SecretDocument>, Timestamp), SecretsError> {
        let read = async { Ok(Some(SecretDocument::parse(&self.text_of_keys().await?)?)) };
        let keys = self.keys.get_dated(&self.name, self.clock.now(), read).await?;
        keys.ok_or(SecretsError::Unavailable)
    }

    /// The keys of unique values, read now. One request.
    ///
    /// # Errors
    /// They cannot be read, or are malformed.
    pub async fn unique_keys(&self) -> Result<UniqueKeys, SecretsError> {
        Ok(SecretDocument::parse(&self.text_of_keys().await?)?.unique_keys)
    }

    /// Changes the keys of unique values and nothing else in the secret. Two requests. Secrets Manager has no
    /// conditional write: somebody else's edit at the same time may be lost.
    ///
    /// # Errors
    /// `change` refuses, or the secret cannot be read or written.
    pub async fn change_unique_keys<E: From<SecretsError>>(
        &self,
        change: impl FnOnce(&UniqueKeys) -> Result<UniqueKeys, E>,
    ) -> Result<UniqueKeys, E> {
        let text = self.text_of_keys().await?;
        let changed = change(&SecretDocument::parse(&text)?.unique_keys)?;
        let malformed = |_| SecretsError::Malformed("it is not a JSON object");
        let mut whole: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).map_err(malformed)?;
        whole.insert("unique_keys".to_owned(), changed.to_json());
        let text = serde_json::to_string(&whole).map_err(malformed)?;
        // Nothing is written that could not be read back.
        SecretDocument::parse(&text)?;
        let put = self.client.put_secret_value().secret_id(&self.name).secret_string(text).send().await;
        put.map_err(|error| unavailable(&error))?;
        Ok(changed)
    }

    /// The account of `tenant` at the provider called `provider`; `None` where it has none.
    ///
    /// # Errors
    /// It is not cached and cannot be read now, or is not a JSON object.
    pub async fn account(&self, tenant: &TenantId, provider: &str) -> Result<Option<Arc<Account>>, SecretsError> {
        let name = account_name(&self.name, tenant, provider);
        self.accounts.get(&name, self.clock.now(), self.read(&name)).await
    }

    /// Creates or replaces the account of `tenant` at the provider called `provider`, also one that is scheduled for
    /// deletion. Functions that cached the old one use the new one within minutes. Up to three requests.
    ///
    /// # Errors
    /// Secrets Manager refused it.
    pub async fn set_account(&self, tenant: &TenantId, provider: &str, account: &Account) -> Result<(), SecretsError> {
        let name = account_name(&self.name, tenant, provider);
        let text = serde_json::to_string(&account.0).map_err(|_| SecretsError::Malformed("it is not JSON"))?;
        let put = || self.client.put_secret_value().secret_id(&name).secret_string(&text).send();
        match put().await {
            Ok(_) => return Ok(()),
            Err(error) => match error.as_service_error() {
                Some(PutSecretValueError::ResourceNotFoundException(_)) => {}
                // The name stays reserved while the secret can be restored.
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
            // Created by somebody else meanwhile, or by the first of two tries.
            Err(error) if error.as_service_error().is_some_and(CreateSecretError::is_resource_exists_exception) => {
                put().await.map(|_| ()).map_err(|error| unavailable(&error))
            }
            Err(error) => Err(unavailable(&error)),
        }
    }

    /// The providers at which `tenant` has an account, by name. One request for each hundred.
    ///
    /// # Errors
    /// Secrets Manager did not answer.
    pub async fn accounts(&self, tenant: &TenantId) -> Result<Vec<String>, SecretsError> {
        let prefix = account_name(&self.name, tenant, "");
        let by_name = Filter::builder().key(FilterNameStringType::Name).values(&prefix).build();
        let mut pages = self.client.list_secrets().filters(by_name).into_paginator().send();
        let mut providers = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unavailable(&error))?;
            // The filter ignores case. A deeper path belongs to another deployment that is named like a tenant of
            // this one.
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
        // Boxed: the SDK's future is large, and part of every future above.
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

/// The name of the secret with an account, from the name of the one with the keys.
#[must_use]
pub fn account_name(keys: &str, tenant: &TenantId, provider: &str) -> String {
    format!("{keys}/{tenant}/{provider}")
}
