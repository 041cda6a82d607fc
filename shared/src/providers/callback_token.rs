//! The token in a callback URL: it names the tenant (and process) of the URL, and proves that we issued it.
//!
//! `KEY.TENANT.PROCESS.PURPOSE.MAC`, where PROCESS is `-` for a URL that serves a whole tenant and MAC is
//! HMAC-SHA-256 over the provider, which stands in the path, and everything before the MAC, base64url. So a URL of
//! one provider is not valid for another. The first key of the secret signs, all verify.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::{
    common::{
        TenantId,
        authority::{Authority, sealed::Sealed},
    },
    platform::{SecretsError, secrets::SecretDocument},
    process::ProcessId,
};

pub use crate::providers::Purpose;

/// The name of a purpose in a token.
fn name_of(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Webhook => "webhook",
        Purpose::Result => "result",
        Purpose::Certificate => "certificate",
    }
}

/// A verified token.
#[derive(Debug, PartialEq, Eq)]
pub struct VerifiedToken {
    tenant: TenantId,
    /// The process of the URL; `None` for a whole tenant.
    pub process: Option<ProcessId>,
    pub purpose: Purpose,
}

impl Sealed for VerifiedToken {}

impl Authority for VerifiedToken {
    fn tenant(&self) -> &TenantId {
        &self.tenant
    }
}

/// A new token for the callbacks of `provider`, signed with the first key.
///
/// # Errors
/// The secret has no usable key.
pub fn mint(
    secrets: &SecretDocument,
    provider: &str,
    tenant: &TenantId,
    process: Option<ProcessId>,
    purpose: Purpose,
) -> Result<String, SecretsError> {
    let key = secrets.callback_keys.first().ok_or(SecretsError::Malformed("callback_keys is empty"))?;
    let process = process.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let signed = format!("{}.{tenant}.{process}.{}", key.id, name_of(purpose));
    let mac = BASE64URL.encode(mac(&key.key.bytes()?, provider, &signed).finalize().into_bytes());
    Ok(format!("{signed}.{mac}"))
}

/// Verifies a token for `provider`. The comparison takes constant time.
#[must_use]
pub fn verify(secrets: &SecretDocument, provider: &str, token: &str) -> Option<VerifiedToken> {
    let (signed, given) = token.rsplit_once('.')?;
    let given = BASE64URL.decode(given).ok()?;
    let mut parts = signed.split('.');
    let (key_id, tenant, process, purpose) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let key = secrets.callback_keys.iter().find(|key| key.id == key_id)?;
    mac(&key.key.bytes().ok()?, provider, signed).verify_slice(&given).ok()?;
    Some(VerifiedToken {
        tenant: tenant.parse().ok()?,
        process: if process == "-" { None } else { Some(process.parse().ok()?) },
        purpose: Purpose::ALL.into_iter().find(|known| name_of(*known) == purpose)?,
    })
}

fn mac(key: &[u8], provider: &str, signed: &str) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key");
    // Neither a provider's name nor a token contains a zero byte, so different pairs never give the same text.
    mac.update(b"callback\0");
    mac.update(provider.as_bytes());
    mac.update(b"\0");
    mac.update(signed.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn secrets(keys: &[(&str, u8)]) -> SecretDocument {
        let base64 = |byte| base64::engine::general_purpose::STANDARD.encode([byte; 32]);
        let keys: Vec<_> = keys.iter().map(|(id, byte)| serde_json::json!({"id": id, "key": base64(*byte)})).collect();
        let document = serde_json::json!({
            "callback_keys": keys, "fingerprint_keys": [], "code_keys": [], "record_keys": [], "unique_keys": [],
        });
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn a_token_says_what_it_was_made_for() {
        let secrets = secrets(&[("k1", 1)]);
        let tenant: TenantId = "acme".parse().unwrap();
        let token = mint(&secrets, "auco", &tenant, None, Purpose::Webhook).unwrap();
        let verified = verify(&secrets, "auco", &token).unwrap();
        assert_eq!(verified, VerifiedToken { tenant, process: None, purpose: Purpose::Webhook });
    }

    #[test]
    fn an_old_key_verifies_until_it_is_removed() {
        let tenant: TenantId = "acme".parse().unwrap();
        let token = mint(&secrets(&[("k1", 1)]), "auco", &tenant, None, Purpose::Webhook).unwrap();
        assert!(verify(&secrets(&[("k2", 2), ("k1", 1)]), "auco", &token).is_some());
        assert!(verify(&secrets(&[("k2", 2)]), "auco", &token).is_none());
        assert!(verify(&secrets(&[("k1", 2)]), "auco", &token).is_none());
    }

    #[test]
    fn a_token_of_one_provider_is_none_of_another_s() {
        let secrets = secrets(&[("k1", 1)]);
        let token = mint(&secrets, "auco", &"acme".parse().unwrap(), None, Purpose::Webhook).unwrap();
        assert!(verify(&secrets, "auco", &token).is_some());
        for other in ["link", "tecalis", "Auco", "auco\0", "auc", ""] {
            assert!(verify(&secrets, other, &token).is_none(), "{other}");
        }
    }

    #[test]
    fn no_part_of_a_token_can_be_changed() {
        let secrets = secrets(&[("k1", 1), ("k2", 2)]);
        let process = ProcessId(crate::common::ids::uuid_of(&["x"]));
        let token = mint(&secrets, "auco", &"acme".parse().unwrap(), Some(process), Purpose::Webhook).unwrap();
        for position in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[position] = if changed[position] == b'a' { b'b' } else { b'a' };
            assert!(verify(&secrets, "auco", &String::from_utf8(changed).unwrap()).is_none(), "position {position}");
        }
        for text in ["", ".", "....", "k1.acme.-.webhook", "k1.acme.-.webhook.", &format!("{token}.x")] {
            assert!(verify(&secrets, "auco", text).is_none(), "{text}");
        }
    }
}
