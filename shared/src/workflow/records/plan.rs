//! Plans the writes of a record's transaction: the guards of its unique values, the records that it refers to, the
//! owner's projection of it, and its event.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Fingerprint, Records, Request, listed, uniques};
use crate::{
    common::Authority,
    people::{Family, Fields, Kind, OwnerProjection, Record, RecordEvent, family::Reference},
    platform::secrets::SecretDocument,
    store::{
        projections::OwnerWrite,
        records::{RecordItem, RelatedWrites},
    },
    workflow::Error,
};

impl Records {
    /// A new record of `fields`, not stored yet.
    pub(super) fn new_item(
        &self,
        family: &Family,
        who: &impl Authority,
        fields: Fields,
        request: &Request<'_>,
        fingerprint: &Fingerprint,
    ) -> RecordItem {
        let now = self.0.now();
        let record = Record {
            kind: family.kind,
            tenant: who.tenant().clone(),
            id: request.id(family, who).unwrap_or_else(|| self.0.entropy().uuid()),
            owner: owner(family, &fields),
            fields,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            projections: Fields::new(),
        };
        RecordItem {
            outbox: outbox(family.event(true), &record, 0, now),
            record,
            version: 0,
            fingerprint: fingerprint.kept(),
            created_by: self.0.entropy().uuid().to_string(),
            rows: None,
        }
    }

    /// The related writes of a creation. The only read is the key of the owner's index.
    pub(super) async fn related_to_creation(
        &self,
        family: &Family,
        who: &impl Authority,
        record: &Record,
        secrets: &SecretDocument,
    ) -> Result<RelatedWrites, Error> {
        Ok(RelatedWrites {
            taken: uniques(family, &record.fields, &secrets.unique_keys)?,
            needed: needed(family, &record.fields),
            owner: owner_write(family, record, None),
            listed: self.listed(family, who, record).await?,
            ..RelatedWrites::default()
        })
    }

    /// The related writes of a change.
    pub(super) async fn related_to_change(
        &self,
        family: &Family,
        who: &impl Authority,
        before: &Record,
        after: &Record,
        secrets: &SecretDocument,
    ) -> Result<RelatedWrites, Error> {
        let had = uniques(family, &before.fields, &secrets.unique_keys)?;
        let has = uniques(family, &after.fields, &secrets.unique_keys)?;
        let (referred, refers) = (needed(family, &before.fields), needed(family, &after.fields));
        let (listed, unlisted) = match listed::is_moved(family, before, after) {
            true => (self.listed(family, who, after).await?, self.listed(family, who, before).await?),
            false => (None, None),
        };
        Ok(RelatedWrites {
            listed,
            unlisted,
            // With several keys, every write of the record moves its guards to the first key.
            taken: has.iter().filter(|value| value.may_be_elsewhere() || !had.contains(value)).cloned().collect(),
            freed: had.into_iter().filter(|unique| !has.contains(unique)).collect(),
            needed: refers.into_iter().filter(|record| !referred.contains(record)).collect(),
            left: left(family, before, after),
            owner: owner_write(family, after, Some(before)),
        })
    }
}

/// The owner in the fields.
pub(super) fn owner(family: &Family, fields: &Fields) -> Option<Uuid> {
    fields.get(family.owner.as_ref()?.field)?.read()
}

/// The change of the owner's projection of a record.
fn owner_write(family: &Family, record: &Record, before: Option<&Record>) -> Option<OwnerWrite> {
    let owner = family.owner.as_ref()?;
    let projection = family.project(record);
    let before = before.filter(|before| before.owner == record.owner);
    let former = before.and_then(|before| Some(family.project(before)?.name));
    let former = former.filter(|former| projection.as_ref().is_some_and(|projection| projection.name != *former));
    Some(OwnerWrite { field: owner.field, kind: owner.kind, id: record.owner?, projection, former })
}

/// The former owner and its projection, which must be removed.
fn left(family: &Family, before: &Record, after: &Record) -> Option<(Kind, Uuid, OwnerProjection)> {
    let (projection, kind) = (family.project(before)?, family.owner.as_ref()?.kind);
    (before.owner != after.owner).then_some((kind, before.owner?, projection))
}

/// Records of other families that the fields refer to, besides the owner.
fn needed(family: &Family, fields: &Fields) -> Vec<Reference> {
    family.references.map(|references| references(fields)).unwrap_or_default()
}

pub(super) fn outbox(
    event: Option<&'static str>,
    record: &Record,
    version: u64,
    now: Timestamp,
) -> BTreeMap<String, RecordEvent> {
    let event = event.map(|name| RecordEvent::new(record, name, version, now));
    event.into_iter().map(|event| (event.id.to_string(), event)).collect()
}
