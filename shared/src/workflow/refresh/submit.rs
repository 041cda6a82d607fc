//! Submissions after the creation: a repeated first one, and the second one to the provider's reviewers.

use jiff::Timestamp;

use super::{Claim, InfraError, Progress, RefreshProcess, SubmissionOutcome, new_token};
use crate::{
    platform::clock::in_time,
    process::{EscalationOutcome, Event, Observation, Process, Status},
    providers::{Provider, Round},
    store::{ProcessRecord, keys::OwnKey},
};

impl RefreshProcess {
    /// Repeats the submission of a process without a reference, after the lease and only if a repeat is harmless, and
    /// applies the answer. A separate write claims the right to do so: after a crash, no other run may submit again. If
    /// the response to that write was lost, the run recognises its own claim and uses it.
    pub(super) async fn submit_again(
        &self,
        key: &OwnKey,
        record: &mut ProcessRecord,
        provider: &dyn Provider,
        wake_token: &str,
        progress: &mut Progress,
    ) -> Result<Vec<Event>, InfraError> {
        if record.process.provider_reference.is_some() {
            return Ok(Vec::new());
        }
        let is_wanted = record.process.status == Status::Submitting && progress.submission.is_none();
        if is_wanted && self.claim_submission(key, record, provider, wake_token, progress).await? {
            let never_arrived = progress.claim.as_ref().is_some_and(|claim| claim.never_arrived);
            let outcome = self.submit(provider, &record.process, Round::First, progress.end).await?;
            progress.submission = Some(if never_arrived { outcome } else { outcome.of_repetition() });
        }
        Ok(match &progress.submission {
            None => Vec::new(),
            Some(SubmissionOutcome::Taken(..)) if progress.reference_is_taken => {
                SubmissionOutcome::reference_in_use().apply(&mut record.process, self.services.now())
            }
            Some(outcome) => outcome.apply(&mut record.process, self.services.now()),
        })
    }

    /// Claims the right to repeat the submission, and returns whether this run has it. One write, or none if it already
    /// has it.
    async fn claim_submission(
        &self,
        key: &OwnKey,
        record: &mut ProcessRecord,
        provider: &dyn Provider,
        wake_token: &str,
        progress: &mut Progress,
    ) -> Result<bool, InfraError> {
        let (process, now) = (&mut record.process, self.services.now());
        if progress.claim.as_ref().is_some_and(|claim| record.claimed_by.as_ref() == Some(&claim.token)) {
            return Ok(true);
        }
        let never_arrived = process.unsent;
        let harmless = never_arrived || provider.capabilities().repeatable_submission;
        if now < process.submit_lease_until || !harmless {
            return Ok(false);
        }
        let token = new_token("claim", self.services.entropy());
        process.claim_submission(now);
        record.claimed_by = Some(token.clone());
        let next_check_at = self.services.next_check(key, process, provider, now).await?;
        record.check_again(next_check_at, now);
        record.wake_token = Some(wake_token.to_owned());
        progress.claim = Some(Claim { token, never_arrived });
        self.services.store.commit(key, record, &new_token("events", self.services.entropy())).await?;
        record.version += 1;
        record.wake_token = None;
        Ok(true)
    }

    /// Submits a stored process within the remaining time. A submission without an answer may have arrived.
    async fn submit(
        &self,
        provider: &dyn Provider,
        process: &Process,
        round: Round,
        end: Timestamp,
    ) -> Result<SubmissionOutcome, InfraError> {
        let submit = self.submitter.submit_stored(provider, process, round);
        let outcome = in_time(self.clock(), end, submit).await;
        outcome.unwrap_or_else(|| {
            Ok(SubmissionOutcome::Unknown { trouble: "unavailable".to_owned(), maybe_done: true, said: None })
        })
    }

    /// Makes the second submission, if this is due.
    pub(super) async fn escalate(
        &self,
        process: &mut Process,
        provider: &dyn Provider,
        progress: &mut Progress,
    ) -> Result<Vec<Event>, InfraError> {
        if process.next_escalation_at().is_none_or(|at| at > self.services.now()) {
            return Ok(Vec::new());
        }
        if progress.escalation.is_none() && self.has_time(progress.end) {
            progress.escalation = Some(self.submit(provider, process, Round::Escalated, progress.end).await?);
        }
        let now = self.services.now();
        let (outcome, said) = match &progress.escalation {
            Some(SubmissionOutcome::Taken(_, said)) => (EscalationOutcome::Taken, said.as_deref()),
            Some(SubmissionOutcome::Refused { code, .. }) => (EscalationOutcome::Refused(code.clone()), None),
            Some(SubmissionOutcome::Unknown { trouble, .. }) => (EscalationOutcome::Unanswered(trouble.clone()), None),
            None => return Ok(Vec::new()),
        };
        if let Some(said) = progress.escalation.as_ref().and_then(SubmissionOutcome::said) {
            process.keep_said(said, now);
        }
        process.escalated(&outcome, now);
        // The start of the reviewers' work changes nothing in the machine's result.
        Ok(match said {
            Some(end) if end.status.is_terminal() => process.apply(end, now),
            Some(Observation { certificate: Some(news), .. }) => {
                process.certificate_told(news, now);
                Vec::new()
            }
            _ => Vec::new(),
        })
    }
}
