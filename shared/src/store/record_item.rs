//! A record of the registry as an item, and what may come of writing it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    StoreError,
    codec::{self, Item, OUTBOX_TIMEOUT, json, parse, text},
    keys::{self, ItemKey},
    projections,
};
use crate::people::{Record, RecordEvent, families, job::RowsTaken};

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

/// The item of a record after this write, with `outbox_token` where the outbox is not empty.
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
