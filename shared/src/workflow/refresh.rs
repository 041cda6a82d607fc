//! Looking at a process: fold in what callbacks said, ask the provider, copy its pictures, store all of it in one write.
//!
//! The provider is asked and pictures are copied at most once a run, before the commit. Where the commit loses a race the
//! record is loaded again and the same answer applied to it, so neither the callback nor the answer is lost.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::{
    InfraError, PAUSED_WAIT, Services, WAKE_TIMEOUT,
    answer::{self, copy_of},
    attempt::redact_deliveries,
    certificate, due, new_token,
    submitter::{SubmissionOutcome, Submitter},
    wants_answer,
};
use crate::{
    common::Actor,
    deployment::Deployment,
    evidence::{CopyError, Media},
    objects::{Bucket, ObjectKey},
    platform::{
        Clock,
        clock::in_time,
        telemetry::{self, Metric},
    },
    process::{
        Certificate, CopyOutcome, EscalationOutcome, Event, EvidenceKind, EvidenceState, HeldVerdict, LockStep,
        Observation, ObservedMedia, Process, Status, evidence::Copy,
    },
    providers::{Answer, Provider, ProviderError, Round},
    store::{CallbackBody, InboxEntry, ProcessRecord, StoreError, keys::OwnKey},
};

/// The longest callback body that is read back.
const MAX_RESULT_BYTES: usize = 1024 * 1024;

/// The use case.
pub struct RefreshProcess {
    services: Services,
    submitter: Submitter,
    bucket: Bucket,
}

/// What must be left of a batch's time for storing what was learnt …
const STORING_TIME: SignedDuration = SignedDuration::from_secs(4);
/// … and for asking a company once more, or for something else. What there is no time for is done by a look of its own.
const CALL_TIME: SignedDuration = SignedDuration::from_secs(8);
/// How long one process's copies may take before the rest of them is put off.
const COPY_TIME: SignedDuration = SignedDuration::from_secs(15);

/// What a run has learnt so far; it outlives lost races.
struct Look {
    /// When whoever is asked must have answered.
    end: Timestamp,
    /// By what its claim to submit once more is known, once it made one, and whether no submission had arrived before.
    claim: Option<(String, bool)>,
    /// What the provider answered to a repeated submission.
    submission: Option<SubmissionOutcome>,
    /// What the provider answered to a query, and the wake token it was asked for.
    answer: Option<(String, Result<Observation, ProviderFailure>)>,
    /// What the provider answered to the second submission.
    escalation: Option<SubmissionOutcome>,
    /// What became of fetching the certificate.
    certificate: Option<certificate::Fetched>,
    /// Whether objects may have been locked.
    locked: bool,
    /// Whether a callback's word for the reference turned out to be another process's.
    reference_is_taken: bool,
}

/// What a process was like before a look.
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

impl Look {
    fn until(end: Timestamp) -> Self {
        let end = end - STORING_TIME;
        Self {
            end,
            claim: None,
            submission: None,
            answer: None,
            escalation: None,
            certificate: None,
            locked: false,
            reference_is_taken: false,
        }
    }

    /// Whether the provider was asked for anything.
    fn has_asked(&self) -> bool {
        self.answer.is_some() || self.submission.is_some() || self.escalation.is_some() || self.certificate.is_some()
    }
}

/// The provider could not be asked.
struct ProviderFailure {
    /// What the timeline says of it.
    detail: String,
    /// What it said instead, where that is new.
    said: Option<ObservedMedia>,
    /// How long it wants to be left alone.
    retry_after: Option<SignedDuration>,
}

impl RefreshProcess {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        let services = Services::new(deployment);
        let bucket = Bucket::new(deployment.platform.aws.s3.clone(), deployment.platform.config.bucket.clone());
        Self { submitter: Submitter::new(deployment, &services), services, bucket }
    }

    /// Refreshes the process `key` if it was woken, until `end`. A provider's failure is no error: the next check is planned.
    ///
    /// # Errors
    /// Our own store or bucket; the wake token stands.
    pub async fn run(&self, key: &OwnKey, end: Timestamp) -> Result<(), InfraError> {
        let mut look = Look::until(end);
        let mut races = self.services.races();
        loop {
            let Some(mut record) = self.services.store.load(key, key.id).await? else { return Ok(()) };
            // The hold may have been lifted, and the locks taken off, while this look put them on.
            let in_vain = look.locked && record.process.redaction.is_none() && record.process.locks.is_none();
            if in_vain {
                record.process.locking();
            }
            if record.wake_token.is_none() && !in_vain {
                return Ok(());
            }
            let before = Before::of(&record.process);
            let learns_reference = match self.look(key, &mut record, &mut look).await {
                Ok(learns_reference) => learns_reference,
                Err(InfraError::Store(StoreError::Conflict)) => {
                    races.lose().await?;
                    continue;
                }
                Err(trouble) => return Err(trouble),
            };
            let outbox_token = new_token("events", self.services.entropy());
            let commit = if learns_reference {
                self.services.store.commit_reference(key, &record, &outbox_token).await
            } else {
                self.services.store.commit(key, &record, &outbox_token).await
            };
            if matches!(commit, Err(StoreError::ReferenceTaken)) {
                tracing::warn!(process = %key.id, "the reference belongs to another process");
                look.reference_is_taken = true;
                races.lose().await?;
            } else if races.won(commit).await? {
                self.report(&record.process, &before);
                return Ok(());
            }
        }
    }

    /// Changes the record by all there is to know, and says whether it learnt its reference.
    async fn look(&self, key: &OwnKey, record: &mut ProcessRecord, look: &mut Look) -> Result<bool, InfraError> {
        let wake_token = record.wake_token.take().unwrap_or_default();
        let now = self.services.now();
        if record.process.redaction.is_some() {
            self.sweep(key, record, now).await?;
            return Ok(false);
        }
        let retention = self.services.retention(key, &record.process).await?;
        if record.process.retained_until(retention).is_some_and(|end| end <= now)
            && record.redact(&Actor::retention(), now).is_ok()
        {
            tracing::info!(tenant = %record.process.tenant, process = %key.id, "redacted: the retention is over");
            record.wake_token = Some(new_token("redact", self.services.entropy()));
            return Ok(false);
        }
        self.see_to_locks(&mut record.process, look).await;
        let provider = match self.services.provider(key, &record.process.provider).await {
            Ok(Ok(provider)) => provider,
            // The account was taken away; it may come back.
            Ok(Err(_)) => {
                return self.wait_for_account(key, record, "no_account", |_| SignedDuration::from_hours(1)).await;
            }
            // It is this tenant's secret alone that cannot be had, and no other process must wait for it.
            Err(_) => return self.wait_for_account(key, record, "account_unavailable", due::backoff).await,
        };
        let knew_reference = record.process.provider_reference.clone();
        let called_back = !record.inbox.is_empty();
        let provider = provider.as_ref();
        // What the provider was asked before a race was lost counts all the same.
        if !look.has_asked() && self.services.is_paused(key, &record.process.provider).await? {
            self.wait_for_paused(key, record, provider, look).await?;
            return Ok(record.process.provider_reference != knew_reference);
        }
        let mut events = self.fold_inbox(record, provider, look.reference_is_taken).await?;

        if record.process.provider_reference.is_none() {
            self.submit_again(key, record, provider, &wake_token, look).await?;
            if let Some(learnt) = &look.submission {
                let learnt = match learnt {
                    SubmissionOutcome::Taken(..) if look.reference_is_taken => &SubmissionOutcome::reference_in_use(),
                    learnt => learnt,
                };
                events.extend(learnt.apply(&mut record.process, self.services.now()));
            }
        }
        let process = &mut record.process;
        let mut not_before = None;
        let can_be_asked = provider.capabilities().query;
        let worth_asking = is_open(process) || called_back || wants_answer(&wake_token) || look.answer.is_some();
        if let Some(reference) = process.provider_reference.clone()
            && worth_asking
            && can_be_asked
        {
            if look.answer.is_none() && !self.has_time(look.end) {
                // Left for a refresh of its own, which the wake token brings about.
                record.announce(events);
                let soon = self.services.now() + WAKE_TIMEOUT;
                record.wake_token = Some(wake_token);
                record.check_again(Some(soon), self.services.now());
                return Ok(record.process.provider_reference != knew_reference);
            }
            let (asked_for, answer) = match look.answer.take() {
                Some(earlier) => earlier,
                None => (wake_token.clone(), self.ask(process, provider, &reference, look.end).await?),
            };
            if asked_for != wake_token {
                // Somebody woke it while the provider was being asked: for them this answer may be too old.
                record.wake_token = Some(wake_token);
            }
            let now = self.services.now();
            match &answer {
                Ok(observation) => events.extend(process.apply(observation, now)),
                Err(trouble) => {
                    if let Some(said) = &trouble.said {
                        process.keep_said(said, now);
                    }
                    process.unanswered(&trouble.detail, now);
                    not_before = trouble.retry_after.map(|wait| now + wait);
                }
            }
            look.answer = Some((asked_for, answer));
        } else if process.provider_reference.is_some() && !can_be_asked {
            process.asked(self.services.now());
        }
        self.want_videos(key, process).await?;
        events.extend(self.escalate(process, provider, look).await?);
        events.extend(self.fetch_certificate(process, provider, look).await?);
        let now = self.services.now();
        events.extend(process.conclude(now));
        // What was stored meanwhile is held too.
        self.see_to_locks(process, look).await;
        let learns_reference = process.provider_reference != knew_reference;
        record.announce(events);
        let next_check_at = self.services.next_check(key, &record.process, provider, now).await?;
        record.check_again(next_check_at.map(|at| not_before.map_or(at, |earliest| at.max(earliest))), now);
        Ok(learns_reference)
    }

    /// Leaves a paused provider alone. A callback that is itself its answer counts; the others wait in the inbox. Nothing is concluded from
    /// the time that passes: nobody asked whether the provider knows better.
    async fn wait_for_paused(
        &self,
        key: &OwnKey,
        record: &mut ProcessRecord,
        provider: &dyn Provider,
        look: &Look,
    ) -> Result<(), InfraError> {
        let (results, hints) = std::mem::take(&mut record.inbox).into_iter().partition(|(_, entry)| entry.is_result);
        record.inbox = results;
        let events = self.fold_inbox(record, provider, look.reference_is_taken).await?;
        record.inbox = hints;
        record.announce(events);
        record.process.unanswered("provider_paused", self.services.now());
        self.wait(key, record, |failures| due::backoff(failures).min(PAUSED_WAIT)).await
    }

    /// Leaves a provider alone at which there is no account, for now or for good. It learns no reference.
    async fn wait_for_account(
        &self,
        key: &OwnKey,
        record: &mut ProcessRecord,
        trouble: &str,
        wait: fn(u32) -> SignedDuration,
    ) -> Result<bool, InfraError> {
        let now = self.services.now();
        record.process.unanswered(trouble, now);
        let events = record.process.conclude(now);
        record.announce(events);
        self.wait(key, record, wait).await.map(|()| false)
    }

    /// Nothing can be asked now, and everything that needs it waits for as long as `wait` says by the number of failures.
    async fn wait(
        &self,
        key: &OwnKey,
        record: &mut ProcessRecord,
        wait: fn(u32) -> SignedDuration,
    ) -> Result<(), InfraError> {
        let now = self.services.now();
        let process = &record.process;
        let waits = is_open(process)
            || !record.inbox.is_empty()
            || process.next_escalation_at().is_some()
            || process.certificate.as_ref().and_then(Certificate::next_try_at).is_some();
        let again = waits.then(|| now + wait(process.failures));
        let retained_until = process.retained_until(self.services.retention(key, process).await?);
        let locks_at = process.next_lock_step_at(now);
        record.check_again(again.into_iter().chain(retained_until).chain(locks_at).min(), now);
        Ok(())
    }

    /// Takes the callbacks out of the inbox, oldest first. Where a reference turned out to be another process's, none is
    /// believed.
    async fn fold_inbox(
        &self,
        record: &mut ProcessRecord,
        provider: &dyn Provider,
        reference_is_taken: bool,
    ) -> Result<Vec<Event>, InfraError> {
        let mut entries: Vec<_> = std::mem::take(&mut record.inbox).into_values().collect();
        entries.sort_by_key(|entry| entry.received_at);
        let mut events = Vec::new();
        for entry in entries {
            let process = &mut record.process;
            let said = self.said(process, &entry).await?;
            if let Some(why) = &entry.unread {
                process.callback_unreadable(why, said.as_ref(), entry.received_at);
                continue;
            }
            let (code, reason) = (entry.code.clone(), entry.reason.clone());
            let held = entry.verdict.map(|(status, usable_at)| HeldVerdict { status, code, reason, usable_at });
            process.called_back(&entry.code, entry.received_at, held);
            if let Some(said) = &said {
                process.keep_said(said, entry.received_at);
            }
            if reference_is_taken {
                continue;
            }
            // A callback may be the first to know the reference. Where nothing can be asked by it, only the result itself is
            // worth it: otherwise the answer to a submission that got lost still has to be fetched by repeating it.
            if provider.capabilities().query || entry.is_result {
                events.extend(process.adopt_reference(&entry.reference, entry.received_at));
            }
            if let Some(news) = &entry.certificate {
                process.certificate_told(news, entry.received_at);
            }
            events.extend(self.fold_result(process, provider, entry).await?);
        }
        Ok(events)
    }

    /// Applies a callback that is itself the provider's answer.
    async fn fold_result(
        &self,
        process: &mut Process,
        provider: &dyn Provider,
        entry: InboxEntry,
    ) -> Result<Vec<Event>, InfraError> {
        let copier = self.submitter.copier();
        let Some(body) = entry.body.as_ref().filter(|_| entry.is_result) else { return Ok(Vec::new()) };
        let body = self.body(body).await?;
        let Some(said) = provider.read_result(&process.request, &body, entry.received_at) else {
            tracing::error!(process = %process.id, provider = process.provider, "a callback that was taken is no answer");
            let said = answer::keep_said(copier, process, body, entry.received_at).await?;
            process.keep_said(&said, entry.received_at);
            process.unanswered("unreadable", entry.received_at);
            let provider = [("provider", process.provider.as_str())];
            telemetry::record(Metric::CallbackUnreadable, &provider, 1.0, self.services.now());
            return Ok(Vec::new());
        };
        let now = self.services.now();
        let observation = answer::keep_result(copier, process, said.observation, said.raw).await?;
        Ok(process.apply(&observation, now))
    }

    /// What a callback brings that is only evidence, stored.
    async fn said(&self, process: &Process, entry: &InboxEntry) -> Result<Option<ObservedMedia>, InfraError> {
        let Some(said) = entry.body.as_ref().filter(|_| !entry.is_result) else { return Ok(None) };
        let body = self.body(said).await?;
        answer::keep_said(self.submitter.copier(), process, body, entry.received_at).await.map(Some)
    }

    /// The body of a callback.
    async fn body(&self, body: &CallbackBody) -> Result<Bytes, InfraError> {
        match body {
            CallbackBody::Text(text) => Ok(Bytes::copy_from_slice(text.expose().as_bytes())),
            CallbackBody::Object(key) => {
                self.submitter.copier().read(key, MAX_RESULT_BYTES).await.map_err(|_| InfraError::Bucket)
            }
        }
    }

    /// Makes sure that somebody copies each video that nobody has tried to copy. Whoever created the process may have been
    /// shown it too, and leaves it to whoever looks first.
    async fn want_videos(&self, key: &OwnKey, process: &Process) -> Result<(), InfraError> {
        let untried = process.evidence.iter().filter(|piece| piece.kind == EvidenceKind::Video && piece.is_untried());
        for piece in untried {
            let (wake_token, until) = (new_token("video", self.services.entropy()), self.services.now() + WAKE_TIMEOUT);
            self.services.store.want_long_copy(key, process.id, piece.id, &wake_token, until).await?;
        }
        Ok(())
    }

    /// Makes the second submission, if it is time to.
    async fn escalate(
        &self,
        process: &mut Process,
        provider: &dyn Provider,
        look: &mut Look,
    ) -> Result<Vec<Event>, InfraError> {
        if process.next_escalation_at().is_none_or(|at| at > self.services.now()) {
            return Ok(Vec::new());
        }
        if look.escalation.is_none() && self.has_time(look.end) {
            look.escalation = Some(self.submit(provider, process, Round::Escalated, look.end).await?);
        }
        let now = self.services.now();
        let (outcome, said) = match &look.escalation {
            Some(SubmissionOutcome::Taken(_, said)) => (EscalationOutcome::Taken, said.as_deref()),
            Some(SubmissionOutcome::Refused { code, .. }) => (EscalationOutcome::Refused(code.clone()), None),
            Some(SubmissionOutcome::Unknown { trouble, .. }) => (EscalationOutcome::Unanswered(trouble.clone()), None),
            None => return Ok(Vec::new()),
        };
        if let Some(said) = look.escalation.as_ref().and_then(SubmissionOutcome::said) {
            process.keep_said(said, now);
        }
        process.escalated(&outcome, now);
        // That its reviewers are at work is no news beside what its machine found.
        Ok(match said {
            Some(end) if end.status.is_terminal() => process.apply(end, now),
            Some(Observation { certificate: Some(news), .. }) => {
                process.certificate_told(news, now);
                Vec::new()
            }
            _ => Vec::new(),
        })
    }

    /// Fetches the certificate, if it is time to.
    async fn fetch_certificate(
        &self,
        process: &mut Process,
        provider: &dyn Provider,
        look: &mut Look,
    ) -> Result<Option<Event>, InfraError> {
        let now = self.services.now();
        if !process.certificate.as_ref().is_some_and(|certificate| certificate.is_due(now)) {
            return Ok(None);
        }
        if look.certificate.is_none() && self.has_time(look.end) {
            let fetch = certificate::fetch(&self.services, self.submitter.copier(), provider, process);
            let fetched = in_time(self.clock(), look.end, fetch).await;
            look.certificate = fetched.unwrap_or_else(|| Ok(certificate::Fetched::out_of_time(process)))?;
        }
        let now = self.services.now();
        Ok(look.certificate.as_ref().and_then(|fetched| fetched.apply(process, now)))
    }

    /// Locks the process's objects while it is on hold, and takes the locks off when it no longer is, as far as there is time. What is
    /// not done now is due at once; done again it is harmless.
    async fn see_to_locks(&self, process: &mut Process, look: &mut Look) {
        let Some(step) = process.lock_step(self.services.now()) else { return };
        if !self.has_time(look.end) {
            return;
        }
        process.locking();
        look.locked = true;
        let prefix = ObjectKey::process_prefix(&process.tenant, process.id);
        let hold = self.bucket.hold_all(&prefix, step == LockStep::Lock);
        let now = match in_time(self.clock(), look.end, hold).await {
            Some(Ok(objects)) => {
                tracing::info!(tenant = %process.tenant, process = %process.id, ?step, objects, "locks");
                self.services.now()
            }
            // Everything else about the process goes on.
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

    /// Removes what a redacted process has in the bucket, if it is time to.
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

    /// Hands the process over once more, after the lease and only where a repeat is harmless. The right to do so is
    /// claimed by a write of its own: whoever stops half way must not be followed by another try. A claim that is found to be this
    /// look's own, since its answer was lost and others wrote after it, is as good as one that was just made.
    async fn submit_again(
        &self,
        key: &OwnKey,
        record: &mut ProcessRecord,
        provider: &dyn Provider,
        wake_token: &str,
        look: &mut Look,
    ) -> Result<(), InfraError> {
        let (process, now) = (&mut record.process, self.services.now());
        if process.status != Status::Submitting || look.submission.is_some() {
            return Ok(());
        }
        let is_claimed = look.claim.as_ref().is_some_and(|(claim, _)| record.claimed_by.as_ref() == Some(claim));
        if !is_claimed {
            let never_arrived = process.unsent;
            let harmless = never_arrived || provider.capabilities().repeatable_submission;
            if now < process.submit_lease_until || !harmless {
                return Ok(());
            }
            let claim = new_token("claim", self.services.entropy());
            process.claim_submission(now);
            record.claimed_by = Some(claim.clone());
            let next_check_at = self.services.next_check(key, process, provider, now).await?;
            record.check_again(next_check_at, now);
            record.wake_token = Some(wake_token.to_owned());
            look.claim = Some((claim, never_arrived));
            self.services.store.commit(key, record, &new_token("events", self.services.entropy())).await?;
            record.version += 1;
            record.wake_token = None;
        }
        let never_arrived = look.claim.as_ref().is_some_and(|(_, never_arrived)| *never_arrived);
        let learnt = self.submit(provider, &record.process, Round::First, look.end).await?;
        look.submission = Some(if never_arrived { learnt } else { learnt.of_repetition() });
        Ok(())
    }

    /// Hands a stored process over, for as long as there is time. What was not answered by then may have arrived.
    async fn submit(
        &self,
        provider: &dyn Provider,
        process: &Process,
        round: Round,
        end: Timestamp,
    ) -> Result<SubmissionOutcome, InfraError> {
        let submit = self.submitter.submit_stored(provider, process, round);
        let learnt = in_time(self.clock(), end, submit).await;
        learnt.unwrap_or_else(|| {
            Ok(SubmissionOutcome::Unknown { trouble: "unavailable".to_owned(), maybe_done: true, said: None })
        })
    }

    /// Whether there is time for another call before `end`.
    fn has_time(&self, end: Timestamp) -> bool {
        self.services.now() + CALL_TIME <= end
    }

    fn clock(&self) -> &dyn Clock {
        self.services.platform.seams.clock.as_ref()
    }

    /// Asks the provider and copies what is new. Links that died on the way are asked for once more.
    async fn ask(
        &self,
        process: &Process,
        provider: &dyn Provider,
        reference: &str,
        end: Timestamp,
    ) -> Result<Result<Observation, ProviderFailure>, InfraError> {
        let mut answer = match self.query(process, provider, reference, end).await? {
            Ok(answer) => answer,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let expired = self.copy(process, provider, &mut answer, end).await?;
        if expired
            && self.has_time(end)
            && let Ok(mut fresh) = self.query(process, provider, reference, end).await?
        {
            for media in &mut fresh.observation.media {
                let known = answer.observation.media.iter().find(|earlier| earlier.source == media.source);
                if let Some(CopyOutcome::Stored(stored)) = known.map(|earlier| &earlier.outcome) {
                    media.outcome = CopyOutcome::Stored(stored.clone());
                }
            }
            self.copy(process, provider, &mut fresh, end).await?;
            answer = fresh;
        }
        let Answer { observation, raw, .. } = answer;
        Ok(Ok(answer::keep(self.submitter.copier(), process, observation, raw, self.services.now()).await?))
    }

    async fn query(
        &self,
        process: &Process,
        provider: &dyn Provider,
        reference: &str,
        end: Timestamp,
    ) -> Result<Result<Answer, ProviderFailure>, InfraError> {
        let asked_at = self.services.now();
        let answer = in_time(self.clock(), end, provider.query(reference, asked_at)).await;
        let answer = answer.unwrap_or(Err(ProviderError::Unavailable { maybe_done: true }));
        let trouble = answer.as_ref().err().map(ProviderError::code);
        telemetry::record_call(&process.provider, trouble, asked_at, self.services.now());
        let error = match answer {
            Ok(answer) => return Ok(Ok(answer)),
            Err(error) => error,
        };
        tracing::warn!(process = %process.id, provider = process.provider, trouble = error.code(), "provider trouble");
        let detail = error.detail();
        let said = match error.said() {
            // Kept for whoever has to find out why, where the timeline tells of it.
            Some(said) if process.trouble.is_news(&detail) => {
                Some(answer::keep_said(self.submitter.copier(), process, said, self.services.now()).await?)
            }
            _ => None,
        };
        let retry_after = match &error {
            ProviderError::RateLimited { retry_after } => retry_after.and_then(|wait| wait.try_into().ok()),
            _ => None,
        };
        Ok(Err(ProviderFailure { detail, said, retry_after }))
    }

    /// Copies every picture whose turn it is, and says whether a link had died.
    async fn copy(
        &self,
        process: &Process,
        provider: &dyn Provider,
        answer: &mut Answer,
        end: Timestamp,
    ) -> Result<bool, InfraError> {
        let asked_at = answer.observation.observed_at;
        let now = self.services.now();
        let wanted = process.wanted_copies(&answer.observation.media, now).into_iter();
        let pictures = wanted.filter(|&at| answer.observation.media[at].kind != EvidenceKind::Video);
        let (wanted, media): (Vec<usize>, Vec<Media>) = pictures
            .filter_map(|at| {
                let seen = &answer.observation.media[at];
                let link = answer.links.iter().find(|link| link.source == seen.source)?;
                Some((at, Media { kind: seen.kind, attempt: seen.attempt, url: link.url.clone() }))
            })
            .unzip();
        let hosts = provider.media_hosts();
        let count = media.len();
        let copies = self.submitter.copier().copy_all(&process.tenant, process.id, hosts, media);
        // The verdict must not wait for a picture for longer than this function may run.
        let results = in_time(self.clock(), end.min(now + COPY_TIME), copies).await;
        let results = results.unwrap_or_else(|| vec![Err(CopyError::Unavailable); count]);
        let mut expired = false;
        for (at, result) in wanted.into_iter().zip(results) {
            expired |= matches!(result, Err(CopyError::LinkExpired));
            answer.observation.media[at].outcome = match result {
                Ok(copy) => {
                    let used =
                        self.services.now().duration_since(asked_at).as_secs_f64() / provider.link_life().as_secs_f64();
                    telemetry::record(Metric::LinkLifeUsed, &[("provider", &process.provider)], used * 100.0, now);
                    CopyOutcome::Stored(copy_of(copy))
                }
                Err(CopyError::Store) => return Err(InfraError::Bucket),
                Err(error) if error.is_hopeless() => CopyOutcome::Hopeless { reason: error.code().to_owned() },
                Err(error) => CopyOutcome::Failed { reason: error.code().to_owned() },
            };
        }
        Ok(expired)
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

/// Whether anything remains to be asked of the provider.
fn is_open(process: &Process) -> bool {
    !process.status.is_terminal() || process.next_copy_at().is_some() || process.awaits_held_verdict()
}

fn given_up(process: &Process) -> usize {
    process.evidence.iter().filter(|piece| matches!(piece.copy, Copy::Incomplete { .. })).count()
}
