//! Refreshing a process: apply callbacks, ask the provider, copy pictures, and store everything in one write.
//!
//! A run asks the provider and copies pictures at most once, before the commit. If the commit loses a race, the record
//! is loaded again and the same answer applied to it, so that neither the callback nor the answer is lost.
//!
//! | file | step |
//! | --- | --- |
//! | `erase` | redact when the retention is over; remove what a redacted process has in the bucket |
//! | `locks` | lock its objects while it is on legal hold |
//! | `wait` | postpone while the provider cannot be asked |
//! | `inbox` | apply callbacks |
//! | `submit` | repeat a lost first submission; submit to the provider's reviewers |
//! | `query` | ask the provider |
//! | `copy` | copy pictures |

mod copy;
mod erase;
mod inbox;
mod locks;
mod query;
mod submit;
mod wait;

use jiff::{SignedDuration, Timestamp};

use super::{
    InfraError, Services, WAKE_TIMEOUT, answer, certificate, new_token,
    submitter::{SubmissionOutcome, Submitter},
};
use crate::{
    deployment::Deployment,
    objects::Bucket,
    platform::{
        Clock,
        clock::in_time,
        telemetry::{self, Metric},
    },
    process::{Event, EvidenceState, Observation, Process, Status, evidence::Copy},
    providers::Provider,
    store::{ProcessRecord, StoreError, keys::OwnKey},
};
use query::{Asked, ProviderFailure};

pub struct RefreshProcess {
    services: Services,
    submitter: Submitter,
    bucket: Bucket,
}

/// The time of a batch that is reserved for storing the result.
const STORING_TIME: SignedDuration = SignedDuration::from_secs(4);
/// The time that must be left for another call. A call that does not fit is left to another refresh.
const CALL_TIME: SignedDuration = SignedDuration::from_secs(8);

/// The results of a run so far; they survive lost races.
struct Progress {
    /// The deadline for calls to the provider.
    end: Timestamp,
    /// The claim to repeat the submission, if this run made one.
    claim: Option<Claim>,
    /// The provider's answer to a repeated submission.
    submission: Option<SubmissionOutcome>,
    /// The provider's answer to a query, and the wake token that required it.
    answer: Option<(String, Result<Observation, ProviderFailure>)>,
    /// The provider's answer to the second submission.
    escalation: Option<SubmissionOutcome>,
    /// The result of fetching the certificate.
    certificate: Option<certificate::Fetched>,
    /// Whether objects may have been locked.
    locked: bool,
    /// Whether the reference in a callback belongs to another process.
    reference_is_taken: bool,
}

/// A claim to repeat the submission.
struct Claim {
    token: String,
    /// Whether no earlier submission arrived.
    never_arrived: bool,
}

/// The state of a process before a refresh.
struct Before {
    status: Status,
    given_up: usize,
    unread: usize,
}

impl Before {
    fn of(process: &Process) -> Self {
        Self { status: process.status, given_up: given_up(process), unread: process.unread.noted.len() }
    }
}

impl Progress {
    fn until(end: Timestamp) -> Self {
        Self {
            end: end - STORING_TIME,
            claim: None,
            submission: None,
            answer: None,
            escalation: None,
            certificate: None,
            locked: false,
            reference_is_taken: false,
        }
    }

    /// Whether the run called the provider.
    fn has_asked(&self) -> bool {
        self.answer.is_some() || self.submission.is_some() || self.escalation.is_some() || self.certificate.is_some()
    }
}

impl RefreshProcess {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        let services = Services::new(deployment);
        let bucket = Bucket::of(&deployment.platform);
        Self { submitter: Submitter::new(deployment, &services), services, bucket }
    }

    /// Refreshes the process `key` if it was woken, until `end`. A provider's failure is no error: the next check is
    /// planned.
    ///
    /// # Errors
    /// The store or the bucket fails; the wake token stays.
    pub async fn run(&self, key: &OwnKey, end: Timestamp) -> Result<(), InfraError> {
        let mut progress = Progress::until(end);
        let mut races = self.services.races();
        loop {
            let Some(mut record) = self.services.store.load(key, key.id).await? else { return Ok(()) };
            // The hold may have been lifted, and the objects unlocked, while this run locked them.
            let in_vain = progress.locked && record.process.redaction.is_none() && record.process.locks.is_none();
            if in_vain {
                record.process.locking();
            }
            if record.wake_token.is_none() && !in_vain {
                return Ok(());
            }
            let before = Before::of(&record.process);
            let learns_reference = match self.refresh(key, &mut record, &mut progress).await {
                Ok(learns_reference) => learns_reference,
                Err(InfraError::Store(StoreError::Conflict)) => {
                    races.lose().await?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let outbox_token = new_token("events", self.services.entropy());
            let commit = if learns_reference {
                self.services.store.commit_reference(key, &record, &outbox_token).await
            } else {
                self.services.store.commit(key, &record, &outbox_token).await
            };
            if matches!(commit, Err(StoreError::ReferenceTaken)) {
                tracing::warn!(process = %key.id, "the reference belongs to another process");
                progress.reference_is_taken = true;
                races.lose().await?;
            } else if races.won(commit).await? {
                self.report(&record.process, &before);
                return Ok(());
            }
        }
    }

    /// Applies all results to the record, and returns whether the record got its reference.
    async fn refresh(
        &self,
        key: &OwnKey,
        record: &mut ProcessRecord,
        progress: &mut Progress,
    ) -> Result<bool, InfraError> {
        let wake_token = record.wake_token.take().unwrap_or_default();
        if self.erase(key, record).await? {
            return Ok(false);
        }
        self.update_locks(&mut record.process, progress).await;
        let Some(provider) = self.provider_or_wait(key, record).await? else { return Ok(false) };
        let provider = provider.as_ref();
        let knew_reference = record.process.provider_reference.clone();
        // Answers from before a lost race still count.
        if !progress.has_asked() && self.services.is_paused(key, &record.process.provider).await? {
            self.wait_for_paused(key, record, provider, progress).await?;
        } else {
            self.follow(key, record, provider, wake_token, progress).await?;
        }
        Ok(record.process.provider_reference != knew_reference)
    }

    /// Applies callbacks, asks the provider what is needed, and plans the next check.
    async fn follow(
        &self,
        key: &OwnKey,
        record: &mut ProcessRecord,
        provider: &dyn Provider,
        wake_token: String,
        progress: &mut Progress,
    ) -> Result<(), InfraError> {
        let called_back = !record.inbox.is_empty();
        let mut events = self.fold_inbox(record, provider, progress.reference_is_taken).await?;
        events.extend(self.submit_again(key, record, provider, &wake_token, progress).await?);
        let not_before = match self.ask_if_needed(record, provider, wake_token, called_back, progress).await? {
            Asked::No => None,
            Asked::Yes { news, not_before } => {
                events.extend(news);
                not_before
            }
            Asked::NoTime => {
                // The wake token was restored and causes another refresh.
                record.announce(events);
                let now = self.services.now();
                record.check_again(Some(now + WAKE_TIMEOUT), now);
                return Ok(());
            }
        };
        let process = &mut record.process;
        self.want_videos(key, process).await?;
        events.extend(self.escalate(process, provider, progress).await?);
        events.extend(self.fetch_certificate(process, provider, progress).await?);
        let now = self.services.now();
        events.extend(process.conclude(now));
        // Objects stored in this run are locked too.
        self.update_locks(process, progress).await;
        record.announce(events);
        let next_check_at = self.services.next_check(key, &record.process, provider, now).await?;
        record.check_again(next_check_at.map(|at| not_before.map_or(at, |earliest| at.max(earliest))), now);
        Ok(())
    }

    /// Fetches the certificate, if this is due.
    async fn fetch_certificate(
        &self,
        process: &mut Process,
        provider: &dyn Provider,
        progress: &mut Progress,
    ) -> Result<Option<Event>, InfraError> {
        let now = self.services.now();
        if !process.certificate.as_ref().is_some_and(|certificate| certificate.is_due(now)) {
            return Ok(None);
        }
        if progress.certificate.is_none() && self.has_time(progress.end) {
            let fetch = certificate::fetch(&self.services, self.submitter.copier(), provider, process);
            let fetched = in_time(self.clock(), progress.end, fetch).await;
            progress.certificate = fetched.unwrap_or_else(|| Ok(certificate::Fetched::out_of_time(process)))?;
        }
        let now = self.services.now();
        Ok(progress.certificate.as_ref().and_then(|fetched| fetched.apply(process, now)))
    }

    /// Whether there is time for another call before `end`.
    fn has_time(&self, end: Timestamp) -> bool {
        self.services.now() + CALL_TIME <= end
    }

    fn clock(&self) -> &dyn Clock {
        self.services.platform.seams.clock.as_ref()
    }

    fn report(&self, process: &Process, before: &Before) {
        let now = self.services.now();
        answer::report_unread(process, before.unread, now);
        if process.status != before.status && process.status.is_terminal() {
            let labels = [("provider", process.provider.as_str()), ("status", process.status.as_str())];
            telemetry::record(Metric::Decided, &labels, 1.0, now);
        }
        let by_provider = [("provider", process.provider.as_str())];
        for _ in before.given_up..given_up(process) {
            telemetry::record(Metric::EvidenceIncomplete, &by_provider, 1.0, now);
        }
        if process.evidence_state() == EvidenceState::Pending {
            telemetry::record(Metric::EvidencePending, &by_provider, 1.0, now);
        }
        tracing::info!(
            tenant = %process.tenant, process = %process.id, status = process.status.as_str(),
            evidence = process.evidence_state().as_str(), failures = process.failures, "process refreshed",
        );
    }
}

/// Whether the provider can still have something new.
fn is_open(process: &Process) -> bool {
    !process.status.is_terminal() || process.next_copy_at().is_some() || process.awaits_held_verdict()
}

fn given_up(process: &Process) -> usize {
    process.evidence.iter().filter(|piece| matches!(piece.copy, Copy::Incomplete { .. })).count()
}
