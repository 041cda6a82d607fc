//! Records of the people registry.
//!
//! | attribute | what it is |
//! | --- | --- |
//! | `pk`, `sk`, `kind`, `version` | key, kind of item, number of writes |
//! | `body` | the record as JSON text |
//! | `projection_address`, … | maps of what its own records say about it, one for each family that does; they write them |
//! | `deleted_at` | when it was deleted; nothing new belongs to a deleted one |
//! | `outbox`, `outbox_token`, `due_shard`, `due_at` | as those of a process |
//! | `by_kind_pk`, `by_kind_sk` | lists (index `by_kind`); deleted ones have lists of their own, which no customer sees |
//! | `by_owner_pk`, `by_owner_sk` | lists of one owner (index `by_owner`) |
//! | `fingerprint`, `created_by` | as those of a process |
//! | `rows` | which rows of an import's last step changed it |
//!
//! A value that no two records may share has a guard of its own ([`super::unique`]); one by which an owner's records are looked for has
//! an item for each record that has it ([`super::listed`]). Both are written in the record's transaction, so that what depends on them
//! waits for no index.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::{
    operation::put_item::builders::PutItemFluentBuilder,
    types::{AttributeValue, ConditionCheck, Put, TransactWriteItem},
};
use uuid::Uuid;

use super::{
    Store, StoreError,
    codec::{self, Item, OUTBOX_TIMEOUT, json, parse, text},
    failure, keys,
    keys::ItemKey,
    listed::Listed,
    projections,
    request::Refused,
    unique::Unique,
};
use crate::{
    common::Authority,
    people::{Kind, OwnerProjection, Record, RecordEvent, families, job::RowsTaken},
};

/// Events of a record that wait to be handed on. From here on another of the same name says no more than those that wait.
pub const MAX_OUTBOX: usize = 100;
/// New records that one transaction of a hundred writes takes, each with its listed value, beside what they belong to.
pub const MAX_TOGETHER: usize = 49;
/// Records that one request reads at most.
const READ_AT_ONCE: usize = 100;

/// A record with what belongs to its item alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordItem {
    /// The record.
    pub record: Record,
    /// Number of writes so far; the condition of the next.
    pub version: u64,
    /// Events not yet handed on.
    pub outbox: BTreeMap<String, RecordEvent>,
    /// Keyed hash of the request that created it.
    pub fingerprint: String,
    /// Which call created it: tells a call's own repeated write from another call's.
    pub created_by: String,
    /// Rows of a file that changed it.
    pub rows: Option<RowsTaken>,
}

/// A new record, and the value by which it is looked for among its owner's.
pub type NewRecord = (RecordItem, Option<Listed>);

/// What is written together with a record.
#[derive(Debug, Default)]
pub struct RelatedWrites {
    /// Values that it has from now on.
    pub taken: Vec<Unique>,
    /// Values that it no longer has.
    pub freed: Vec<Unique>,
    /// The value by which it is looked for from now on among its owner's.
    pub listed: Option<Listed>,
    /// The one by which it no longer is.
    pub unlisted: Option<Listed>,
    /// Records that must be there: the field that names each, what it is, and which.
    pub needed: Vec<(&'static str, Kind, Uuid)>,
    /// The record that it belongs to, which must be there, and what that keeps of it.
    pub owner: Option<OwnerWrite>,
    /// What a record that it belonged to no longer keeps of it.
    pub left: Option<(Kind, Uuid, OwnerProjection)>,
}

/// What a record belongs to.
#[derive(Debug, Clone)]
pub struct OwnerWrite {
    /// The field that names it.
    pub field: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Which one.
    pub id: Uuid,
    /// What it keeps of the record.
    pub projection: Option<OwnerProjection>,
    /// Under which other name it kept that before.
    pub former: Option<String>,
}

/// What became of a write.
#[derive(Debug)]
pub enum Written {
    /// It is done.
    Done,
    /// Somebody else wrote the record first: there is one of this id, or it changed meanwhile.
    Lost,
    /// A value of this field is another record's.
    Taken(&'static str),
    /// What this field names is not there.
    Missing(&'static str),
    /// What it belongs to keeps as much as it can.
    Full(&'static str),
}

/// What a failed condition of one write of the transaction means.
pub(super) enum Cause {
    Record,
    Guard(&'static str),
    Needed(&'static str),
    Owner(&'static str),
    Left,
}

impl Store {
    /// Writes a record, new where its version is 0, and everything beside it, or nothing at all. One transaction; a single put
    /// where there is nothing beside it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; it may be written all the same. [`StoreError::Conflict`] where others write the same items at
    /// this moment: do it again.
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

    /// Writes new records that belong to the same one, or none of them. One transaction.
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
        // One put needs no transaction, which would cost twice as much and be in the way of others.
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

    /// Records that are not deleted (strongly consistent), in the order of `ids`. One request for each hundred, and more where
    /// the table hands out a part only.
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
    /// Likewise.
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

    /// Items of any kind (strongly consistent), in any order. One request for each hundred, and more where the table hands out a
    /// part only.
    pub(super) async fn read_together(&self, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::new();
        for keys in keys.chunks(READ_AT_ONCE) {
            found.extend(self.get_all(keys.to_vec()).await?);
        }
        Ok(found)
    }

    /// Empties the outbox of a record whose events were handed on. One request.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where somebody wrote since it was loaded.
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

    /// A put of a transaction as a request of its own.
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

pub(super) const INCOMPLETE: StoreError = StoreError::Corrupt("incomplete write");

/// The item of a record after this write, with `outbox_token` where the outbox is not empty.
fn write(item: &RecordItem, outbox_token: &str) -> Result<Item, StoreError> {
    let record = &item.record;
    let mut written = ItemKey::Record(&record.tenant, record.kind, record.id).attributes();
    let mut set = |name: &str, value| written.insert(name.to_owned(), value);
    let sort_key = keys::by_kind_sort(record.created_at, record.id);
    set("kind", text(families::of(record.kind).resource));
    set("version", AttributeValue::N((item.version + 1).to_string()));
    set("body", json(record)?);
    for (name, map) in projections::written(record)? {
        set(&name, map);
    }
    set("outbox", codec::map(&item.outbox)?);
    set("fingerprint", text(&item.fingerprint));
    set("created_by", text(&item.created_by));
    if let Some(rows) = &item.rows {
        set("rows", json(rows)?);
    }
    if let Some(at) = record.deleted_at {
        set("deleted_at", text(&keys::moment(at)));
    }
    let month = keys::month(record.created_at);
    let list = if record.deleted_at.is_some() { keys::deleted_records } else { keys::records };
    set("by_kind_pk", text(&list(&record.tenant, record.kind, &month)));
    set("by_kind_sk", text(&sort_key));
    if let Some(owner) = record.owner {
        set("by_owner_pk", text(&keys::owned_by(&record.tenant, owner, record.kind)));
        set("by_owner_sk", text(&sort_key));
    }
    if let Some(event) = item.outbox.values().map(|event| event.at).max() {
        set("outbox_token", text(outbox_token));
        set("due_shard", text(&keys::due_shard_of(record.id)));
        set("due_at", text(&keys::moment(event + OUTBOX_TIMEOUT)));
    }
    Ok(written)
}

fn read(item: &Item) -> Result<RecordItem, StoreError> {
    let string =
        |name: &'static str| item.get(name).and_then(|value| value.as_s().ok()).ok_or(StoreError::Corrupt(name));
    let version = item.get("version").and_then(|value| value.as_n().ok()?.parse().ok());
    let mut record: Record = parse(string("body")?, "body")?;
    record.projections = projections::read(item, record.kind)?;
    Ok(RecordItem {
        record,
        version: version.ok_or(StoreError::Corrupt("version"))?,
        outbox: codec::entries(item, "outbox", "outbox")?,
        fingerprint: string("fingerprint")?.clone(),
        created_by: string("created_by")?.clone(),
        rows: item.contains_key("rows").then(|| parse(string("rows")?, "rows")).transpose()?,
    })
}
