//! Values that an owner's records are searched by, such as a value of a catalog.
//!
//! A record with such a value has a second item under a keyed hash of the value, written in the same transaction. A search
//! reads the table itself, not an index, which may lag. Records with the same value share a partition.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};

use super::{
    Store, StoreError,
    codec::text,
    failure,
    keys::{self, ItemKey},
    request::INCOMPLETE,
};
use crate::{
    common::Authority,
    people::{Kind, Record},
};

/// A value that an owner's records are searched by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub field: &'static str,
    /// Keyed hash of the value, different for each owner.
    pub hash: String,
}

impl Store {
    /// Whether any record has the value (strongly consistent). One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn is_listed(&self, who: &impl Authority, kind: Kind, listed: &Listed) -> Result<bool, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :value")
            .expression_attribute_values(":value", text(&keys::listed(who.tenant(), kind, listed.field, &listed.hash)))
            .limit(1);
        let answer = self.send(|| query.clone().send()).await.map_err(|error| failure(&error))?;
        Ok(!answer.items().is_empty())
    }

    /// The write that lists a record under a value.
    pub(super) fn list_value(&self, record: &Record, listed: &Listed) -> Result<TransactWriteItem, StoreError> {
        let mut item = ItemKey::Listed(&record.tenant, record.kind, listed.field, &listed.hash, record.id).attributes();
        item.insert("kind".to_owned(), text("listed"));
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        Ok(TransactWriteItem::builder().put(put.build().map_err(|_| INCOMPLETE)?).build())
    }

    /// The write that removes a record from a value.
    pub(super) fn unlist(&self, record: &Record, listed: &Listed) -> Result<TransactWriteItem, StoreError> {
        let key = ItemKey::Listed(&record.tenant, record.kind, listed.field, &listed.hash, record.id).attributes();
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key));
        Ok(TransactWriteItem::builder().delete(delete.build().map_err(|_| INCOMPLETE)?).build())
    }
}
