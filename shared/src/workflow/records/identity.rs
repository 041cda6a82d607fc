//! Finds an existing record: by the idempotency key of the request that created it, or by a unique value.

use std::{collections::BTreeMap, sync::Arc};

use uuid::Uuid;

use super::{Created, Fingerprint, Records, unique};
use crate::{
    common::{Authority, RawJson, ids::of_idempotency_key},
    people::{Family, Fields, Record},
    platform::{SecretsError, secrets::SecretDocument},
    store::records::RecordItem,
    workflow::Error,
};

/// The record of an earlier request with the same key, if its body was the same.
pub(super) fn made_before(existing: RecordItem, fingerprint: &Fingerprint) -> Result<Record, Error> {
    if fingerprint.is(&existing.fingerprint) { Ok(existing.record) } else { Err(Error::KeyReused) }
}

/// The canonical text of a request, by which a repeated request is recognised.
pub(in crate::workflow) fn text_of(given: &Fields) -> String {
    let given: BTreeMap<_, _> = given.iter().collect();
    RawJson::of(&given).text().to_owned()
}

/// The request that creates a record.
#[derive(Clone)]
pub(in crate::workflow) struct Request<'a> {
    key: Option<&'a str>,
    pub(super) text: String,
}

impl<'a> Request<'a> {
    pub(in crate::workflow) fn new(given: &Fields, key: Option<&'a str>) -> Self {
        Self { key, text: text_of(given) }
    }

    /// The id of the record that it creates, if it has a key.
    pub(in crate::workflow) fn id(&self, family: &Family, who: &impl Authority) -> Option<Uuid> {
        self.key.map(|key| of_idempotency_key(who.tenant(), family.path, key))
    }
}

impl Records {
    /// The record that an earlier request with the same key created. One request; none without a key.
    ///
    /// # Errors
    /// `KeyReused` if the key was used with another body.
    pub(in crate::workflow) async fn replay(
        &self,
        family: &Family,
        who: &impl Authority,
        request: &Request<'_>,
    ) -> Result<Option<Created>, Error> {
        let Some(id) = request.id(family, who) else { return Ok(None) };
        let Some(existing) = self.0.store.record(who, family.kind, id).await? else { return Ok(None) };
        let fingerprint = Fingerprint::of_text(&request.text, &self.secrets(family).await?.fingerprint_keys)?;
        Ok(Some(Created { record: made_before(existing, &fingerprint)?, replayed: true }))
    }

    /// The record with `value` in a unique field, deleted or not. Two requests.
    pub(in crate::workflow) async fn of_value(
        &self,
        family: &Family,
        who: &impl Authority,
        field: &'static str,
        value: &str,
    ) -> Result<Option<RecordItem>, Error> {
        match self.id_of_value(family, who, field, value).await? {
            Some(id) => Ok(self.0.store.record(who, family.kind, id).await?),
            None => Ok(None),
        }
    }

    /// As [`Self::of_value`], the id only. One request.
    pub(in crate::workflow) async fn id_of_value(
        &self,
        family: &Family,
        who: &impl Authority,
        field: &'static str,
        value: &str,
    ) -> Result<Option<Uuid>, Error> {
        let unique = unique(field, value, &self.secrets(family).await?.unique_keys)?;
        Ok(self.0.store.record_of_value(who, family.kind, &unique).await?)
    }

    /// The deployment's secrets. A family with unique values needs recent ones, because the keys decide who owns a
    /// value.
    pub(super) async fn secrets(&self, family: &Family) -> Result<Arc<SecretDocument>, SecretsError> {
        let secrets = &self.0.platform.secrets;
        if family.unique.is_empty() { secrets.current().await } else { secrets.recent().await }
    }
}
