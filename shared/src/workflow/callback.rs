//! Receiving a provider's callback: one write that puts it into the process's inbox and wakes `run-work`, then a fast 2xx.
//!
//! A callback is a hint. It changes no state here; `run-work` asks the provider before anything does. Where the provider
//! cannot be asked, the callback's body is kept with it, in the bucket where it is long (one read and one write more).

use std::net::IpAddr;

use bytes::Bytes;
use lambda_http::http::HeaderMap;
use sha2::{Digest as _, Sha256};

use super::{CALLED, Means, WISH_PATIENCE, fresh};
use crate::{
    api::{
        ApiError, Authority as _,
        callback_token::{self, VerifiedToken},
    },
    evidence::{Bucket, Copier},
    platform::{
        Platform,
        telemetry::{self, Metric},
    },
    process::{
        Private, ProcessId,
        bounded::{self, MAX_REFERENCE},
    },
    providers::{Callback, CallbackRefused, IncomingCallback},
    store::{CallbackBody, InboxEntry, codec::MAX_CALLBACK_TEXT_BYTES, processes::Delivery},
};

/// The longest callback that is read.
const MAX_CALLBACK_BYTES: usize = 1024 * 1024;

/// A callback as it came in.
pub struct Request<'a> {
    /// The provider that the URL names.
    pub provider: &'a str,
    /// The token that the URL ends in.
    pub token: &'a str,
    /// The address it came from.
    pub source: Option<IpAddr>,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a [u8],
}

/// What became of a callback that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// It is in a process's inbox.
    Kept,
    /// It is about a process that is not ours; the company may create processes elsewhere too.
    NotOurs,
}

/// The use case.
pub struct ReceiveCallback {
    means: Means,
    copier: Copier,
}

impl ReceiveCallback {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        let bucket = Bucket::new(platform.aws.s3.clone(), platform.config.bucket.clone());
        Self { means: Means::new(platform), copier: Copier::new(bucket, platform.config.allow_loopback) }
    }

    /// Takes a callback.
    ///
    /// # Errors
    /// 401 where token, header or address prove nothing, 400 where the body is not a callback, 410 long after the
    /// process's end, 413, or 503 where it could not be kept: then the provider sends it again.
    pub async fn run(&self, request: &Request<'_>) -> Result<Received, ApiError> {
        let outcome = self.receive(request).await;
        let (now, provider) = (self.means.now(), self.means.providers.known(request.provider));
        match &outcome {
            Err(error) if error.status < 500 => {
                telemetry::record(Metric::CallbackRefused, &[("provider", provider)], 1.0, now)
            }
            Ok(Received::NotOurs) => telemetry::record(Metric::CallbackUnknown, &[("provider", provider)], 1.0, now),
            _ => {}
        }
        outcome
    }

    async fn receive(&self, request: &Request<'_>) -> Result<Received, ApiError> {
        let &Request { provider, source, headers, body, .. } = request;
        let secrets = self.means.platform.secrets.current().await?;
        let token = callback_token::verify(&secrets, provider, request.token).ok_or_else(ApiError::callback_refused)?;
        let span = tracing::Span::current();
        span.record("tenant", tracing::field::display(token.tenant()));
        if body.len() > MAX_CALLBACK_BYTES {
            return Err(ApiError::too_large(MAX_CALLBACK_BYTES));
        }
        let connector = self.means.provider(&token, provider).await?;
        let connector = connector.map_err(|_| ApiError::callback_refused())?;
        let incoming = IncomingCallback { purpose: token.purpose, process: token.process, source, headers, body };
        let callback = connector.read_callback(&incoming).map_err(|refused| match refused {
            CallbackRefused::Unauthenticated => ApiError::callback_refused(),
            CallbackRefused::Malformed(what) => ApiError::unreadable(&format!("The callback is malformed: {what}.")),
        })?;
        let references = [Some(&callback.reference), callback.certificate.as_ref().map(|news| &news.reference)];
        if references.into_iter().flatten().any(|reference| reference.len() > MAX_REFERENCE) {
            return Err(ApiError::unreadable("The callback is malformed: its reference is too long."));
        }
        let received_at = self.means.now();
        let result = match (callback.is_result, token.process) {
            (true, Some(process)) => Some(self.body(&token, process, body).await?),
            _ => None,
        };
        let entry = InboxEntry {
            received_at,
            reference: callback.reference.clone(),
            code: bounded::code(&callback.code),
            verdict: callback.held_verdict(received_at).map(|held| (held.status, held.usable_at)),
            certificate: callback.certificate.clone(),
            result,
        };
        if let Some(process) = token.process.or(callback.process) {
            span.record("process", tracing::field::display(process));
        }
        // The same callback again takes the same place in the inbox.
        let key = hex::encode(&Sha256::digest(body)[..12]);
        if let Some(process) = token.process.or(callback.process)
            && self.keep(&token, process, &key, &entry).await? == Received::Kept
        {
            return Ok(Received::Kept);
        }
        if token.process.is_some() {
            // A URL that was made for one process speaks of no other.
            return Ok(Received::NotOurs);
        }
        match self.by_reference(&token, provider, &callback).await? {
            Some(process) => self.keep(&token, process, &key, &entry).await,
            None => Ok(Received::NotOurs),
        }
    }

    /// The body to keep with a callback that is itself the answer.
    async fn body(&self, token: &VerifiedToken, process: ProcessId, body: &[u8]) -> Result<CallbackBody, ApiError> {
        if body.len() <= MAX_CALLBACK_TEXT_BYTES
            && let Ok(text) = std::str::from_utf8(body)
        {
            return Ok(CallbackBody::Text(Private::new(text.to_owned())));
        }
        // What is refused afterwards must not have been stored for good. What is redacted from here on is swept.
        if self.means.store.is_over(token, process, self.means.now()).await? {
            return Err(ApiError::callback_over());
        }
        let kept = self.copier.store_callback(token.tenant(), process, Bytes::copy_from_slice(body)).await;
        kept.map(CallbackBody::Object).map_err(|_| ApiError::unavailable())
    }

    async fn keep(
        &self,
        token: &VerifiedToken,
        process: ProcessId,
        key: &str,
        entry: &InboxEntry,
    ) -> Result<Received, ApiError> {
        let wish = fresh(CALLED, self.means.entropy());
        let until = entry.received_at + WISH_PATIENCE;
        let delivery = self.means.store.deliver_callback(token, process, key, entry, &wish, until).await?;
        tracing::info!(tenant = %token.tenant(), %process, code = entry.code, ?delivery, "callback");
        match delivery {
            Delivery::Taken => Ok(Received::Kept),
            Delivery::NotOurs => Ok(Received::NotOurs),
            Delivery::Over => Err(ApiError::callback_over()),
            Delivery::Full => Err(ApiError::unavailable()),
        }
    }

    async fn by_reference(
        &self,
        token: &VerifiedToken,
        provider: &str,
        callback: &Callback,
    ) -> Result<Option<ProcessId>, ApiError> {
        Ok(self.means.store.process_of_reference(token, provider, &callback.reference).await?)
    }
}
