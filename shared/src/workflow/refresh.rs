//! Looking at a process: fold in what callbacks said, ask the provider, copy its pictures, store all of it in one write.
//!
//! The provider is asked and pictures are copied at most once a run, before the commit. Where the commit loses a race the
//! record is loaded again and the same answer applied to it, so neither the callback nor the answer is lost.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    MAX_RACES, Means, OwnTrouble,
    create::{Learnt, submit},
    due, fresh, wants_answer,
};
use crate::{
    evidence::{Bucket, Copier, CopyError, Media, Stored},
    platform::{
        Platform,
        telemetry::{self, Metric},
    },
    process::{
        CopyOutcome, Event, EvidenceKind, HeldVerdict, Observation, ObservedMedia, Process, Status, StoredCopy,
        evidence::Copy,
    },
    providers::{Answer, Provider, ProviderError},
    store::{ProcessRecord, StoreError, keys::OwnKey},
};

/// The use case.
pub struct RefreshProcess {
    means: Means,
    copier: Copier,
}

/// What a run has learnt so far; it outlives lost races.
#[derive(Default)]
struct Look {
    /// What the provider answered to a repeated submission.
    submission: Option<Learnt>,
    /// What the provider answered to a query, and the wish it was asked for.
    answer: Option<(String, Result<Observation, Trouble>)>,
    /// Whether a callback's word for the reference turned out to be another process's.
    reference_is_taken: bool,
}

/// The provider could not be asked.
struct Trouble {
    code: &'static str,
    /// How long it wants to be left alone.
    retry_after: Option<SignedDuration>,
}

impl RefreshProcess {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        let bucket = Bucket::new(platform.aws.s3.clone(), platform.config.bucket.clone());
        Self { means: Means::new(platform), copier: Copier::new(bucket, platform.config.allow_loopback) }
    }

    /// Looks at the process `key` if anybody wishes it. A provider's trouble is no error: the next look is planned.
    ///
    /// # Errors
    /// Our own store or bucket; the wish stands.
    pub async fn run(&self, key: &OwnKey) -> Result<(), OwnTrouble> {
        let mut look = Look::default();
        for _ in 0..MAX_RACES {
            let Some(mut record) = self.means.store.load(key, key.id).await? else { return Ok(()) };
            if record.wish.is_none() {
                return Ok(());
            }
            let before = (record.process.status, given_up(&record.process));
            let learns_reference = match self.look(key, &mut record, &mut look).await {
                Ok(learns_reference) => learns_reference,
                Err(OwnTrouble::Store(StoreError::Conflict)) => continue,
                Err(trouble) => return Err(trouble),
            };
            let news = fresh("events", self.means.entropy());
            let commit = if learns_reference {
                self.means.store.commit_reference(key, &record, &news).await
            } else {
                self.means.store.commit(key, &record, &news).await
            };
            match commit {
                Ok(()) => {
                    self.report(&record.process, before);
                    return Ok(());
                }
                Err(StoreError::Conflict) => tracing::info!(process = %key.id, "lost a race; looking again"),
                Err(StoreError::ReferenceTaken) => {
                    tracing::error!(process = %key.id, "the reference belongs to another process");
                    look.reference_is_taken = true;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Changes the record by all there is to know, and says whether it learnt its reference.
    async fn look(&self, key: &OwnKey, record: &mut ProcessRecord, look: &mut Look) -> Result<bool, OwnTrouble> {
        let wish = record.wish.take().unwrap_or_default();
        let knew_reference = record.process.provider_reference.clone();
        let called_back = !record.inbox.is_empty();
        let mut events = fold_inbox(record, look.reference_is_taken);
        let secrets = self.means.platform.secrets.current().await?;
        let process = &mut record.process;
        let Ok(provider) = self.means.providers.of_tenant(&process.provider, &process.tenant, &secrets) else {
            // The account was taken away; it may come back.
            let now = self.means.now();
            process.unanswered("no_account", now);
            events.extend(process.conclude(now));
            let look_at = is_open(process).then(|| now + SignedDuration::from_hours(1));
            let learns_reference = process.provider_reference != knew_reference;
            record.announce(events);
            record.look_again(look_at, now);
            return Ok(learns_reference);
        };
        let provider = provider.as_ref();

        if record.process.provider_reference.is_none() {
            self.submit_again(key, record, provider, &wish, look).await?;
            if let Some(learnt) = &look.submission {
                let learnt = match learnt {
                    Learnt::Taken(_) if look.reference_is_taken => &Learnt::reference_in_use(),
                    learnt => learnt,
                };
                events.extend(learnt.apply(&mut record.process, self.means.now()));
            }
        }
        let process = &mut record.process;
        let mut not_before = None;
        let worth_asking = is_open(process) || called_back || wants_answer(&wish) || look.answer.is_some();
        if let Some(reference) = process.provider_reference.clone()
            && worth_asking
        {
            let (asked_for, answer) = match look.answer.take() {
                Some(earlier) => earlier,
                None => (wish.clone(), self.ask(process, provider, &reference).await?),
            };
            if asked_for != wish {
                // Somebody wished while the provider was being asked: for them this answer may be too old.
                record.wish = Some(wish);
            }
            let now = self.means.now();
            match &answer {
                Ok(observation) => events.extend(process.apply(observation, now)),
                Err(trouble) => {
                    process.unanswered(trouble.code, now);
                    not_before = trouble.retry_after.map(|wait| now + wait);
                }
            }
            look.answer = Some((asked_for, answer));
        }
        let now = self.means.now();
        events.extend(process.conclude(now));
        let learns_reference = process.provider_reference != knew_reference;
        record.announce(events);
        let look_at = due::next_look(&record.process, provider, now, self.means.entropy());
        record.look_again(look_at.map(|at| not_before.map_or(at, |earliest| at.max(earliest))), now);
        Ok(learns_reference)
    }

    /// Hands the process over once more, after the lease and only where a repeat is harmless. The right to do so is
    /// claimed by a write of its own: whoever stops half way must not be followed by another try.
    async fn submit_again(
        &self,
        key: &OwnKey,
        record: &mut ProcessRecord,
        provider: &dyn Provider,
        wish: &str,
        look: &mut Look,
    ) -> Result<(), OwnTrouble> {
        let (process, now) = (&mut record.process, self.means.now());
        let harmless = process.unsent || provider.submit_is_repeatable();
        let waiting = process.status == Status::Submitting && now >= process.submit_lease_until;
        if !waiting || !harmless || look.submission.is_some() {
            return Ok(());
        }
        process.claim_submission(now);
        let look_at = due::next_look(process, provider, now, self.means.entropy());
        record.look_again(look_at, now);
        record.wish = Some(wish.to_owned());
        self.means.store.commit(key, record, &fresh("events", self.means.entropy())).await?;
        record.version += 1;
        record.wish = None;
        look.submission = Some(submit(provider, record, now).await);
        Ok(())
    }

    /// Asks the provider and copies what is new. Links that died on the way are asked for once more.
    async fn ask(
        &self,
        process: &Process,
        provider: &dyn Provider,
        reference: &str,
    ) -> Result<Result<Observation, Trouble>, OwnTrouble> {
        let mut answer = match self.query(process, provider, reference).await? {
            Ok(answer) => answer,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let expired = self.copy(process, provider, &mut answer).await?;
        if expired && let Ok(mut fresh) = self.query(process, provider, reference).await? {
            for media in &mut fresh.observation.media {
                let known = answer.observation.media.iter().find(|earlier| earlier.source == media.source);
                if let Some(CopyOutcome::Stored(stored)) = known.map(|earlier| &earlier.outcome) {
                    media.outcome = CopyOutcome::Stored(stored.clone());
                }
            }
            self.copy(process, provider, &mut fresh).await?;
            answer = fresh;
        }
        if says_something_new(process, &answer.observation, self.means.now()) {
            let raw =
                self.copier.store_raw(&process.tenant, process.id, answer.raw).await.map_err(|_| OwnTrouble::Bucket)?;
            answer.observation.media.push(ObservedMedia {
                source: format!("answer/{}", raw.sha256),
                kind: EvidenceKind::ProviderResponse,
                attempt: 0,
                captured_at: Some(answer.observation.observed_at),
                outcome: stored(raw),
            });
        }
        Ok(Ok(answer.observation))
    }

    async fn query(
        &self,
        process: &Process,
        provider: &dyn Provider,
        reference: &str,
    ) -> Result<Result<Answer, Trouble>, OwnTrouble> {
        let asked_at = self.means.now();
        let error = match provider.query(reference, asked_at).await {
            Ok(answer) => return Ok(Ok(answer)),
            Err(error) => error,
        };
        telemetry::record(Metric::ProviderTrouble, &process.provider, 1.0, asked_at);
        tracing::warn!(process = %process.id, provider = process.provider, trouble = error.code(), "provider trouble");
        if let ProviderError::Unreadable { raw } = &error
            && process.failures == 0
        {
            // Kept for whoever has to find out what the provider sent; the first of a series is enough.
            let kept = self.copier.store_raw(&process.tenant, process.id, raw.clone()).await;
            kept.map_err(|_| OwnTrouble::Bucket)?;
        }
        let retry_after = match &error {
            ProviderError::RateLimited { retry_after } => retry_after.and_then(|wait| wait.try_into().ok()),
            _ => None,
        };
        Ok(Err(Trouble { code: error.code(), retry_after }))
    }

    /// Copies every picture whose turn it is, and says whether a link had died.
    async fn copy(&self, process: &Process, provider: &dyn Provider, answer: &mut Answer) -> Result<bool, OwnTrouble> {
        let asked_at = answer.observation.observed_at;
        let now = self.means.now();
        let wanted: Vec<usize> = (0..answer.observation.media.len())
            .filter(|&at| {
                let media = &answer.observation.media[at];
                media.outcome == CopyOutcome::NotTried && process.wants_copy(&media.source, now)
            })
            .collect();
        let media = wanted.iter().filter_map(|&at| {
            let seen = &answer.observation.media[at];
            let link = answer.links.iter().find(|link| link.source == seen.source)?;
            Some(Media { kind: seen.kind, attempt: seen.attempt, url: link.url.clone() })
        });
        let media: Vec<Media> = media.collect();
        let hosts = provider.media_hosts();
        let count = media.len();
        let copies = self.copier.copy_all(&process.tenant, process.id, hosts, media);
        // The verdict must not wait for a picture for longer than this function may run.
        let results = match tokio::time::timeout(COPY_TIME, copies).await {
            Ok(results) => results,
            Err(_) => vec![Err(CopyError::Unavailable); count],
        };
        let mut expired = false;
        for (at, result) in wanted.into_iter().zip(results) {
            expired |= matches!(result, Err(CopyError::LinkExpired));
            answer.observation.media[at].outcome = match result {
                Ok(copy) => {
                    let used =
                        self.means.now().duration_since(asked_at).as_secs_f64() / provider.link_life().as_secs_f64();
                    telemetry::record(Metric::LinkLifeUsed, &process.provider, used * 100.0, now);
                    stored(copy)
                }
                Err(CopyError::Store) => return Err(OwnTrouble::Bucket),
                Err(error @ CopyError::TooLarge) => CopyOutcome::Hopeless { reason: error.code().to_owned() },
                // Also a refused host: the account's list of hosts may be what is wrong, and can be mended.
                Err(error) => CopyOutcome::Failed { reason: error.code().to_owned() },
            };
        }
        Ok(expired)
    }

    fn report(&self, process: &Process, (status, given_up_before): (Status, usize)) {
        let now = self.means.now();
        if process.status != status && process.status.is_terminal() {
            telemetry::record(Metric::Decided, &process.provider, 1.0, now);
        }
        for _ in given_up_before..given_up(process) {
            telemetry::record(Metric::EvidenceIncomplete, &process.provider, 1.0, now);
        }
        tracing::info!(
            tenant = %process.tenant, process = %process.id, status = process.status.as_str(),
            evidence = process.evidence_state().as_str(), failures = process.failures, "looked",
        );
    }
}

/// How long one process's copies may take before the rest of them is put off.
const COPY_TIME: Duration = Duration::from_secs(40);

/// Whether anything remains to be asked of the provider.
fn is_open(process: &Process) -> bool {
    !process.status.is_terminal() || process.next_copy_at().is_some() || process.awaits_held_verdict()
}

fn given_up(process: &Process) -> usize {
    process.evidence.iter().filter(|piece| matches!(piece.copy, Copy::Incomplete { .. })).count()
}

/// Takes the callbacks out of the inbox, oldest first. Where a reference turned out to be another process's, none is
/// believed.
fn fold_inbox(record: &mut ProcessRecord, reference_is_taken: bool) -> Vec<Event> {
    let mut entries: Vec<_> = std::mem::take(&mut record.inbox).into_values().collect();
    entries.sort_by_key(|entry| entry.received_at);
    let mut events = Vec::new();
    for entry in entries {
        let held = entry.verdict.map(|(status, usable_at)| HeldVerdict { status, code: entry.code.clone(), usable_at });
        record.process.called_back(&entry.code, entry.received_at, held);
        // A callback may be the first to know the reference.
        if !reference_is_taken {
            events.extend(record.process.adopt_reference(&entry.reference, entry.received_at));
        }
    }
    events
}

/// Whether an answer is worth keeping as evidence: it changes the state or shows a picture for the first time.
fn says_something_new(process: &Process, observation: &Observation, now: Timestamp) -> bool {
    let mut after = process.clone();
    after.apply(observation, now);
    after.status != process.status || after.evidence.len() != process.evidence.len()
}

fn stored(copy: Stored) -> CopyOutcome {
    CopyOutcome::Stored(StoredCopy {
        key: copy.key,
        bytes: copy.bytes,
        sha256: copy.sha256,
        content_type: copy.content_type.to_owned(),
    })
}
