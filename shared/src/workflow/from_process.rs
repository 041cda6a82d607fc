//! Fills a person with the data that a verification read. The person is the one in the request, the one with the
//! document's number, or a new one. Existing fields stay unchanged.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    people::People,
    records::{Next, Request, is_about},
};
use crate::{
    common::{
        Caller, Private, RawJson,
        values::time::{day, today},
    },
    people::{
        FieldType, Fields, Record, birth,
        families::person::{self, PEOPLE},
        schema::{self, Field},
    },
    process::{Process, ProcessId, Status, computed::read_curp},
    store::records::RecordItem,
    workflow::Error,
};

/// The fields of the request.
static FIELDS: [Field; 2] = [Field::required("process_id", FieldType::Id), Field::optional("person_id", FieldType::Id)];

/// The result: a person, and whether this request created it.
pub struct Filled {
    pub person: Record,
    /// Whether this request created the person.
    pub is_new: bool,
}

/// Fills a person with the data of an approved process. Two to four reads, and one transaction if a field is missing.
///
/// # Errors
/// `Invalid` if the process or person does not exist, or the process has no document number; `NotApproved`;
/// `AnotherPerson`; `Redacted`.
pub async fn fill(people: &People, caller: &Caller, given: &Fields) -> Result<Filled, Error> {
    let read = schema::read(&FIELDS, given, true);
    if !read.problems.is_empty() {
        return Err(Error::Invalid(read.problems));
    }
    let id = |name: &str| read.given.get(name).and_then(RawJson::read::<Uuid>);
    let there_is_none = |field| move || Error::invalid_field(field, "does not refer to an existing record");
    let process_id = ProcessId(id("process_id").unwrap_or_default());
    let process = people.records.services().store.load(caller, process_id).await?;
    let process = process.map(|record| record.process).ok_or_else(there_is_none("process_id"))?;
    if process.redaction.is_some() {
        return Err(Error::Redacted);
    }
    if process.status != Status::Approved {
        return Err(Error::NotApproved);
    }
    let now = people.records.now();
    let said = said(&process, now);
    if let Some(id) = id("person_id") {
        let person = complete_named(people, caller, id, &said).await?;
        return person.ok_or_else(there_is_none("person_id"));
    }
    let named = process.request.person.person_id.as_deref().and_then(|id| id.parse().ok());
    if let Some(id) = named
        && let Some(filled) = complete_named(people, caller, id, &said).await?
    {
        return Ok(filled);
    }
    // The request has no person, or the customer's own id of a person that is unknown here.
    let Some(number) = said.get(NATIONAL_ID).and_then(RawJson::read::<String>) else {
        return Err(Error::invalid_field("process_id", "refers to a process without a document number"));
    };
    let mut races = people.records.services().races();
    loop {
        if let Some(id) = people.records.id_of_value(&PEOPLE, caller, NATIONAL_ID, &number).await? {
            let deleted = || Error::invalid_field("process_id", "refers to a process about a deleted person");
            return complete(people, caller, id, &said).await?.ok_or_else(deleted);
        }
        let fields = PEOPLE.read(&said, None, false, people.records.now()).map_err(Error::Invalid)?;
        let (nothing, key) = (Fields::new(), format!("process\t{process_id}"));
        match people.records.make(&PEOPLE, caller, fields, Request::new(&nothing, Some(&key))).await {
            // Another request created the person at the same moment.
            Err(error) if is_about(&error, NATIONAL_ID) => races.lose().await?,
            made => return made.map(|made| Filled { person: made.record, is_new: !made.replayed }),
        }
    }
}

/// Fills the missing fields of the person in the request, unless the data is another person's; `None` if the person
/// does not exist.
async fn complete_named(people: &People, caller: &Caller, id: Uuid, said: &Fields) -> Result<Option<Filled>, Error> {
    if let Some(number) = said.get(NATIONAL_ID).and_then(RawJson::read::<String>) {
        let whose = people.records.id_of_value(&PEOPLE, caller, NATIONAL_ID, &number).await?;
        if whose.is_some_and(|whose| whose != id) {
            return Err(Error::AnotherPerson);
        }
    }
    complete(people, caller, id, said).await
}

/// Fills the missing fields of a person; `None` if the person does not exist.
async fn complete(people: &People, caller: &Caller, id: Uuid, said: &Fields) -> Result<Option<Filled>, Error> {
    let now = people.records.now();
    let change = |item: &mut RecordItem| {
        let present = &item.record.fields;
        if item.record.deleted_at.is_some() {
            return Err(Error::NotFound("person"));
        }
        if are_two_persons(present, said, now) {
            return Err(Error::AnotherPerson);
        }
        let is_missing = |field: &str| present.get(field).is_none_or(RawJson::is_null);
        let missing = said.iter().filter(|(field, _)| field.as_str() != IGNORED && is_missing(field));
        let mut missing: Fields = missing.map(|(field, value)| (field.clone(), value.clone())).collect();
        if missing.is_empty() {
            return Ok(Next::Leave);
        }
        missing.insert(IGNORED.to_owned(), RawJson::of(&true));
        item.record.fields = PEOPLE.read(&missing, Some(present), false, now).map_err(Error::Invalid)?;
        Ok(Next::Store)
    };
    match people.records.change(&PEOPLE, caller, id, PEOPLE.event(false), change).await {
        Ok(person) => Ok(Some(Filled { person, is_new: false })),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether both CURPs are known and differ. The number of any other document may differ from the person's national id.
fn are_two_persons(present: &Fields, said: &Fields, now: Timestamp) -> bool {
    let curp = |fields: &Fields| {
        fields.get(NATIONAL_ID).and_then(RawJson::read::<String>).filter(|number| read_curp(number, today(now)).is_ok())
    };
    curp(present).zip(curp(said)).is_some_and(|(present, said)| present != said)
}

/// The field by which a person is found.
const NATIONAL_ID: &str = "national_id";
/// Set because a document's number need not be a CURP.
const IGNORED: &str = "ignore_curp_validation";

/// The process's data about the person, as fields of a person.
fn said(process: &Process, now: Timestamp) -> Fields {
    let extracted = &process.findings.extracted;
    let text = |value: &Option<Private<String>>| {
        value.as_ref().map(|value| value.expose().trim().to_owned()).filter(|value| !value.is_empty())
    };
    let document = &process.request.document;
    let curp = extracted.other.iter().find(|(name, _)| name.eq_ignore_ascii_case("curp"));
    let curp = curp.map(|(_, curp)| curp.expose().clone());
    let number = curp.or_else(|| text(&extracted.document_number));
    let number = number.unwrap_or_else(|| document.number.expose().clone());
    let number = Some(person::canonical("national_id", &number)).filter(|number| !number.is_empty());
    let surnames = text(&extracted.surnames);
    let (first, second) = surnames.as_deref().map(surnames_of).unwrap_or_default();
    let whole = text(&extracted.full_name).unwrap_or_else(|| process.request.person.name.expose().clone());
    let name = text(&extracted.names).unwrap_or(whole);
    let in_mexico = document.country == "MX";
    let gender = text(&extracted.sex).and_then(|sex| gender(&sex, in_mexico));
    let nationality = text(&extracted.nationality).and_then(|code| person::nationality(&code.to_uppercase()));
    let mut fields = number.as_deref().and_then(|number| person::of_curp(number, now).ok()).unwrap_or_default();
    // A birth date in the future is a reading error.
    let birthdate =
        text(&extracted.birth_date).filter(|date| day(date).is_some_and(|born| birth::is_possible(born, now)));
    let birthdate = birthdate.and_then(|date| FieldType::Midnight.read(&RawJson::of(&date)).ok());
    for (field, value) in [
        (NATIONAL_ID, number.as_ref().map(RawJson::of)),
        ("name", Some(RawJson::of(&name))),
        ("first_lastname", first.map(|surname| RawJson::of(&surname))),
        ("second_lastname", second.map(|surname| RawJson::of(&surname))),
        ("birthdate", birthdate),
        ("gender", gender.as_ref().map(RawJson::of)),
        ("nationality_id", nationality.as_ref().map(RawJson::of)),
        (IGNORED, Some(RawJson::of(&true))),
    ] {
        if let Some(value) = value {
            fields.insert(field.to_owned(), value);
        }
    }
    fields.retain(|_, value| !value.is_null());
    fields
}

/// Words that are a surname only together with the next word.
const PARTICLES: [&str; 12] = ["DA", "DE", "DEL", "DI", "DOS", "LA", "LAS", "LOS", "SAN", "SANTA", "VAN", "VON"];

/// The first and second surname. Two-word surnames are split; anything else goes into the first: in `DE LA CRUZ LOPEZ`
/// the document does not say where the first one ends.
fn surnames_of(surnames: &str) -> (Option<&str>, Option<&str>) {
    let words: Vec<&str> = surnames.split_whitespace().collect();
    match words.as_slice() {
        [first, second] if !PARTICLES.contains(&first.to_uppercase().as_str()) => (Some(first), Some(second)),
        _ => (Some(surnames), None),
    }
}

/// The gender for a printed sex. `M` means male, except on Mexican documents, where it means `mujer` (female).
fn gender(sex: &str, in_mexico: bool) -> Option<&'static str> {
    match sex.to_uppercase().as_str() {
        "H" | "MALE" | "HOMBRE" | "MASCULINO" => Some("MALE"),
        "F" | "FEMALE" | "MUJER" | "FEMENINO" => Some("FEMALE"),
        "M" if in_mexico => Some("FEMALE"),
        "M" => Some("MALE"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_word_surnames_are_split() {
        for (surnames, split) in [
            ("PÉREZ GÓMEZ", (Some("PÉREZ"), Some("GÓMEZ"))),
            ("ESPAÑOLA  ESPAÑOLA", (Some("ESPAÑOLA"), Some("ESPAÑOLA"))),
            ("PÉREZ", (Some("PÉREZ"), None)),
            ("DE LA CRUZ LOPEZ", (Some("DE LA CRUZ LOPEZ"), None)),
            ("de León", (Some("de León"), None)),
            ("GARCÍA DE LEÓN", (Some("GARCÍA DE LEÓN"), None)),
        ] {
            assert_eq!(surnames_of(surnames), split, "{surnames}");
        }
    }
}
