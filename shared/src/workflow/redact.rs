//! Redacting a process: its item by one write, at once; what is in the bucket by `run-work`, in the background.

use super::{MAX_RACES, Means, fresh};
use crate::{
    api::{ApiError, Authority as _, Caller},
    platform::Platform,
    process::{Process, ProcessId},
    store::StoreError,
};

/// The use case.
pub struct RedactProcess(Means);

impl RedactProcess {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self(Means::new(platform))
    }

    /// Empties process `id` of everything about the person. One read and one write, and one of each more for a lost race.
    ///
    /// # Errors
    /// 404 where the caller's tenant has no such process, 409 while it is on legal hold.
    pub async fn run(&self, caller: &Caller, id: ProcessId) -> Result<Process, ApiError> {
        for _ in 0..MAX_RACES {
            let record = self.0.store.load(caller, id).await?;
            let mut record = record.ok_or_else(|| ApiError::not_found("process"))?;
            if record.process.redaction.is_some() {
                return Ok(record.process);
            }
            let now = self.0.now();
            record.redact(caller.key_id(), now).map_err(|hold| ApiError::on_legal_hold(hold.until))?;
            record.wish = Some(fresh("redact", self.0.entropy()));
            match self.0.store.commit(caller, &record, &fresh("events", self.0.entropy())).await {
                Ok(()) => {
                    tracing::info!(tenant = %caller.tenant(), process = %id, key = caller.key_id(), "redacted");
                    return Ok(record.process);
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ApiError::unavailable())
    }
}
