//! Owner projections: what a record keeps of those that belong to it, in maps of its item that their transactions write.
//!
//! An owner can be shown, and its own can be read, without asking an index, which lags.

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

/// Projections that a record keeps of one family at most.
pub const MAX_PROJECTIONS: usize = 50;

/// What the owner of a record keeps of it after a write.
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

impl Store {
    /// The records of a family that `owner` keeps by their ids (strongly consistent), newest first. One request; none where it has
    /// none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn kept(&self, who: &impl Authority, family: &Family, owner: &Record) -> Result<Vec<Record>, StoreError> {
        let ids =
            family.owner_projection.as_ref().map(|projections| owner.kept_in(projections.map)).unwrap_or_default();
        let mut records = self.records(who, family.kind, &ids).await?;
        // One that went to another owner meanwhile is no longer this one's.
        records.retain(|record| record.owner == Some(owner.id));
        records.sort_by_key(|record| Reverse((record.created_at, record.id)));
        Ok(records)
    }

    /// Has an owner that is there keep a projection, if it has not too many of that family.
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

    /// Has a former owner keep it no longer.
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

/// The attributes with a record's projections: every map, also where there is nothing in it yet.
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
