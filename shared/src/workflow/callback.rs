//! Receiving a provider's callback: one write that puts it into the process's inbox and wakes `run-work`, then a fast 2xx.
//!
//! A callback is a hint. It changes no state here; `run-work` asks the provider before anything does. Where the provider
//! cannot be asked, the callback's body is kept with it, in the bucket where it is long (one read and one write more).
//!
//! One that proves where it comes from and cannot be read leaves a trace: it is counted, and where it can be made out which
//! process it is about, its body goes along as evidence and the process is woken. Of one that proves nothing, nothing is kept.

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

/// The longest callback that is read.
const MAX_CALLBACK_BYTES: usize = 1024 * 1024;

/// So much is kept of a callback that is too long.
const MAX_SAID_BYTES: usize = 64 * 1024;

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
    services: Services,
    copier: Copier,
}

impl ReceiveCallback {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        let bucket = Bucket::new(deployment.platform.aws.s3.clone(), deployment.platform.config.bucket.clone());
        Self {
            services: Services::new(deployment),
            copier: Copier::new(bucket, deployment.platform.config.allow_loopback),
        }
    }

    /// Takes a callback.
    ///
    /// # Errors
    /// 401 where token, header or address prove nothing, 400 where the body is not a callback, 410 long after the
    /// process's end, 413, or 503 where it could not be kept: then the provider sends it again.
    pub async fn run(&self, request: &Request<'_>) -> Result<Received, Error> {
        let outcome = self.receive(request).await;
        let (now, provider) = (self.services.now(), self.services.providers.known(request.provider));
        match &outcome {
            // What cannot be read proved where it comes from, and was counted already.
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
            // A URL that was made for one process speaks of no other.
            return Ok(Received::NotOurs);
        }
        match self.by_reference(&token, provider, &callback).await? {
            Some(process) => self.keep(&token, process, &key, &entry, said).await,
            None => Ok(Received::NotOurs),
        }
    }

    /// What a callback says; `None` where it cannot be read and is kept as it is.
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
            // Its body may be about somebody else.
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
            // What is kept need not come again; what is not may have been damaged on its way.
            Some(_) if noted => Ok(None),
            _ => Err(Error::CallbackMalformed(why.to_string())),
        }
    }

    /// Leaves a trace of a callback that cannot be read, at the first of the processes that it may be about, and says
    /// whether there is one.
    async fn note_unread(&self, unread: &UnreadableCallback<'_>, connector: &dyn Provider) -> Result<bool, Error> {
        let &UnreadableCallback { token, provider, body, why, said } = unread;
        let now = self.services.now();
        telemetry::record(
            Metric::CallbackUnreadable,
            &[("provider", self.services.providers.known(provider))],
            1.0,
            now,
        );
        tracing::error!(tenant = %token.tenant(), provider, why, bytes = body.len(), "a callback that cannot be read");
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
            // Apart from the same body at an address where it can be read.
            let place = format!("unread-{}", place_of(body));
            if self.keep(token, process, &place, &entry, said).await? == Received::Kept {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The processes that a callback may be about: the one its URL was made for, else those that it mentions.
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

    /// The body to keep with a callback that cannot be had again.
    async fn body(&self, token: &VerifiedToken, process: ProcessId, body: &[u8]) -> Result<CallbackBody, Error> {
        if body.len() <= MAX_CALLBACK_TEXT_BYTES
            && let Ok(text) = std::str::from_utf8(body)
        {
            return Ok(CallbackBody::Text(Private::new(text.to_owned())));
        }
        // What is refused afterwards must not have been stored for good. What is redacted from here on is swept.
        if self.services.store.is_over(token, process, self.services.now()).await? {
            return Err(Error::CallbackOver);
        }
        let kept = self.copier.store_callback(token.tenant(), process, Bytes::copy_from_slice(body)).await;
        kept.map(CallbackBody::Object).map_err(|_| Error::Unavailable)
    }

    /// Puts a callback into the inbox of `process`; `said` is so much of its body as is evidence only.
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
            // Nothing is kept of what is about nobody.
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

/// A callback that proved where it comes from and cannot be read.
struct UnreadableCallback<'a> {
    token: &'a VerifiedToken,
    provider: &'a str,
    body: &'a [u8],
    /// What is wrong with it.
    why: &'static str,
    /// So much of its body as is evidence of its process.
    said: Option<&'a [u8]>,
}

/// Whether what names things in it is no longer than what is kept.
fn has_bounds(callback: &Callback) -> bool {
    let references = [Some(&callback.reference), callback.certificate.as_ref().map(|told| &told.reference)];
    references.into_iter().flatten().all(|reference| reference.len() <= MAX_REFERENCE)
}

/// The same callback again takes the same place in the inbox.
fn place_of(body: &[u8]) -> String {
    hex::encode(&Sha256::digest(body)[..12])
}
