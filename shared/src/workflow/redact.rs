//! Redacting a process, and the legal hold that prevents it. One write redacts the item at once; `run-work` removes the
//! objects in the bucket later.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{Services, new_token};
use crate::{
    common::{Authority as _, Caller, shape::shape, values::time},
    deployment::Deployment,
    process::{Process, ProcessId},
    store::ProcessRecord,
    workflow::Error,
};

#[derive(Deserialize)]
struct Hold {
    /// The field is required even if null, so that an omitted field does not lift a hold.
    #[serde(deserialize_with = "time::optional")]
    until: Option<Timestamp>,
}

pub struct RedactProcess(Services);

impl RedactProcess {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        Self(Services::new(deployment))
    }

    /// Removes all personal data from process `id`. One read and one write; one more of each for a lost race.
    ///
    /// # Errors
    /// `NotFound` if the tenant has no such process, `OnLegalHold` while it is on hold.
    pub async fn run(&self, caller: &Caller, id: ProcessId) -> Result<Process, Error> {
        let now = self.0.now();
        let redacted = self.change(caller, id, |record| {
            record.redact(&caller.actor(), now).map_err(|hold| Error::OnLegalHold(hold.until))?;
            record.wake_token = Some(new_token("redact", self.0.entropy()));
            Ok(())
        });
        let process = redacted.await?;
        tracing::info!(tenant = %caller.tenant(), process = %id, key = caller.key_id(), "redacted");
        Ok(process)
    }

    /// Sets or lifts the legal hold of process `id`. One read and one write.
    ///
    /// # Errors
    /// `NotFound` as in [`Self::run`], `Redacted` if it was redacted, `Invalid` with the wrong field.
    pub async fn hold(&self, caller: &Caller, id: ProcessId, body: &Value) -> Result<Process, Error> {
        let hold: Hold = shape(body, "")?;
        if hold.until.is_some_and(|until| until <= self.0.now()) {
            return Err(Error::invalid_field("until", "must be in the future, or null for no hold"));
        }
        let held = self.change(caller, id, |record| {
            record.process.hold(hold.until, &caller.actor(), self.0.now());
            // The hold may change the end of the retention: the refresh plans it again.
            record.wake_token.get_or_insert_with(|| new_token("hold", self.0.entropy()));
            Ok(())
        });
        let process = held.await?;
        if process.redaction.is_some() { Err(Error::Redacted) } else { Ok(process) }
    }

    /// Loads the process, changes it unless it was redacted, and stores it; retries after a lost race.
    async fn change(
        &self,
        caller: &Caller,
        id: ProcessId,
        change: impl Fn(&mut ProcessRecord) -> Result<(), Error>,
    ) -> Result<Process, Error> {
        let mut races = self.0.races();
        loop {
            let record = self.0.store.load(caller, id).await?;
            let mut record = record.ok_or(Error::NotFound("process"))?;
            if record.process.redaction.is_some() {
                return Ok(record.process);
            }
            change(&mut record)?;
            let commit = self.0.store.commit(caller, &record, &new_token("events", self.0.entropy())).await;
            if races.won(commit).await? {
                return Ok(record.process);
            }
        }
    }
}
