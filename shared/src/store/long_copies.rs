//! The task of copying evidence that takes long (a video), as an item of its own, so that no refresh waits for it.
//!
//! The item exists from before the process shows the piece until the piece is stored or has failed for good. The process
//! records the outcome of each try; the item only says that a copy is needed, and when.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Store, StoreError,
    codec::text,
    failure,
    keys::{self, ItemKey, LongCopyKey, OwnKey},
    request::Refused,
};
use crate::{common::Authority, process::ProcessId};

/// A long copy that only this run may try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedCopy {
    /// The process of the piece.
    pub process: OwnKey,
}

impl Store {
    /// Requests a copy of `evidence` of `process`, at once and again after `until`. Changes nothing if the task exists. One
    /// request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn want_long_copy(
        &self,
        who: &impl Authority,
        process: ProcessId,
        evidence: Uuid,
        wake_token: &str,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let mut item = ItemKey::LongCopy(who.tenant(), evidence).attributes();
        for (name, value) in [
            ("kind", "long_copy"),
            ("process_id", &process.to_string()),
            ("wake_token", wake_token),
            ("due_shard", &keys::due_shard_of(evidence)),
            ("due_at", &keys::moment(until)),
        ] {
            item.insert(name.to_owned(), text(value));
        }
        item.insert("version".to_owned(), AttributeValue::N("0".to_owned()));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        match self.put(put.condition_expression("attribute_not_exists(pk)")).await.map_err(StoreError::from) {
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Claims a long copy, so that no other execution makes it before `until`. `false` if none is requested. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn claim_long_copy(&self, key: &LongCopyKey, until: Timestamp) -> Result<bool, StoreError> {
        let claimed = self.claim(ItemKey::LongCopy(key.tenant(), key.evidence), until, &["version"]).await?;
        Ok(claimed.is_some())
    }

    /// Begins the long copy that was claimed until `claimed`, so that no other execution begins it before `until`. `None`
    /// if it has begun, was claimed again, or is no longer needed. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn begin_long_copy(
        &self,
        key: &LongCopyKey,
        claimed: Timestamp,
        until: Timestamp,
    ) -> Result<Option<ClaimedCopy>, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(ItemKey::LongCopy(key.tenant(), key.evidence).attributes()))
            .update_expression("SET due_at = :until ADD version :one")
            .condition_expression("due_at = :claimed")
            .expression_attribute_values(":claimed", text(&keys::moment(claimed)))
            .expression_attribute_values(":until", text(&keys::moment(until)))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values(ReturnValue::AllNew);
        let item = match self.update(update).await {
            Ok(item) => item,
            Err(Refused::Condition(_)) => return Ok(None),
            Err(Refused::Other(error)) => return Err(error),
        };
        let process = item.get("process_id").and_then(|id| id.as_s().ok()?.parse().ok());
        let process = process.ok_or(StoreError::Corrupt("process_id"))?;
        Ok(Some(ClaimedCopy { process: OwnKey::named(key, process) }))
    }

    /// Plans the next try. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn plan_long_copy(&self, key: &LongCopyKey, at: Timestamp) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(ItemKey::LongCopy(key.tenant(), key.evidence).attributes()))
            .update_expression("SET due_at = :at")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":at", text(&keys::moment(at)));
        match self.send(|| update.clone().send()).await.map_err(|error| failure(&error)) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Removes the task of copying `evidence`. Changes nothing if it does not exist. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn forget_long_copy(&self, who: &impl Authority, evidence: Uuid) -> Result<(), StoreError> {
        let key = ItemKey::LongCopy(who.tenant(), evidence).attributes();
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key));
        self.send(|| delete.clone().send()).await.map(|_| ()).map_err(|error| failure(&error))
    }
}
