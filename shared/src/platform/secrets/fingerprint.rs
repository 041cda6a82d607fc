//! Fingerprints of requests, which tell a repetition from a changed request.

use hmac::{Hmac, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use super::{NamedKey, SecretsError};

/// The hashes of a request under each of the deployment's fingerprint keys. They tell a repetition from a changed
/// request without storing it.
#[derive(Debug, Clone)]
pub struct Fingerprint(Vec<String>);

impl Fingerprint {
    /// The fingerprint of a body; the order of fields and white space do not matter.
    ///
    /// # Errors
    /// A key cannot be used.
    pub fn of_body(body: &Value, keys: &[NamedKey]) -> Result<Self, SecretsError> {
        // serde_json sorts the fields of a Value by name.
        Self::of_text(&body.to_string(), keys)
    }

    /// The fingerprint of a text that stands for the request.
    ///
    /// # Errors
    /// A key cannot be used.
    pub fn of_text(text: &str, keys: &[NamedKey]) -> Result<Self, SecretsError> {
        keys.iter().map(|key| Ok(keyed_hash(text, &key.key.bytes()?))).collect::<Result<_, _>>().map(Self)
    }

    /// The hash to store: under the first key.
    #[must_use]
    pub fn kept(&self) -> String {
        self.0.first().cloned().unwrap_or_default()
    }

    /// Whether `kept` is the stored hash of the same request, under any key.
    #[must_use]
    pub fn is(&self, kept: &str) -> bool {
        !kept.is_empty() && self.0.iter().any(|hash| hash == kept)
    }
}

/// A keyed hash of a text, in hex.
#[must_use]
pub fn keyed_hash(text: &str, key: &[u8]) -> String {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key");
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use base64::Engine as _;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fingerprint_is_of_the_meaning() {
        let one: Value = serde_json::from_str(r#"{"a": 1, "b": {"c": 2, "d": 3}}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{"b":{"d":3,"c":2},"a":1}"#).unwrap();
        let of = |body: &Value| Fingerprint::of_body(body, &keys(&[1])).unwrap();
        assert!(of(&one).is(&of(&other).kept()));
        assert!(!of(&one).is(&of(&json!({})).kept()));
        assert!(!of(&one).is(""), "what was redacted is like nothing");
    }

    fn keys(bytes: &[u8]) -> Vec<NamedKey> {
        let key = |byte: &u8| json!({"id": format!("k{byte}"), "key": base64::engine::general_purpose::STANDARD.encode([*byte; 32])});
        bytes.iter().map(|byte| serde_json::from_value(key(byte)).unwrap()).collect()
    }

    #[test]
    fn a_fingerprint_matches_while_its_key_is_listed() {
        let of = |bytes: &[u8]| Fingerprint::of_text("a request", &keys(bytes)).unwrap();
        let kept = of(&[1]).kept();
        for (bytes, known) in [([1, 2].as_slice(), true), (&[2, 1], true), (&[2], false)] {
            assert_eq!(of(bytes).is(&kept), known, "{bytes:?}");
        }
        assert_eq!(of(&[2, 1]).kept(), of(&[2]).kept(), "the first key's is kept");
    }
}
