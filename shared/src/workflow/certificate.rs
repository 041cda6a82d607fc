//! Returns a certificate, and fetches it from the provider if it is not stored yet.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    InfraError, Services,
    answer::{self, copy_of},
    new_token,
    submitter::Submitter,
};
use crate::{
    common::{Authority as _, Caller},
    deployment::Deployment,
    evidence::{Copier, CopyError},
    objects::Bucket,
    platform::telemetry,
    process::{Certificate, CertificateFetch, CertificateState, Event, ObservedMedia, Process, ProcessId, StoredCopy},
    providers::{Provider, ProviderError},
    workflow::Error,
};

/// The largest certificate sent in the response itself, in bytes. Lambda allows 6 MB, and base64 adds a third.
const MAX_INLINE_BYTES: u64 = 4 << 20;
/// When the client should retry while the certificate is not ready.
const COME_BACK_AFTER_SECONDS: u32 = 30;

pub enum Given {
    /// A link that opens without a key, and the time it expires.
    Link(String, Timestamp),
    /// The content of the certificate.
    Bytes(Bytes),
    /// The certificate is not ready, or could not be fetched yet: retry after this many seconds.
    NotYet(u32),
}

pub struct FetchCertificate {
    services: Services,
    bucket: Bucket,
    submitter: Submitter,
}

impl FetchCertificate {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        let services = Services::new(deployment);
        let submitter = Submitter::new(deployment, &services);
        let bucket = Bucket::of(&deployment.platform);
        Self { services, bucket, submitter }
    }

    /// The certificate of process `id`, as a link that works for `minutes` or, with `download`, as its content. One
    /// read if it is stored; a certificate that the provider announced is fetched now.
    ///
    /// # Errors
    /// `NotFound` if the tenant has no such process, `NoCertificate` if the process has none, `Redacted` if the process
    /// was redacted.
    pub async fn run(&self, caller: &Caller, id: ProcessId, minutes: u64, download: bool) -> Result<Given, Error> {
        let record = self.services.store.load(caller, id).await?;
        let process = record.ok_or(Error::NotFound("process"))?.process;
        if process.redaction.is_some() {
            return Err(Error::Redacted);
        }
        let certificate = process.certificate.as_ref().ok_or(Error::NoCertificate)?;
        match &certificate.state {
            CertificateState::Stored(copy) => self.give(caller, id, copy, minutes, download).await,
            CertificateState::Failed { .. } | CertificateState::Redacted { .. } => Err(Error::NoCertificate),
            CertificateState::Pending { announced: false, .. } => Ok(Given::NotYet(COME_BACK_AFTER_SECONDS)),
            CertificateState::Pending { .. } => match self.fetch_now(caller, &process).await? {
                Some(copy) => self.give(caller, id, &copy, minutes, download).await,
                None => Ok(Given::NotYet(COME_BACK_AFTER_SECONDS)),
            },
        }
    }

    async fn give(
        &self,
        caller: &Caller,
        id: ProcessId,
        copy: &StoredCopy,
        minutes: u64,
        download: bool,
    ) -> Result<Given, Error> {
        let until = self.services.now() + Duration::from_secs(minutes * 60);
        tracing::info!(
            tenant = %caller.tenant(), key = caller.key_id(), process = %id, download, %until, "certificate given out",
        );
        if download && copy.bytes <= MAX_INLINE_BYTES {
            let bytes = self.bucket.get(&copy.key, MAX_INLINE_BYTES as usize).await;
            return bytes.map(Given::Bytes).map_err(|_| Error::Unavailable);
        }
        let life = Duration::from_secs(minutes * 60);
        let name = format!("certificate-{id}.pdf");
        let link = self.bucket.presign_get(&copy.key, life, Some(&name)).await.map_err(|_| Error::Unavailable)?;
        Ok(Given::Link(link, until))
    }

    /// Fetches the certificate that the provider announced, and stores it.
    async fn fetch_now(&self, caller: &Caller, process: &Process) -> Result<Option<StoredCopy>, Error> {
        let provider = self.services.usable_provider(caller, &process.provider).await?;
        let Some(provider) = provider else { return Ok(None) };
        if self.services.is_paused(caller, &process.provider).await? {
            return Ok(None);
        }
        let fetched = fetch(&self.services, self.submitter.copier(), provider.as_ref(), process).await;
        let Some(fetched) = fetched.map_err(|_| Error::Unavailable)? else { return Ok(None) };
        let mut races = self.services.races();
        loop {
            let Some(mut record) = self.services.store.load(caller, process.id).await? else { return Ok(None) };
            if record.process.redaction.is_some() {
                return Err(Error::Redacted);
            }
            let now = self.services.now();
            let event = fetched.apply(&mut record.process, now);
            record.announce(event);
            let next_check_at = self.services.next_check(caller, &record.process, provider.as_ref(), now).await?;
            record.check_again(next_check_at, now);
            let commit =
                self.services.store.commit(caller, &record, &new_token("events", self.services.entropy())).await;
            if races.won(commit).await? {
                break;
            }
        }
        Ok(match fetched.fetch {
            CertificateFetch::Stored(copy) => Some(copy),
            _ => None,
        })
    }
}

/// The result of fetching a certificate.
pub(super) struct Fetched {
    reference: String,
    fetch: CertificateFetch,
    /// The provider's response instead of a certificate, if it is new.
    said: Option<ObservedMedia>,
}

impl Fetched {
    /// The result when there was no time to wait for the provider.
    pub(super) fn out_of_time(process: &Process) -> Option<Self> {
        let reference = process.certificate.as_ref()?.reference.clone();
        let fetch = CertificateFetch::Failed { reason: "unavailable".to_owned(), provider_code: None };
        Some(Self { reference, fetch, said: None })
    }

    /// Applies the result to the process.
    pub(super) fn apply(&self, process: &mut Process, now: Timestamp) -> Option<Event> {
        if let Some(said) = &self.said {
            process.keep_said(said, now);
        }
        process.certificate_fetched(&self.reference, &self.fetch, now)
    }
}

/// Fetches and stores the certificate of `process` now, without regard to its planned time. `None` if the process has
/// no certificate to fetch.
///
/// # Errors
/// The bucket fails.
pub(super) async fn fetch(
    services: &Services,
    copier: &Copier,
    provider: &dyn Provider,
    process: &Process,
) -> Result<Option<Fetched>, InfraError> {
    let pending = |certificate: &&Certificate| certificate.next_try_at().is_some();
    let Some(certificate) = process.certificate.as_ref().filter(pending) else { return Ok(None) };
    let asked_at = services.now();
    let answer = provider.certificate(&certificate.reference, asked_at).await;
    // A certificate that is not ready is not a provider failure.
    let trouble = answer.as_ref().err().filter(|error| !matches!(error, ProviderError::NotFound { .. }));
    telemetry::record_call(&process.provider, trouble.map(ProviderError::code), asked_at, services.now());
    let said = match trouble.and_then(|error| Some((error.detail(), error.said()?))) {
        Some((detail, said)) if certificate.trouble.is_news(&detail) => {
            Some(answer::keep_said(copier, process, said, services.now()).await?)
        }
        _ => None,
    };
    let fetch = match answer {
        Ok(pdf) => match copier.store_certificate(&process.tenant, process.id, pdf).await {
            Ok(stored) => CertificateFetch::Stored(copy_of(stored)),
            Err(CopyError::Store) => return Err(InfraError::Bucket),
            Err(error) => CertificateFetch::Failed { reason: error.code().to_owned(), provider_code: None },
        },
        Err(ProviderError::NotFound { .. }) => CertificateFetch::NotYet,
        Err(error) => {
            let (reason, provider_code) = (error.code().to_owned(), error.provider_code().map(str::to_owned));
            CertificateFetch::Failed { reason, provider_code }
        }
    };
    if let CertificateFetch::Failed { reason, .. } = &fetch {
        tracing::warn!(process = %process.id, provider = process.provider, reason, "certificate not fetched");
    }
    Ok(Some(Fetched { reference: certificate.reference.clone(), fetch, said }))
}
