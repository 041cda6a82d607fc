//! Temporary people: what is known of somebody who may become a person, and the person made of it (seed `002_62dc5acb5b5aea27`).

use std::collections::BTreeMap;

use crate::{
    common::RawJson,
    people::{Family, Field, FieldType, Fields, Kind, Record, View, birth, family::Names},
};

/// The field with the URL that is notified of the conversion.
pub const CALLBACK_URL: &str = "callback_url";
/// The event sent to that URL: a person was made.
pub const CONVERTED: &str = "temporary_person_converted";

/// Temporary people. No field is required and none is unique: only a person needs that.
pub static TEMPORARY_PEOPLE: Family = Family {
    owner: None,
    validate_and_derive: Some(birth::validate),
    ..Family::of_person(
        Kind::TemporaryPerson,
        Names { path: "/temporary-people", noun: "temporary person", resource: "temporary_person" },
        &[
            Field::optional("facetec_ref_id", FieldType::Text),
            Field::optional("external_ref_id", FieldType::Text),
            Field::optional(CALLBACK_URL, FieldType::Url),
            Field::read_only("biometrics", FieldType::Object),
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
            Field::read_only("person_id", FieldType::Id),
        ],
    )
};

/// The fields that are copied to the person.
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

/// The fields of the person: those of the temporary one, overridden by what is `given`.
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

/// The fields of one of the person's records: what the temporary one has under `field`, overridden by what is `given`. `None` where
/// both are empty.
#[must_use]
pub fn part_data(temporary: &Record, field: &str, given: Option<&RawJson>) -> Option<Fields> {
    let mut fields = object(temporary.fields.get(field));
    fields.extend(object(given));
    (!fields.is_empty()).then_some(fields)
}

/// The payload for the callback URL: ids alone, because nothing proves who receives it. Whoever holds a key reads the rest.
#[must_use]
pub fn outcome(temporary: &Record) -> View {
    let mut view = View::default();
    view.show("id", &temporary.id);
    for name in ["person_id", "external_ref_id", "facetec_ref_id"] {
        view.show(name, &temporary.fields.get(name));
    }
    view
}

fn object(value: Option<&RawJson>) -> BTreeMap<String, RawJson> {
    value.and_then(RawJson::read).unwrap_or_default()
}
