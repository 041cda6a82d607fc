//! Storing the decision of a customer's own reviewer on a process in review.

use serde::Deserialize;
use serde_json::Value;

use super::{Services, new_token};
use crate::{
    common::{Authority as _, Caller, Private, shape::shape},
    deployment::Deployment,
    process::{Decision, MAX_REASON_CHARS, Process, ProcessId, Verdict},
    workflow::Error,
};

/// The body of `POST /processes/{id}/decision`.
#[derive(Deserialize)]
struct Ruling {
    decision: Verdict,
    reason: Private<String>,
}

pub struct DecideProcess(Services);

impl DecideProcess {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        Self(Services::new(deployment))
    }

    /// Decides process `id` as `body` says. One read and one write; one more of each for a lost race.
    ///
    /// # Errors
    /// `NotFound` if the tenant has no such process, `NotInReview` if it is not in review, `Invalid` with the wrong
    /// field.
    pub async fn run(&self, caller: &Caller, id: ProcessId, body: &Value) -> Result<Process, Error> {
        let ruling: Ruling = shape(body, "")?;
        let length = ruling.reason.expose().trim().chars().count();
        if !(1..=MAX_REASON_CHARS).contains(&length) {
            return Err(Error::invalid_field("reason", "must have 1 to 500 characters"));
        }
        let mut races = self.0.races();
        loop {
            let record = self.0.store.load(caller, id).await?;
            let mut record = record.ok_or(Error::NotFound("process"))?;
            if record.process.redaction.is_some() {
                return Err(Error::Redacted);
            }
            let now = self.0.now();
            let decision = Decision {
                verdict: ruling.decision,
                reason: ruling.reason.clone(),
                decided_by: caller.actor(),
                decided_at: now,
            };
            let events = record.process.decide(decision).map_err(|_| Error::NotInReview)?;
            if events.is_empty() {
                return Ok(record.process);
            }
            record.announce(events);
            // Without the provider the next check cannot be planned; the existing plan stays.
            if let Some(provider) = self.0.usable_provider(caller, &record.process.provider).await? {
                let next_check_at = self.0.next_check(caller, &record.process, provider.as_ref(), now).await?;
                record.check_again(next_check_at, now);
            }
            let commit = self.0.store.commit(caller, &record, &new_token("events", self.0.entropy())).await;
            if races.won(commit).await? {
                tracing::info!(tenant = %caller.tenant(), process = %id, key = caller.key_id(), "decided");
                return Ok(record.process);
            }
        }
    }
}
