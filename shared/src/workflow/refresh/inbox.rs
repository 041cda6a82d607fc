//! Applies the callbacks in the inbox.

use bytes::Bytes;

use super::{InfraError, RefreshProcess, answer};
use crate::{
    platform::telemetry::{self, Metric},
    process::{Event, HeldVerdict, ObservedMedia, Process},
    providers::Provider,
    store::{CallbackBody, InboxEntry, ProcessRecord},
};

/// The longest callback body that is read back, in bytes.
const MAX_RESULT_BYTES: usize = 1024 * 1024;

impl RefreshProcess {
    /// Takes the callbacks out of the inbox and applies them, oldest first. If a reference belongs to another process,
    /// none is applied.
    pub(super) async fn fold_inbox(
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
            // A callback may be the first source of the reference. Without a query, only a result justifies adopting
            // it: otherwise the lost answer to a submission must still be fetched by repeating the submission.
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
            tracing::error!(process = %process.id, provider = process.provider, "an accepted callback is unreadable");
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

    /// The callback's body as stored evidence, if the callback is evidence only.
    async fn said(&self, process: &Process, entry: &InboxEntry) -> Result<Option<ObservedMedia>, InfraError> {
        let Some(said) = entry.body.as_ref().filter(|_| !entry.is_result) else { return Ok(None) };
        let body = self.body(said).await?;
        answer::keep_said(self.submitter.copier(), process, body, entry.received_at).await.map(Some)
    }

    async fn body(&self, body: &CallbackBody) -> Result<Bytes, InfraError> {
        match body {
            CallbackBody::Text(text) => Ok(Bytes::copy_from_slice(text.expose().as_bytes())),
            CallbackBody::Object(key) => {
                self.submitter.copier().read(key, MAX_RESULT_BYTES).await.map_err(|_| InfraError::Bucket)
            }
        }
    }
}
