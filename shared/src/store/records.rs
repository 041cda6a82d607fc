//! Records of the people registry.
//!
//! | attribute | what it is |
//! | --- | --- |
//! | `pk`, `sk`, `kind`, `version` | key, kind of item, number of writes |
//! | `body` | the record as JSON text |
//! | `projection_address`, … | short copies of the records that belong to it: one map for each family, which their transactions write |
//! | `deleted_at` | when the record was deleted; no new record can belong to a deleted one |
//! | `outbox`, `outbox_token`, `due_shard`, `due_at` | as in the item of a process |
//! | `by_kind_pk`, `by_kind_sk` | lists (index `by_kind`); deleted records have separate lists, which no customer sees |
//! | `by_owner_pk`, `by_owner_sk` | lists of one owner (index `by_owner`) |
//! | `fingerprint`, `created_by` | as in the item of a process |
//! | `rows` | rows of an import's last step that changed the record |
//!
//! A value that only one record may have has a guard ([`super::unique`]). A value that an owner's records are searched by
//! has an item for each such record ([`super::listed`]). The record's transaction writes both, so that no check waits for
//! an index.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::put_item::builders::PutItemFluentBuilder,
    types::{AttributeValue, ConditionCheck, Put, TransactWriteItem},
};
use uuid::Uuid;

pub use super::record_item::{RecordItem, Written};
use super::{
    Store, StoreError,
    codec::Item,
    failure,
    keys::ItemKey,
    listed::Listed,
    projections::OwnerWrite,
    record_item::{Cause, read, write},
    request::{INCOMPLETE, Refused},
    unique::Unique,
};
use crate::{
    common::Authority,
    people::{Kind, OwnerProjection, Record},
};

/// Undelivered events of a record. From this number on, an event with the name of an undelivered one is not added.
pub const MAX_OUTBOX: usize = 100;
/// New records in one transaction of a hundred writes, each with its listed value, and the owner.
pub const MAX_TOGETHER: usize = 49;
/// Records in one read request, at most.
const READ_AT_ONCE: usize = 100;

/// A new record, and the value that it is searched by.
pub type NewRecord = (RecordItem, Option<Listed>);

/// Writes that belong to the write of a record.
#[derive(Debug, Default)]
pub struct RelatedWrites {
    /// Unique values that the record has from now on.
    pub taken: Vec<Unique>,
    /// Unique values that it no longer has.
    pub freed: Vec<Unique>,
    /// The value that it is searched by from now on.
    pub listed: Option<Listed>,
    /// The value that it is no longer searched by.
    pub unlisted: Option<Listed>,
    /// Records that must exist: field, kind and id of each.
    pub needed: Vec<(&'static str, Kind, Uuid)>,
    /// The owner, which must exist, and the projection that it keeps.
    pub owner: Option<OwnerWrite>,
    /// The former owner, and the projection that it no longer keeps.
    pub left: Option<(Kind, Uuid, OwnerProjection)>,
}

impl Store {
    /// Writes a record and all related writes, or nothing. Version 0 means a new record. One transaction; a single put if
    /// there are no related writes.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; the record may be written nevertheless. [`StoreError::Conflict`] if other requests
    /// write the same items at this moment: repeat the call.
    pub async fn write_record(
        &self,
        who: &impl Authority,
        item: &RecordItem,
        beside: &RelatedWrites,
        outbox_token: &str,
    ) -> Result<Written, StoreError> {
        debug_assert_eq!(who.tenant(), &item.record.tenant);
        let mut writes = vec![(Cause::Record, self.put_record(item, outbox_token)?)];
        for unique in &beside.freed {
            let freed = self.free_value(&item.record, unique)?;
            writes.extend(freed.into_iter().map(|write| (Cause::Record, write)));
        }
        for unique in &beside.taken {
            let taken = self.take_value(&item.record, unique)?;
            writes.extend(taken.into_iter().map(|write| (Cause::Guard(unique.field), write)));
        }
        if let Some(listed) = &beside.unlisted {
            writes.push((Cause::Record, self.unlist(&item.record, listed)?));
        }
        if let Some(listed) = &beside.listed {
            writes.push((Cause::Record, self.list_value(&item.record, listed)?));
        }
        for (field, kind, id) in &beside.needed {
            writes.push((Cause::Needed(field), self.need(who, *kind, *id)?));
        }
        if let Some(owner) = &beside.owner {
            writes.push(match &owner.projection {
                Some(projection) => (Cause::Owner(owner.field), self.put_projection(who, owner, projection)?),
                None => (Cause::Needed(owner.field), self.need(who, owner.kind, owner.id)?),
            });
        }
        if let Some((kind, id, projection)) = &beside.left {
            writes.push((Cause::Left, self.remove_projection(who, *kind, *id, projection)?));
        }
        self.transact(writes).await
    }

    /// Writes new records of the same owner, or none of them. One transaction.
    ///
    /// # Errors
    /// As [`Self::write_record`].
    pub async fn write_records(
        &self,
        who: &impl Authority,
        items: &[NewRecord],
        (field, kind, owner): (&'static str, Kind, Uuid),
    ) -> Result<Written, StoreError> {
        debug_assert!(items.len() <= MAX_TOGETHER);
        let mut writes = vec![(Cause::Needed(field), self.need(who, kind, owner)?)];
        for (item, listed) in items {
            debug_assert!(item.outbox.is_empty() && who.tenant() == &item.record.tenant);
            writes.push((Cause::Record, self.put_record(item, "")?));
            if let Some(listed) = listed {
                writes.push((Cause::Record, self.list_value(&item.record, listed)?));
            }
        }
        self.transact(writes).await
    }

    pub(super) async fn transact(&self, writes: Vec<(Cause, TransactWriteItem)>) -> Result<Written, StoreError> {
        let (causes, mut writes): (Vec<_>, Vec<_>) = writes.into_iter().unzip();
        // A single put needs no transaction, which would cost twice as much and could conflict with other requests.
        if let [write] = writes.as_mut_slice()
            && let Some(put) = write.put.take()
        {
            return match self.put(self.alone(put)).await {
                Ok(()) => Ok(Written::Done),
                Err(Refused::Condition(_)) => Ok(Written::Lost),
                Err(Refused::Other(error)) => Err(error),
            };
        }
        let Err(cancelled) = self.send_transaction(writes).await else { return Ok(Written::Done) };
        let mut reasons = cancelled.reasons.iter().zip(&causes);
        match reasons.find(|(reason, _)| reason.code() == Some("ConditionalCheckFailed")) {
            Some((_, Cause::Record)) => Ok(Written::Lost),
            Some((_, Cause::Guard(field))) => Ok(Written::Taken(field)),
            Some((_, Cause::Needed(field))) => Ok(Written::Missing(field)),
            Some((reason, Cause::Owner(field))) => {
                let there =
                    reason.item().is_some_and(|item| item.contains_key("pk") && !item.contains_key("deleted_at"));
                Ok(if there { Written::Full(field) } else { Written::Missing(field) })
            }
            Some((_, Cause::Left)) | None => Err(cancelled.error),
        }
    }

    /// A record (strongly consistent), deleted or not. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn record(&self, who: &impl Authority, kind: Kind, id: Uuid) -> Result<Option<RecordItem>, StoreError> {
        let key = ItemKey::Record(who.tenant(), kind, id).attributes();
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let answer = self.send(|| get.clone().send()).await.map_err(|error| failure(&error))?;
        answer.item().map(read).transpose()
    }

    /// Records that are not deleted (strongly consistent), in the order of `ids`. One request for each hundred, and more if
    /// DynamoDB returns only part of them.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn records(&self, who: &impl Authority, kind: Kind, ids: &[Uuid]) -> Result<Vec<Record>, StoreError> {
        let found = self.records_with_deleted(who, kind, ids).await?;
        let found: HashMap<_, _> = found.into_iter().map(|item| (item.record.id, item.record)).collect();
        let here = ids.iter().filter_map(|id| found.get(id));
        Ok(here.filter(|record| record.deleted_at.is_none()).cloned().collect())
    }

    /// Records, deleted or not (strongly consistent), in any order; otherwise as [`Self::records`].
    ///
    /// # Errors
    /// As [`Self::records`].
    pub async fn records_with_deleted(
        &self,
        who: &impl Authority,
        kind: Kind,
        ids: &[Uuid],
    ) -> Result<Vec<RecordItem>, StoreError> {
        let mut distinct = ids.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let keys = distinct.iter().map(|id| ItemKey::Record(who.tenant(), kind, *id).attributes());
        self.read_together(keys.collect()).await?.iter().map(read).collect()
    }

    /// Items of any kind (strongly consistent), in any order. One request for each hundred, and more if DynamoDB returns
    /// only part of them.
    pub(super) async fn read_together(&self, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::new();
        for keys in keys.chunks(READ_AT_ONCE) {
            found.extend(self.get_all(keys.to_vec()).await?);
        }
        Ok(found)
    }

    /// Empties the outbox of a record whose events were delivered. One request.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another writer changed it since it was loaded.
    pub async fn close_record_outbox(&self, who: &impl Authority, item: &RecordItem) -> Result<(), StoreError> {
        let record = &item.record;
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(ItemKey::Record(who.tenant(), record.kind, record.id).attributes()))
            .update_expression("SET outbox = :empty REMOVE outbox_token, due_shard, due_at ADD version :one")
            .condition_expression("version = :loaded")
            .expression_attribute_values(":empty", AttributeValue::M(HashMap::new()))
            .expression_attribute_values(":loaded", AttributeValue::N(item.version.to_string()))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        self.update(update).await?;
        Ok(())
    }

    fn put_record(&self, item: &RecordItem, outbox_token: &str) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder().table_name(&self.table).set_item(Some(write(item, outbox_token)?));
        let put = if item.version == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            let loaded = AttributeValue::N(item.version.to_string());
            put.condition_expression("version = :loaded").expression_attribute_values(":loaded", loaded)
        };
        Ok(TransactWriteItem::builder().put(put.build().map_err(|_| INCOMPLETE)?).build())
    }

    /// Turns a put of a transaction into a separate request.
    fn alone(&self, put: Put) -> PutItemFluentBuilder {
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(put.item))
            .set_condition_expression(put.condition_expression)
            .set_expression_attribute_names(put.expression_attribute_names)
            .set_expression_attribute_values(put.expression_attribute_values)
    }

    fn need(&self, who: &impl Authority, kind: Kind, id: Uuid) -> Result<TransactWriteItem, StoreError> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(ItemKey::Record(who.tenant(), kind, id).attributes()))
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(deleted_at)");
        Ok(TransactWriteItem::builder().condition_check(check.build().map_err(|_| INCOMPLETE)?).build())
    }
}
