//! Keys and provider credentials, from Secrets Manager.
//!
//! One secret has the keys of the whole deployment ([`SecretDocument`]). Each account of a tenant at a company is a secret
//! of its own beside it, called after both: `NAME/TENANT/PROVIDER`, in the company's own shape. They are read on first use
//! and again when they are some minutes old ([`super::remembered`]). Nothing of them can be printed.

use std::sync::Arc;

use aws_sdk_secretsmanager::{
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        create_secret::CreateSecretError, get_secret_value::GetSecretValueError, put_secret_value::PutSecretValueError,
    },
    types::{Filter, FilterNameStringType},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, de::DeserializeOwned};

use super::{Clock, remembered::Remembered};
use crate::process::TenantId;

/// The JSON of the deployment's keys. Its `Debug` prints no key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretDocument {
    /// Keys of callback tokens: the first signs, all of them verify, so that a key can be rotated.
    pub callback_keys: Vec<NamedKey>,
    /// Key of the hashes kept of request bodies (base64, 32 bytes).
    pub fingerprint_key: KeyBytes,
    /// Keys that encrypt secrets in records (32 bytes each): the first encrypts, all of them decrypt.
    pub record_keys: Vec<NamedKey>,
}

/// A key with the short id that tokens carry.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedKey {
    /// Letters and digits, no dot.
    pub id: String,
    /// The key (base64, 32 bytes).
    pub key: KeyBytes,
}

/// Base64 of a key of at least 16 bytes; cannot be printed.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct KeyBytes(SecretString);

impl KeyBytes {
    /// The key's bytes.
    ///
    /// # Errors
    /// The text is not base64 or shorter than 16 bytes.
    pub fn bytes(&self) -> Result<Vec<u8>, SecretsError> {
        let bytes =
            BASE64.decode(self.0.expose_secret()).map_err(|_| SecretsError::Malformed("a key is not base64"))?;
        if bytes.len() < 16 {
            return Err(SecretsError::Malformed("a key is shorter than 16 bytes"));
        }
        Ok(bytes)
    }
}

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
}

/// The secrets, remembered for some minutes.
pub struct Secrets {
    client: aws_sdk_secretsmanager::Client,
    name: String,
    clock: Arc<dyn Clock>,
    keys: Remembered<SecretDocument>,
    accounts: Remembered<Account>,
}

impl Secrets {
    /// Nothing is read yet. `name` is that of the secret with the keys.
    #[must_use]
    pub fn new(client: aws_sdk_secretsmanager::Client, name: String, clock: Arc<dyn Clock>) -> Self {
        Self { client, name, clock, keys: Remembered::default(), accounts: Remembered::default() }
    }

    /// The deployment's keys as they stand.
    ///
    /// # Errors
    /// They were never read and cannot be read now, or are malformed.
    pub async fn current(&self) -> Result<Arc<SecretDocument>, SecretsError> {
        let keys = self.keys.get(&self.name, self.clock.now(), self.read_keys()).await?;
        keys.ok_or(SecretsError::Unavailable)
    }

    /// The account of `tenant` at the company called `provider`; `None` where it has none.
    ///
    /// # Errors
    /// It was never read and cannot be read now, or is no JSON object.
    pub async fn account(&self, tenant: &TenantId, provider: &str) -> Result<Option<Arc<Account>>, SecretsError> {
        let name = account_name(&self.name, tenant, provider);
        self.accounts.get(&name, self.clock.now(), self.read(&name)).await
    }

    /// Makes or replaces the account of `tenant` at the company called `provider`. Functions that looked at it before know
    /// the new one within minutes. Up to three requests.
    ///
    /// # Errors
    /// Secrets Manager did not take it.
    pub async fn set_account(&self, tenant: &TenantId, provider: &str, account: &Account) -> Result<(), SecretsError> {
        let name = account_name(&self.name, tenant, provider);
        let text = serde_json::to_string(&account.0).map_err(|_| SecretsError::Malformed("it is no JSON"))?;
        let put = || self.client.put_secret_value().secret_id(&name).secret_string(&text).send();
        match put().await {
            Ok(_) => return Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(PutSecretValueError::is_resource_not_found_exception) => {}
            Err(error) => return Err(unavailable(&error)),
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
            // The filter knows neither small nor capital letters.
            let names = page.secret_list().iter().filter_map(|secret| secret.name()?.strip_prefix(&prefix));
            providers.extend(names.map(str::to_owned));
        }
        providers.sort_unstable();
        Ok(providers)
    }

    async fn read_keys(&self) -> Result<Option<SecretDocument>, SecretsError> {
        let document: Option<SecretDocument> = self.read(&self.name).await?;
        let Some(document) = document else { return Err(SecretsError::Unavailable) };
        for (keys, empty) in [
            (&document.callback_keys, SecretsError::Malformed("callback_keys is empty")),
            (&document.record_keys, SecretsError::Malformed("record_keys is empty")),
        ] {
            if keys.is_empty() {
                return Err(empty);
            }
            for key in keys {
                key.key.bytes()?;
            }
        }
        document.fingerprint_key.bytes()?;
        Ok(Some(document))
    }

    /// A secret's JSON; `None` where there is no such secret, or it was scheduled for deletion.
    async fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, SecretsError> {
        let answer = match self.client.get_secret_value().secret_id(name).send().await {
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
        let text = answer.secret_string().ok_or(SecretsError::Malformed("it has no string"))?;
        let value = serde_json::from_str(text);
        value.map(Some).map_err(|_| SecretsError::Malformed("it does not have the documented shape"))
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
