//! Receiving a provider's callback: one write that puts it into the process's inbox and wakes `run-work`, then a fast 2xx.
//!
//! A callback is a hint. It changes no state here; `run-work` asks the provider before anything does.

use lambda_http::http::HeaderMap;
use sha2::{Digest as _, Sha256};

use super::{CALLED, Means, WISH_PATIENCE, fresh};
use crate::{
    api::{
        ApiError, Authority as _,
        callback_token::{self, Purpose, VerifiedToken},
    },
    platform::{
        Platform,
        telemetry::{self, Metric},
    },
    process::ProcessId,
    providers::{Callback, CallbackRefused, NAMES},
    store::{InboxEntry, processes::Delivery},
};

/// The longest callback that is read.
const MAX_CALLBACK_BYTES: usize = 1024 * 1024;

/// What became of a callback that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// It is in a process's inbox.
    Kept,
    /// It is about a process that is not ours; the company may create processes elsewhere too.
    NotOurs,
}

/// The use case.
pub struct ReceiveCallback(Means);

impl ReceiveCallback {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self(Means::new(platform))
    }

    /// Takes a callback of `provider`, sent to the URL that ends in `token`.
    ///
    /// # Errors
    /// 401 where token or header prove nothing, 400 where the body is not a callback, 413, or 503 where it could not be
    /// kept: then the provider sends it again.
    pub async fn run(
        &self,
        provider: &str,
        token: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Received, ApiError> {
        let outcome = self.receive(provider, token, headers, body).await;
        let now = self.0.now();
        match &outcome {
            Err(error) if error.status < 500 => telemetry::record(Metric::CallbackRefused, known(provider), 1.0, now),
            Ok(Received::NotOurs) => telemetry::record(Metric::CallbackUnknown, known(provider), 1.0, now),
            _ => {}
        }
        outcome
    }

    async fn receive(
        &self,
        provider: &str,
        token: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Received, ApiError> {
        let secrets = self.0.platform.secrets.current().await?;
        let token = callback_token::verify(&secrets, token)
            .filter(|token| token.purpose == Purpose::Webhook)
            .ok_or_else(ApiError::callback_refused)?;
        if body.len() > MAX_CALLBACK_BYTES {
            return Err(ApiError::too_large(MAX_CALLBACK_BYTES));
        }
        let connector =
            self.0.providers.of_tenant(provider, token.tenant(), &secrets).map_err(|_| ApiError::callback_refused())?;
        let callback = connector.read_callback(headers, body).map_err(|refused| match refused {
            CallbackRefused::Unauthenticated => ApiError::callback_refused(),
            CallbackRefused::Malformed(what) => ApiError::unreadable(&format!("The callback is malformed: {what}.")),
        })?;
        let received_at = self.0.now();
        let entry = InboxEntry {
            received_at,
            reference: callback.reference.clone(),
            code: callback.code.clone(),
            verdict: callback.held_verdict(received_at).map(|held| (held.status, held.usable_at)),
        };
        // The same callback again takes the same place in the inbox.
        let key = hex::encode(&Sha256::digest(body)[..12]);
        if let Some(process) = token.process.or(callback.process)
            && self.keep(&token, process, &key, &entry).await? == Received::Kept
        {
            return Ok(Received::Kept);
        }
        match self.by_reference(&token, provider, &callback).await? {
            Some(process) => self.keep(&token, process, &key, &entry).await,
            None => Ok(Received::NotOurs),
        }
    }

    async fn keep(
        &self,
        token: &VerifiedToken,
        process: ProcessId,
        key: &str,
        entry: &InboxEntry,
    ) -> Result<Received, ApiError> {
        let wish = fresh(CALLED, self.0.entropy());
        let until = entry.received_at + WISH_PATIENCE;
        let delivery = self.0.store.deliver_callback(token, process, key, entry, &wish, until).await?;
        tracing::info!(tenant = %token.tenant(), %process, code = entry.code, ?delivery, "callback");
        Ok(match delivery {
            Delivery::Taken => Received::Kept,
            Delivery::NotOurs => Received::NotOurs,
        })
    }

    async fn by_reference(
        &self,
        token: &VerifiedToken,
        provider: &str,
        callback: &Callback,
    ) -> Result<Option<ProcessId>, ApiError> {
        Ok(self.0.store.process_of_reference(token, provider, &callback.reference).await?)
    }
}

/// The provider's name for a metric; what somebody typed into a URL is not one.
fn known(provider: &str) -> &'static str {
    NAMES.into_iter().find(|name| *name == provider).unwrap_or("unknown")
}
