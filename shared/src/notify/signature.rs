//! Signatures of webhooks by Standard Webhooks 1.0.0 (<https://www.standardwebhooks.com>): HMAC-SHA-256 over
//! `ID.TIMESTAMP.BODY`, base64, one `v1,` entry for each current secret.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use uuid::Uuid;

use crate::platform::Entropy;

/// The prefix of every secret.
const PREFIX: &str = "whsec_";
/// Bytes of a secret.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A new secret, in the form that customers see.
#[must_use]
pub fn new_secret(entropy: &dyn Entropy) -> SecretString {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    format!("{PREFIX}{}", BASE64.encode(bytes)).into()
}

/// Whether a text is a secret that can sign: `whsec_` and the base64 of 24 to 64 bytes.
#[must_use]
pub fn is_secret(text: &str) -> bool {
    key(text).is_some()
}

/// The value of `webhook-signature`: one entry for each secret.
#[must_use]
pub fn sign(secrets: &[SecretString], id: Uuid, at: Timestamp, body: &str) -> String {
    let signed = format!("{id}.{}.{body}", at.as_second());
    let entries = secrets.iter().filter_map(|secret| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key(secret.expose_secret())?).ok()?;
        mac.update(signed.as_bytes());
        Some(format!("v1,{}", BASE64.encode(mac.finalize().into_bytes())))
    });
    entries.collect::<Vec<_>>().join(" ")
}

fn key(text: &str) -> Option<Vec<u8>> {
    let bytes = BASE64.decode(text.strip_prefix(PREFIX)?).ok()?;
    BYTES.contains(&bytes.len()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::platform::SystemEntropy;

    #[test]
    fn a_secret_of_ours_is_one_and_others_are_judged_by_their_bytes() {
        assert!(is_secret(new_secret(&SystemEntropy).expose_secret()));
        for text in ["", "whsec_", "whsec_MTIz", "whsec_not base64", &BASE64.encode([1; 32])] {
            assert!(!is_secret(text), "{text}");
        }
    }

    #[test]
    fn each_secret_signs_in_its_turn() {
        let secrets = [new_secret(&SystemEntropy), new_secret(&SystemEntropy)];
        let (id, at) = (Uuid::nil(), Timestamp::from_second(1_700_000_000).unwrap());
        let both = sign(&secrets, id, at, "{}");
        let each: Vec<_> = secrets.iter().map(|secret| sign(std::slice::from_ref(secret), id, at, "{}")).collect();
        assert_eq!(both, each.join(" "));
        assert_ne!(both, sign(&secrets, id, at, "{ }"));
    }
}
