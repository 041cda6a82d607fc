//! Copying pictures from a provider's links into the bucket.
//!
//! A picture is read completely, checked and hashed, then written with one request. So there is never half an object,
//! and copying the same picture again changes nothing. At most three pictures are copied at a time and at most 32 MiB
//! are held, for all tasks together. The caller asks for fresh links and tries later; [`CopyError`] says which of
//! them may help.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join_all;
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use super::{
    CopyError, MAX_VIDEO_BYTES,
    budget::Budget,
    fetch::{Picture, fetch},
};
use crate::{
    common::TenantId,
    objects::{Bucket, ObjectKey, RawForm},
    platform::http::{UrlGuard, guarded_client},
    process::{EvidenceKind, ProcessId},
};

/// The limits of a copy.
pub(super) struct Limits {
    /// The time limit for reading one picture, both tries together, without waiting for memory.
    pub(super) picture_time: Duration,
    /// The time limit for reading and storing one video, without waiting for memory.
    pub(super) video_time: Duration,
    /// How long a video may send nothing.
    pub(super) stall_time: Duration,
    pub(super) video_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            picture_time: Duration::from_secs(20),
            video_time: Duration::from_secs(600),
            stall_time: Duration::from_secs(20),
            video_bytes: MAX_VIDEO_BYTES,
        }
    }
}

/// A picture to copy. It cannot be printed, because its link is a secret while it lives.
pub struct Media {
    pub kind: EvidenceKind,
    /// The person's attempt, from 1; 0 where it belongs to none.
    pub attempt: u32,
    pub url: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub key: String,
    pub bytes: u64,
    /// In lower-case hex.
    pub sha256: String,
    /// The media type, found in the bytes.
    pub content_type: &'static str,
}

/// Copies media. Clones share one HTTP client and one memory budget.
#[derive(Clone)]
pub struct Copier {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) bucket: Bucket,
    allow_loopback: bool,
    pub(super) limits: Limits,
    client: OnceLock<reqwest::Client>,
    pub(super) budget: Budget,
}

impl Shared {
    pub(super) fn client(&self) -> &reqwest::Client {
        self.client.get_or_init(|| guarded_client(self.allow_loopback))
    }

    /// Guards the links.
    pub(super) fn guard(&self, hosts: &[String]) -> UrlGuard {
        UrlGuard::new(hosts, self.allow_loopback)
    }
}

impl Copier {
    /// Copies into `bucket`; with `allow_loopback`, for local systems, also from this machine. The HTTP client is
    /// built on first use.
    #[must_use]
    pub fn new(bucket: Bucket, allow_loopback: bool) -> Self {
        Self::with_limits(bucket, allow_loopback, Limits::default())
    }

    pub(super) fn with_limits(bucket: Bucket, allow_loopback: bool, limits: Limits) -> Self {
        let (client, budget) = (OnceLock::new(), Budget::new());
        Self { shared: Arc::new(Shared { bucket, allow_loopback, limits, client, budget }) }
    }

    /// Copies every picture of `media` from one of the exact `hosts`; returns the results in the same order.
    pub async fn copy_all(
        &self,
        tenant: &TenantId,
        process: ProcessId,
        hosts: &[String],
        media: Vec<Media>,
    ) -> Vec<Result<Stored, CopyError>> {
        let guard = self.shared.guard(hosts);
        join_all(media.iter().map(|media| self.copy(tenant, process, &guard, media))).await
    }

    /// Stores a provider's raw answer. The caller holds the bytes already, so they are not counted in the budget.
    ///
    /// # Errors
    /// Only [`CopyError::Store`].
    pub async fn store_raw(&self, tenant: &TenantId, process: ProcessId, body: Bytes) -> Result<Stored, CopyError> {
        let sha256 = Sha256::digest(&body).into();
        let key = ObjectKey::Raw { tenant, process, sha256, form: RawForm::of(&body) };
        self.store(&key, body, sha256).await
    }

    async fn copy(
        &self,
        tenant: &TenantId,
        process: ProcessId,
        guard: &UrlGuard,
        media: &Media,
    ) -> Result<Stored, CopyError> {
        let Media { kind, attempt, ref url } = *media;
        let mut host = None;
        let copied = async {
            let url = guard.check(url)?;
            host = url.host_str().map(str::to_owned);
            // Held until the bytes are stored and dropped.
            let _permit = self.shared.budget.take().await.ok_or(CopyError::Unavailable)?;
            let Picture { bytes, sha256, format } = self.fetch(url).await?;
            let key = ObjectKey::Evidence { tenant, process, kind, attempt, sha256, format };
            self.store(&key, bytes, sha256).await
        }
        .await;
        if let Err(error) = copied {
            let (kind, reason) = (kind.as_str(), error.code());
            tracing::warn!(%tenant, %process, kind, attempt, host, reason, "picture not copied");
        }
        copied
    }

    /// Tries again at once after an error that may be over already.
    async fn fetch(&self, url: url::Url) -> Result<Picture, CopyError> {
        let client = self.shared.client();
        let both_tries = async {
            match fetch(client, url.clone()).await {
                Err(error) if error.is_transient() => fetch(client, url).await,
                other => other,
            }
        };
        timeout(self.shared.limits.picture_time, both_tries).await.unwrap_or(Err(CopyError::Unavailable))
    }

    pub(super) async fn store(&self, key: &ObjectKey<'_>, body: Bytes, sha256: [u8; 32]) -> Result<Stored, CopyError> {
        let bytes = body.len() as u64;
        self.shared.bucket.put_new(key, body, sha256).await.map_err(|_| CopyError::Store)?;
        Ok(Stored { key: key.to_string(), bytes, sha256: hex::encode(sha256), content_type: key.content_type() })
    }

    /// The most bytes that pictures and videos ever reserved at once.
    #[cfg(test)]
    pub(super) fn most_taken(&self) -> usize {
        self.shared.budget.most_taken()
    }
}
