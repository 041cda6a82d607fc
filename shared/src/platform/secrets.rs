//! Keys and provider credentials, from one Secrets Manager secret.
//!
//! The secret is a JSON document ([`SecretDocument`]). It is read on first use and again when it is older than
//! [`FRESH_FOR`]; while Secrets Manager cannot be reached the last one read goes on serving.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::sync::Mutex;

use super::Clock;

/// How long a secret is used before it is read again.
pub const FRESH_FOR: SignedDuration = SignedDuration::from_mins(5);

/// How long the last secret read goes on serving before another try.
const RETRY_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// The secret's JSON. Its `Debug` prints no key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretDocument {
    /// Keys of callback tokens: the first signs, all of them verify, so that a key can be rotated.
    pub callback_keys: Vec<NamedKey>,
    /// Key of the hashes kept of request bodies (base64, 32 bytes).
    pub fingerprint_key: KeyBytes,
    /// What is set up for each tenant, by tenant id.
    #[serde(default)]
    pub tenants: BTreeMap<String, TenantSettings>,
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

/// What is set up for one tenant.
#[derive(Debug, Default, Deserialize)]
pub struct TenantSettings {
    /// After how many days a process that ended is redacted unasked; never where absent.
    #[serde(default)]
    pub retention_days: Option<u32>,
    /// The tenant's accounts, by the company's name. Their fields are the company's own.
    #[serde(flatten)]
    pub accounts: BTreeMap<String, Account>,
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

/// The secret, cached.
pub struct Secrets {
    client: aws_sdk_secretsmanager::Client,
    id: String,
    clock: Arc<dyn Clock>,
    cached: Mutex<Option<(Timestamp, Arc<SecretDocument>)>>,
}

impl Secrets {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(client: aws_sdk_secretsmanager::Client, id: String, clock: Arc<dyn Clock>) -> Self {
        Self { client, id, clock, cached: Mutex::new(None) }
    }

    /// The secret as it stands, at most [`FRESH_FOR`] old.
    ///
    /// # Errors
    /// It was never read and cannot be read now, or it is malformed.
    pub async fn current(&self) -> Result<Arc<SecretDocument>, SecretsError> {
        let mut cached = self.cached.lock().await;
        let now = self.clock.now();
        if let Some((read_at, document)) = cached.as_ref()
            && now.duration_since(*read_at) < FRESH_FOR
        {
            return Ok(Arc::clone(document));
        }
        match (self.read().await, cached.as_ref()) {
            (Ok(document), _) => {
                let document = Arc::new(document);
                *cached = Some((now, Arc::clone(&document)));
                Ok(document)
            }
            (Err(error), Some((_, document))) => {
                tracing::warn!(%error, "the secret could not be read again; the last one read goes on serving");
                let document = Arc::clone(document);
                // Not every request may have to wait for that again.
                *cached = Some((now - FRESH_FOR + RETRY_AFTER, Arc::clone(&document)));
                Ok(document)
            }
            (Err(error), None) => Err(error),
        }
    }

    async fn read(&self) -> Result<SecretDocument, SecretsError> {
        let answer = self.client.get_secret_value().secret_id(&self.id).send().await.map_err(|error| {
            tracing::error!(code = error.as_service_error().and_then(|e| e.meta().code()), "secret unavailable");
            SecretsError::Unavailable
        })?;
        let text = answer.secret_string().ok_or(SecretsError::Malformed("it has no string"))?;
        let document: SecretDocument =
            serde_json::from_str(text).map_err(|_| SecretsError::Malformed("it does not have the documented shape"))?;
        if document.callback_keys.is_empty() {
            return Err(SecretsError::Malformed("callback_keys is empty"));
        }
        for key in &document.callback_keys {
            key.key.bytes()?;
        }
        document.fingerprint_key.bytes()?;
        Ok(document)
    }
}
