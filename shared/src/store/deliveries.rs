//! Deliveries: messages to channels.
//!
//! | attribute | what it is |
//! | --- | --- |
//! | `pk`, `sk`, `kind`, `version` | key, kind of item, number of writes |
//! | `body` | the delivery as JSON text |
//! | `outbox_token` | a new random text while the delivery is pending; the stream calls `deliver-notifications` |
//! | `due_shard`, `due_at` | latest time of the next attempt (index `due`) |
//! | `by_kind_pk`, `by_kind_sk`, `summary` | the delivery log of the channel (index `by_kind`) |
//! | `by_owner_pk`, `by_owner_sk` | all deliveries about one resource (index `by_owner`) |
//! | `expires_at_epoch` | when DynamoDB removes it |

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    Store, StoreError,
    codec::{Item, json, parse, text},
    failure, keys,
    keys::{DeliveryKey, ItemKey, WorkKey},
};
use crate::{
    common::Authority,
    notify::{Delivery, DeliverySummary},
};

/// How long a delivery is kept.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How long the schedule waits for an attempt that the stream should have started.
const TIMEOUT: SignedDuration = SignedDuration::from_mins(2);

/// A delivery with the attributes that only its item has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRecord {
    pub delivery: Delivery,
    /// Number of writes so far; the condition of the next write.
    pub version: u64,
}

impl Store {
    /// Stores a new delivery and requests its first attempt; changes nothing if it exists. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn create_delivery(
        &self,
        who: &impl Authority,
        delivery: &Delivery,
        outbox_token: &str,
    ) -> Result<(), StoreError> {
        debug_assert_eq!(who.tenant(), &delivery.tenant);
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item(delivery, 0, Some(outbox_token))?));
        match self.put(put.condition_expression("attribute_not_exists(pk)")).await.map_err(StoreError::from) {
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A delivery (strongly consistent); `None` if it expired before `now`. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn delivery(
        &self,
        who: &impl Authority,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<DeliveryRecord>, StoreError> {
        let key = ItemKey::Delivery(who.tenant(), id).attributes();
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let answer = self.send(|| get.clone().send()).await.map_err(|error| failure(&error))?;
        let record = answer.item().map(read).transpose()?;
        Ok(record.filter(|record| record.delivery.created_at + KEPT_FOR > now))
    }

    /// Writes a changed delivery, unless another writer changed it since it was loaded. With `outbox_token` the next
    /// attempt starts at once, otherwise when it is due. One request.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another writer changed it: load it again and repeat.
    pub async fn commit_delivery(
        &self,
        who: &impl Authority,
        record: &DeliveryRecord,
        outbox_token: Option<&str>,
    ) -> Result<(), StoreError> {
        debug_assert_eq!(who.tenant(), &record.delivery.tenant);
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item(&record.delivery, record.version + 1, outbox_token)?))
            .condition_expression("version = :loaded")
            .expression_attribute_values(":loaded", AttributeValue::N(record.version.to_string()));
        Ok(self.put(put).await?)
    }

    /// The keys of all deliveries about a resource. One request for each megabyte of them.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn deliveries_about(&self, who: &impl Authority, resource: &str) -> Result<Vec<DeliveryKey>, StoreError> {
        let mut found = Vec::new();
        let mut rest = None;
        loop {
            let query = self
                .client
                .query()
                .table_name(&self.table)
                .index_name("by_owner")
                .key_condition_expression("by_owner_pk = :about")
                .expression_attribute_values(":about", text(&keys::by_resource(who.tenant(), resource)))
                .set_exclusive_start_key(rest);
            let answer = self.send(|| query.clone().send()).await.map_err(|error| failure(&error))?;
            for item in answer.items() {
                match item.get("pk").and_then(|pk| WorkKey::of(pk.as_s().ok()?)) {
                    Some(WorkKey::Delivery(key)) => found.push(key),
                    _ => return Err(StoreError::Corrupt("pk")),
                }
            }
            rest = answer.last_evaluated_key;
            if rest.is_none() {
                return Ok(found);
            }
        }
    }
}

fn item(delivery: &Delivery, version: u64, outbox_token: Option<&str>) -> Result<Item, StoreError> {
    let mut item = ItemKey::Delivery(&delivery.tenant, delivery.id).attributes();
    let mut set = |name: &str, value| item.insert(name.to_owned(), value);
    let month = keys::month(delivery.created_at);
    set("kind", text("delivery"));
    set("version", AttributeValue::N(version.to_string()));
    set("body", json(delivery)?);
    set("by_kind_pk", text(&keys::by_channel(&delivery.tenant, delivery.channel, &month)));
    set("by_kind_sk", text(&keys::by_kind_sort(delivery.created_at, delivery.id)));
    set("by_owner_pk", text(&keys::by_resource(&delivery.tenant, &delivery.message.resource_id)));
    set("by_owner_sk", text(&keys::by_kind_sort(delivery.created_at, delivery.id)));
    let summary = [("state", text(delivery.state.as_str())), ("view", json(&DeliverySummary::of(delivery))?)];
    set("summary", AttributeValue::M(summary.map(|(name, value)| (name.to_owned(), value)).into()));
    let end = (delivery.created_at + KEPT_FOR).as_second();
    set("expires_at_epoch", AttributeValue::N(end.to_string()));
    if let Some(at) = delivery.next_attempt_at {
        let at = if outbox_token.is_some() { at + TIMEOUT } else { at };
        set("due_shard", text(&keys::due_shard_of(delivery.id)));
        set("due_at", text(&keys::moment(at)));
    }
    if let Some(outbox_token) = outbox_token.filter(|_| delivery.next_attempt_at.is_some()) {
        set("outbox_token", text(outbox_token));
    }
    Ok(item)
}

fn read(item: &Item) -> Result<DeliveryRecord, StoreError> {
    let body = item.get("body").and_then(|value| value.as_s().ok()).ok_or(StoreError::Corrupt("body"))?;
    let version = item.get("version").and_then(|value| value.as_n().ok()?.parse().ok());
    Ok(DeliveryRecord { delivery: parse(body, "body")?, version: version.ok_or(StoreError::Corrupt("version"))? })
}
