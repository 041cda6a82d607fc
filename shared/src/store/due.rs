//! What is overdue, and putting it off while it is being seen to.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

use super::{
    Store, StoreError,
    codec::{Item, text},
    failure,
    keys::{self, ItemKey, WorkKey},
};

/// Something overdue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueItem {
    /// What it is.
    pub key: WorkKey,
    /// When it was due, as stored.
    due_at: String,
}

impl DueItem {
    /// When it was due.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn due_at(&self) -> Result<Timestamp, StoreError> {
        self.due_at.parse().map_err(|_| StoreError::Corrupt("due_at"))
    }
}

impl Store {
    /// What of one shard is due at `now`, the longest overdue first, at most `limit`. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn due(&self, shard: u8, now: Timestamp, limit: i32) -> Result<Vec<DueItem>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("due")
            .key_condition_expression("due_shard = :shard AND due_at <= :now")
            .expression_attribute_values(":shard", text(&keys::due_shard(shard)))
            .expression_attribute_values(":now", text(&keys::moment(now)))
            .limit(limit);
        let answer = self.send(|| query.clone().send()).await.map_err(|error| failure(&error))?;
        let due = answer.items().iter().filter_map(|item| {
            let get = |name| item.get(name).and_then(|value: &AttributeValue| value.as_s().ok());
            match (get("pk").and_then(|pk| WorkKey::of(pk)), get("due_at")) {
                (Some(key), Some(due_at)) => Some(DueItem { key, due_at: due_at.clone() }),
                _ => {
                    tracing::error!("something of an unknown kind is due, and was passed over");
                    None
                }
            }
        });
        Ok(due.collect())
    }

    /// Asks for an overdue item to be looked at, and puts it off until `until` in case nobody does. `false` where it is
    /// no longer due. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn wake_due(&self, item: &DueItem, wake_token: &str, until: Timestamp) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(item.key.item().attributes()))
            .update_expression("SET #wake = :wake_token, due_at = :until ADD version :one")
            .expression_attribute_names("#wake", item.key.wake_attribute())
            .condition_expression("due_at = :seen")
            .expression_attribute_values(":wake_token", text(wake_token))
            .expression_attribute_values(":until", text(&keys::moment(until)))
            .expression_attribute_values(":seen", text(&item.due_at))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        match self.update(update).await.map_err(StoreError::from) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Claims an item, so that nobody else handles it before `until`, and adds one to each of the numbers `counted`.
    /// `None` where it was not woken. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub(super) async fn claim(
        &self,
        key: ItemKey<'_>,
        until: Timestamp,
        counted: &[&str],
    ) -> Result<Option<Item>, StoreError> {
        let added: Vec<_> = counted.iter().map(|number| format!("{number} :one")).collect();
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .update_expression(format!("SET due_at = :until REMOVE wake_token ADD {}", added.join(", ")))
            .condition_expression("attribute_exists(wake_token)")
            .expression_attribute_values(":until", text(&keys::moment(until)))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values(ReturnValue::AllNew);
        match self.update(update).await.map_err(StoreError::from) {
            Ok(item) => Ok(Some(item)),
            Err(StoreError::Conflict) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Wakes an item, whether it is due or not. Should the wake token wake nobody, it is due after `until`.
    /// `false` where there is no such item any more. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn wake_again(&self, key: &WorkKey, wake_token: &str, until: Timestamp) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.item().attributes()))
            .update_expression("SET #wake = :wake_token, due_shard = :shard, due_at = :until ADD version :one")
            .expression_attribute_names("#wake", key.wake_attribute())
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":wake_token", text(wake_token))
            .expression_attribute_values(":shard", text(&key.due_shard()))
            .expression_attribute_values(":until", text(&keys::moment(until)))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        match self.send(|| update.clone().send()).await.map_err(|error| failure(&error)) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(other) => Err(other),
        }
    }
}
