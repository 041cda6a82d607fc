//! Redaction: by the tenant's retention, and the removal of a redacted process's objects from the bucket.

use jiff::Timestamp;

use super::{super::attempt::redact_deliveries, InfraError, RefreshProcess, new_token};
use crate::{
    common::Actor,
    objects::ObjectKey,
    process::EvidenceKind,
    store::{ProcessRecord, keys::OwnKey},
};

impl RefreshProcess {
    /// Redacts a process whose retention is over, and removes the objects of a redacted one. Returns whether it is
    /// redacted; then the refresh has nothing else to do.
    pub(super) async fn erase(&self, key: &OwnKey, record: &mut ProcessRecord) -> Result<bool, InfraError> {
        let now = self.services.now();
        if record.process.redaction.is_some() {
            self.sweep(key, record, now).await?;
            return Ok(true);
        }
        let retention = self.services.retention(key, &record.process).await?;
        let is_over = record.process.retained_until(retention).is_some_and(|end| end <= now);
        if !is_over || record.redact(&Actor::retention(), now).is_err() {
            return Ok(false);
        }
        tracing::info!(tenant = %record.process.tenant, process = %key.id, "redacted: the retention is over");
        record.wake_token = Some(new_token("redact", self.services.entropy()));
        Ok(true)
    }

    /// Removes the objects of a redacted process, if this is due.
    async fn sweep(&self, key: &OwnKey, record: &mut ProcessRecord, now: Timestamp) -> Result<(), InfraError> {
        let process = &mut record.process;
        record.inbox.clear();
        if process.next_sweep_at().is_some_and(|at| at <= now) {
            let uploads = process.uploads.iter().map(|id| ObjectKey::upload_prefix(&process.tenant, *id));
            let mut prefixes = vec![ObjectKey::process_prefix(&process.tenant, process.id)];
            prefixes.extend(uploads);
            let mut removed = 0;
            for prefix in prefixes {
                removed += self.bucket.delete_all(&prefix).await.map_err(|_| InfraError::Bucket)?;
            }
            for piece in process.evidence.iter().filter(|piece| piece.kind == EvidenceKind::Video) {
                self.services.store.forget_long_copy(key, piece.id).await?;
            }
            let deliveries = redact_deliveries(&self.services, key).await?;
            tracing::info!(tenant = %process.tenant, process = %process.id, removed, deliveries, "swept");
            process.swept(self.services.now());
        }
        let next = process.next_sweep_at();
        record.check_again(next, now);
        Ok(())
    }
}
