//! Secrets in records: encrypted before they are stored, decrypted where they are used, never printed.
//!
//! AES-256-GCM with the first of the deployment's record keys. The secret's owner is authenticated too, so that a
//! secret copied into another record cannot be decrypted.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::platform::{
    Entropy, SecretsError,
    secrets::{NamedKey, SecretDocument},
};

/// An encrypted secret: `KEY.BASE64(nonce, ciphertext, tag)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

impl Sealed {
    /// Encrypts `secret`, which belongs to `owner`.
    ///
    /// # Errors
    /// The deployment has no usable record key.
    pub fn new(
        secret: &SecretString,
        owner: &str,
        secrets: &SecretDocument,
        entropy: &dyn Entropy,
    ) -> Result<Self, SecretsError> {
        let key = secrets.record_keys.first().ok_or(SecretsError::Malformed("record_keys is empty"))?;
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        let mut sealed = secret.expose_secret().as_bytes().to_vec();
        cipher(key)?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(owner), &mut sealed)
            .map_err(|_| SecretsError::Malformed("a record key does not encrypt"))?;
        Ok(Self(format!("{}.{}", key.id, BASE64.encode([&nonce, sealed.as_slice()].concat()))))
    }

    /// Decrypts it for `owner`.
    ///
    /// # Errors
    /// Its key is gone, it has another owner, or it was changed.
    pub fn open(&self, owner: &str, secrets: &SecretDocument) -> Result<SecretString, SecretsError> {
        let damaged = || SecretsError::Malformed("a sealed secret does not open");
        let (id, sealed) = self.0.split_once('.').ok_or_else(damaged)?;
        let key = secrets.record_keys.iter().find(|key| key.id == id);
        let key = key.ok_or(SecretsError::Malformed("the record key of a sealed secret is gone"))?;
        let sealed = BASE64.decode(sealed).map_err(|_| damaged())?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or_else(damaged)?;
        let mut opened = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = cipher(key)?.open_in_place(nonce, Aad::from(owner), &mut opened).map_err(|_| damaged())?;
        Ok(std::str::from_utf8(opened).map_err(|_| damaged())?.into())
    }
}

fn cipher(key: &NamedKey) -> Result<LessSafeKey, SecretsError> {
    let key = UnboundKey::new(&AES_256_GCM, &key.key.bytes()?);
    key.map(LessSafeKey::new).map_err(|_| SecretsError::Malformed("a record key is not 32 bytes"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::platform::SystemEntropy;

    fn secrets(keys: &[(&str, u8)]) -> SecretDocument {
        let key = |byte: u8| BASE64.encode([byte; 32]);
        let keys: Vec<_> = keys.iter().map(|(id, byte)| serde_json::json!({"id": id, "key": key(*byte)})).collect();
        let document = serde_json::json!({
            "callback_keys": [], "fingerprint_keys": [], "code_keys": [], "record_keys": keys, "unique_keys": [],
        });
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn a_secret_opens_for_its_owner_and_nobody_else() {
        let secrets = secrets(&[("k1", 1)]);
        let sealed = Sealed::new(&"hush".into(), "acme/1", &secrets, &SystemEntropy).unwrap();
        assert!(!format!("{sealed:?}").contains("hush"));
        assert_eq!(sealed.open("acme/1", &secrets).unwrap().expose_secret(), "hush");
        assert!(sealed.open("acme/2", &secrets).is_err());
    }

    #[test]
    fn a_replaced_key_still_opens_and_a_removed_one_does_not() {
        let sealed = Sealed::new(&"hush".into(), "o", &secrets(&[("k1", 1)]), &SystemEntropy).unwrap();
        assert!(sealed.open("o", &secrets(&[("k2", 2), ("k1", 1)])).is_ok());
        for others in [&[("k2", 2)][..], &[("k1", 2)]] {
            assert!(sealed.open("o", &secrets(others)).is_err());
        }
    }

    #[test]
    fn a_changed_text_does_not_open() {
        let secrets = secrets(&[("k1", 1)]);
        let sealed = Sealed::new(&"hush".into(), "o", &secrets, &SystemEntropy).unwrap();
        for position in 0..sealed.0.len() {
            let mut changed = sealed.0.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            assert!(Sealed(String::from_utf8(changed).unwrap()).open("o", &secrets).is_err(), "position {position}");
        }
    }
}
