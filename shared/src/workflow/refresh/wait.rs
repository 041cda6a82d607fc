//! Postpones a process while its provider cannot be asked.

use jiff::SignedDuration;

use super::{
    super::{PAUSED_WAIT, due},
    InfraError, Progress, RefreshProcess, is_open,
};
use crate::{
    process::Certificate,
    providers::{AccessError, Provider},
    store::{ProcessRecord, keys::OwnKey},
};

impl RefreshProcess {
    /// The process's provider. If the tenant has no account there, the next check is planned instead.
    pub(super) async fn provider_or_wait(
        &self,
        key: &OwnKey,
        record: &mut ProcessRecord,
    ) -> Result<Option<Box<dyn Provider>>, InfraError> {
        match self.services.provider(key, &record.process.provider).await {
            Ok(provider) => return Ok(Some(provider)),
            // The account was removed; it may come back.
            Err(AccessError::NoProvider(_)) => {
                self.wait_for_account(key, record, "no_account", |_| SignedDuration::from_hours(1)).await?;
            }
            // Only this tenant's secret is unavailable, so no other process waits.
            Err(AccessError::Secrets(_)) => {
                self.wait_for_account(key, record, "account_unavailable", due::backoff).await?;
            }
        }
        Ok(None)
    }

    /// Postpones a process at a paused provider. A callback that is itself the answer is applied; the others wait in
    /// the inbox. No deadline is applied: the provider may have an answer that was not fetched.
    pub(super) async fn wait_for_paused(
        &self,
        key: &OwnKey,
        record: &mut ProcessRecord,
        provider: &dyn Provider,
        progress: &Progress,
    ) -> Result<(), InfraError> {
        let (results, hints) = std::mem::take(&mut record.inbox).into_iter().partition(|(_, entry)| entry.is_result);
        record.inbox = results;
        let events = self.fold_inbox(record, provider, progress.reference_is_taken).await?;
        record.inbox = hints;
        record.announce(events);
        record.process.unanswered("provider_paused", self.services.now());
        self.wait(key, record, |failures| due::backoff(failures).min(PAUSED_WAIT)).await
    }

    /// Postpones a process whose account is missing or unavailable.
    async fn wait_for_account(
        &self,
        key: &OwnKey,
        record: &mut ProcessRecord,
        trouble: &str,
        wait: fn(u32) -> SignedDuration,
    ) -> Result<(), InfraError> {
        let now = self.services.now();
        record.process.unanswered(trouble, now);
        let events = record.process.conclude(now);
        record.announce(events);
        self.wait(key, record, wait).await
    }

    /// Plans the next check after `wait`, a function of the number of failures.
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
}
