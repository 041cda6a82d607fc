//! Finds the [`Caller`] of a request by its headers, with a short cache.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use lambda_http::http::HeaderMap;

use super::ApiError;
use crate::{
    common::Caller,
    store::{Store, api_keys::key_hash},
};

/// How long a key's record is cached, and so how long a revoked key may still work.
pub(super) const CACHED_FOR: SignedDuration = SignedDuration::from_secs(30);
/// The most keys in the cache; a full cache is cleared.
const CACHED_KEYS: usize = 10_000;

/// Authenticates callers by their keys.
pub(super) struct Authenticator {
    store: Store,
    cache: Mutex<HashMap<String, Remembered>>,
}

/// The result for a key's hash, and its time.
type Remembered = (Timestamp, Option<Arc<Caller>>);

impl Authenticator {
    /// Starts with an empty cache.
    pub(super) fn new(store: Store) -> Self {
        Self { store, cache: Mutex::default() }
    }

    /// The caller of a request with these headers at `now`. One request for a key that is not in the cache.
    ///
    /// # Errors
    /// 401 unless the key is known, not revoked and not expired; 503 if it cannot be read.
    pub(super) async fn caller(&self, headers: &HeaderMap, now: Timestamp) -> Result<Arc<Caller>, ApiError> {
        let hash = key_hash(presented_key(headers).ok_or_else(ApiError::unauthorized)?);
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
        caller.filter(|caller| !caller.has_expired(now)).ok_or_else(ApiError::unauthorized)
    }
}

/// The key in `Authorization: Bearer …` or `X-Api-Key`. If both are sent, they must be equal.
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
    fn a_key_comes_in_either_header_and_both_must_agree() {
        assert_eq!(presented(&[("authorization", "Bearer k1")]).as_deref(), Some("k1"));
        assert_eq!(presented(&[("authorization", "bearer  k1 ")]).as_deref(), Some("k1"));
        assert_eq!(presented(&[("x-api-key", "k1")]).as_deref(), Some("k1"));
        assert_eq!(presented(&[("x-api-key", "k1"), ("authorization", "Bearer k1")]).as_deref(), Some("k1"));
        assert_eq!(presented(&[("x-api-key", "k1"), ("authorization", "Bearer k2")]), None);
        assert_eq!(presented(&[("authorization", "Basic k1")]), None);
        assert_eq!(presented(&[("x-api-key", "")]), None);
    }
}
