//! Reading and writing one process.

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use jiff::Timestamp;

use super::{
    Store, StoreError,
    codec::{self, InboxEntry, ProcessRecord, text},
    failure, keys,
    keys::ItemKey,
    request::Refused,
};
use crate::{common::Authority, process::ProcessId};

/// Callbacks in an item that are not yet applied, at most; a further callback only wakes the process.
pub const MAX_INBOX: usize = 16;

/// Makes an item due soon, in case the wake-up is lost. The execution that handles the item plans it again.
const DUE_SOON: &str = "due_shard = :shard, due_at = :until";

/// Outcome of storing a new process.
#[derive(Debug)]
pub enum Creation {
    New,
    /// A process of that id exists already.
    Existing(Box<ProcessRecord>),
}

/// Outcome of delivering a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallbackReceipt {
    /// The callback is in the inbox, or only woke the process.
    Taken,
    /// The process does not exist, or has another reference.
    NotOurs,
    /// The process ended too long ago, or was redacted.
    Over,
    /// The inbox is full, and this callback must not be lost: the provider must send it again.
    Full,
}

impl Store {
    /// Stores a new process. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; the process may be stored nevertheless, and the same call finds it when repeated.
    pub async fn create(&self, who: &impl Authority, record: &ProcessRecord) -> Result<Creation, StoreError> {
        debug_assert_eq!(who.tenant(), &record.process.tenant);
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(codec::item(record, record.version, "")?))
            .condition_expression("attribute_not_exists(pk)");
        match self.put(put).await {
            Ok(()) => Ok(Creation::New),
            Err(Refused::Condition(existing)) => {
                let item = existing.ok_or(StoreError::Corrupt("no item with the failed condition"))?;
                Ok(Creation::Existing(Box::new(codec::record(&item)?)))
            }
            Err(Refused::Other(error)) => Err(error),
        }
    }

    /// The process (strongly consistent). One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn load(&self, who: &impl Authority, id: ProcessId) -> Result<Option<ProcessRecord>, StoreError> {
        let key = ItemKey::Process(who.tenant(), id).attributes();
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let answer = self.send(|| get.clone().send()).await.map_err(|error| failure(&error))?;
        answer.item().map(codec::record).transpose()
    }

    /// Writes a changed record, unless another writer changed it since it was loaded. Removes the wake token it was loaded
    /// with, unless the record still has one. One request.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another writer changed it: load it again and repeat.
    pub async fn commit(
        &self,
        who: &impl Authority,
        record: &ProcessRecord,
        outbox_token: &str,
    ) -> Result<(), StoreError> {
        debug_assert_eq!(who.tenant(), &record.process.tenant);
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(codec::item(record, record.version + 1, outbox_token)?))
            .condition_expression("version = :loaded")
            .expression_attribute_values(":loaded", AttributeValue::N(record.version.to_string()));
        Ok(self.put(put).await?)
    }

    /// As [`Self::commit`], and ties the provider's reference to this process: no other process of the tenant can have it.
    /// One transaction of two writes.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another writer changed it, [`StoreError::ReferenceTaken`] if another process has the
    /// reference.
    pub async fn commit_reference(
        &self,
        who: &impl Authority,
        record: &ProcessRecord,
        outbox_token: &str,
    ) -> Result<(), StoreError> {
        let process = &record.process;
        debug_assert_eq!(who.tenant(), &process.tenant);
        let reference = process.provider_reference.as_deref().ok_or(StoreError::Corrupt("no reference"))?;
        let commit = Put::builder()
            .table_name(&self.table)
            .set_item(Some(codec::item(record, record.version + 1, outbox_token)?))
            .condition_expression("version = :loaded")
            .expression_attribute_values(":loaded", AttributeValue::N(record.version.to_string()));
        let guard = Put::builder()
            .table_name(&self.table)
            .set_item(Some(codec::reference_guard(process, reference)))
            .condition_expression("attribute_not_exists(pk) OR process_id = :process")
            .expression_attribute_values(":process", text(&process.id.to_string()));
        let writes = [commit, guard].map(|put| {
            let put = put.build().map_err(|_| StoreError::Corrupt("incomplete write"));
            put.map(|put| TransactWriteItem::builder().put(put).build())
        });
        let [commit, guard] = writes;
        self.send_transaction(vec![commit?, guard?]).await.map_err(|cancelled| {
            let guard = cancelled.reasons.get(1).and_then(|reason| reason.code());
            if guard == Some("ConditionalCheckFailed") { StoreError::ReferenceTaken } else { cancelled.error }
        })
    }

    /// Requests a refresh of the process and returns it. The process is due at `until`, in case the wake-up is lost. One
    /// request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn wake(
        &self,
        who: &impl Authority,
        id: ProcessId,
        wake_token: &str,
        until: Timestamp,
    ) -> Result<Option<ProcessRecord>, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(ItemKey::Process(who.tenant(), id).attributes()))
            .update_expression(format!("SET wake_token = :wake_token, {DUE_SOON} ADD version :one"))
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":wake_token", text(wake_token))
            .expression_attribute_values(":shard", text(&keys::due_shard_of(id.0)))
            .expression_attribute_values(":until", text(&keys::moment(until)))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values(ReturnValue::AllNew);
        match self.send(|| update.clone().send()).await {
            Ok(answer) => {
                codec::record(answer.attributes().ok_or(StoreError::Corrupt("no attributes after an update"))?)
                    .map(Some)
            }
            Err(error) => match failure(&error) {
                StoreError::Conflict => Ok(None),
                other => Err(other),
            },
        }
    }

    /// Puts a callback into the inbox and requests a refresh, in one request (two if the inbox is full). The same callback
    /// again changes only the wake token.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; the provider will send it again.
    pub async fn deliver_callback(
        &self,
        who: &impl Authority,
        id: ProcessId,
        key: &str,
        entry: &InboxEntry,
        wake_token: &str,
        until: Timestamp,
    ) -> Result<CallbackReceipt, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(ItemKey::Process(who.tenant(), id).attributes()))
            .update_expression(format!("SET wake_token = :wake_token, inbox.#key = :entry, {DUE_SOON} ADD version :one"))
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(provider_reference) OR provider_reference = :reference) \
                 AND (attribute_not_exists(callbacks_until) OR callbacks_until > :now) \
                 AND (size(inbox) < :max OR attribute_exists(inbox.#key))",
            )
            .expression_attribute_names("#key", key)
            .expression_attribute_values(":wake_token", text(wake_token))
            .expression_attribute_values(":entry", codec::json(entry)?)
            .expression_attribute_values(":shard", text(&keys::due_shard_of(id.0)))
            .expression_attribute_values(":until", text(&keys::moment(until)))
            .expression_attribute_values(":reference", text(&entry.reference))
            .expression_attribute_values(":now", text(&keys::moment(entry.received_at)))
            .expression_attribute_values(":max", AttributeValue::N(MAX_INBOX.to_string()))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = self.send(|| update.clone().send()).await else { return Ok(CallbackReceipt::Taken) };
        let Some(UpdateItemError::ConditionalCheckFailedException(refused)) = error.as_service_error() else {
            return Err(failure(&error));
        };
        let Some(item) = refused.item() else { return Ok(CallbackReceipt::NotOurs) };
        let record = codec::record(item)?;
        if record.process.provider_reference.is_some_and(|reference| reference != entry.reference) {
            return Ok(CallbackReceipt::NotOurs);
        }
        let over = item.get("callbacks_until").and_then(|until| until.as_s().ok());
        if over.is_some_and(|until| *until <= keys::moment(entry.received_at)) {
            return Ok(CallbackReceipt::Over);
        }
        if entry.body.is_some() {
            return Ok(CallbackReceipt::Full);
        }
        tracing::warn!(process = %id, "inbox full; the callback only wakes the process");
        let woken = self.wake(who, id, wake_token, until).await?;
        Ok(if woken.is_some() { CallbackReceipt::Taken } else { CallbackReceipt::NotOurs })
    }

    /// Whether the process accepts no callbacks any more at `now`. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn is_over(&self, who: &impl Authority, id: ProcessId, now: Timestamp) -> Result<bool, StoreError> {
        let key = ItemKey::Process(who.tenant(), id).attributes();
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let get = get.projection_expression("callbacks_until");
        let answer = self.send(|| get.clone().send()).await.map_err(|error| failure(&error))?;
        let until = answer.item().and_then(|item| item.get("callbacks_until")?.as_s().ok());
        Ok(until.is_some_and(|until| *until <= keys::moment(now)))
    }

    /// The process that has a provider's reference (strongly consistent). One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn process_of_reference(
        &self,
        who: &impl Authority,
        provider: &str,
        reference: &str,
    ) -> Result<Option<ProcessId>, StoreError> {
        let key = ItemKey::Reference(who.tenant(), provider, reference).attributes();
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let answer = self.send(|| get.clone().send()).await.map_err(|error| failure(&error))?;
        answer.item().map(codec::guarded_process).transpose()
    }

    /// Empties the outbox of a record whose events were delivered; the process is then due only for its next refresh. One
    /// request.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another writer changed it since it was loaded.
    pub async fn close_outbox(&self, who: &impl Authority, record: &ProcessRecord) -> Result<(), StoreError> {
        let id = record.process.id;
        let awaited = record.wake_token.is_some() || !record.inbox.is_empty();
        let due_at = if awaited { record.due_at } else { record.next_check_at };
        let mut expression = "SET outbox = :empty".to_owned();
        if due_at.is_some() {
            expression.push_str(", due_shard = :shard, due_at = :due_at");
        }
        expression.push_str(" REMOVE outbox_token");
        if due_at.is_none() {
            expression.push_str(", due_shard, due_at");
        }
        expression.push_str(" ADD version :one");
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(ItemKey::Process(who.tenant(), id).attributes()))
            .update_expression(expression)
            .condition_expression("version = :loaded")
            .expression_attribute_values(":empty", AttributeValue::M(std::collections::HashMap::new()))
            .expression_attribute_values(":loaded", AttributeValue::N(record.version.to_string()))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        if let Some(due_at) = due_at {
            update = update
                .expression_attribute_values(":shard", text(&keys::due_shard_of(id.0)))
                .expression_attribute_values(":due_at", text(&keys::moment(due_at)));
        }
        self.update(update).await?;
        Ok(())
    }
}
