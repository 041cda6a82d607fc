//! Temporary people: what is known of somebody who may become a person (seed `002_62dc5acb5b5aea27`).

use std::collections::BTreeMap;

use super::{Family, Field, FieldType, Fields, Kind, Record, View, person::validate_birth};
use crate::common::RawJson;

/// The field with the address that is told what became of one.
pub const CALLBACK_URL: &str = "callback_url";
/// What is told there: a person was made.
pub const CONVERTED: &str = "temporary_person_converted";

/// Temporary people. Nothing of one is required, and nothing is unique: a person is more than that.
pub static TEMPORARY_PEOPLE: Family = Family {
    owner: None,
    validate_and_derive: Some(validate_birth),
    ..Family::of_person(
        Kind::TemporaryPerson,
        "/temporary-people",
        &[
            Field::optional("facetec_ref_id", FieldType::Text),
            Field::optional("external_ref_id", FieldType::Text),
            Field::optional(CALLBACK_URL, FieldType::Url),
            Field::ours("biometrics", FieldType::Object),
            Field::optional("name", FieldType::Text),
            Field::optional("first_lastname", FieldType::Text),
            Field::optional("second_lastname", FieldType::Text),
            Field::optional("national_id", FieldType::Text),
            Field::optional("tax_id", FieldType::Text),
            Field::optional("birthdate", FieldType::Date),
            Field::optional("gender", FieldType::Word(&["MALE", "FEMALE"])),
            Field::optional("extra_data", FieldType::Object),
            Field::optional("bank_data", FieldType::Object),
            Field::optional("employment_data", FieldType::Object),
            Field::ours("person_id", FieldType::Id),
        ],
    )
};

/// The fields that a person has from a temporary one.
const SHARED: [&str; 9] = [
    "facetec_ref_id",
    "external_ref_id",
    "name",
    "first_lastname",
    "second_lastname",
    "national_id",
    "tax_id",
    "birthdate",
    "gender",
];

/// What a person is made of: what is known of the temporary one, overridden by what is `given`.
#[must_use]
pub fn person_data(temporary: &Record, given: Option<&RawJson>, extra: Option<&RawJson>) -> Fields {
    let shared = SHARED.iter().filter_map(|name| Some(((*name).to_owned(), temporary.fields.get(*name)?.clone())));
    let mut fields: Fields = shared.filter(|(_, value)| !value.is_null()).collect();
    fields.extend(object(given));
    let mut data = object(temporary.fields.get("extra_data"));
    data.extend(object(fields.get("extra_data")));
    data.extend(object(extra));
    if !data.is_empty() {
        fields.insert("extra_data".to_owned(), RawJson::of(&data));
    }
    fields
}

/// What a record of the person is made of, which is known of the temporary one under `field`; nothing where nothing is.
#[must_use]
pub fn part_data(temporary: &Record, field: &str, given: Option<&RawJson>) -> Option<Fields> {
    let mut fields = object(temporary.fields.get(field));
    fields.extend(object(given));
    (!fields.is_empty()).then_some(fields)
}

/// What is told of one to its address, which proves to nobody who calls: ids alone. Whoever holds a key reads the rest.
#[must_use]
pub fn outcome(temporary: &Record) -> View {
    let mut view = View::default();
    view.show("id", &temporary.id);
    for name in ["person_id", "external_ref_id", "facetec_ref_id"] {
        view.show(name, &temporary.fields.get(name));
    }
    view
}

/// The fields of an object.
fn object(value: Option<&RawJson>) -> BTreeMap<String, RawJson> {
    value.and_then(RawJson::read).unwrap_or_default()
}
