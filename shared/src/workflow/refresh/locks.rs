//! Locks a process's objects while it is on legal hold.

use super::{Progress, RefreshProcess};
use crate::{
    objects::ObjectKey,
    platform::{
        clock::in_time,
        telemetry::{self, Metric},
    },
    process::{LockStep, Process},
};

impl RefreshProcess {
    /// Locks the process's objects while it is on hold, and unlocks them afterwards, as far as there is time. The rest
    /// is due at once; a repeat is harmless.
    pub(super) async fn update_locks(&self, process: &mut Process, progress: &mut Progress) {
        let Some(step) = process.lock_step(self.services.now()) else { return };
        if !self.has_time(progress.end) {
            return;
        }
        process.locking();
        progress.locked = true;
        let prefix = ObjectKey::process_prefix(&process.tenant, process.id);
        let hold = self.bucket.hold_all(&prefix, step == LockStep::Lock);
        let now = match in_time(self.clock(), progress.end, hold).await {
            Some(Ok(objects)) => {
                tracing::info!(tenant = %process.tenant, process = %process.id, ?step, objects, "locks");
                self.services.now()
            }
            // The rest of the refresh continues.
            Some(Err(_)) | None => {
                tracing::error!(tenant = %process.tenant, process = %process.id, ?step, "locks not changed");
                telemetry::record(Metric::RecordFailed, &[], 1.0, self.services.now());
                return;
            }
        };
        match step {
            LockStep::Lock => process.locked(now),
            LockStep::Unlock => process.unlocked(now),
        }
    }
}
