//! A record of the registry as an item, and the outcomes of writing it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    StoreError,
    codec::{self, Item, OUTBOX_TIMEOUT, json, parse, text},
    keys::{self, ItemKey},
    projections,
};
use crate::people::{Record, RecordEvent, families, job::RowsTaken};

/// A record with the attributes that only its item has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordItem {
    pub record: Record,
    /// Number of writes so far; the condition of the next write.
    pub version: u64,
    /// Events not yet delivered.
    pub outbox: BTreeMap<String, RecordEvent>,
    /// Keyed hash of the request that created the record.
    pub fingerprint: String,
    /// The call that created the record: tells a repeated write of this call from the write of another call.
    pub created_by: String,
    /// Rows of an import's file that changed the record.
    pub rows: Option<RowsTaken>,
}

/// Outcome of a write.
#[derive(Debug)]
pub enum Written {
    Done,
    /// Another writer was first: the id is already used, or the record changed since it was loaded.
    Lost,
    /// Another record has the value of this field.
    Taken(&'static str),
    /// This field does not refer to an existing record.
    Missing(&'static str),
    /// The record in this field already keeps the most projections.
    Full(&'static str),
}

/// The meaning of a failed condition of one write of the transaction.
pub(super) enum Cause {
    Record,
    Guard(&'static str),
    Needed(&'static str),
    Owner(&'static str),
    Left,
}

/// The item of a record after this write, with `outbox_token` if the outbox is not empty.
pub(super) fn write(item: &RecordItem, outbox_token: &str) -> Result<Item, StoreError> {
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

pub(super) fn read(item: &Item) -> Result<RecordItem, StoreError> {
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
