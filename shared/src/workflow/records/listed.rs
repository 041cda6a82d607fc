//! Values by which the records of one owner are looked for: whether a catalog has one.
//!
//! In keys of the table a hash stands for a value. It is keyed by what only the owner's item has and never changes: it tells nothing to
//! whoever sees keys alone, and outlives every key of the deployment.

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

/// Values that are looked for at once.
const AT_ONCE: usize = 8;

/// What stands for the values below one owner.
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

    /// The value by which `record` is looked for.
    pub(super) fn of(&self, record: &Record) -> Option<Listed> {
        Some(self.value(&typed::compared(record.fields.get(self.field)?)))
    }
}

impl Records {
    /// What stands for the values below `owner`; nothing where the family's records are not looked for by one, or there is no such
    /// owner. One request at most.
    ///
    /// # Errors
    /// Our own store.
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

    /// The value by which `record` is looked for. One request at most.
    ///
    /// # Errors
    /// Our own store.
    pub(super) async fn listed(
        &self,
        family: &Family,
        who: &impl Authority,
        record: &Record,
    ) -> Result<Option<Listed>, Error> {
        let listing = self.listing(family, who, record.owner).await?;
        Ok(listing.and_then(|listing| listing.of(record)))
    }

    /// Those of `values`, each as text, that records below `owner` have, those of this moment too. One request, and one for each value.
    ///
    /// # Errors
    /// Our own store.
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

/// Whether a change of a record changes the value by which it is looked for, or whose it is.
pub(super) fn is_moved(family: &Family, before: &Record, after: &Record) -> bool {
    // As the hashes say it: another form of the same number moves nothing.
    let value = |record: &Record| Some((record.owner, record.fields.get(family.listed?).map(typed::compared)));
    value(before) != value(after)
}
