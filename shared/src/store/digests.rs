//! What records keep of those that belong to them: digests, maps of their item that are written in the transactions of those.
//!
//! An owner can be shown, and its own can be read, without asking an index, which lags.

use std::cmp::Reverse;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure::AllOld, TransactWriteItem, Update};
use uuid::Uuid;

use super::{
    Store, StoreError,
    codec::{self, Item, text},
    keys::ItemKey,
    records::{INCOMPLETE, OwnerWrite},
};
use crate::{
    common::{Authority, RawJson},
    people::{Digest, Family, Fields, Kind, Record, families},
};

/// Digests that a record keeps of one family at most.
pub const MAX_DIGESTS: usize = 50;

impl Store {
    /// The records of a family that `owner` keeps by their ids (strongly consistent), newest first. One request; none where it has
    /// none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn kept(&self, who: &impl Authority, family: &Family, owner: &Record) -> Result<Vec<Record>, StoreError> {
        let ids = family.digests.as_ref().map(|digests| owner.kept_in(digests.map)).unwrap_or_default();
        let mut records = self.records(who, family.kind, &ids).await?;
        // One that went to another owner meanwhile is no longer this one's.
        records.retain(|record| record.owner == Some(owner.id));
        records.sort_by_key(|record| Reverse((record.created_at, record.id)));
        Ok(records)
    }

    /// Has an owner that is there keep a digest, if it has not too many of that family.
    pub(super) fn keep_digest(
        &self,
        who: &impl Authority,
        owner: &OwnerWrite,
        digest: &Digest,
    ) -> Result<TransactWriteItem, StoreError> {
        let former = owner.former.as_ref().map_or("", |_| " REMOVE #map.#former");
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(ItemKey::Record(who.tenant(), owner.kind, owner.id).attributes()))
            .update_expression(format!("SET #map.#name = :digest{former} ADD version :one"))
            .condition_expression(
                "attribute_exists(pk) AND attribute_not_exists(deleted_at) \
                 AND (size(#map) < :max OR attribute_exists(#map.#name))",
            )
            .expression_attribute_names("#map", digest_map(digest.map))
            .expression_attribute_names("#name", &digest.name)
            .expression_attribute_values(":digest", text(digest.said.text()))
            .expression_attribute_values(":max", AttributeValue::N(MAX_DIGESTS.to_string()))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values_on_condition_check_failure(AllOld);
        let update = match &owner.former {
            Some(former) => update.expression_attribute_names("#former", former),
            None => update,
        };
        Ok(TransactWriteItem::builder().update(update.build().map_err(|_| INCOMPLETE)?).build())
    }

    /// Has a former owner keep it no longer.
    pub(super) fn drop_digest(
        &self,
        who: &impl Authority,
        kind: Kind,
        id: Uuid,
        digest: &Digest,
    ) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(ItemKey::Record(who.tenant(), kind, id).attributes()))
            .update_expression("REMOVE #map.#name ADD version :one")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#map", digest_map(digest.map))
            .expression_attribute_names("#name", &digest.name)
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        Ok(TransactWriteItem::builder().update(update.build().map_err(|_| INCOMPLETE)?).build())
    }
}

/// The attribute with a map of digests.
fn digest_map(map: &str) -> String {
    format!("digests_{map}")
}

/// The attributes with a record's digests: every map, also where there is nothing in it yet.
pub(super) fn written(record: &Record) -> Result<Vec<(String, AttributeValue)>, StoreError> {
    let attribute = |map: &'static str| {
        let names = record.digests.iter().filter_map(|(key, said)| Some((key.split_once('#')?, said)));
        let of_map = names.filter(|((of, _), _)| *of == map).map(|((_, name), said)| (name.to_owned(), said));
        Ok((digest_map(map), codec::map(&of_map.collect())?))
    };
    families::digest_maps(record.kind).map(attribute).collect()
}

/// The digests in the item of a record of that kind.
pub(super) fn read(item: &Item, kind: Kind) -> Result<Fields, StoreError> {
    let mut digests = Fields::new();
    for map in families::digest_maps(kind) {
        let of_map = codec::entries::<RawJson>(item, &digest_map(map), "digests")?;
        digests.extend(of_map.into_iter().map(|(name, said)| (format!("{map}#{name}"), said)));
    }
    Ok(digests)
}
