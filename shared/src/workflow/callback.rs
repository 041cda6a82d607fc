//! Receiving a provider's callback: one write puts it into the process's inbox and wakes `run-work`, then the provider
//! gets a fast 2xx.
//!
//! A callback is a hint. It changes no state here; `run-work` first asks the provider. If the provider has no query,
//! the callback's body is stored with it; a long body goes to the bucket (one more read and one more write).
//!
//! An authenticated callback that is unreadable is counted. If its process can be identified, its body is stored as
//! evidence and the process is woken. Nothing of an unauthenticated callback is stored.

use std::net::IpAddr;

use ::http::HeaderMap;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{CALLED, Services, WAKE_TIMEOUT, new_token};
use crate::{
    common::{Authority as _, Private},
    deployment::Deployment,
    evidence::Copier,
    objects::Bucket,
    platform::telemetry::{self, Metric},
    process::{
        ProcessId,
        bounded::{self, MAX_REFERENCE},
    },
    providers::{
        AccessError, Callback, CallbackRefused, IncomingCallback, Provider,
        callback_token::{self, VerifiedToken},
    },
    store::{CallbackBody, InboxEntry, codec::MAX_CALLBACK_TEXT_BYTES, processes::CallbackReceipt},
    workflow::Error,
};

/// The longest callback that is read, in bytes.
const MAX_CALLBACK_BYTES: usize = 1024 * 1024;

/// How many bytes of a callback that is too long are stored.
const MAX_SAID_BYTES: usize = 64 * 1024;

/// A callback as it was received.
pub struct Request<'a> {
    /// The provider named in the URL.
    pub provider: &'a str,
    /// The token at the end of the URL.
    pub token: &'a str,
    /// The source address.
    pub source: Option<IpAddr>,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

/// The result of an accepted callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// The callback is in the inbox of a process.
    Kept,
    /// The callback is about an unknown process; the customer may also create processes outside this service.
    NotOurs,
}

pub struct ReceiveCallback {
    services: Services,
    copier: Copier,
}

impl ReceiveCallback {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        let bucket = Bucket::of(&deployment.platform);
        Self {
            services: Services::new(deployment),
            copier: Copier::new(bucket, deployment.platform.config.allow_loopback),
        }
    }

    /// Receives a callback.
    ///
    /// # Errors
    /// `CallbackRefused` if token, header or address do not authenticate the callback; `CallbackMalformed` if the body
    /// is unreadable; `CallbackTooLarge`; `CallbackOver` long after the process ended; `Unavailable` if the callback
    /// could not be stored: then the provider sends it again.
    pub async fn run(&self, request: &Request<'_>) -> Result<Received, Error> {
        let outcome = self.receive(request).await;
        let (now, provider) = (self.services.now(), self.services.providers.known(request.provider));
        match &outcome {
            // An unreadable callback is authenticated, and was already counted.
            Err(Error::CallbackRefused | Error::CallbackOver) => {
                telemetry::record(Metric::CallbackRefused, &[("provider", provider)], 1.0, now)
            }
            Ok(Received::NotOurs) => telemetry::record(Metric::CallbackUnknown, &[("provider", provider)], 1.0, now),
            _ => {}
        }
        outcome
    }

    async fn receive(&self, request: &Request<'_>) -> Result<Received, Error> {
        let &Request { provider, source, headers, body, .. } = request;
        let secrets = self.services.platform.secrets.current().await?;
        let token = callback_token::verify(&secrets, provider, request.token).ok_or(Error::CallbackRefused)?;
        let span = tracing::Span::current();
        span.record("tenant", tracing::field::display(token.tenant()));
        let connector = self.services.provider(&token, provider).await.map_err(|error| match error {
            AccessError::NoProvider(_) => Error::CallbackRefused,
            AccessError::Secrets(error) => error.into(),
        })?;
        let incoming = IncomingCallback { purpose: token.purpose, process: token.process, source, headers, body };
        let Some(callback) = self.read(&token, provider, connector.as_ref(), &incoming).await? else {
            return Ok(Received::Kept);
        };
        let received_at = self.services.now();
        let kept = match (callback.is_result, token.process) {
            (true, Some(process)) => Some(self.body(&token, process, body).await?),
            _ => None,
        };
        let entry = InboxEntry {
            received_at,
            reference: callback.reference.clone(),
            code: bounded::code(&callback.code),
            verdict: callback.held_verdict(received_at).map(|held| (held.status, held.usable_at)),
            reason: callback.verdict.as_ref().and_then(|verdict| verdict.reason.as_deref().map(bounded::code)),
            certificate: callback.certificate.clone(),
            is_result: kept.is_some(),
            body: kept,
            unread: None,
        };
        if let Some(process) = token.process.or(callback.process) {
            span.record("process", tracing::field::display(process));
        }
        let key = place_of(body);
        let said = callback.is_evidence.then_some(body);
        if let Some(process) = token.process.or(callback.process)
            && self.keep(&token, process, &key, &entry, said).await? == Received::Kept
        {
            return Ok(Received::Kept);
        }
        if token.process.is_some() {
            // A URL made for one process accepts callbacks about that process only.
            return Ok(Received::NotOurs);
        }
        match self.by_reference(&token, provider, &callback).await? {
            Some(process) => self.keep(&token, process, &key, &entry, said).await,
            None => Ok(Received::NotOurs),
        }
    }

    /// The parsed callback; `None` if it is unreadable and stored as evidence.
    async fn read(
        &self,
        token: &VerifiedToken,
        provider: &str,
        connector: &dyn Provider,
        incoming: &IncomingCallback<'_>,
    ) -> Result<Option<Callback>, Error> {
        let body = incoming.body;
        let is_long = body.len() > MAX_CALLBACK_BYTES;
        let beginning = Some(&body[..if is_long { MAX_SAID_BYTES } else { body.len() }]);
        let (why, said) = match connector.read_callback(incoming) {
            Err(CallbackRefused::Unauthenticated) => return Err(Error::CallbackRefused),
            // Its body may be about another person.
            Err(CallbackRefused::Elsewhere(why)) => (why, None),
            Err(CallbackRefused::Malformed(why)) => (why, beginning),
            Ok(_) if is_long => ("it is too long", beginning),
            Ok(callback) if has_bounds(&callback) => return Ok(Some(callback)),
            Ok(_) => ("its reference is too long", beginning),
        };
        let unread = UnreadableCallback { token, provider, body, why, said };
        let noted = self.note_unread(&unread, connector).await?;
        match said {
            _ if is_long => Err(Error::CallbackTooLarge(MAX_CALLBACK_BYTES)),
            // A stored callback need not be sent again. One that is not stored may have been damaged in transit.
            Some(_) if noted => Ok(None),
            _ => Err(Error::CallbackMalformed(why.to_string())),
        }
    }

    /// Stores an unreadable callback with the first process that it may be about. Returns whether there is such a
    /// process.
    async fn note_unread(&self, unread: &UnreadableCallback<'_>, connector: &dyn Provider) -> Result<bool, Error> {
        let &UnreadableCallback { token, provider, body, why, said } = unread;
        let now = self.services.now();
        telemetry::record(
            Metric::CallbackUnreadable,
            &[("provider", self.services.providers.known(provider))],
            1.0,
            now,
        );
        tracing::error!(tenant = %token.tenant(), provider, why, bytes = body.len(), "an unreadable callback");
        for process in self.mentioned(unread, connector).await? {
            let Some(record) = self.services.store.load(token, process).await? else { continue };
            if record.process.provider != provider || record.process.redaction.is_some() {
                continue;
            }
            let entry = InboxEntry {
                received_at: now,
                reference: record.process.provider_reference.unwrap_or_default(),
                code: "unreadable".to_owned(),
                verdict: None,
                reason: None,
                certificate: None,
                body: None,
                is_result: false,
                unread: Some(why.to_owned()),
            };
            // A separate place: the same body may also arrive at a URL where it is readable.
            let place = format!("unread-{}", place_of(body));
            if self.keep(token, process, &place, &entry, said).await? == Received::Kept {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The processes that a callback may be about: the one its URL was made for, otherwise those that its body
    /// mentions.
    async fn mentioned(
        &self,
        unread: &UnreadableCallback<'_>,
        connector: &dyn Provider,
    ) -> Result<Vec<ProcessId>, Error> {
        if let Some(process) = unread.token.process {
            return Ok(vec![process]);
        }
        let mentions = connector.mentions(&unread.body[..unread.body.len().min(MAX_CALLBACK_BYTES)]);
        let mut processes = mentions.processes;
        for reference in mentions.references {
            let found = self.services.store.process_of_reference(unread.token, unread.provider, &reference).await?;
            processes.extend(found.filter(|process| !processes.contains(process)));
        }
        Ok(processes)
    }

    /// The body to store with a callback whose content the provider does not repeat.
    async fn body(&self, token: &VerifiedToken, process: ProcessId, body: &[u8]) -> Result<CallbackBody, Error> {
        if body.len() <= MAX_CALLBACK_TEXT_BYTES
            && let Ok(text) = std::str::from_utf8(body)
        {
            return Ok(CallbackBody::Text(Private::new(text.to_owned())));
        }
        // A callback that is refused later must leave no stored object. A redaction from here on removes the object.
        if self.services.store.is_over(token, process, self.services.now()).await? {
            return Err(Error::CallbackOver);
        }
        let kept = self.copier.store_callback(token.tenant(), process, Bytes::copy_from_slice(body)).await;
        kept.map(CallbackBody::Object).map_err(|_| Error::Unavailable)
    }

    /// Puts a callback into the inbox of `process`; `said` is the part of its body that is evidence only.
    async fn keep(
        &self,
        token: &VerifiedToken,
        process: ProcessId,
        key: &str,
        entry: &InboxEntry,
        said: Option<&[u8]>,
    ) -> Result<Received, Error> {
        let mut entry = entry.clone();
        if let Some(said) = said {
            let is_long = said.len() > MAX_CALLBACK_TEXT_BYTES;
            // A body without a process is not stored.
            if is_long && self.services.store.load(token, process).await?.is_none() {
                return Ok(Received::NotOurs);
            }
            entry.body = Some(self.body(token, process, said).await?);
        }
        let wake_token = new_token(CALLED, self.services.entropy());
        let until = entry.received_at + WAKE_TIMEOUT;
        let delivery = self.services.store.deliver_callback(token, process, key, &entry, &wake_token, until).await?;
        tracing::info!(tenant = %token.tenant(), %process, code = entry.code, ?delivery, "callback");
        match delivery {
            CallbackReceipt::Taken => Ok(Received::Kept),
            CallbackReceipt::NotOurs => Ok(Received::NotOurs),
            CallbackReceipt::Over => Err(Error::CallbackOver),
            CallbackReceipt::Full => Err(Error::Unavailable),
        }
    }

    async fn by_reference(
        &self,
        token: &VerifiedToken,
        provider: &str,
        callback: &Callback,
    ) -> Result<Option<ProcessId>, Error> {
        Ok(self.services.store.process_of_reference(token, provider, &callback.reference).await?)
    }
}

/// A callback that is authenticated and unreadable.
struct UnreadableCallback<'a> {
    token: &'a VerifiedToken,
    provider: &'a str,
    body: &'a [u8],
    /// Why it is unreadable.
    why: &'static str,
    /// The part of its body that is evidence of the process.
    said: Option<&'a [u8]>,
}

/// Whether the callback's references are within the length that is stored.
fn has_bounds(callback: &Callback) -> bool {
    let references = [Some(&callback.reference), callback.certificate.as_ref().map(|told| &told.reference)];
    references.into_iter().flatten().all(|reference| reference.len() <= MAX_REFERENCE)
}

/// The place in the inbox. A repeated callback gets the same place.
fn place_of(body: &[u8]) -> String {
    hex::encode(&Sha256::digest(body)[..12])
}
