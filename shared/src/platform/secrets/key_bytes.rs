//! The bytes of a key, which cannot be printed.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::SecretsError;

/// Base64 of a key of at least 16 bytes; cannot be printed.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct KeyBytes(SecretString);

impl KeyBytes {
    /// A key of these bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(BASE64.encode(bytes).into())
    }

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

    /// The text as it stands in the secret.
    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}
