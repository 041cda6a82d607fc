//! What a verification read about somebody fills a person: one that is named, or has the document's number, or a new one. What the
//! person has already stays as it is.

use uuid::Uuid;

use super::{
    people::People,
    records::{Made, Request},
};
use crate::{
    api::{ApiError, Caller},
    people::{
        Fields, Form, Record,
        person::{self, PEOPLE},
        schema::{self, Field},
    },
    platform::json::Json,
    process::{Private, Process, ProcessId, Status},
};

/// What a request may bring.
static FIELDS: [Field; 2] = [Field::required("process_id", Form::Id), Field::optional("person_id", Form::Id)];

/// Fills a person with what an approved process says. Two to four reads, and one transaction where anything is missing.
///
/// # Errors
/// 422 where there is no such process or person, or the process says no number; 409 where it is not approved, 410 where it was
/// redacted.
pub async fn fill(people: &People, caller: &Caller, given: &Fields) -> Result<Made, ApiError> {
    let read = schema::read(&FIELDS, given, true);
    if !read.problems.is_empty() {
        return Err(ApiError::invalid(read.problems));
    }
    let id = |name: &str| read.given.get(name).and_then(Json::read::<Uuid>);
    let there_is_none = |field| move || ApiError::invalid_field(field, "names nothing that is there");
    let process_id = ProcessId(id("process_id").unwrap_or_default());
    let process = people.records.means().store.load(caller, process_id).await?;
    let process = process.map(|record| record.process).ok_or_else(there_is_none("process_id"))?;
    if process.redaction.is_some() {
        return Err(ApiError::redacted());
    }
    if process.status != Status::Approved {
        return Err(ApiError::not_approved());
    }
    let said = said(&process);
    let named = process.request.person.person_id.as_deref().and_then(|id| id.parse().ok());
    if let Some(id) = id("person_id") {
        let person = people.records.get(&PEOPLE, caller, id).await;
        let person = person.map_err(|error| if error.status == 404 { there_is_none("person_id")() } else { error })?;
        return complete(people, caller, person, said).await;
    }
    if let Some(id) = named {
        match people.records.get(&PEOPLE, caller, id).await {
            Ok(person) => return complete(people, caller, person, said).await,
            // The customer's own id of somebody that we do not keep.
            Err(error) if error.status == 404 => {}
            Err(error) => return Err(error),
        }
    }
    let Some(number) = said.get("national_id").and_then(Json::read::<String>) else {
        return Err(ApiError::invalid_field("process_id", "names a process that says no document number"));
    };
    match people.find(caller, "national_id", &number).await {
        Ok(person) => return complete(people, caller, person, said).await,
        Err(error) if error.status == 404 => {}
        Err(error) => return Err(error),
    }
    let fields = PEOPLE.read(&said, None, false, people.records.now()).map_err(ApiError::invalid)?;
    let (nothing, key) = (Fields::new(), format!("process\t{process_id}"));
    people.records.make(&PEOPLE, caller, fields, Request::new(&nothing, Some(&key))).await
}

/// Gives a person what it has not.
async fn complete(people: &People, caller: &Caller, person: Record, mut said: Fields) -> Result<Made, ApiError> {
    let is_missing = |field: &String| person.fields.get(field).is_none_or(Json::is_null);
    said.retain(|field, _| is_missing(field));
    if said.keys().all(|field| field == IGNORED) {
        return Ok(Made { record: person, replayed: true });
    }
    Ok(Made { record: people.records.update(&PEOPLE, caller, person.id, &said).await?, replayed: true })
}

/// A document's number need not be a CURP.
const IGNORED: &str = "ignore_curp_validation";

/// What the process says of the person, as fields of one.
fn said(process: &Process) -> Fields {
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
    let (first, second) = match surnames.as_deref().map(|surnames| surnames.split_once(' ').unwrap_or((surnames, ""))) {
        Some((first, second)) => (Some(first.to_owned()), Some(second.trim().to_owned()).filter(|s| !s.is_empty())),
        None => (None, None),
    };
    let whole = text(&extracted.full_name).unwrap_or_else(|| process.request.person.name.expose().clone());
    let name = text(&extracted.names).unwrap_or(whole);
    let in_mexico = document.country == "MX";
    let gender = text(&extracted.sex).and_then(|sex| gender(&sex, in_mexico));
    let nationality = text(&extracted.nationality).and_then(|code| person::nationality(&code.to_uppercase()));
    let mut fields = number.as_deref().and_then(|number| person::of_curp(number).ok()).unwrap_or_default();
    let birthdate = text(&extracted.birth_date).and_then(|date| Form::Midnight.read(&Json::of(&date)).ok());
    for (field, value) in [
        ("national_id", number.as_ref().map(Json::of)),
        ("name", Some(Json::of(&name))),
        ("first_lastname", first.as_ref().map(Json::of)),
        ("second_lastname", second.as_ref().map(Json::of)),
        ("birthdate", birthdate),
        ("gender", gender.as_ref().map(Json::of)),
        ("nationality_id", nationality.as_ref().map(Json::of)),
        (IGNORED, Some(Json::of(&true))),
    ] {
        if let Some(value) = value {
            fields.insert(field.to_owned(), value);
        }
    }
    fields.retain(|_, value| !value.is_null());
    fields
}

/// A sex as printed. `M` is a man everywhere but on Mexico's documents, where it is `mujer`.
fn gender(sex: &str, in_mexico: bool) -> Option<&'static str> {
    match sex.to_uppercase().as_str() {
        "H" | "MALE" | "HOMBRE" | "MASCULINO" => Some("MALE"),
        "F" | "FEMALE" | "MUJER" | "FEMENINO" => Some("FEMALE"),
        "M" if in_mexico => Some("FEMALE"),
        "M" => Some("MALE"),
        _ => None,
    }
}
