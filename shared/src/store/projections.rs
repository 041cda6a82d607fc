//! Owner projections: short copies that an owner keeps of its records, in maps of the owner's item. The transaction that
//! writes the record writes the copy.
//!
//! An owner can be shown, and its records can be read, without an index, which may lag.

use std::cmp::Reverse;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure::AllOld, TransactWriteItem, Update};
use uuid::Uuid;

use super::{
    Store, StoreError,
    codec::{self, Item, text},
    keys::ItemKey,
    request::INCOMPLETE,
};
use crate::{
    common::{Authority, RawJson},
    people::{Family, Fields, Kind, OwnerProjection, Record, families},
};

/// Projections of one family in an item, at most.
pub const MAX_PROJECTIONS: usize = 50;

/// The projection that the owner of a record has after a write.
#[derive(Debug, Clone)]
pub struct OwnerWrite {
    /// The record's field with the owner's id.
    pub field: &'static str,
    pub kind: Kind,
    pub id: Uuid,
    /// The short copy of the record.
    pub projection: Option<OwnerProjection>,
    /// The former name of the projection, if it changed.
    pub former: Option<String>,
}

impl Store {
    /// The records of a family whose ids `owner` keeps (strongly consistent), newest first. One request; none if it keeps
    /// no id.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn kept(&self, who: &impl Authority, family: &Family, owner: &Record) -> Result<Vec<Record>, StoreError> {
        let ids =
            family.owner_projection.as_ref().map(|projections| owner.kept_in(projections.map)).unwrap_or_default();
        let mut records = self.records(who, family.kind, &ids).await?;
        // A record that moved to another owner in the meantime no longer belongs to this one.
        records.retain(|record| record.owner == Some(owner.id));
        records.sort_by_key(|record| Reverse((record.created_at, record.id)));
        Ok(records)
    }

    /// The write that puts a projection into an existing owner, unless it already has the most of that family.
    pub(super) fn put_projection(
        &self,
        who: &impl Authority,
        owner: &OwnerWrite,
        projection: &OwnerProjection,
    ) -> Result<TransactWriteItem, StoreError> {
        let former = owner.former.as_ref().map_or("", |_| " REMOVE #map.#former");
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(ItemKey::Record(who.tenant(), owner.kind, owner.id).attributes()))
            .update_expression(format!("SET #map.#name = :projection{former} ADD version :one"))
            .condition_expression(
                "attribute_exists(pk) AND attribute_not_exists(deleted_at) \
                 AND (size(#map) < :max OR attribute_exists(#map.#name))",
            )
            .expression_attribute_names("#map", attribute_of(projection.map))
            .expression_attribute_names("#name", &projection.name)
            .expression_attribute_values(":projection", text(projection.value.text()))
            .expression_attribute_values(":max", AttributeValue::N(MAX_PROJECTIONS.to_string()))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values_on_condition_check_failure(AllOld);
        let update = match &owner.former {
            Some(former) => update.expression_attribute_names("#former", former),
            None => update,
        };
        Ok(TransactWriteItem::builder().update(update.build().map_err(|_| INCOMPLETE)?).build())
    }

    /// The write that removes a projection from a former owner.
    pub(super) fn remove_projection(
        &self,
        who: &impl Authority,
        kind: Kind,
        id: Uuid,
        projection: &OwnerProjection,
    ) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(ItemKey::Record(who.tenant(), kind, id).attributes()))
            .update_expression("REMOVE #map.#name ADD version :one")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#map", attribute_of(projection.map))
            .expression_attribute_names("#name", &projection.name)
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        Ok(TransactWriteItem::builder().update(update.build().map_err(|_| INCOMPLETE)?).build())
    }
}

/// The attribute with a map of projections.
fn attribute_of(map: &str) -> String {
    format!("projection_{map}")
}

/// The attributes with a record's projections: every map, also an empty one.
pub(super) fn written(record: &Record) -> Result<Vec<(String, AttributeValue)>, StoreError> {
    let attribute = |map: &'static str| {
        let names = record.projections.iter().filter_map(|(key, said)| Some((key.split_once('#')?, said)));
        let of_map = names.filter(|((of, _), _)| *of == map).map(|((_, name), said)| (name.to_owned(), said));
        Ok((attribute_of(map), codec::map(&of_map.collect())?))
    };
    families::projection_maps(record.kind).map(attribute).collect()
}

/// The projections in the item of a record of that kind.
pub(super) fn read(item: &Item, kind: Kind) -> Result<Fields, StoreError> {
    let mut projections = Fields::new();
    for map in families::projection_maps(kind) {
        let of_map = codec::entries::<RawJson>(item, &attribute_of(map), "projections")?;
        projections.extend(of_map.into_iter().map(|(name, said)| (format!("{map}#{name}"), said)));
    }
    Ok(projections)
}
