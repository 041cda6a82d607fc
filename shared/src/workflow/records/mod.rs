//! Keeping records of the registry: make, show, list, change. One use case for every family; what is special to one stands
//! in its declaration ([`crate::people::families`]).
//!
//! Creating a record is one transaction: the record, the guards of its unique values, and what it belongs to. Changing one is
//! a read and a transaction.

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

/// A record, and whether an earlier request made it.
#[derive(Debug)]
pub struct Created {
    /// The record.
    pub record: Record,
    /// Whether it was there.
    pub replayed: bool,
}

/// What a list is called in its links.
pub(super) struct List<'a> {
    pub(super) path: &'a str,
    /// Parameters, as far as they were given.
    pub(super) filters: &'a [(&'a str, Option<String>)],
    /// Bytes that the answer has room for.
    pub(super) room: usize,
}

/// The use case.
pub struct Records(Services);

impl Records {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        Self(Services::new(deployment))
    }

    /// What the family's records look like to customers at this moment.
    #[must_use]
    pub fn view(&self, family: &Family, record: &Record) -> View {
        family.view(record, self.0.now())
    }

    /// The present moment.
    pub(super) fn now(&self) -> jiff::Timestamp {
        self.0.now()
    }

    /// What the others in this folder's neighbourhood share with it.
    pub(super) fn services(&self) -> &Services {
        &self.0
    }

    /// As [`Family::read`], at this moment; addresses that this deployment would never call are refused too.
    ///
    /// # Errors
    /// 422 with every field that is not as it should be.
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

    /// Makes the record that `given` asks for; the same `key` again finds it. One transaction.
    ///
    /// # Errors
    /// 422 with every wrong field, or where the key was used with another body.
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

    /// Makes a record of `fields`, which are as they should be. One transaction.
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

    /// Makes many records of `made`, each as it should be and with a key that follows from all of them, that belong to `owner` and
    /// of which nobody is told. What was made before stays. One transaction for each [`MAX_TOGETHER`].
    ///
    /// # Errors
    /// 422 where there is no such owner; what came before that stays.
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
            // They are written together or not at all: those that are there are all there.
            outcome(self.0.store.write_records(who, together, owner).await)?;
        }
        Ok(())
    }

    /// One record. One request.
    ///
    /// # Errors
    /// 404 where the caller's tenant has none of that id.
    pub async fn get(&self, family: &Family, who: &impl Authority, id: Uuid) -> Result<Record, Error> {
        Ok(self.load(family, who, id).await?.record)
    }

    /// Changes what `given` names, of what is not as it says already. One read, and one transaction where anything changes; otherwise
    /// nobody is told of anything.
    ///
    /// # Errors
    /// 404 likewise, 422 with every wrong field.
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

    /// Loads a record, deleted or not, changes it and stores it, where `change` wants that; anew for a lost race. `event` is
    /// told, where there is one.
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

    /// As [`outcome`]; where a value is another record's, says whose. Two requests more, where that is so.
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

/// What is said of a value that another record has.
const OF_ANOTHER: &str = "is already used by another record";
/// The same of one that was deleted.
pub(super) const OF_A_DELETED_ONE: &str = "is a deleted person's, which can be restored";

/// What a write means to those who wanted it.
fn outcome(written: Result<Written, StoreError>) -> Result<Outcome, Error> {
    match written {
        Ok(Written::Done) => Ok(Outcome::Done),
        Ok(Written::Lost) => Ok(Outcome::Lost),
        Ok(Written::Taken(field)) => Err(Error::invalid_field(field, OF_ANOTHER)),
        Ok(Written::Missing(field)) => Err(Error::invalid_field(field, "does not refer to an existing record")),
        Ok(Written::Full(field)) => Err(Error::invalid_field(field, "has 50 such records, which is the most")),
        Err(StoreError::Conflict) => Ok(Outcome::Lost),
        Err(error) => Err(error.into()),
    }
}

enum Outcome {
    Done,
    /// Somebody wrote the record first.
    Lost,
}

/// What becomes of a record that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It is stored, as it is now.
    Store,
    /// It stays as it was.
    Leave,
}

/// The field by which lists are asked for one owner.
fn owner_field(family: &Family) -> &'static str {
    family.owner.as_ref().map_or("", |owner| owner.field)
}

/// Whether a problem is about this field, for those who look at what came of a creation.
pub(super) fn is_about(error: &Error, field: &str) -> bool {
    matches!(error, Error::Invalid(fields) if fields.iter().any(|wrong| wrong.field == field))
}
