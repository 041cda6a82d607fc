//! Shows processes, and creates links to their evidence.

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
    store::lists::ProcessFilter,
    workflow::Error,
};

/// A link to a piece of evidence. It opens without a key, so it is as confidential as the evidence.
pub struct EvidenceLink {
    /// The id of the evidence.
    pub id: Uuid,
    pub kind: EvidenceKind,
    pub url: String,
    /// When the link expires.
    pub expires_at: jiff::Timestamp,
}

/// The health of a provider.
#[derive(serde::Serialize)]
pub struct Health {
    provider: &'static str,
    /// Whether the provider answers and knows the account.
    healthy: bool,
    /// The failure otherwise, as a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<&'static str>,
}

pub struct QueryStatus {
    services: Services,
    bucket: Bucket,
}

impl QueryStatus {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        let bucket = Bucket::of(&deployment.platform);
        Self { services: Services::new(deployment), bucket }
    }

    /// One process. With `refresh`, a refresh starts too; the returned state is the one before it. One request in both
    /// cases.
    ///
    /// # Errors
    /// `NotFound` if the tenant has no such process.
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
    /// `Unavailable` if the store fails.
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

    /// Checks whether a provider answers and knows the caller's account.
    ///
    /// # Errors
    /// `NotFound` if the caller has no account at this provider, or the provider has no such check.
    pub async fn ping(&self, caller: &Caller, provider: &str) -> Result<Health, Error> {
        let connector = self.services.usable_provider(caller, provider).await?;
        let connector = connector.filter(|connector| connector.capabilities().ping);
        let connector = connector.ok_or(Error::NotFound("provider with a health check"))?;
        let trouble = connector.ping(self.services.now()).await.err().map(|error| error.code());
        Ok(Health { provider: self.services.providers.known(provider), healthy: trouble.is_none(), trouble })
    }

    /// A link to a piece of evidence that works for `minutes`. The caller is logged.
    ///
    /// # Errors
    /// `NotFound` if there is no such evidence, `EvidenceNotStored` if it is not stored.
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
