//! Copies large evidence (videos) outside the refresh of its process, so that the process and other work need not wait.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{InfraError, PAUSED_WAIT, Services, answer::copy_of, new_token};
use crate::{
    common::Authority as _,
    deployment::Deployment,
    evidence::{Copier, CopyError},
    objects::Bucket,
    platform::{
        functions::Functions,
        telemetry::{self, Metric},
    },
    process::{Copy, CopyOutcome, Evidence, Process},
    store::{
        StoreError,
        keys::{LongCopyKey, OwnKey, WorkKey},
        long_copies::ClaimedCopy,
    },
};

/// How long a claim holds: the time until the copy must begin. A claim without a copy is renewed.
const CLAIM: SignedDuration = SignedDuration::from_mins(2);
/// How long an attempt may take; the function's timeout is not longer.
const LONGEST_TRY: SignedDuration = SignedDuration::from_mins(16);
/// When to try again if the process does not show the evidence yet, or our own store failed.
const SOON: SignedDuration = SignedDuration::from_mins(2);

/// The payload that the copying function is started with: the evidence and the claim. There is one copy for each claim,
/// however often the function is started with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    pk: String,
    claimed_until: Timestamp,
}

/// Starts long copies in a function of their own, so that the stream does not wait for them.
pub struct StartLongCopy {
    services: Services,
    functions: Functions,
}

impl StartLongCopy {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        Self { services: Services::new(deployment), functions: Functions::new(&deployment.platform) }
    }

    /// Claims the evidence `key` if it was woken, and starts its copy. If the copy does not start, it is due again when
    /// the claim ends.
    ///
    /// # Errors
    /// The store fails; the wake token stays.
    pub async fn run(&self, key: &LongCopyKey) -> Result<(), InfraError> {
        let claimed_until = self.services.now() + CLAIM;
        if !self.services.store.claim_long_copy(key, claimed_until).await? {
            return Ok(());
        }
        let pk = WorkKey::LongCopy(key.clone()).item().pk();
        let name = self.services.platform.config.copy_long.as_deref();
        if let Err(error) = self.functions.start(name, &Order { pk, claimed_until }).await {
            tracing::error!(tenant = %key.tenant(), evidence = %key.evidence, %error, "a long copy was not started");
            telemetry::record(Metric::RecordFailed, &[], 1.0, self.services.now());
        }
        Ok(())
    }
}

pub struct CopyLong {
    services: Services,
    copier: Copier,
}

impl CopyLong {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        let bucket = Bucket::of(&deployment.platform);
        let copier = Copier::new(bucket, deployment.platform.config.allow_loopback);
        Self { services: Services::new(deployment), copier }
    }

    /// Tries to copy the ordered evidence, unless another execution did so for this claim or a newer claim exists. A
    /// provider's failure is no error: the next attempt is planned.
    ///
    /// # Errors
    /// The store or the bucket fails; the evidence is due again.
    pub async fn run(&self, order: &Order) -> Result<(), InfraError> {
        let Some(WorkKey::LongCopy(key)) = WorkKey::of(&order.pk) else {
            return Err(StoreError::Corrupt("the order of a long copy").into());
        };
        let until = self.services.now() + LONGEST_TRY;
        let begun = self.services.store.begin_long_copy(&key, order.claimed_until, until).await?;
        let Some(claimed) = begun else { return Ok(()) };
        // Boxed, because a copy is the deepest chain of futures.
        let tried = Box::pin(self.try_copy(&key, &claimed)).await;
        if tried.is_err() {
            // If this write fails too, the copy is due when this attempt would have ended.
            let _ = self.services.store.plan_long_copy(&key, self.services.now() + SOON).await;
        }
        tried
    }

    async fn try_copy(&self, key: &LongCopyKey, claimed: &ClaimedCopy) -> Result<(), InfraError> {
        let now = self.services.now();
        let process = self.services.store.load(&claimed.process, claimed.process.id).await?;
        let Some(process) = process.map(|record| record.process).filter(|process| process.redaction.is_none()) else {
            return Ok(self.services.store.forget_long_copy(key, key.evidence).await?);
        };
        let Some(piece) = process.evidence.iter().find(|piece| piece.id == key.evidence) else {
            // The copy is planned before the process shows the evidence.
            return Ok(self.services.store.plan_long_copy(key, now + SOON).await?);
        };
        if self.services.is_paused(&claimed.process, &process.provider).await? {
            return Ok(self.services.store.plan_long_copy(key, now + PAUSED_WAIT).await?);
        }
        let outcome =
            if piece.is_due(now) { self.copy(&claimed.process, &process, piece).await? } else { CopyOutcome::NotTried };
        match self.record(&claimed.process, key, &outcome).await? {
            Some(again) => self.services.store.plan_long_copy(key, again).await?,
            None => self.services.store.forget_long_copy(key, key.evidence).await?,
        }
        Ok(())
    }

    /// Asks the provider for a fresh link and downloads from it.
    async fn copy(&self, who: &OwnKey, process: &Process, piece: &Evidence) -> Result<CopyOutcome, InfraError> {
        let failed = |reason: &str| Ok(CopyOutcome::Failed { reason: reason.to_owned() });
        let Ok(provider) = self.services.provider(who, &process.provider).await else {
            return failed("no_account");
        };
        let Some(reference) = &process.provider_reference else { return failed("not_shown") };
        let answer = match provider.query(reference, self.services.now()).await {
            Ok(answer) => answer,
            Err(error) => return failed(error.code()),
        };
        let Some(link) = answer.links.iter().find(|link| link.source == piece.source) else {
            return failed("not_shown");
        };
        let hosts = provider.media_hosts();
        let copied = self.copier.copy_video(&process.tenant, process.id, hosts, &link.url, &piece.source).await;
        match copied {
            Ok(stored) => Ok(CopyOutcome::Stored(copy_of(stored))),
            Err(CopyError::Store) => Err(InfraError::Bucket),
            Err(error) if error.is_hopeless() => Ok(CopyOutcome::Hopeless { reason: error.code().to_owned() }),
            Err(error) => failed(error.code()),
        }
    }

    /// Records the attempt in the process, and plans the next one if there is one.
    async fn record(
        &self,
        process: &OwnKey,
        key: &LongCopyKey,
        outcome: &CopyOutcome,
    ) -> Result<Option<Timestamp>, InfraError> {
        let mut races = self.services.races();
        loop {
            let Some(mut record) = self.services.store.load(process, process.id).await? else { return Ok(None) };
            if record.process.redaction.is_some() {
                return Ok(None);
            }
            let now = self.services.now();
            let mut events = record.process.copied(key.evidence, outcome, now);
            // No refresh follows for a process that has ended, so this concludes it: copies that fail too long are
            // abandoned.
            events.extend(record.process.conclude(now));
            let piece = record.process.evidence.iter().find(|piece| piece.id == key.evidence);
            let again = piece.and_then(|piece| match piece.copy {
                Copy::Pending { next_try_at, .. } => Some(next_try_at),
                _ => None,
            });
            if *outcome == CopyOutcome::NotTried {
                return Ok(again);
            }
            record.announce(events);
            let next_check_at = record.next_check_at.into_iter().chain(record.process.next_lock_step_at(now)).min();
            record.check_again(next_check_at, now);
            let commit =
                self.services.store.commit(process, &record, &new_token("events", self.services.entropy())).await;
            if races.won(commit).await? {
                tracing::info!(
                    tenant = %process.tenant(), process = %process.id, evidence = %key.evidence,
                    done = again.is_none(), "long copy",
                );
                return Ok(again);
            }
        }
    }
}
