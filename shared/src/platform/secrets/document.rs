//! The JSON of the secret with the deployment's keys, checked as a whole before use.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, de::IgnoredAny};

use super::{KeyBytes, SecretsError, unique_keys::UniqueKeys};

/// The deployment's keys. `Debug` prints no key. In each list the first key is used for writing and all are accepted,
/// so that a key can be replaced; `docs/deploy.md` says how, and what losing one means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretDocument {
    /// Keys that sign the tokens in callback URLs.
    pub callback_keys: Vec<NamedKey>,
    /// Keys of the stored hashes of request bodies.
    pub fingerprint_keys: Vec<NamedKey>,
    /// Keys of the stored hashes of codes that were sent.
    pub code_keys: Vec<NamedKey>,
    /// Keys that encrypt secrets in records (32 bytes each).
    pub record_keys: Vec<NamedKey>,
    /// Keys of the hashes of unique values.
    pub unique_keys: UniqueKeys,
}

/// The lists that a document has.
const LISTS: [&str; 5] = ["callback_keys", "fingerprint_keys", "code_keys", "record_keys", "unique_keys"];

impl SecretDocument {
    /// Reads the secret's text.
    ///
    /// # Errors
    /// It lacks a list, or is not as documented.
    pub fn parse(text: &str) -> Result<Self, SecretsError> {
        let there: BTreeMap<String, IgnoredAny> =
            serde_json::from_str(text).map_err(|_| SecretsError::Malformed("it is not a JSON object"))?;
        let missing: Vec<_> = LISTS.into_iter().filter(|list| !there.contains_key(*list)).collect();
        if !missing.is_empty() {
            return Err(SecretsError::Incomplete(missing.join(", ")));
        }
        // A message of serde may contain a value.
        let document: Self =
            serde_json::from_str(text).map_err(|_| SecretsError::Malformed("it does not have the documented shape"))?;
        document.check()?;
        Ok(document)
    }

    fn check(&self) -> Result<(), SecretsError> {
        for keys in [&self.callback_keys, &self.fingerprint_keys, &self.code_keys, &self.record_keys] {
            check(keys.iter().map(|key| (key.id.as_str(), &key.key)))?;
        }
        check(self.unique_keys.iter().map(|key| (key.id.as_str(), &key.key)))
    }
}

/// Checks a list: it has a key, its ids fit into tokens, and no id or key is there twice.
fn check<'a>(keys: impl Iterator<Item = (&'a str, &'a KeyBytes)>) -> Result<(), SecretsError> {
    let (mut ids, mut all_bytes) = (BTreeSet::new(), BTreeSet::new());
    for (id, key) in keys {
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(SecretsError::Malformed("a key's id is not letters and digits"));
        }
        if !ids.insert(id) {
            return Err(SecretsError::Malformed("two keys of one list have the same id"));
        }
        if !all_bytes.insert(key.bytes()?) {
            return Err(SecretsError::Malformed("a key stands twice in one list"));
        }
    }
    if ids.is_empty() { Err(SecretsError::Malformed("a list of keys is empty")) } else { Ok(()) }
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
    use serde_json::{Value, json};

    use super::*;

    fn keys(byte: u8) -> Value {
        json!([{"id": "k1", "key": BASE64.encode([byte; 32])}])
    }

    fn whole() -> Value {
        json!({
            "callback_keys": keys(1), "fingerprint_keys": keys(2), "code_keys": keys(3), "record_keys": keys(4),
            "unique_keys": keys(5),
        })
    }

    fn problem(document: &Value) -> String {
        SecretDocument::parse(&document.to_string()).unwrap_err().to_string()
    }

    #[test]
    fn a_secret_of_before_is_told_which_lists_it_lacks() {
        assert!(SecretDocument::parse(&whole().to_string()).is_ok());
        let old = json!({"callback_keys": keys(1), "fingerprint_key": "x", "record_keys": keys(4)});
        assert_eq!(problem(&old), "the secret lacks fingerprint_keys, code_keys, unique_keys (docs/deploy.md)");
        let mut without = whole();
        without.as_object_mut().unwrap().remove("unique_keys");
        assert_eq!(problem(&without), "the secret lacks unique_keys (docs/deploy.md)");
    }

    #[test]
    fn an_invalid_list_is_refused_without_showing_a_key() {
        let key = BASE64.encode([9; 32]);
        for (list, problem_of_it) in [
            (json!([]), "a list of keys is empty"),
            (json!([{"id": "k.1", "key": key}]), "a key's id is not letters and digits"),
            (json!([{"id": "", "key": key}]), "a key's id is not letters and digits"),
            (
                json!([{"id": "k", "key": key}, {"id": "k", "key": BASE64.encode([8; 32])}]),
                "two keys of one list have the same id",
            ),
            (json!([{"id": "k", "key": key}, {"id": "l", "key": key}]), "a key stands twice in one list"),
            (json!([{"id": "k", "key": "%%"}]), "a key is not base64"),
            (json!([{"id": "k", "key": "c2hvcnQ="}]), "a key is shorter than 16 bytes"),
            (json!([{"id": "k", "key": key, "more": 1}]), "it does not have the documented shape"),
            (json!({"id": "k", "key": key}), "it does not have the documented shape"),
        ] {
            for name in LISTS {
                let mut document = whole();
                document[name] = list.clone();
                assert_eq!(problem(&document), format!("the secret is malformed: {problem_of_it}"), "{name}");
            }
        }
        let mut unknown = whole();
        unknown["fingerprint_key"] = json!("x");
        assert_eq!(problem(&unknown), "the secret is malformed: it does not have the documented shape");
        assert!(!format!("{:?}", SecretDocument::parse(&whole().to_string()).unwrap()).contains(&key[..8]));
    }
}
