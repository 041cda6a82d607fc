//! Redacting a process, and keeping it from being redacted: its item by one write, at once; what is in the bucket by
//! `run-work`, in the background.

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

/// The body of `PUT /processes/{id}/legal-hold`.
#[derive(Deserialize)]
struct Hold {
    /// Must be there even where it is null: a hold is not lifted by leaving something out.
    #[serde(deserialize_with = "time::optional")]
    until: Option<Timestamp>,
}

/// The use case.
pub struct RedactProcess(Services);

impl RedactProcess {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        Self(Services::new(deployment))
    }

    /// Empties process `id` of everything about the person. One read and one write, and one of each more for a lost race.
    ///
    /// # Errors
    /// 404 where the caller's tenant has no such process, 409 while it is on legal hold.
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

    /// Sets until when process `id` must not be redacted, or that it may be. One read and one write.
    ///
    /// # Errors
    /// 404 likewise, 410 where it was redacted, 422 naming the field.
    pub async fn hold(&self, caller: &Caller, id: ProcessId, body: &Value) -> Result<Process, Error> {
        let hold: Hold = shape(body, "")?;
        if hold.until.is_some_and(|until| until <= self.0.now()) {
            return Err(Error::invalid_field("until", "must be in the future, or null for no hold"));
        }
        let held = self.change(caller, id, |record| {
            record.process.hold(hold.until, &caller.actor(), self.0.now());
            // The end of a retention may have to wait, or not any more: whoever looks next plans anew.
            record.wake_token.get_or_insert_with(|| new_token("hold", self.0.entropy()));
            Ok(())
        });
        let process = held.await?;
        if process.redaction.is_some() { Err(Error::Redacted) } else { Ok(process) }
    }

    /// Loads the process, changes it unless it was redacted, and stores it; anew for a lost race.
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
