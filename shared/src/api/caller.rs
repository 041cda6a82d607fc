//! Who is calling: an API key becomes a [`Caller`], and only an [`Authority`] opens the store.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use lambda_http::http::HeaderMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ApiError;
use crate::{platform::Clock, process::TenantId, store::Store};

/// How long a key's record is believed before it is read again, and so how fast a revocation works.
const CACHED_FOR: SignedDuration = SignedDuration::from_secs(30);
/// Keys remembered at once; beyond it the cache starts anew.
const CACHED_KEYS: usize = 10_000;

/// What proves for which tenant something is done. Every call of the store takes one.
///
/// The implementations are a [`Caller`] (an API key was checked), a verified callback token, and the key of an item that
/// came from our own table. No other type can have one.
pub trait Authority: sealed::Sealed + Sync {
    /// The tenant.
    fn tenant(&self) -> &TenantId;
}

pub(crate) mod sealed {
    /// Keeps [`super::Authority`] to this crate.
    pub trait Sealed {}
}

/// What a key may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Read processes and their evidence.
    #[serde(rename = "processes:read")]
    ProcessesRead,
    /// Create processes and ask for a refresh.
    #[serde(rename = "processes:write")]
    ProcessesWrite,
    /// Decide what is in review.
    #[serde(rename = "processes:decide")]
    ProcessesDecide,
    /// Remove everything about a person from a process, or keep that from happening.
    #[serde(rename = "processes:redact")]
    ProcessesRedact,
}

impl Scope {
    /// Every scope there is.
    pub const ALL: [Self; 4] =
        [Self::ProcessesRead, Self::ProcessesWrite, Self::ProcessesDecide, Self::ProcessesRedact];

    /// The scope's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProcessesRead => "processes:read",
            Self::ProcessesWrite => "processes:write",
            Self::ProcessesDecide => "processes:decide",
            Self::ProcessesRedact => "processes:redact",
        }
    }
}

/// Somebody with a valid API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    tenant: TenantId,
    scopes: Vec<Scope>,
    key_id: String,
    tenant_since: Timestamp,
}

impl Caller {
    /// Only the store makes callers, from a key's record.
    pub(crate) fn new(tenant: TenantId, scopes: Vec<Scope>, key_id: String, tenant_since: Timestamp) -> Self {
        Self { tenant, scopes, key_id, tenant_since }
    }

    /// The key's public id, for audit lines.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// When the tenant began; nothing of it is older.
    #[must_use]
    pub fn tenant_since(&self) -> Timestamp {
        self.tenant_since
    }
}

impl sealed::Sealed for Caller {}

impl Authority for Caller {
    fn tenant(&self) -> &TenantId {
        &self.tenant
    }
}

/// A key to be stored. The key itself is not kept, only its SHA-256.
pub struct NewApiKey<'a> {
    /// The key as the customer sends it.
    pub secret: &'a str,
    /// Its public id.
    pub key_id: &'a str,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it may do.
    pub scopes: &'a [Scope],
    /// When the tenant began.
    pub tenant_since: Timestamp,
}

/// The hash under which a key is stored.
#[must_use]
pub fn key_hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// Turns request headers into callers, with a short memory.
pub struct Authenticator {
    store: Store,
    clock: Arc<dyn Clock>,
    cache: Mutex<HashMap<String, Remembered>>,
}

/// What was found under a key's hash, and when.
type Remembered = (Timestamp, Option<Arc<Caller>>);

impl Authenticator {
    /// Remembers nobody yet.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, cache: Mutex::default() }
    }

    /// Who sent a request with these headers, if the key may do `scope`.
    ///
    /// # Errors
    /// 401 without a valid key, 403 without the scope, 503 where the key cannot be looked up.
    pub async fn caller(&self, headers: &HeaderMap, scope: Scope) -> Result<Arc<Caller>, ApiError> {
        let hash = key_hash(presented_key(headers).ok_or_else(ApiError::unauthorized)?);
        let now = self.clock.now();
        let remembered = {
            let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            cache.get(&hash).filter(|(at, _)| now.duration_since(*at) < CACHED_FOR).map(|(_, caller)| caller.clone())
        };
        let caller = match remembered {
            Some(caller) => caller,
            None => {
                let caller = self.store.caller_of_key(&hash).await?.map(Arc::new);
                let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
                if cache.len() >= CACHED_KEYS {
                    cache.clear();
                }
                cache.insert(hash, (now, caller.clone()));
                caller
            }
        };
        let caller = caller.ok_or_else(ApiError::unauthorized)?;
        if caller.scopes.contains(&scope) { Ok(caller) } else { Err(ApiError::forbidden(scope.as_str())) }
    }
}

/// The key in `Authorization: Bearer …` or `X-Api-Key`. Where both are sent they must agree.
#[must_use]
pub fn presented_key(headers: &HeaderMap) -> Option<&str> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let bearer = text("authorization").and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    match (bearer, text("x-api-key")) {
        (Some(bearer), Some(key)) if bearer != key => None,
        (bearer, key) => bearer.or(key).filter(|key| !key.is_empty() && key.len() <= 200),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn presented(headers: &[(&'static str, &str)]) -> Option<String> {
        let headers: HeaderMap = headers.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
        presented_key(&headers).map(str::to_owned)
    }

    #[test]
    fn a_key_comes_in_either_header_and_never_as_two() {
        assert_eq!(presented(&[("authorization", "Bearer k1")]).as_deref(), Some("k1"));
        assert_eq!(presented(&[("authorization", "bearer  k1 ")]).as_deref(), Some("k1"));
        assert_eq!(presented(&[("x-api-key", "k1")]).as_deref(), Some("k1"));
        assert_eq!(presented(&[("x-api-key", "k1"), ("authorization", "Bearer k1")]).as_deref(), Some("k1"));
        assert_eq!(presented(&[("x-api-key", "k1"), ("authorization", "Bearer k2")]), None);
        assert_eq!(presented(&[("authorization", "Basic k1")]), None);
        assert_eq!(presented(&[("x-api-key", "")]), None);
    }
}
