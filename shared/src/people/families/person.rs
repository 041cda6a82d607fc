//! Persons: their fields and rules, what a CURP says of one, and what is derived when one is shown.

use jiff::Timestamp;

use super::{address, biometric};
use crate::{
    common::{
        FieldError, Private, RawJson,
        values::{
            text::normal,
            time::{day, today},
        },
    },
    people::{
        Family, Field, FieldType, Fields, Kind, Record, View, birth,
        family::{Change, Names, Reference, reference},
        lists::{self, Name},
    },
    process::computed::read_curp,
};

/// The event that a person was registered.
pub const REGISTERED: &str = "person_register";
/// The event that a deleted person was restored.
pub const RESTORED: &str = "person_restore";

/// Fields by which a person can be found. No two persons of a tenant share a value.
pub const UNIQUE: [&str; 3] = ["national_id", "external_ref_id", "facetec_ref_id"];

/// The number of Mexico in the list of nationalities.
const MEXICAN: u16 = 144;

pub static PEOPLE: Family = Family {
    owner: None,
    references: Some(group),
    unique: &UNIQUE,
    validate_and_derive: Some(validate_and_derive),
    show: Some(show),
    derived: &[
        "addresses_similarity",
        "age",
        "information_percentage",
        "addresses",
        "addresses_next_page_url",
        "contact_data",
        "contact_data_next_page_url",
        "references",
        "references_next_page_url",
        "marital_status",
        "nationality",
        "state",
    ],
    created_event: Some(REGISTERED),
    ..Family::of_person(
        Kind::Person,
        Names { path: "/people", noun: "person", resource: "person" },
        &[
            Field::required("national_id", FieldType::Name),
            Field::required("name", FieldType::Name),
            Field::required("first_lastname", FieldType::Text),
            Field::required("second_lastname", FieldType::Text),
            Field::optional("birthdate", FieldType::Midnight),
            Field::optional("gender", FieldType::Word(&["MALE", "FEMALE"])),
            Field::optional("tax_id", FieldType::Text),
            Field::optional("nationality_id", FieldType::Entry(Name::Nationalities)),
            Field::optional("state_id", FieldType::Entry(Name::States)),
            Field::optional("entity_of_birth", FieldType::Text),
            Field::optional("external_ref_id", FieldType::Text),
            Field::optional("facetec_ref_id", FieldType::Text),
            Field::optional("biometrics", FieldType::Object),
            Field::optional("marital_status_id", FieldType::Entry(Name::MaritalStatuses)),
            Field::optional("people_group_id", FieldType::Id),
            Field::optional("extra_data", FieldType::Object),
            Field::read_only("temporary_ref_id", FieldType::Id),
            Field::write_only("ignore_curp_validation", FieldType::Boolean),
        ],
    )
};

/// The fields that `information_percentage` counts: all that a customer gives except `extra_data`.
const COUNTED: [&str; 15] = [
    "national_id",
    "name",
    "first_lastname",
    "second_lastname",
    "birthdate",
    "gender",
    "tax_id",
    "nationality_id",
    "state_id",
    "entity_of_birth",
    "external_ref_id",
    "facetec_ref_id",
    "biometrics",
    "marital_status_id",
    "people_group_id",
];

fn group(person: &Fields) -> Vec<Reference> {
    reference(person, "people_group_id", Kind::PeopleGroup)
}

/// The one spelling in which a unique value is kept and looked for.
#[must_use]
pub fn canonical(field: &str, value: &str) -> String {
    let value = normal(value);
    let value = value.trim();
    if field == "national_id" { value.to_uppercase() } else { value.to_owned() }
}

fn validate_and_derive(fields: &mut Fields, change: &Change<'_>, now: Timestamp) -> Vec<FieldError> {
    for field in UNIQUE {
        if let Some(value) = fields.get(field).and_then(RawJson::read::<String>) {
            let value = Some(canonical(field, &value)).filter(|value| !value.is_empty());
            fields.insert(field.to_owned(), RawJson::of(&value));
        }
    }
    let ignored = change.given.get("ignore_curp_validation").and_then(RawJson::read) == Some(true);
    let national_id = fields.get("national_id").and_then(RawJson::read::<String>).unwrap_or_default();
    let is_new = change.given.contains_key("national_id")
        && change.present.and_then(|present| present.get("national_id")) != fields.get("national_id");
    let mut problems = birth::validate(fields, change, now);
    match read_curp(&national_id, today(now)) {
        Err(fault) if is_new && !ignored && !national_id.is_empty() => {
            problems.push(FieldError::new("national_id", format!("is not a valid CURP: {fault}")));
        }
        _ => {}
    }
    problems
}

/// The fields that follow from a CURP alone: date and state of birth, sex and, for those born in Mexico, nationality.
///
/// # Errors
/// The CURP is invalid; the text says why.
pub fn of_curp(curp: &str, now: Timestamp) -> Result<Fields, String> {
    let curp = canonical("national_id", curp);
    let read = read_curp(&curp, today(now)).map_err(|fault| format!("is not a valid CURP: {fault}"))?;
    let state = lists::by_code(Name::States, &read.state);
    let state = state.ok_or("is not a valid CURP: unknown state")?;
    let born_abroad = state.code == "NE";
    let gender = match read.sex {
        'H' => Some("MALE"),
        'M' => Some("FEMALE"),
        _ => None,
    };
    let fields = [
        ("national_id", RawJson::of(&curp)),
        ("birthdate", RawJson::of(&format!("{}T00:00:00Z", read.born))),
        ("gender", RawJson::of(&gender)),
        ("state_id", RawJson::of(&state.id)),
        ("entity_of_birth", RawJson::of(&state.code)),
        ("nationality_id", RawJson::of(&(!born_abroad).then_some(MEXICAN))),
    ];
    Ok(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The number of the nationality with that ISO 3166 code of three letters.
#[must_use]
pub fn nationality(code: &str) -> Option<u16> {
    lists::by_code(Name::Nationalities, code).map(|entry| entry.id)
}

fn show(record: &Record, view: &mut View, now: Timestamp) {
    view.replace("biometrics", &biometric::summary(record));
    view.show_after("biometrics", "addresses_similarity", &address::similarity(record));
    view.show("age", &day(&record.text("birthdate")).map(|born| birth::age(born, now)));
    view.show("information_percentage", &information(record));
}

/// Adds the entries of built-in lists that a person refers to.
pub fn expand(record: &Record, view: &mut View) {
    for (field, part, list) in [
        ("marital_status_id", "marital_status", Name::MaritalStatuses),
        ("nationality_id", "nationality", Name::Nationalities),
        ("state_id", "state", Name::States),
    ] {
        view.show(part, &record.value(field).and_then(|id| lists::entry(list, id)));
    }
}

/// A person's name and surnames, separated by blanks.
#[must_use]
pub fn full_name(record: &Record) -> Private<String> {
    let parts = ["name", "first_lastname", "second_lastname"].map(|part| record.text(part));
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ").into()
}

/// The share of [`COUNTED`] that has a value, rounded to two decimals.
fn information(record: &Record) -> f64 {
    let given = |field: &str| record.fields.get(field).is_some_and(|value| !value.is_null() && value.text() != r#""""#);
    let has = |field: &str| if field == "biometrics" { biometric::summary(record).is_some() } else { given(field) };
    let filled = COUNTED.iter().filter(|field| has(field)).count();
    (100.0 * filled as f64 / COUNTED.len() as f64).round() / 100.0
}
