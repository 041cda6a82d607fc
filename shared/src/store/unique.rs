//! Guards of values that only one record may have: one item for each value, with the record's id.
//!
//! | attribute | what it is |
//! | --- | --- |
//! | `pk`, `sk`, `kind` | key, `unique` |
//! | `record_id` | the record that has the value |
//!
//! A guard's key contains the value's hash under one of the deployment's unique keys
//! ([`crate::platform::secrets::unique_keys`]). The record's own transaction writes the guard under the first key and
//! checks every other key: another record's guard there makes it fail, and the record's own guard there is removed. So a
//! value has one guard at any time, and every write of a record moves its guards to the first key. Freeing a value removes
//! its guard under every key.

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

/// A value that only one record may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unique {
    pub field: &'static str,
    /// Hash of the value under each key, in the order of the keys.
    pub hashes: Vec<String>,
}

impl Unique {
    /// Whether there are several keys, so that the guard may be under another key than the first.
    #[must_use]
    pub fn may_be_elsewhere(&self) -> bool {
        self.hashes.len() > 1
    }
}

/// The guards that a record has of its own values.
#[derive(Debug, Default)]
pub struct OwnGuards {
    /// Guards under the first key.
    pub first: usize,
    /// Guards under other keys.
    pub elsewhere: usize,
}

impl Store {
    /// The record that has a value (strongly consistent). One request with one key. With several keys, one for each, and
    /// one more for a value that no record has.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn record_of_value(
        &self,
        who: &impl Authority,
        kind: Kind,
        unique: &Unique,
    ) -> Result<Option<Uuid>, StoreError> {
        // Reads the first key a second time: a guard may move there just after the first read.
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

    /// The guards of a record's values (strongly consistent). One request for each hundred.
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

    /// Moves the guards of a record's values to the first key, if the record did not change since it was loaded. One
    /// transaction.
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

    /// The writes by which a record takes a value: the guard under the first key, and a check of every other key.
    pub(super) fn take_value(&self, record: &Record, unique: &Unique) -> Result<Vec<TransactWriteItem>, StoreError> {
        let Some((first, others)) = unique.hashes.split_first() else { return Err(INCOMPLETE) };
        let mut guard = ItemKey::Unique(&record.tenant, record.kind, unique.field, first).attributes();
        guard.insert("kind".to_owned(), text("unique"));
        guard.insert("record_id".to_owned(), text(&record.id.to_string()));
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(guard))
            .condition_expression(NO_OTHER_RECORD)
            .expression_attribute_values(":record", text(&record.id.to_string()));
        let put = TransactWriteItem::builder().put(put.build().map_err(|_| INCOMPLETE)?).build();
        let mut writes = vec![put];
        for hash in others {
            writes.push(self.remove_guard(record, unique.field, hash)?);
        }
        Ok(writes)
    }

    /// The writes by which a record frees a value.
    pub(super) fn free_value(&self, record: &Record, unique: &Unique) -> Result<Vec<TransactWriteItem>, StoreError> {
        unique.hashes.iter().map(|hash| self.remove_guard(record, unique.field, hash)).collect()
    }

    /// Removes the record's own guard, if any; another record's guard makes the transaction fail.
    fn remove_guard(&self, record: &Record, field: &str, hash: &str) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(ItemKey::Unique(&record.tenant, record.kind, field, hash).attributes()))
            .condition_expression(NO_OTHER_RECORD)
            .expression_attribute_values(":record", text(&record.id.to_string()));
        Ok(TransactWriteItem::builder().delete(delete.build().map_err(|_| INCOMPLETE)?).build())
    }
}

/// Condition: no guard exists, or it is the record's own.
const NO_OTHER_RECORD: &str = "attribute_not_exists(pk) OR record_id = :record";

fn record_id(guard: &Item) -> Result<Uuid, StoreError> {
    let id = guard.get("record_id").and_then(|id| id.as_s().ok()?.parse().ok());
    id.ok_or(StoreError::Corrupt("record_id"))
}
