//! Keeping records of the registry: make, show, list, change. One use case for every family; what is special to one stands
//! in its declaration ([`crate::people::families`]).
//!
//! Creating a record is one transaction: the record, the guards of its unique values, and what it belongs to. Changing one is
//! a read and a transaction.

mod listing;
mod owned;
mod unique;

use std::{collections::BTreeMap, sync::Arc};

use uuid::Uuid;

use super::{Services, new_token};
use crate::{
    common::{
        Authority, Caller, FieldError, RawJson,
        ids::of_idempotency_key,
        page::{MAX_PAGE_BYTES, PageRequest, PageView, Total},
    },
    deployment::Deployment,
    people::{
        Family, FieldType, Fields, Kind, OwnerProjection, Record, RecordEvent, View,
        family::{Reference, distinct},
    },
    platform::{
        SecretsError,
        http::UrlGuard,
        secrets::{Fingerprint, SecretDocument},
    },
    store::{
        StoreError,
        records::{MAX_OUTBOX, MAX_TOGETHER, OwnerWrite, RecordItem, RelatedWrites, Written},
    },
    workflow::Error,
};

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
        let beside = RelatedWrites {
            taken: uniques(family, &item.record.fields, &secrets.unique_keys)?,
            needed: needed(family, &item.record.fields),
            owner: belongs(family, &item.record, None),
            listed: self.listed(family, who, &item.record).await?,
            ..RelatedWrites::default()
        };
        let outbox_token = new_token("record", self.0.entropy());
        let written = self.0.store.write_record(who, &item, &beside, &outbox_token).await;
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

    /// What an earlier `request` with the same key made. One request; none where it has no key.
    ///
    /// # Errors
    /// 422 where the key was used with another body.
    pub(super) async fn replay(
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

    /// A record of `fields` that is not stored yet.
    fn new_item(
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

    /// One record. One request.
    ///
    /// # Errors
    /// 404 where the caller's tenant has none of that id.
    pub async fn get(&self, family: &Family, who: &impl Authority, id: Uuid) -> Result<Record, Error> {
        Ok(self.load(family, who, id).await?.record)
    }

    /// One page of a family's records, newest first; of one owner where one is given. Two requests, and one for each further
    /// month.
    ///
    /// # Errors
    /// Our own store.
    pub async fn list(
        &self,
        family: &Family,
        caller: &Caller,
        owner: Option<Uuid>,
        request: &PageRequest,
    ) -> Result<PageView<View>, Error> {
        let filters = [(owner_field(family), owner.map(|owner| owner.to_string()))];
        let list = List { path: family.path, filters: &filters, room: MAX_PAGE_BYTES };
        self.list_of(family, caller, owner, &list, request, |_| true).await
    }

    /// As [`Self::list`], of those alone that are `wanted`: a page may have fewer than it could although the list goes on.
    ///
    /// # Errors
    /// Likewise.
    pub(super) async fn list_of(
        &self,
        family: &Family,
        caller: &Caller,
        owner: Option<Uuid>,
        list: &List<'_>,
        request: &PageRequest,
        wanted: impl Fn(&Record) -> bool,
    ) -> Result<PageView<View>, Error> {
        let now = self.0.now();
        let (store, since) = (&self.0.store, caller.tenant_since());
        let page = store.list_records(caller, since, (family.kind, owner), request, now).await?;
        let total = match page.next {
            _ if !family.counted => None,
            // A page beyond the last begins where nothing is; so may one all of which is deleted.
            None if page.seen == 0 || !page.entries.is_empty() => Some(Total(Some(page.seen + page.entries.len()))),
            _ => Some(Total(store.count_records(caller, since, (family.kind, owner), now).await?)),
        };
        let page = page.map(|record| wanted(&record).then(|| family.view(&record, now)));
        let filters: Vec<_> =
            list.filters.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        Ok(PageView { total, ..PageView::within(list.room, list.path, &filters, request, page) })
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
            let had = uniques(family, &before.fields, &secrets.unique_keys)?;
            let has = uniques(family, &item.record.fields, &secrets.unique_keys)?;
            let (named, names) = (needed(family, &before.fields), needed(family, &item.record.fields));
            let (listed, unlisted) = match listing::is_moved(family, &before, &item.record) {
                true => (self.listed(family, who, &item.record).await?, self.listed(family, who, &before).await?),
                false => (None, None),
            };
            let beside = RelatedWrites {
                listed,
                unlisted,
                // With several keys, guards move to the first with whatever is written of the record.
                taken: has.iter().filter(|value| value.may_be_elsewhere() || !had.contains(value)).cloned().collect(),
                freed: had.into_iter().filter(|unique| !has.contains(unique)).collect(),
                needed: names.into_iter().filter(|name| !named.contains(name)).collect(),
                left: left(family, &before, &item.record),
                owner: belongs(family, &item.record, Some(&before)),
            };
            let outbox_token = new_token("record", self.0.entropy());
            let written = self.0.store.write_record(who, &item, &beside, &outbox_token).await;
            match self.outcome(family, who, &item.record, written).await? {
                Outcome::Done => return Ok(item.record),
                Outcome::Lost => races.lose().await?,
            }
        }
    }

    /// The record that has `value` in a unique field, deleted or not. Two requests.
    pub(super) async fn of_value(
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

    /// The id of that record. One request.
    pub(super) async fn id_of_value(
        &self,
        family: &Family,
        who: &impl Authority,
        field: &'static str,
        value: &str,
    ) -> Result<Option<Uuid>, Error> {
        let unique = unique(field, value, &self.secrets(family).await?.unique_keys)?;
        Ok(self.0.store.record_of_value(who, family.kind, &unique).await?)
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

    /// The deployment's keys; where they decide whose a value is, none that were read too long ago.
    async fn secrets(&self, family: &Family) -> Result<Arc<SecretDocument>, SecretsError> {
        let secrets = &self.0.platform.secrets;
        if family.unique.is_empty() { secrets.current().await } else { secrets.recent().await }
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

/// What an earlier request with the same key made, if it said the same.
fn made_before(existing: RecordItem, fingerprint: &Fingerprint) -> Result<Record, Error> {
    if fingerprint.is(&existing.fingerprint) { Ok(existing.record) } else { Err(Error::KeyReused) }
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

/// What a request gives, as the text that its repeats are known by.
pub(super) fn text_of(given: &Fields) -> String {
    let given: BTreeMap<_, _> = given.iter().map(|(name, value)| (name, value.text())).collect();
    format!("{given:?}")
}

/// The request that makes a record.
#[derive(Clone)]
pub(super) struct Request<'a> {
    key: Option<&'a str>,
    text: String,
}

impl<'a> Request<'a> {
    pub(super) fn new(given: &Fields, key: Option<&'a str>) -> Self {
        Self { key, text: text_of(given) }
    }

    /// The id of the record that it makes, where it has a key.
    pub(super) fn id(&self, family: &Family, who: &impl Authority) -> Option<Uuid> {
        self.key.map(|key| of_idempotency_key(who.tenant(), family.path, key))
    }
}

/// The field by which lists are asked for one owner.
fn owner_field(family: &Family) -> &'static str {
    family.owner.as_ref().map_or("", |owner| owner.field)
}

fn owner(family: &Family, fields: &Fields) -> Option<Uuid> {
    fields.get(family.owner.as_ref()?.field)?.read()
}

fn belongs(family: &Family, record: &Record, before: Option<&Record>) -> Option<OwnerWrite> {
    let owner = family.owner.as_ref()?;
    let projection = family.project(record);
    let before = before.filter(|before| before.owner == record.owner);
    let former = before.and_then(|before| Some(family.project(before)?.name));
    let former = former.filter(|former| projection.as_ref().is_some_and(|projection| projection.name != *former));
    Some(OwnerWrite { field: owner.field, kind: owner.kind, id: record.owner?, projection, former })
}

/// What a former owner no longer keeps of a record.
fn left(family: &Family, before: &Record, after: &Record) -> Option<(Kind, Uuid, OwnerProjection)> {
    let (projection, kind) = (family.project(before)?, family.owner.as_ref()?.kind);
    (before.owner != after.owner).then_some((kind, before.owner?, projection))
}

/// Records of other families that the fields name, beside the owner.
fn needed(family: &Family, fields: &Fields) -> Vec<Reference> {
    family.references.map(|references| references(fields)).unwrap_or_default()
}

fn outbox(
    event: Option<&'static str>,
    record: &Record,
    version: u64,
    now: jiff::Timestamp,
) -> BTreeMap<String, RecordEvent> {
    let event = event.map(|name| RecordEvent::new(record, name, version, now));
    event.into_iter().map(|event| (event.id.to_string(), event)).collect()
}

/// Whether a problem is about this field, for those who look at what came of a creation.
pub(super) fn is_about(error: &Error, field: &str) -> bool {
    matches!(error, Error::Invalid(fields) if fields.iter().any(|wrong| wrong.field == field))
}
