//! Overdue items: finding, postponing, claiming and waking them.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

use super::{
    Store, StoreError,
    codec::{Item, text},
    failure,
    keys::{self, ItemKey, WorkKey},
};

/// An overdue item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueItem {
    pub key: WorkKey,
    /// The time as stored, for the condition of [`Store::wake_due`].
    due_at: String,
}

impl DueItem {
    /// The time at which the item was due.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn due_at(&self) -> Result<Timestamp, StoreError> {
        self.due_at.parse().map_err(|_| StoreError::Corrupt("due_at"))
    }
}

impl Store {
    /// Items of a shard that are due at `now`, the longest overdue first, at most `limit`. One request.
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
                    tracing::error!("an overdue item is of an unknown kind; skipped");
                    None
                }
            }
        });
        Ok(due.collect())
    }

    /// Wakes an overdue item, and postpones it until `until` in case the wake-up is lost. `false` if it is no longer due.
    /// One request.
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

    /// Claims a woken item, so that no other execution handles it before `until`, and adds one to each attribute in
    /// `counted`. `None` if the item has no wake token. One request.
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

    /// Wakes an item, due or not, and makes it due at `until` in case the wake-up is lost. `false` if the item no longer
    /// exists. One request.
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
