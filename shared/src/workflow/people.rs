//! Operations on persons that other records do not have: find and search by other fields than the id, create from a
//! CURP, upsert by national id, delete and restore.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use uuid::Uuid;

use super::records::{Created, Next, OF_A_DELETED_ONE, Records, Request, is_about};
use crate::{
    common::{Authority, Caller, FieldError, RawJson, page::MAX_PAGE_BYTES, raw_json::escaped_length},
    deployment::Deployment,
    people::{
        Fields, Kind, Record, View,
        families::{ADDRESSES, CONTACTS, PEOPLE, REFERENCES, person},
        job::{FileRow, RowsTaken},
        said::Said,
    },
    store::records::RecordItem,
    workflow::Error,
};

/// The maximum number of persons in one search.
const MAX_SEARCHED: usize = 100;
/// Concurrent requests of one search.
const AT_ONCE: usize = 8;

/// The result of a row.
pub(super) struct RowOutcome {
    pub(super) person: Uuid,
    pub(super) how: How,
}

/// What the row changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Created,
    Updated,
    Unchanged,
}

pub struct People {
    /// The operations that all records share.
    pub records: Records,
}

impl People {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        Self { records: Records::new(deployment) }
    }

    /// One person, with the entries of built-in lists that it refers to. One request.
    ///
    /// # Errors
    /// `NotFound` if the tenant has no such person.
    pub async fn get(&self, caller: &Caller, id: Uuid) -> Result<View, Error> {
        let record = self.records.get(&PEOPLE, caller, id).await?;
        let mut view = self.view(&record);
        person::expand(&record, &mut view);
        Ok(view)
    }

    /// The person with `value` in one of [`person::UNIQUE`]. Two requests.
    ///
    /// # Errors
    /// `NotFound` if the tenant has no such person.
    pub async fn find(&self, caller: &Caller, field: &'static str, value: &str) -> Result<Record, Error> {
        let found = self.of_value(caller, field, value).await?.map(|item| item.record);
        found.filter(|record| record.deleted_at.is_none()).ok_or(Error::NotFound("person"))
    }

    /// A person with its addresses, contacts and references (as many of each as fit) and the entries of built-in lists.
    /// One request for each of the three that it has.
    ///
    /// # Errors
    /// `Unavailable` if the store fails.
    pub async fn whole(&self, caller: &Caller, record: &Record) -> Result<View, Error> {
        let mut view = self.view(record);
        for (name, rest, family) in [
            ("addresses", "addresses_next_page_url", &ADDRESSES),
            ("contact_data", "contact_data_next_page_url", &CONTACTS),
            ("references", "references_next_page_url", &REFERENCES),
        ] {
            let page = self.records.kept_within(family, caller, record, MAX_PAGE_BYTES / 3).await?;
            view.show(name, &page.data);
            view.show(rest, &page.next_page_url);
        }
        person::expand(record, &mut view);
        Ok(view)
    }

    /// The existing persons among these ids, in the order of the ids. One request.
    ///
    /// # Errors
    /// `Invalid` unless it is a list of at most a hundred ids, or if the result does not fit into one answer.
    pub async fn search(&self, caller: &Caller, given: &Fields) -> Result<Vec<View>, Error> {
        let ids: Vec<Uuid> = list(given, "ids", "UUIDs")?;
        let found = self.records.services().store.records(caller, Kind::Person, &ids).await?;
        within_an_answer("ids", found.iter().map(|record| self.view(record)).collect())
    }

    /// The existing persons among these external ids, in the order of the ids. One request for each, and one more.
    ///
    /// # Errors
    /// `Invalid` as in [`Self::search`].
    pub async fn search_external(&self, caller: &Caller, given: &Fields) -> Result<Vec<View>, Error> {
        let values: Vec<String> = list(given, "external_ref_id", "texts")?;
        let found =
            stream::iter(values).map(|value| async move { self.of_value(caller, "external_ref_id", &value).await });
        let found: Vec<Option<RecordItem>> = found.buffered(AT_ONCE).try_collect().await?;
        let there = found.into_iter().flatten().map(|item| item.record).filter(|record| record.deleted_at.is_none());
        within_an_answer("external_ref_id", there.map(|record| self.view(&record)).collect())
    }

    /// Creates a person from the data in a CURP. One transaction.
    ///
    /// # Errors
    /// `Invalid` if the CURP is invalid or another person has it; `KeyReused`.
    pub async fn from_curp(&self, caller: &Caller, given: &Fields, key: Option<&str>) -> Result<Created, Error> {
        if let Some(name) = given.keys().find(|name| *name != "curp") {
            return Err(Error::invalid_field(name, "is not a known field"));
        }
        let curp: Option<String> = given.get("curp").and_then(RawJson::read);
        let curp = curp.ok_or_else(|| Error::invalid_field("curp", "is required, as a text of 18 characters"))?;
        let fields = person::of_curp(&curp, self.now()).map_err(|fault| Error::invalid_field("curp", &fault))?;
        self.records.make(&PEOPLE, caller, fields, Request::new(given, key)).await
    }

    /// Updates the person with this national id, or creates it. Two reads and one transaction.
    ///
    /// # Errors
    /// `Invalid` with every wrong field, or if a deleted person has the national id.
    pub async fn upsert(&self, caller: &Caller, national_id: &str, given: &Fields) -> Result<Record, Error> {
        let national_id = person::canonical("national_id", national_id);
        let named = given.get("national_id").map(|named| named.read::<String>().unwrap_or_default());
        if named.is_some_and(|named| person::canonical("national_id", &named) != national_id) {
            return Err(Error::invalid_field("national_id", "must equal the value in the path"));
        }
        let mut given = given.clone();
        given.insert("national_id".to_owned(), RawJson::of(&national_id));
        let mut races = self.records.services().races();
        loop {
            match self.present(caller, &national_id).await? {
                Some(item) => return self.records.update(&PEOPLE, caller, item.record.id, &given).await,
                None => {
                    let fields = PEOPLE.read(&given, None, false, self.now()).map_err(Error::Invalid)?;
                    match self.records.make(&PEOPLE, caller, fields, Request::new(&given, None)).await {
                        // Another request created the person at the same moment.
                        Err(error) if is_about(&error, "national_id") => races.lose().await?,
                        made => return Ok(made?.record),
                    }
                }
            }
        }
    }

    /// Imports a row of a file: creates the person, or updates the fields that differ. Importing the same row again
    /// gives the same result and changes nothing. At most two reads, and one transaction if anything changes.
    ///
    /// # Errors
    /// As [`Self::upsert`].
    pub(super) async fn take_up(&self, who: &impl Authority, said: &Said, row: FileRow) -> Result<RowOutcome, Error> {
        let given = &said.fields;
        let national_id = given.get("national_id").and_then(RawJson::read::<String>);
        let Some(national_id) = national_id else { return Err(Error::invalid_field("national_id", "is required")) };
        let national_id = person::canonical("national_id", &national_id);
        // A customer's key cannot contain a tab.
        let key = format!("import\t{}\t{}", row.step.run, row.number);
        let request = Request::new(given, Some(&key));
        let mut races = self.records.services().races();
        loop {
            match self.records.id_of_value(&PEOPLE, who, "national_id", &national_id).await? {
                Some(person) if Some(person) == request.id(&PEOPLE, who) => {
                    return Ok(RowOutcome { person, how: How::Created });
                }
                Some(person) => match self.take_into(who, person, &national_id, said, row).await? {
                    Some(how) => return Ok(RowOutcome { person, how }),
                    None => races.lose().await?,
                },
                None => match self.records.make(&PEOPLE, who, self.read_said(said, None)?, request.clone()).await {
                    // Another request created the person at the same moment.
                    Err(error) if is_about(&error, "national_id") => races.lose().await?,
                    made => return Ok(RowOutcome { person: made?.record.id, how: How::Created }),
                },
            }
        }
    }

    /// Updates the person with `national_id` from a row; `None` if the person no longer has that national id.
    async fn take_into(
        &self,
        who: &impl Authority,
        person: Uuid,
        national_id: &str,
        said: &Said,
        row: FileRow,
    ) -> Result<Option<How>, Error> {
        let mut how = None;
        let change = |item: &mut RecordItem| {
            let is_taken = item.rows.as_ref().is_some_and(|rows| rows.has(row));
            if is_taken || item.record.text("national_id") != national_id {
                how = is_taken.then_some(How::Updated);
                return Ok(Next::Leave);
            }
            is_here(&item.record)?;
            let present = &item.record.fields;
            let fields = self.read_said(said, Some(present))?;
            if fields == *present || item.rows.as_ref().is_some_and(|rows| rows.is_past(row)) {
                how = Some(How::Unchanged);
                return Ok(Next::Leave);
            }
            how = Some(How::Updated);
            item.record.fields = fields;
            item.rows = Some(RowsTaken::with(item.rows.take(), row));
            Ok(Next::Store)
        };
        self.records.change(&PEOPLE, who, person, PEOPLE.event(false), change).await?;
        Ok(how)
    }

    /// The fields of the row for a new person, or for one whose fields are `present`.
    fn read_said(&self, said: &Said, present: Option<&Fields>) -> Result<Fields, Error> {
        let (given, mut problems) = said.beside(present);
        match PEOPLE.read(&given, present, present.is_none(), self.now()) {
            Ok(fields) if problems.is_empty() => Ok(fields),
            read => {
                let others = read.err().into_iter().flatten();
                let others: Vec<_> =
                    others.filter(|other| !problems.iter().any(|known| known.field == other.field)).collect();
                problems.extend(others);
                Err(Error::Invalid(problems))
            }
        }
    }

    /// The person with a national id, unless deleted.
    async fn present(&self, who: &impl Authority, national_id: &str) -> Result<Option<RecordItem>, Error> {
        let item = self.of_value(who, "national_id", national_id).await?;
        item.as_ref().map(|item| is_here(&item.record)).transpose()?;
        Ok(item)
    }

    /// Deletes a person: lists and searches no longer show it, and its unique values stay reserved. One read and one
    /// transaction.
    ///
    /// # Errors
    /// `NotFound` if the person does not exist or is already deleted.
    pub async fn delete(&self, caller: &Caller, id: Uuid) -> Result<(), Error> {
        let now = self.now();
        let deleted = self.records.change(&PEOPLE, caller, id, None, |item| match item.record.deleted_at {
            Some(_) => Err(Error::NotFound("person")),
            None => {
                item.record.deleted_at = Some(now);
                Ok(Next::Store)
            }
        });
        deleted.await.map(|_| ())
    }

    /// Restores a deleted person unchanged. One read and one transaction.
    ///
    /// # Errors
    /// `NotFound` if there is no deleted person with that id.
    pub async fn restore(&self, caller: &Caller, id: Uuid) -> Result<Record, Error> {
        self.records
            .change(&PEOPLE, caller, id, Some(person::RESTORED), |item| match item.record.deleted_at.take() {
                Some(_) => Ok(Next::Store),
                None => Err(Error::NotFound("deleted person")),
            })
            .await
    }

    /// As [`Self::restore`], by external id. Two more reads.
    ///
    /// # Errors
    /// `NotFound` if no deleted person has it.
    pub async fn restore_external(&self, caller: &Caller, external_id: &str) -> Result<Record, Error> {
        let found = self.of_value(caller, "external_ref_id", external_id).await?;
        let id = found.ok_or(Error::NotFound("deleted person"))?.record.id;
        self.restore(caller, id).await
    }

    #[must_use]
    pub fn view(&self, record: &Record) -> View {
        self.records.view(&PEOPLE, record)
    }

    async fn of_value(
        &self,
        who: &impl Authority,
        field: &'static str,
        value: &str,
    ) -> Result<Option<RecordItem>, Error> {
        self.records.of_value(&PEOPLE, who, field, &person::canonical(field, value)).await
    }

    fn now(&self) -> Timestamp {
        self.records.now()
    }
}

/// Whether a person may be updated by its national id: it is not deleted.
fn is_here(person: &Record) -> Result<(), Error> {
    match person.deleted_at {
        Some(_) => {
            let problem = FieldError::new("national_id", OF_A_DELETED_ONE);
            Err(Error::Invalid(vec![FieldError { id: Some(person.id), ..problem }]))
        }
        None => Ok(()),
    }
}

/// The result of a search, if one answer can hold it.
fn within_an_answer(field: &str, found: Vec<View>) -> Result<Vec<View>, Error> {
    match escaped_length(&found) {
        0..=MAX_PAGE_BYTES => Ok(found),
        _ => Err(Error::invalid_field(field, "matches more than one answer can hold: request fewer at once")),
    }
}

/// The values to search for.
fn list<T: serde::de::DeserializeOwned>(given: &Fields, field: &str, what: &str) -> Result<Vec<T>, Error> {
    if let Some(name) = given.keys().find(|name| *name != field) {
        return Err(Error::invalid_field(name, "is not a known field"));
    }
    let values: Option<Vec<T>> = given.get(field).and_then(RawJson::read);
    values
        .filter(|values| values.len() <= MAX_SEARCHED)
        .ok_or_else(|| Error::invalid_field(field, &format!("must be a list of at most {MAX_SEARCHED} {what}")))
}
