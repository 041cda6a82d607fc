//! Guards of values that one record alone may have: an item for each, which names the record.
//!
//! | attribute | what it is |
//! | --- | --- |
//! | `pk`, `sk`, `kind` | key, `unique` |
//! | `record_id` | whose value it is |
//!
//! A guard's key carries the value's hash under one of the deployment's unique keys
//! ([`crate::platform::secrets::unique_keys`]). It is written under the first, in the record's own transaction, which also
//! looks under every other key: another record's guard there refuses the write, and one of the record's own is removed. So a
//! value has one guard at any time, whoever writes it knows which other key may hold it, and a record's guards move to the
//! first key with whatever is written of it. Freeing a value removes its guard under whichever key.

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem};
use uuid::Uuid;

use super::{
    Store, StoreError,
    codec::{Item, text},
    failure,
    keys::ItemKey,
    record_item::{Cause, RecordItem, Written},
    request::INCOMPLETE,
};
use crate::{
    common::Authority,
    people::{Kind, Record},
};

/// A value that one record alone may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unique {
    /// Its field.
    pub field: &'static str,
    /// Its hash under each of the keys, in their order.
    pub hashes: Vec<String>,
}

impl Unique {
    /// Whether there is more than one key, so that its guard may be under another than the first.
    #[must_use]
    pub fn may_be_elsewhere(&self) -> bool {
        self.hashes.len() > 1
    }
}

/// The guards of a record's values, as far as they are its own.
#[derive(Debug, Default)]
pub struct OwnGuards {
    /// Values that it has a guard of under the first key.
    pub first: usize,
    /// Guards under other keys.
    pub elsewhere: usize,
}

impl Store {
    /// The record that has a value (strongly consistent). One request; where there are several keys, one for each, and one more
    /// for a value that nobody has.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn record_of_value(
        &self,
        who: &impl Authority,
        kind: Kind,
        unique: &Unique,
    ) -> Result<Option<Uuid>, StoreError> {
        // A guard that moves to the first key just after that was looked at is found there by looking again.
        let again = unique.hashes.first().filter(|_| unique.may_be_elsewhere());
        for hash in unique.hashes.iter().chain(again) {
            let key = ItemKey::Unique(who.tenant(), kind, unique.field, hash).attributes();
            let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
            let answer = self.send(|| get.clone().send()).await.map_err(|error| failure(&error))?;
            if let Some(guard) = answer.item() {
                return record_id(guard).map(Some);
            }
        }
        Ok(None)
    }

    /// Which guards of a record's values there are (strongly consistent). One request for each hundred.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn own_guards(&self, record: &Record, uniques: &[Unique]) -> Result<OwnGuards, StoreError> {
        let key =
            |unique: &Unique, hash: &String| ItemKey::Unique(&record.tenant, record.kind, unique.field, hash).pk();
        let (mut first, mut keys) = (Vec::new(), Vec::new());
        for unique in uniques {
            first.extend(unique.hashes.first().map(|hash| key(unique, hash)));
            let all = unique.hashes.iter();
            keys.extend(all.map(|hash| ItemKey::Unique(&record.tenant, record.kind, unique.field, hash).attributes()));
        }
        let mut own = OwnGuards::default();
        for guard in self.read_together(keys).await? {
            if record_id(&guard)? != record.id {
                continue;
            }
            let pk = guard.get("pk").and_then(|pk| pk.as_s().ok());
            if pk.is_some_and(|pk| first.contains(pk)) {
                own.first += 1;
            } else {
                own.elsewhere += 1;
            }
        }
        Ok(own)
    }

    /// Moves the guards of a record's values to the first key, if the record is as it was loaded. One transaction.
    ///
    /// # Errors
    /// As [`Self::write_record`].
    pub async fn move_guards(
        &self,
        who: &impl Authority,
        item: &RecordItem,
        uniques: &[Unique],
    ) -> Result<Written, StoreError> {
        debug_assert_eq!(who.tenant(), &item.record.tenant);
        let record = &item.record;
        let unchanged = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(ItemKey::Record(&record.tenant, record.kind, record.id).attributes()))
            .condition_expression("version = :loaded")
            .expression_attribute_values(":loaded", AttributeValue::N(item.version.to_string()));
        let unchanged = unchanged.build().map_err(|_| INCOMPLETE)?;
        let mut writes = vec![(Cause::Record, TransactWriteItem::builder().condition_check(unchanged).build())];
        for unique in uniques {
            let guards = self.take_value(record, unique)?;
            writes.extend(guards.into_iter().map(|write| (Cause::Guard(unique.field), write)));
        }
        self.transact(writes).await
    }

    /// The writes by which a record takes a value: its guard under the first key, and a look under every other.
    pub(super) fn take_value(&self, record: &Record, unique: &Unique) -> Result<Vec<TransactWriteItem>, StoreError> {
        let Some((first, others)) = unique.hashes.split_first() else { return Err(INCOMPLETE) };
        let mut guard = ItemKey::Unique(&record.tenant, record.kind, unique.field, first).attributes();
        guard.insert("kind".to_owned(), text("unique"));
        guard.insert("record_id".to_owned(), text(&record.id.to_string()));
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(guard))
            .condition_expression(NOBODY_ELSE)
            .expression_attribute_values(":record", text(&record.id.to_string()));
        let put = TransactWriteItem::builder().put(put.build().map_err(|_| INCOMPLETE)?).build();
        let mut writes = vec![put];
        for hash in others {
            writes.push(self.remove_guard(record, unique.field, hash)?);
        }
        Ok(writes)
    }

    /// The writes by which a record no longer has a value.
    pub(super) fn free_value(&self, record: &Record, unique: &Unique) -> Result<Vec<TransactWriteItem>, StoreError> {
        unique.hashes.iter().map(|hash| self.remove_guard(record, unique.field, hash)).collect()
    }

    /// Removes a record's own guard where it has one; another's refuses the transaction.
    fn remove_guard(&self, record: &Record, field: &str, hash: &str) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(ItemKey::Unique(&record.tenant, record.kind, field, hash).attributes()))
            .condition_expression(NOBODY_ELSE)
            .expression_attribute_values(":record", text(&record.id.to_string()));
        Ok(TransactWriteItem::builder().delete(delete.build().map_err(|_| INCOMPLETE)?).build())
    }
}

/// What a guard's key holds at most: the record's own guard.
const NOBODY_ELSE: &str = "attribute_not_exists(pk) OR record_id = :record";

fn record_id(guard: &Item) -> Result<Uuid, StoreError> {
    let id = guard.get("record_id").and_then(|id| id.as_s().ok()?.parse().ok());
    id.ok_or(StoreError::Corrupt("record_id"))
}
