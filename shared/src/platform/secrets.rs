//! Keys and provider credentials, from Secrets Manager.
//!
//! One secret has the keys of the whole deployment ([`SecretDocument`]). Each account of a tenant at a company is a secret
//! of its own beside it, called after both: `NAME/TENANT/PROVIDER`, in the company's own shape. They are read on first use
//! and again when they are some minutes old ([`super::remembered`]). Nothing of them can be printed.

use std::sync::Arc;

use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
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

/// What the secret with an account is called, given what the one with the keys is.
#[must_use]
pub fn account_name(keys: &str, tenant: &TenantId, provider: &str) -> String {
    format!("{keys}/{tenant}/{provider}")
}
