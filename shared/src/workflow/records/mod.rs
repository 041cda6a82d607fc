//! Records of the registry: create, show, list, change. One use case serves every family; a family's own rules are in
//! its declaration ([`crate::people::families`]).
//!
//! Creating a record is one transaction: the record, the guards of its unique values, and its entry at the owner. A
//! change is one read and one transaction.

mod identity;
mod listed;
mod lists;
mod owned;
mod plan;
mod unique;

use uuid::Uuid;

use super::{Services, new_token};
use crate::{
    common::{Authority, FieldError, RawJson},
    deployment::Deployment,
    people::{
        Family, FieldType, Fields, Record, View,
        family::{Reference, distinct},
    },
    platform::{http::UrlGuard, secrets::Fingerprint},
    store::{
        StoreError,
        records::{MAX_OUTBOX, MAX_TOGETHER, RecordItem, Written},
    },
    workflow::Error,
};

use identity::made_before;
pub(super) use identity::{Request, text_of};
use plan::{outbox, owner};
use unique::unique;
pub(super) use unique::uniques;

/// A record, and whether an earlier request created it.
#[derive(Debug)]
pub struct Created {
    pub record: Record,
    /// Whether an earlier request created it.
    pub replayed: bool,
}

/// The parameters of a list that its links repeat.
pub(super) struct List<'a> {
    pub(super) path: &'a str,
    /// The query parameters that were given.
    pub(super) filters: &'a [(&'a str, Option<String>)],
    /// Maximum size of the answer, in bytes.
    pub(super) room: usize,
}

pub struct Records(Services);

impl Records {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        Self(Services::new(deployment))
    }

    /// The current view of a record for customers.
    #[must_use]
    pub fn view(&self, family: &Family, record: &Record) -> View {
        family.view(record, self.0.now())
    }

    pub(super) fn now(&self) -> jiff::Timestamp {
        self.0.now()
    }

    /// The shared services, for the other use cases.
    pub(super) fn services(&self) -> &Services {
        &self.0
    }

    /// As [`Family::read`], at the current time; URLs that this deployment never calls are errors too.
    ///
    /// # Errors
    /// `Invalid` with every wrong field.
    fn read(&self, family: &Family, given: &Fields, present: Option<&Fields>, whole: bool) -> Result<Fields, Error> {
        let guard = UrlGuard::any_public_host(self.0.platform.config.allow_loopback);
        let (mut given, mut refused) = (given.clone(), Vec::new());
        for field in family.fields.iter().filter(|field| field.form == FieldType::Url) {
            let Some(url) = given.get(field.name).and_then(RawJson::read::<String>) else { continue };
            match guard.register(&url) {
                Ok(url) => drop(given.insert(field.name.to_owned(), RawJson::of(&url))),
                Err(problem) => refused.push(FieldError::new(field.name, format!("cannot be used: {problem}"))),
            }
        }
        match family.read(&given, present, whole, self.0.now()) {
            Ok(fields) if refused.is_empty() => Ok(fields),
            read => Err(Error::Invalid(distinct(read.err().into_iter().flatten().chain(refused)))),
        }
    }

    /// Creates the record in `given`; a repeat with the same `key` returns it. One transaction.
    ///
    /// # Errors
    /// `Invalid` with every wrong field; `KeyReused` if the key was used with another body.
    pub async fn create(
        &self,
        family: &'static Family,
        who: &impl Authority,
        given: &Fields,
        key: Option<&str>,
    ) -> Result<Created, Error> {
        let fields = self.read(family, given, None, true)?;
        self.make(family, who, fields, Request::new(given, key)).await
    }

    /// Creates a record of valid `fields`. One transaction.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub(super) async fn make(
        &self,
        family: &'static Family,
        who: &impl Authority,
        fields: Fields,
        request: Request<'_>,
    ) -> Result<Created, Error> {
        let secrets = self.secrets(family).await?;
        let fingerprint = Fingerprint::of_text(&request.text, &secrets.fingerprint_keys)?;
        let item = self.new_item(family, who, fields, &request, &fingerprint);
        let related = self.related_to_creation(family, who, &item.record, &secrets).await?;
        let outbox_token = new_token("record", self.0.entropy());
        let written = self.0.store.write_record(who, &item, &related, &outbox_token).await;
        match self.outcome(family, who, &item.record, written).await? {
            Outcome::Done => Ok(Created { record: item.record, replayed: false }),
            Outcome::Lost => {
                let existing = self.0.store.record(who, family.kind, item.record.id).await?;
                let existing = existing.ok_or(Error::Unavailable)?;
                let replayed = existing.created_by != item.created_by;
                made_before(existing, &fingerprint).map(|record| Created { record, replayed })
            }
        }
    }

    /// Creates many valid records of one `owner` without events. Each one's key is derived from all of them, so a
    /// repeat keeps the existing records. One transaction for each [`MAX_TOGETHER`].
    ///
    /// # Errors
    /// `Invalid` if the owner does not exist; records of earlier transactions stay.
    pub(super) async fn make_all(
        &self,
        family: &'static Family,
        who: &impl Authority,
        owner: Reference,
        made: Vec<(Fields, Request<'_>)>,
    ) -> Result<(), Error> {
        let secrets = self.secrets(family).await?;
        let listing = self.listing(family, who, Some(owner.2)).await?;
        let item = |(fields, request): (Fields, Request<'_>)| {
            let fingerprint = Fingerprint::of_text(&request.text, &secrets.fingerprint_keys)?;
            let item = self.new_item(family, who, fields, &request, &fingerprint);
            let listed = listing.as_ref().and_then(|listing| listing.of(&item.record));
            Ok((item, listed))
        };
        let items = made.into_iter().map(item).collect::<Result<Vec<_>, Error>>()?;
        for together in items.chunks(MAX_TOGETHER) {
            // A transaction writes all of its records or none, so one existing record means that all exist.
            outcome(self.0.store.write_records(who, together, owner).await)?;
        }
        Ok(())
    }

    /// One record. One request.
    ///
    /// # Errors
    /// `NotFound` if the tenant has no such record.
    pub async fn get(&self, family: &Family, who: &impl Authority, id: Uuid) -> Result<Record, Error> {
        Ok(self.load(family, who, id).await?.record)
    }

    /// Changes the fields in `given` that differ. One read, and one transaction if anything changes; otherwise there is
    /// no event.
    ///
    /// # Errors
    /// `NotFound` as in [`Self::get`]; `Invalid` with every wrong field.
    pub async fn update(
        &self,
        family: &'static Family,
        who: &impl Authority,
        id: Uuid,
        given: &Fields,
    ) -> Result<Record, Error> {
        self.change(family, who, id, family.event(false), |item| {
            if item.record.deleted_at.is_some() {
                return Err(Error::NotFound(family.noun));
            }
            let brought = family.brought(given, &item.record, self.0.now());
            let fields = self.read(family, &brought, Some(&item.record.fields), false)?;
            if fields == item.record.fields {
                return Ok(Next::Leave);
            }
            item.record.fields = fields;
            Ok(Next::Store)
        })
        .await
    }

    /// Loads a record (deleted or not), changes it and stores it if `change` returns [`Next::Store`]; retries after a
    /// lost race. The transaction includes `event`, if given.
    pub(super) async fn change(
        &self,
        family: &'static Family,
        who: &impl Authority,
        id: Uuid,
        event: Option<&'static str>,
        mut change: impl FnMut(&mut RecordItem) -> Result<Next, Error>,
    ) -> Result<Record, Error> {
        let secrets = self.secrets(family).await?;
        let mut races = self.0.races();
        loop {
            let mut item = self.load_any(family, who, id).await?;
            let before = item.record.clone();
            match change(&mut item)? {
                Next::Store => {}
                Next::Leave => return Ok(before),
            }
            let now = self.0.now();
            item.record.owner = owner(family, &item.record.fields);
            item.record.updated_at = now;
            let is_waiting = |event: &&'static str| item.outbox.values().any(|waiting| waiting.name == **event);
            let event = event.filter(|event| item.outbox.len() < MAX_OUTBOX || !is_waiting(event));
            item.outbox.extend(outbox(event, &item.record, item.version, now));
            let related = self.related_to_change(family, who, &before, &item.record, &secrets).await?;
            let outbox_token = new_token("record", self.0.entropy());
            let written = self.0.store.write_record(who, &item, &related, &outbox_token).await;
            match self.outcome(family, who, &item.record, written).await? {
                Outcome::Done => return Ok(item.record),
                Outcome::Lost => races.lose().await?,
            }
        }
    }

    /// As [`outcome`]; if another record has a value, the error says whether that record is deleted. Two more requests
    /// in that case.
    async fn outcome(
        &self,
        family: &Family,
        who: &impl Authority,
        record: &Record,
        written: Result<Written, StoreError>,
    ) -> Result<Outcome, Error> {
        let Ok(Written::Taken(field)) = written else { return outcome(written) };
        let holder = self.of_value(family, who, field, &record.text(field)).await?;
        let deleted = holder.as_ref().is_some_and(|holder| holder.record.deleted_at.is_some());
        let message = if deleted { OF_A_DELETED_ONE } else { OF_ANOTHER };
        let id = holder.map(|holder| holder.record.id);
        Err(Error::Invalid(vec![FieldError { id, ..FieldError::new(field, message) }]))
    }

    async fn load(&self, family: &Family, who: &impl Authority, id: Uuid) -> Result<RecordItem, Error> {
        let item = self.load_any(family, who, id).await?;
        if item.record.deleted_at.is_some() { Err(Error::NotFound(family.noun)) } else { Ok(item) }
    }

    async fn load_any(&self, family: &Family, who: &impl Authority, id: Uuid) -> Result<RecordItem, Error> {
        let item = self.0.store.record(who, family.kind, id).await?;
        item.ok_or(Error::NotFound(family.noun))
    }
}

/// The message about a value that another record has.
const OF_ANOTHER: &str = "is already used by another record";
/// The same if that record is deleted.
pub(super) const OF_A_DELETED_ONE: &str = "is used by a deleted person, who can be restored";

/// The result of a write for the caller.
fn outcome(written: Result<Written, StoreError>) -> Result<Outcome, Error> {
    match written {
        Ok(Written::Done) => Ok(Outcome::Done),
        Ok(Written::Lost) => Ok(Outcome::Lost),
        Ok(Written::Taken(field)) => Err(Error::invalid_field(field, OF_ANOTHER)),
        Ok(Written::Missing(field)) => Err(Error::invalid_field(field, "does not refer to an existing record")),
        Ok(Written::Full(field)) => {
            Err(Error::invalid_field(field, "already has 50 of these records, which is the maximum"))
        }
        Err(StoreError::Conflict) => Ok(Outcome::Lost),
        Err(error) => Err(error.into()),
    }
}

enum Outcome {
    Done,
    /// Another execution wrote the record first.
    Lost,
}

/// Whether a loaded record is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Store the changed record.
    Store,
    /// Leave the record unchanged.
    Leave,
}

/// The query parameter that selects one owner.
fn owner_field(family: &Family) -> &'static str {
    family.owner.as_ref().map_or("", |owner| owner.field)
}

/// Whether an error is about this field, for callers that handle a taken value.
pub(super) fn is_about(error: &Error, field: &str) -> bool {
    matches!(error, Error::Invalid(fields) if fields.iter().any(|wrong| wrong.field == field))
}
