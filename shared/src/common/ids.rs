//! Ids: of a tenant, and ids derived from other values.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A tenant: 1 to 40 lower-case letters, digits or `-`, so that no key, path or token needs to escape it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(String);

/// The text is not a valid id; the field says of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct InvalidId(pub &'static str);

impl TenantId {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (1..=40).contains(&text.len()) && text.bytes().all(legal) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId("tenant id"))
        }
    }
}

impl TryFrom<String> for TenantId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<TenantId> for String {
    fn from(id: TenantId) -> Self {
        id.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id for an idempotency key. The same tenant, route and key always give the same id, so one conditional write
/// decides whether a request is a repetition.
#[must_use]
pub fn of_idempotency_key(tenant: &TenantId, route: &str, key: &str) -> Uuid {
    uuid_of(&["idempotency", tenant.as_str(), route, key])
}

/// A UUID (version 8) that is a hash of `parts`. Parts are separated, so `ab, c` and `a, bc` differ.
#[must_use]
pub fn uuid_of(parts: &[&str]) -> Uuid {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_id_can_stand_in_any_key() {
        assert!("acme-es".parse::<TenantId>().is_ok());
        for bad in ["", "Acme", "a#b", "a/b", "a.b", "ñ", &"a".repeat(41)] {
            assert!(bad.parse::<TenantId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_parts_of_a_hashed_id_do_not_run_together() {
        assert_ne!(uuid_of(&["ab", "c"]), uuid_of(&["a", "bc"]));
    }
}
