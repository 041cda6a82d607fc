//! Access tokens, which some providers issue for user and password.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};

use super::ProviderError;

/// How long before its expiry a token is replaced.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// An access token.
pub struct Token {
    pub value: SecretString,
    /// How long it is valid.
    pub life: SignedDuration,
}

/// The tokens of all accounts at one provider. Clones share them.
#[derive(Clone, Default)]
pub struct TokenCache(Arc<Mutex<HashMap<String, Slot>>>);

/// One account's token. Whoever fetches one holds the slot, so that others wait instead of fetching too.
type Slot = Arc<tokio::sync::Mutex<Option<Kept>>>;

struct Kept {
    value: SecretString,
    good_until: Timestamp,
}

impl TokenCache {
    /// The token of `account`: the cached one, or a new one from `fetch` where there is none, it is about to expire,
    /// or it was `refused`.
    ///
    /// # Errors
    /// Those of `fetch`.
    pub async fn get(
        &self,
        account: &str,
        refused: Option<&SecretString>,
        now: Timestamp,
        fetch: impl Future<Output = Result<Token, ProviderError>>,
    ) -> Result<SecretString, ProviderError> {
        let slot =
            Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(account.to_owned()).or_default());
        let mut slot = slot.lock().await;
        let is_good = |kept: &&Kept| {
            let is_refused = refused.is_some_and(|refused| refused.expose_secret() == kept.value.expose_secret());
            now < kept.good_until && !is_refused
        };
        if let Some(kept) = slot.as_ref().filter(is_good) {
            return Ok(kept.value.clone());
        }
        let Token { value, life } = fetch.await?;
        *slot = Some(Kept { value: value.clone(), good_until: now + life - MARGIN });
        Ok(value)
    }
}
