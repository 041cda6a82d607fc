//! Storing what came without a link (pictures that a customer submits, certificates, callbacks), and reading it back.
//!
//! The checks are those of a copy from a link: the format is found in the bytes, and the file must be complete. The
//! caller holds the bytes already, so they are not counted in the budget.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Copier, CopyError, MAX_PICTURE_BYTES, Stored};
use crate::{
    common::TenantId,
    objects::{MediaFormat, ObjectKey},
    process::{EvidenceKind, ProcessId, certificate::MAX_CERTIFICATE_BYTES},
};

/// The formats that the providers accept.
const SUBMITTED_FORMATS: [MediaFormat; 3] = [MediaFormat::Jpeg, MediaFormat::Png, MediaFormat::Pdf];

/// The attempt of submitted pictures.
const SUBMITTED_ATTEMPT: u32 = 1;

impl Copier {
    /// Stores a picture that the customer submitted.
    ///
    /// # Errors
    /// [`CopyError::TooLarge`], [`CopyError::NotMedia`] for anything but JPEG, PNG and PDF, [`CopyError::CutOff`] and
    /// [`CopyError::Store`].
    pub async fn store_submitted(
        &self,
        tenant: &TenantId,
        process: ProcessId,
        kind: EvidenceKind,
        body: Bytes,
    ) -> Result<Stored, CopyError> {
        let format = judge(&body, MAX_PICTURE_BYTES, &SUBMITTED_FORMATS)?;
        let sha256 = Sha256::digest(&body).into();
        let key = ObjectKey::Evidence { tenant, process, kind, attempt: SUBMITTED_ATTEMPT, sha256, format };
        self.store(&key, body, sha256).await
    }

    /// Stores a provider's certificate.
    ///
    /// # Errors
    /// [`CopyError::TooLarge`], [`CopyError::NotMedia`] for anything but PDF, [`CopyError::CutOff`] and
    /// [`CopyError::Store`].
    pub async fn store_certificate(
        &self,
        tenant: &TenantId,
        process: ProcessId,
        pdf: Bytes,
    ) -> Result<Stored, CopyError> {
        judge(&pdf, MAX_CERTIFICATE_BYTES, &[MediaFormat::Pdf])?;
        let sha256 = Sha256::digest(&pdf).into();
        self.store(&ObjectKey::Certificate { tenant, process, sha256 }, pdf, sha256).await
    }

    /// Stores a callback's raw body; returns its key.
    ///
    /// # Errors
    /// Only [`CopyError::Store`].
    pub async fn store_callback(
        &self,
        tenant: &TenantId,
        process: ProcessId,
        body: Bytes,
    ) -> Result<String, CopyError> {
        let sha256 = Sha256::digest(&body).into();
        let stored = self.store(&ObjectKey::CallbackBody { tenant, process, sha256 }, body, sha256).await?;
        Ok(stored.key)
    }

    /// Reads a file that the customer uploaded, of at most [`MAX_PICTURE_BYTES`].
    ///
    /// # Errors
    /// [`CopyError::NotFound`] if nothing was uploaded under `id`, [`CopyError::TooLarge`] and [`CopyError::Store`].
    pub async fn read_upload(&self, tenant: &TenantId, id: Uuid) -> Result<Bytes, CopyError> {
        self.read(&ObjectKey::Upload { tenant, id }.to_string(), MAX_PICTURE_BYTES).await
    }

    /// Reads the object `key`, of at most `max` bytes.
    ///
    /// # Errors
    /// [`CopyError::NotFound`], [`CopyError::TooLarge`] and [`CopyError::Store`].
    pub async fn read(&self, key: &str, max: usize) -> Result<Bytes, CopyError> {
        self.shared.bucket.get(key, max).await.map_err(CopyError::of_reading)
    }
}

/// The format of a complete file of at most `max` bytes; it must be one of `formats`.
fn judge(body: &[u8], max: usize, formats: &[MediaFormat]) -> Result<MediaFormat, CopyError> {
    if body.len() > max {
        return Err(CopyError::TooLarge);
    }
    let format = MediaFormat::of(body).filter(|format| formats.contains(format)).ok_or(CopyError::NotMedia)?;
    if format.is_whole(body) { Ok(format) } else { Err(CopyError::CutOff) }
}
