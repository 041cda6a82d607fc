//! Showing processes, and links to what is kept of them.

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::{ASKED, Services, WAKE_TIMEOUT, new_token};
use crate::{
    common::{
        Authority as _, Caller,
        page::{PageRequest, PageView},
    },
    deployment::Deployment,
    objects::Bucket,
    process::{Copy, EvidenceKind, Process, ProcessId},
    providers::AccessError,
    store::lists::ProcessFilter,
    workflow::Error,
};

/// A link to a piece of evidence. It opens without a key, so it is as secret as the picture.
pub struct EvidenceLink {
    /// The piece.
    pub id: Uuid,
    /// What it shows.
    pub kind: EvidenceKind,
    /// The link.
    pub url: String,
    /// Until when it opens.
    pub expires_at: jiff::Timestamp,
}

/// How a company is.
#[derive(serde::Serialize)]
pub struct Health {
    /// Its name.
    provider: &'static str,
    /// Whether it answers and knows the account.
    healthy: bool,
    /// What is wrong otherwise, as a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<&'static str>,
}

/// The use case.
pub struct QueryStatus {
    services: Services,
    bucket: Bucket,
}

impl QueryStatus {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        let bucket = Bucket::new(deployment.platform.aws.s3.clone(), deployment.platform.config.bucket.clone());
        Self { services: Services::new(deployment), bucket }
    }

    /// One process as it stands. With `refresh` it is also looked at anew, which takes a moment: what is returned is the
    /// state before that. One request either way.
    ///
    /// # Errors
    /// 404 where the caller's tenant has no such process.
    pub async fn get(&self, caller: &Caller, id: ProcessId, refresh: bool) -> Result<Process, Error> {
        let record = if refresh {
            let until = self.services.now() + WAKE_TIMEOUT;
            self.services.store.wake(caller, id, &new_token(ASKED, self.services.entropy()), until).await?
        } else {
            self.services.store.load(caller, id).await?
        };
        record.map(|record| record.process).ok_or(Error::NotFound("process"))
    }

    /// A page of the caller's processes, newest first.
    ///
    /// # Errors
    /// 503.
    pub async fn list(
        &self,
        caller: &Caller,
        filter: &ProcessFilter,
        request: &PageRequest,
    ) -> Result<PageView<Value>, Error> {
        let page = self.services.store.list_processes(caller, filter, request, self.services.now()).await?;
        let mut filters = Vec::new();
        filters.extend(filter.status.map(|status| ("status", status.as_str())));
        filters.extend(filter.provider.as_deref().map(|provider| ("provider", provider)));
        Ok(PageView::new("/processes", &filters, request, page))
    }

    /// Asks a company whether it answers and knows the caller's account.
    ///
    /// # Errors
    /// 404 where the caller has no account at such a company, or it cannot be asked that.
    pub async fn ping(&self, caller: &Caller, provider: &str) -> Result<Health, Error> {
        let cannot_be_asked = Error::NotFound("provider that can be asked");
        let connector = match self.services.provider(caller, provider).await {
            Ok(connector) if connector.capabilities().ping => connector,
            Ok(_) | Err(AccessError::NoProvider(_)) => return Err(cannot_be_asked),
            Err(AccessError::Secrets(error)) => return Err(error.into()),
        };
        let trouble = connector.ping(self.services.now()).await.err().map(|error| error.code());
        Ok(Health { provider: self.services.providers.known(provider), healthy: trouble.is_none(), trouble })
    }

    /// A link to a piece of evidence that works for `minutes`. Who got it is logged.
    ///
    /// # Errors
    /// 404 where there is no such piece, 409 where it is not stored.
    pub async fn link(
        &self,
        caller: &Caller,
        id: ProcessId,
        evidence: Uuid,
        minutes: u64,
    ) -> Result<EvidenceLink, Error> {
        let process = self.get(caller, id, false).await?;
        if process.redaction.is_some() {
            return Err(Error::Redacted);
        }
        let piece = process.evidence.iter().find(|piece| piece.id == evidence);
        let piece = piece.ok_or(Error::NotFound("evidence"))?;
        let Copy::Stored(copy) = &piece.copy else { return Err(Error::EvidenceNotStored) };
        let life = Duration::from_secs(minutes * 60);
        let url = self.bucket.presign_get(&copy.key, life, None).await.map_err(|_| Error::Unavailable)?;
        let expires_at = self.services.now() + life;
        tracing::info!(
            tenant = %caller.tenant(), key = caller.key_id(), process = %id, %evidence, until = %expires_at,
            "evidence link issued",
        );
        Ok(EvidenceLink { id: piece.id, kind: piece.kind, url, expires_at })
    }
}
