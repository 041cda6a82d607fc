//! Creating a process: one write claims the request, one call goes to the provider, one transaction stores the answer.
//! Submitted pictures are stored before the first write, so that a refresh after a crash finds them.
//!
//! The process's id is derived from the idempotency key, so the first write alone decides whether the request was seen
//! before. After it nothing is lost: if this function stops, `poll-due` finds the process when its lease ends.

mod request;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Services, WAKE_TIMEOUT, answer, new_token, pictures,
    submitter::{SubmissionOutcome, Submitter},
};
use crate::{
    common::{Authority, Caller, ids::of_idempotency_key},
    deployment::Deployment,
    platform::{
        secrets::Fingerprint,
        telemetry::{self, Metric},
    },
    process::{EvidenceState, Process, ProcessId, ProcessRequest, SUBMIT_LEASE, Status},
    providers::{AccessError, Picture, Provider, Round},
    store::{ProcessRecord, StoreError, processes::Creation},
    workflow::Error,
};

/// The route, as part of the ids derived from idempotency keys.
const ROUTE: &str = "POST /processes";

/// A process that this request or an earlier one with the same key created.
#[derive(Debug)]
pub struct Created {
    pub process: Process,
    /// Whether an earlier request created it.
    pub replayed: bool,
}

pub struct CreateProcess {
    services: Services,
    submitter: Submitter,
}

impl CreateProcess {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        let services = Services::new(deployment);
        Self { submitter: Submitter::new(deployment, &services), services }
    }

    /// Creates the process in `body`: one write and, with the provider's answer, one transaction; with a key and
    /// pictures, one read before. If the provider does not answer, the process stays `submitting`.
    ///
    /// # Errors
    /// `Invalid` with every wrong field; `RefusedByProvider` with the provider's code; `InFlight` while an earlier
    /// request with the same key is in progress; `KeyReused`; `Redacted` if its process was redacted; `ProviderPaused`;
    /// `Unavailable` if nothing could be stored.
    pub async fn run(&self, caller: &Caller, mut body: Value, key: Option<&str>) -> Result<Created, Error> {
        let now = self.services.now();
        let secrets = self.services.platform.secrets.current().await?;
        let fingerprint = Fingerprint::of_body(&body, &secrets.fingerprint_keys)?;
        let inputs = pictures::take(&mut body).map_err(Error::Invalid)?;
        let mut request = request::read(&body)?;
        request.pictures = inputs.iter().map(|input| input.kind).collect();
        let tenant = caller.tenant();
        let provider = self.services.provider(caller, &request.provider).await.map_err(|error| match error {
            AccessError::NoProvider(problem) => Error::invalid_field("provider", &problem.to_string()),
            AccessError::Secrets(error) => error.into(),
        })?;
        request::check(&request, provider.as_ref(), now)?;
        let id = match key {
            Some(key) => ProcessId(of_idempotency_key(tenant, ROUTE, key)),
            None => ProcessId(self.services.entropy().uuid()),
        };
        if let Some(existing) = self.existing(caller, id, key.is_some(), &request).await? {
            return replay(existing, &fingerprint, now);
        }
        let uploads = pictures::uploads(&inputs);
        let pictures = pictures::gather(self.submitter.copier(), tenant, inputs).await?;
        let stored = pictures::store(self.submitter.copier(), tenant, id, &pictures).await?;
        let mut process = Process::new(id, tenant.clone(), request, now);
        process.uploads = uploads;
        process.take_submitted(&stored, now);
        let record = ProcessRecord::new(process, fingerprint.kept(), new_token("create", self.services.entropy()));
        match self.services.store.create(caller, &record).await? {
            // The response to our own write was lost, and the SDK wrote again.
            Creation::Existing(existing) if existing.created_by == record.created_by => {
                self.submit(caller, provider.as_ref(), record, &pictures).await
            }
            Creation::Existing(existing) => replay(*existing, &fingerprint, now),
            Creation::New => {
                telemetry::record(Metric::Created, &[("provider", &record.process.provider)], 1.0, now);
                self.submit(caller, provider.as_ref(), record, &pictures).await
            }
        }
    }

    /// The process that an earlier request with the same key created, if it must be known before the first write.
    /// Pictures are stored before that write, a redacted process must not come back, and the uploads of an earlier
    /// request may have expired. While the provider is paused, nothing new is created.
    async fn existing(
        &self,
        caller: &Caller,
        id: ProcessId,
        has_key: bool,
        request: &ProcessRequest,
    ) -> Result<Option<ProcessRecord>, Error> {
        let is_paused = self.services.is_paused(caller, &request.provider).await?;
        let existing = match has_key && (is_paused || !request.pictures.is_empty()) {
            true => self.services.store.load(caller, id).await?,
            false => None,
        };
        if is_paused && existing.is_none() {
            return Err(Error::ProviderPaused(request.provider.clone()));
        }
        Ok(existing)
    }

    async fn submit(
        &self,
        caller: &Caller,
        provider: &dyn Provider,
        record: ProcessRecord,
        pictures: &[Picture],
    ) -> Result<Created, Error> {
        let id = record.process.id;
        let learnt = self.submitter.submit(provider, &record.process, Round::First, pictures).await;
        let learnt = learnt.unwrap_or_else(|error| {
            tracing::error!(process = %id, %error, "the provider's answer could not be stored as evidence");
            SubmissionOutcome::answer_not_kept()
        });
        match self.remember(caller, provider, record.clone(), &learnt).await {
            Ok(process) => match &process.refusal {
                Some(refusal) => {
                    if process.evidence_state() == EvidenceState::Incomplete {
                        let provider = [("provider", process.provider.as_str())];
                        telemetry::record(Metric::EvidenceIncomplete, &provider, 1.0, self.services.now());
                    }
                    Err(Error::RefusedByProvider {
                        process: id,
                        provider: process.provider.clone(),
                        code: refusal.code.clone(),
                    })
                }
                None => Ok(Created { process, replayed: false }),
            },
            Err(error) => {
                // The process is stored as `submitting`; the answer confirms only that. A webhook with our id, or a
                // repeated submission if that is harmless, brings the rest.
                tracing::error!(process = %id, %error, "the provider's answer could not be stored");
                match learnt {
                    SubmissionOutcome::Refused { code, .. } => Err(Error::RefusedByProvider {
                        process: id,
                        provider: record.process.provider.clone(),
                        code: code.clone(),
                    }),
                    _ => Ok(Created { process: record.process, replayed: false }),
                }
            }
        }
    }

    /// Stores the provider's answer. If a callback came first, the newer record is loaded and changed.
    async fn remember(
        &self,
        caller: &Caller,
        provider: &dyn Provider,
        mut record: ProcessRecord,
        learnt: &SubmissionOutcome,
    ) -> Result<Process, StoreError> {
        let id = record.process.id;
        let taken = SubmissionOutcome::reference_in_use();
        let (mut learnt, mut races) = (learnt, self.services.races());
        loop {
            if record.process.redaction.is_some() {
                return Ok(record.process);
            }
            let (now, known) = (self.services.now(), record.process.unread.noted.len());
            let events = learnt.apply(&mut record.process, now);
            // The caller gets the refusal as its answer, so there is no event.
            if !matches!(learnt, SubmissionOutcome::Refused { .. }) {
                record.announce(events);
            }
            let mut next_check_at = self.services.next_check(caller, &record.process, provider, now).await?;
            // Pictures in the answer are copied by the next refresh, which is due at once.
            if record.process.evidence_state() == EvidenceState::Pending {
                let soon = now + WAKE_TIMEOUT;
                next_check_at = Some(next_check_at.map_or(soon, |at| at.min(soon)));
                record.wake_token.get_or_insert_with(|| new_token("pictures", self.services.entropy()));
            }
            record.check_again(next_check_at, now);
            if record.wake_token.is_none() && record.process.next_escalation_at().is_some() {
                record.wake_token = Some(new_token("escalate", self.services.entropy()));
            }
            let outbox_token = new_token("events", self.services.entropy());
            let commit = match learnt {
                SubmissionOutcome::Taken(..) => {
                    self.services.store.commit_reference(caller, &record, &outbox_token).await
                }
                _ => self.services.store.commit(caller, &record, &outbox_token).await,
            };
            if matches!(commit, Err(StoreError::ReferenceTaken)) {
                tracing::warn!(process = %id, "the reference belongs to another process");
                learnt = &taken;
                races.lose().await?;
            } else if races.won(commit).await? {
                answer::report_unread(&record.process, known, now);
                return Ok(record.process);
            }
            record = self.services.store.load(caller, id).await?.ok_or(StoreError::Corrupt("the process is gone"))?;
        }
    }
}

/// The answer to a repeated request with the same key.
fn replay(existing: ProcessRecord, fingerprint: &Fingerprint, now: Timestamp) -> Result<Created, Error> {
    let process = existing.process;
    if process.redaction.is_some() {
        return Err(Error::Redacted);
    }
    if !fingerprint.is(&existing.fingerprint) {
        return Err(Error::KeyReused);
    }
    if let Some(refusal) = &process.refusal {
        return Err(Error::RefusedByProvider {
            process: process.id,
            provider: process.provider.clone(),
            code: refusal.code.clone(),
        });
    }
    if process.status == Status::Submitting && process.asked_at.is_none() && now < process.submit_lease_until {
        let left = process.submit_lease_until.duration_since(now).min(SUBMIT_LEASE).as_secs();
        return Err(Error::InFlight { retry_after: u32::try_from(left).unwrap_or(0).max(1) });
    }
    Ok(Created { process, replayed: true })
}
