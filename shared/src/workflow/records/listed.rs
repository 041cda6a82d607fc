//! An index of values within one owner: whether a catalog contains a value.
//!
//! Keys of the table contain a hash of the value. The hash key is a constant of the owner's item: it reveals nothing to
//! a reader of table keys, and does not change when the deployment's keys rotate.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use uuid::Uuid;

use super::Records;
use crate::{
    common::Authority,
    people::{Family, Record, typed},
    platform::secrets::keyed_hash,
    store::{listed::Listed, records::RecordItem},
    workflow::Error,
};

/// Values looked up concurrently.
const AT_ONCE: usize = 8;

/// Hashes the indexed values of one owner.
pub(super) struct Listing {
    field: &'static str,
    key: String,
}

impl Listing {
    fn below(owner: &RecordItem, field: &'static str) -> Self {
        Self { field, key: owner.created_by.clone() }
    }

    fn value(&self, text: &str) -> Listed {
        let hash = keyed_hash(&format!("{}\u{0}{text}", self.field), self.key.as_bytes());
        Listed { field: self.field, hash }
    }

    /// The indexed value of `record`.
    pub(super) fn of(&self, record: &Record) -> Option<Listed> {
        Some(self.value(&typed::compared(record.fields.get(self.field)?)))
    }
}

impl Records {
    /// The hasher for the values of `owner`; `None` if the family has no index or the owner does not exist. At most one
    /// request.
    ///
    /// # Errors
    /// `Unavailable` if the store fails.
    pub(super) async fn listing(
        &self,
        family: &Family,
        who: &impl Authority,
        owner: Option<Uuid>,
    ) -> Result<Option<Listing>, Error> {
        let (Some(field), Some(of), Some(id)) = (family.listed, &family.owner, owner) else { return Ok(None) };
        let owner = self.services().store.record(who, of.kind, id).await?;
        Ok(owner.map(|owner| Listing::below(&owner, field)))
    }

    /// The indexed value of `record`. At most one request.
    ///
    /// # Errors
    /// `Unavailable` if the store fails.
    pub(super) async fn listed(
        &self,
        family: &Family,
        who: &impl Authority,
        record: &Record,
    ) -> Result<Option<Listed>, Error> {
        let listing = self.listing(family, who, record.owner).await?;
        Ok(listing.and_then(|listing| listing.of(record)))
    }

    /// The values that records of `owner` have, by a consistent read. One request, and one for each value.
    ///
    /// # Errors
    /// `Unavailable` if the store fails.
    pub(in crate::workflow) async fn among_listed(
        &self,
        family: &Family,
        who: &impl Authority,
        owner: Uuid,
        values: BTreeSet<String>,
    ) -> Result<BTreeSet<String>, Error> {
        let Some(listing) = self.listing(family, who, Some(owner)).await? else { return Ok(BTreeSet::new()) };
        let store = &self.services().store;
        let look = |value: String| {
            let listed = listing.value(&value);
            async move {
                let is_listed = store.is_listed(who, family.kind, &listed).await?;
                Ok::<_, Error>(is_listed.then_some(value))
            }
        };
        let found: Vec<_> = stream::iter(values).map(look).buffered(AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }
}

/// Whether a change affects the record's indexed value or its owner.
pub(super) fn is_moved(family: &Family, before: &Record, after: &Record) -> bool {
    // Compares as the hashes do: another notation of the same number is no change.
    let value = |record: &Record| Some((record.owner, record.fields.get(family.listed?).map(typed::compared)));
    value(before) != value(after)
}
