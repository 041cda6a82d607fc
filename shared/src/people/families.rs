//! The families of a person's records, each a declaration: fields in the order in which they are shown, and what is special
//! to the family. Forms and names are those of seed `002_62dc5acb5b5aea27`.

use jiff::Timestamp;

use super::{
    Family, FieldType, Fields, Kind, Owner, Record, View, clabe,
    dynamic::{DYNAMIC_PROPERTIES, DYNAMIC_VALUES},
    family::{Change, ProjectionRule},
    lists::{self, Name},
    person::{PEOPLE, compared},
    schema::Field,
    temporary::TEMPORARY_PEOPLE,
    typed,
};
use crate::common::{
    FieldError, RawJson,
    values::{email::mailbox, phone},
};

/// Entries of a page in those lists of which the seed shows so many.
const PER_PAGE_OF_SOME: usize = 15;

/// Every family but that of persons.
pub static FAMILIES: [&Family; 13] = [
    &GROUPS,
    &ADDRESSES,
    &CONTACTS,
    &REFERENCES,
    &EMPLOYMENTS,
    &BANK_ACCOUNTS,
    &FINANCIALS,
    &BIOMETRIC_RESULTS,
    &CATALOGS,
    &CATALOG_VALUES,
    &DYNAMIC_PROPERTIES,
    &DYNAMIC_VALUES,
    &TEMPORARY_PEOPLE,
];

/// The family of a kind.
#[must_use]
pub fn of(kind: Kind) -> &'static Family {
    FAMILIES.into_iter().find(|family| family.kind == kind).unwrap_or(&PEOPLE)
}

/// The maps in which a record of that kind keeps projections.
pub fn projection_maps(owner: Kind) -> impl Iterator<Item = &'static str> {
    let owned = FAMILIES.into_iter().filter(move |family| family.owner.as_ref().is_some_and(|of| of.kind == owner));
    owned.filter_map(|family| Some(family.owner_projection.as_ref()?.map))
}

/// Groups of persons.
pub static GROUPS: Family = Family {
    owner: None,
    ..Family::of_person(
        Kind::PeopleGroup,
        "/people-groups",
        &[Field::required("name", FieldType::Name), Field::required("description", FieldType::Text)],
    )
};

/// Catalogs of the customer's own.
pub static CATALOGS: Family = Family {
    owner: None,
    per_page: Some(PER_PAGE_OF_SOME),
    derived: &["values", "values_next_page_url"],
    ..Family::of_person(
        Kind::Catalog,
        "/catalogs",
        &[Field::required("name", FieldType::Name), Field::optional("description", FieldType::Text)],
    )
};

/// The entries of catalogs: each has a value of one of six types.
pub static CATALOG_VALUES: Family = Family {
    owner: Some(Owner { field: "custom_catalog_id", kind: Kind::Catalog }),
    validate_and_derive: Some(validate_catalog_value),
    per_page: Some(PER_PAGE_OF_SOME),
    listed: Some("value"),
    ..Family::of_person(
        Kind::CatalogValue,
        "/catalog-values",
        &[
            Field::required("custom_catalog_id", FieldType::Id),
            Field::required("label", FieldType::Name),
            Field::required("type", FieldType::Word(&typed::TYPES)),
            Field::required("value", FieldType::Any),
            Field::optional("groups", FieldType::Texts),
        ],
    )
};

/// Where persons live. The person keeps a projection of each, from which the likeness of all of them follows.
pub static ADDRESSES: Family = Family {
    owner_projection: Some(ProjectionRule { map: "address", of: project_address }),
    validate_and_derive: Some(validate_address),
    ..Family::of_person(
        Kind::Address,
        "/addresses",
        &[
            Field::required("person_id", FieldType::Id),
            Field::required("street", FieldType::Text),
            Field::required("ext_num", FieldType::Text),
            Field::optional("int_num", FieldType::Text),
            Field::required("state", FieldType::Text),
            Field::optional("state_id", FieldType::Entry(Name::States)),
            Field::optional("city", FieldType::Text),
            Field::required("municipality", FieldType::Text),
            Field::required("colony", FieldType::Text),
            Field::required("zip_code", FieldType::PostCode),
            Field::required("references", FieldType::Text),
            Field::optional("latitude", FieldType::Coordinate(90)),
            Field::optional("longitude", FieldType::Coordinate(180)),
            Field::optional("source", FieldType::Text),
            Field::optional("ownership", FieldType::Boolean),
            Field::optional("dwelling_age", FieldType::Integer(0, 200)),
            Field::optional("device_coordinates", FieldType::Numbers),
            Field::optional("is_current_address", FieldType::Boolean),
            Field::optional("verified_at", FieldType::Moment),
            Field::optional("metadata", FieldType::Object),
        ],
    )
};

/// How persons are reached. A confirmation counts for the value that was confirmed: a new one has none. The person keeps their ids,
/// so that a code can go to one that was made a moment ago.
pub static CONTACTS: Family = Family {
    owner_projection: Some(ProjectionRule { map: "contact", of: project_id }),
    validate_and_derive: Some(validate_contact),
    counted: true,
    ..Family::of_person(
        Kind::Contact,
        "/contacts",
        &[
            Field::required("person_id", FieldType::Id),
            Field::required("email", FieldType::Email),
            Field::required("phone", FieldType::Phone),
            Field::ours("email_confirmation", FieldType::Boolean),
            Field::ours("sms_confirmation", FieldType::Boolean),
        ],
    )
};

/// Who knows persons. The person keeps their ids.
pub static REFERENCES: Family = Family {
    owner_projection: Some(ProjectionRule { map: "reference", of: project_id }),
    show: Some(show_relation),
    derived: &["person_relation"],
    ..Family::of_person(
        Kind::Reference,
        "/references",
        &[
            Field::required("person_id", FieldType::Id),
            Field::required("name", FieldType::Name),
            Field::required("phone", FieldType::Phone),
            Field::required("person_relation_id", FieldType::Entry(Name::PersonRelations)),
        ],
    )
};

/// Where persons work. Creating one is answered with 200, as in the seed.
pub static EMPLOYMENTS: Family = Family {
    created: 200,
    counted: true,
    times_after: Some("seniority"),
    ..Family::of_person(
        Kind::Employment,
        "/employments",
        &[
            Field::required("person_id", FieldType::Id),
            Field::optional("current_occupation", FieldType::Text),
            Field::optional("position", FieldType::Text),
            Field::optional("industry", FieldType::Text),
            Field::optional("company_name", FieldType::Text),
            Field::optional("company_phone", FieldType::Phone),
            Field::optional("company_address", FieldType::Text),
            Field::optional("seniority", FieldType::Integer(0, 100)),
            Field::optional("employee_id", FieldType::Id),
            Field::optional("employee_type", FieldType::Text),
            Field::optional("employee_status", FieldType::Text),
            Field::optional("hiring_date", FieldType::Date),
            Field::optional("termination_date", FieldType::Date),
            Field::optional("payment_frequency", FieldType::Text),
            Field::optional("gross_salary", FieldType::Number),
            Field::optional("net_salary", FieldType::Number),
        ],
    )
};

/// Persons' bank accounts. Creating one is answered with 200, as in the seed.
pub static BANK_ACCOUNTS: Family = Family {
    created: 200,
    per_page: Some(PER_PAGE_OF_SOME),
    validate_and_derive: Some(validate_bank_account),
    derived: &["metadata", "validated_at"],
    ..Family::of_person(
        Kind::BankAccount,
        "/bank-accounts",
        &[
            Field::required("person_id", FieldType::Id),
            Field::required("bank", FieldType::Name),
            Field::required("account", FieldType::Digits(4, 20)),
            Field::required("clabe", FieldType::Digits(18, 18)),
            Field::optional("card_number", FieldType::Digits(12, 19)),
            Field::ours("metadata", FieldType::Object),
            Field::ours("validated_at", FieldType::Moment),
        ],
    )
};

/// What persons earn and spend.
pub static FINANCIALS: Family = Family {
    per_page: Some(PER_PAGE_OF_SOME),
    ..Family::of_person(
        Kind::Financial,
        "/financials",
        &[
            Field::required("person_id", FieldType::Id),
            Field::optional("monthly_income", FieldType::Number),
            Field::optional("monthly_expenses", FieldType::Number),
            Field::optional("dependents", FieldType::Integer(0, 100)),
            Field::optional("metadata", FieldType::Object),
        ],
    )
};

/// What came of biometric checks. The person keeps the latest of each type.
pub static BIOMETRIC_RESULTS: Family = Family {
    show: Some(show_biometric_type),
    derived: &["typeName"],
    owner_projection: Some(ProjectionRule { map: "biometric", of: project_biometric }),
    ..Family::of_person(
        Kind::BiometricResult,
        "/biometric-results",
        &[
            Field::required("person_id", FieldType::Id),
            Field::required("type", FieldType::Numbered(&BIOMETRIC_TYPES)),
            Field::optional("facetec_id", FieldType::Text),
            Field::optional("execution_date", FieldType::Moment),
            Field::optional("metadata", FieldType::Object),
        ],
    )
};

/// Codes of states that the post of the United States writes too, for Mississippi and Minnesota, and how Mexico's post codes of them begin.
const CODES_ELSEWHERE: [(&str, &[&str]); 2] = [("MS", &["62"]), ("MN", &["58", "59", "60", "61"])];

/// The state that is a city.
const CAPITAL: &str = "DF";

/// The types of biometric checks; the place is the number that answers show.
pub const BIOMETRIC_TYPES: [&str; 5] = ["LIVENESS", "ENROLL", "FACE_3D_MATCH", "FACE_2D_MATCH", "FACE_MATCH_ID"];

/// The parts of an address that the likeness of a person's addresses is made of, in the order in which it is shown.
pub const ADDRESS_PARTS: [&str; 8] =
    ["city", "state", "colony", "street", "ext_num", "int_num", "zip_code", "municipality"];

fn project_id(record: &Record) -> (String, RawJson) {
    (record.id.to_string(), RawJson::null())
}

fn project_address(record: &Record) -> (String, RawJson) {
    let parts = ADDRESS_PARTS.map(|part| compared(&record.text(part)));
    (record.id.to_string(), RawJson::of(&parts))
}

/// The number of a state of Mexico's; that of another, and the city, where the request does not name them and they are not other than
/// what follows from the rest.
fn validate_address(fields: &mut Fields, change: &Change<'_>, _now: Timestamp) -> Vec<FieldError> {
    let (is, was) = (follows_from_state(fields), change.present.map(follows_from_state));
    for (at, field) in ["state_id", "city"].into_iter().enumerate() {
        // A number beside a state of that name says nothing: it may be what was shown before the state changed.
        let is_said = field == "state_id" && is[at].is_some();
        let is_named = !is_said && change.given.get(field).is_some_and(|value| !value.is_null());
        let present = fields.get(field).filter(|value| !value.is_null());
        let followed = present.is_none() || present == was.as_ref().and_then(|was| was[at].as_ref());
        if is_said || (!is_named && followed) {
            let value = is[at].clone();
            // What is not there and does not follow stays away.
            if value.is_some() || present.is_some() {
                fields.insert(field.to_owned(), value.unwrap_or_else(RawJson::null));
            }
        }
    }
    Vec::new()
}

/// The number of an address's state, and its city: the capital is one itself, elsewhere the municipality has its name. An address with
/// a post code that is not Mexico's is in none of its states.
fn follows_from_state(address: &Fields) -> [Option<RawJson>; 2] {
    let text = |name: &str| address.get(name).and_then(RawJson::read::<String>).unwrap_or_default();
    let zip_code = text("zip_code");
    if zip_code.len() != 5 || !zip_code.bytes().all(|b| b.is_ascii_digit()) {
        return [None, None];
    }
    let name = compared(&text("state"));
    let elsewhere = CODES_ELSEWHERE.into_iter().find(|(code, _)| code.eq_ignore_ascii_case(&name));
    if elsewhere.is_some_and(|(_, starts)| !starts.iter().any(|start| zip_code.starts_with(start))) {
        return [None, None];
    }
    let state = lists::state_called(&text("state"));
    let city = state.map(|state| if state.code == CAPITAL { state.name.to_owned() } else { text("municipality") });
    [
        state.map(|state| RawJson::of(&state.id)),
        city.filter(|city| !city.trim().is_empty()).map(|city| RawJson::of(&city)),
    ]
}

/// One writing for each value, by which they are compared.
type Known = fn(&str) -> String;

fn validate_contact(fields: &mut Fields, change: &Change<'_>, _now: Timestamp) -> Vec<FieldError> {
    let ways = [("email", "email_confirmation", mailbox as Known), ("phone", "sms_confirmation", phone::known)];
    for (value, confirmation, known) in ways {
        // Another writing of the mailbox or number that was confirmed is still confirmed.
        let known = |fields: &Fields| fields.get(value).and_then(RawJson::read::<String>).map(|text| known(&text));
        if change.touches(value) && known(change.given) != change.present.and_then(known) {
            fields.insert(confirmation.to_owned(), RawJson::of(&false));
        }
    }
    Vec::new()
}

/// The value of an entry must be of the type that the entry has, whichever of the two the request changes.
fn validate_catalog_value(fields: &mut Fields, _: &Change<'_>, _now: Timestamp) -> Vec<FieldError> {
    let kind = fields.get("type").and_then(RawJson::read::<String>).unwrap_or_default();
    let Some(form) = typed::form(&kind) else { return Vec::new() };
    match fields.get("value").map(|value| form.read(value)) {
        Some(Ok(value)) => {
            fields.insert("value".to_owned(), value);
            Vec::new()
        }
        Some(Err(must)) => vec![FieldError::new("value", must)],
        None => Vec::new(),
    }
}

fn show_relation(record: &Record, view: &mut View, _now: Timestamp) {
    let id = record.value("person_relation_id");
    let relation = id.and_then(|id| lists::entry(Name::PersonRelations, id));
    view.show_after("person_relation_id", "person_relation", &relation);
}

fn validate_bank_account(fields: &mut Fields, change: &Change<'_>, now: Timestamp) -> Vec<FieldError> {
    let Some(clabe) = change.given.get("clabe").and_then(RawJson::read::<String>) else { return Vec::new() };
    match clabe::check(&clabe) {
        Ok(report) => {
            fields.insert("metadata".to_owned(), RawJson::of(&report));
            fields.insert("validated_at".to_owned(), RawJson::of(&now));
            Vec::new()
        }
        Err(fault) => vec![FieldError::new("clabe", fault.to_string())],
    }
}

fn show_biometric_type(record: &Record, view: &mut View, _now: Timestamp) {
    let name = record.text("type");
    let number = BIOMETRIC_TYPES.iter().position(|known| *known == name);
    view.replace("type", &number);
    view.show_after("type", "typeName", &name);
}

/// The type's latest result: what it says of liveness or of a match.
fn project_biometric(record: &Record) -> (String, RawJson) {
    let metadata = record.value::<serde_json::Map<String, serde_json::Value>>("metadata").unwrap_or_default();
    let part = |name: &str| metadata.get(name).cloned().unwrap_or_default();
    let at = record.value::<Timestamp>("execution_date").unwrap_or(record.created_at);
    let said = serde_json::json!({ "at": at, "safe": part("safe"), "match_level": part("matchLevel") });
    (record.text("type"), RawJson::of(&said))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_confirmation_lasts_as_long_as_the_number_is_the_same() {
        let fields = |value: serde_json::Value| serde_json::from_value::<Fields>(value).unwrap();
        // As numbers were stored before they had one form.
        let present = fields(serde_json::json!({"phone": "525591038054", "sms_confirmation": true}));
        for (phone, confirmed) in [("+525591038054", true), ("55 9103 8054", true), ("+525591038055", false)] {
            let given = fields(serde_json::json!({"phone": phone}));
            let read = CONTACTS.read(&given, Some(&present), false, Timestamp::UNIX_EPOCH).unwrap();
            assert_eq!(read["sms_confirmation"].read(), Some(confirmed), "{phone}");
        }
    }
}
