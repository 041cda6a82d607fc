//! Persons: their fields, their rules, and what is derived of one when it is shown.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    Family, FieldType, Fields, Kind, Record, View,
    families::ADDRESS_PARTS,
    family::{Change, Named, named},
    lists::{self, Name},
    schema::Field,
};
use crate::{
    common::{
        FieldError, Private, RawJson,
        values::{text::normal, time::day},
    },
    process::computed::read_curp,
};

/// The event that a person was registered.
pub const REGISTERED: &str = "person_register";
/// The event that a deleted person is back.
pub const RESTORED: &str = "person_restore";

/// Fields by which a person can be found, and that no two persons of a tenant share.
pub const UNIQUE: [&str; 3] = ["national_id", "external_ref_id", "facetec_ref_id"];

/// The number of Mexico in the list of nationalities.
const MEXICAN: u16 = 144;

/// Persons.
pub static PEOPLE: Family = Family {
    owner: None,
    references: Some(group_named),
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
        "/people",
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
            Field::ours("temporary_ref_id", FieldType::Id),
            Field::command("ignore_curp_validation", FieldType::Boolean),
        ],
    )
};

/// What the share of information counts: every field that a customer gives but `extra_data`.
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

fn group_named(person: &Fields) -> Vec<Named> {
    named(person, "people_group_id", Kind::PeopleGroup)
}

/// How a national id, or another value by which persons are found, is kept and looked for: one writing of it only.
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
    let mut problems = validate_birth(fields, change, now);
    match read_curp(&national_id, today(now)) {
        Err(fault) if is_new && !ignored && !national_id.is_empty() => {
            problems.push(FieldError::new("national_id", format!("is not a valid CURP: {fault}")));
        }
        _ => {}
    }
    problems
}

/// The first day on which anybody was born who is registered: nobody is older.
const FIRST_BIRTH: Date = jiff::civil::date(1900, 1, 1);

/// Whether a date of birth that is given is one on which somebody alive may have been born.
pub(super) fn validate_birth(_: &mut Fields, change: &Change<'_>, now: Timestamp) -> Vec<FieldError> {
    let born = change.given.get("birthdate").and_then(RawJson::read::<String>).and_then(|born| day(&born));
    match born {
        Some(born) if change.touches("birthdate") && !may_be_birth(born, now) => {
            vec![FieldError::new("birthdate", format!("must be a day from {FIRST_BIRTH} to today"))]
        }
        _ => Vec::new(),
    }
}

/// Whether somebody alive may have been born on that day.
#[must_use]
pub fn may_be_birth(born: Date, now: Timestamp) -> bool {
    (FIRST_BIRTH..=today(now)).contains(&born)
}

/// The day that it is in UTC.
#[must_use]
pub fn today(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

/// What follows from a CURP alone: date and state of birth, sex and, for those born in Mexico, nationality.
///
/// # Errors
/// It is no valid CURP; the text says what is wrong with it.
pub fn of_curp(curp: &str, today: Date) -> Result<Fields, String> {
    let curp = canonical("national_id", curp);
    let read = read_curp(&curp, today).map_err(|fault| format!("is not a valid CURP: {fault}"))?;
    let state = lists::by_code(Name::States, &read.state);
    let state = state.ok_or("is not a valid CURP: there is no such state")?;
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

/// The number of the nationality of the country with that code of three letters.
#[must_use]
pub fn nationality(code: &str) -> Option<u16> {
    lists::by_code(Name::Nationalities, code).map(|entry| entry.id)
}

fn show(record: &Record, view: &mut View, now: Timestamp) {
    view.replace("biometrics", &biometrics(record));
    view.show_after("biometrics", "addresses_similarity", &similarity(record));
    view.show("age", &age(record, now));
    view.show("information_percentage", &information(record));
}

/// Adds the entries of built-in lists that a person names.
pub fn expand(record: &Record, view: &mut View) {
    for (field, part, list) in [
        ("marital_status_id", "marital_status", Name::MaritalStatuses),
        ("nationality_id", "nationality", Name::Nationalities),
        ("state_id", "state", Name::States),
    ] {
        view.show(part, &record.value(field).and_then(|id| lists::entry(list, id)));
    }
}

/// A person's name as it is written out.
#[must_use]
pub fn full_name(record: &Record) -> Private<String> {
    let parts = ["name", "first_lastname", "second_lastname"].map(|part| record.text(part));
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ").into()
}

/// Whole years since birth, in UTC.
fn age(record: &Record, now: Timestamp) -> Option<i16> {
    let born = day(&record.text("birthdate"))?;
    let today = today(now);
    let had_birthday = (today.month(), today.day()) >= (born.month(), born.day());
    Some((today.year() - born.year() - i16::from(!had_birthday)).max(0))
}

/// How many of [`COUNTED`] have a value, as a share with two decimals.
fn information(record: &Record) -> f64 {
    let given = |field: &str| record.fields.get(field).is_some_and(|value| !value.is_null() && value.text() != r#""""#);
    let has = |field: &str| if field == "biometrics" { biometrics(record).is_some() } else { given(field) };
    let filled = COUNTED.iter().filter(|field| has(field)).count();
    (100.0 * filled as f64 / COUNTED.len() as f64).round() / 100.0
}

/// What was given as `biometrics`, overridden by what the latest biometric results say: liveness by one of type LIVENESS, match
/// and its level by one of type `FACE_MATCH_ID`.
fn biometrics(record: &Record) -> Option<RawJson> {
    #[derive(Deserialize)]
    struct Said {
        safe: serde_json::Value,
        match_level: serde_json::Value,
    }
    let said = |kind: &str| record.projections.get(&format!("biometric#{kind}"))?.read::<Said>();
    let given = record.fields.get("biometrics").filter(|given| !given.is_null());
    let (liveness, matched) = (said("LIVENESS"), said("FACE_MATCH_ID"));
    if liveness.is_none() && matched.is_none() {
        return given.cloned();
    }
    let mut summary: std::collections::BTreeMap<String, RawJson> = given.and_then(RawJson::read).unwrap_or_default();
    if let Some(liveness) = liveness {
        summary.insert("liveness".to_owned(), RawJson::of(&liveness.safe));
    }
    if let Some(matched) = matched {
        summary.insert("match_id".to_owned(), RawJson::of(&matched.safe));
        summary.insert("match_level".to_owned(), RawJson::of(&matched.match_level));
    }
    Some(RawJson::of(&summary))
}

/// How alike the addresses on file are.
#[derive(Serialize)]
struct Similarity {
    city: f64,
    state: f64,
    colony: f64,
    street: f64,
    ext_num: f64,
    int_num: f64,
    zip_code: f64,
    municipality: f64,
    general_score: f64,
}

/// For each part of an address the share of pairs of addresses that agree in it, case, accents and blanks aside; what neither has is
/// nothing that they agree in. `general_score` is the mean of them. `None` with fewer than two addresses.
fn similarity(record: &Record) -> Option<Similarity> {
    let addresses = record.projections.iter().filter(|(key, _)| key.starts_with("address#"));
    // Those that were kept before they were short are made so here.
    let addresses =
        addresses.filter_map(|(_, projection)| Some(projection.read::<[String; 8]>()?.map(|part| compared(&part))));
    let addresses: Vec<[String; 8]> = addresses.collect();
    if addresses.len() < 2 {
        return None;
    }
    let mut agreeing = [0_u32; ADDRESS_PARTS.len()];
    let mut pairs = 0_u32;
    for (at, one) in addresses.iter().enumerate() {
        for other in &addresses[at + 1..] {
            pairs += 1;
            for (count, (a, b)) in agreeing.iter_mut().zip(one.iter().zip(other)) {
                *count += u32::from(a == b && !a.is_empty());
            }
        }
    }
    let rounded = |share: f64| (share * 1000.0).round() / 1000.0;
    let shares = agreeing.map(|count| rounded(f64::from(count) / f64::from(pairs)));
    let [city, state, colony, street, ext_num, int_num, zip_code, municipality] = shares;
    let general_score = rounded(shares.iter().sum::<f64>() / 8.0);
    Some(Similarity { city, state, colony, street, ext_num, int_num, zip_code, municipality, general_score })
}

/// The longest part of an address that is compared as it is; of a longer one its hash is.
const MAX_COMPARED: usize = 32;

/// A part of an address as it is compared: short, so that a person has room for all of its addresses. What is that already stays.
pub(super) fn compared(part: &str) -> String {
    let is_hash = |hash: &str| hash.len() == MAX_COMPARED && hash.bytes().all(|b| b.is_ascii_hexdigit());
    if part.strip_prefix('#').is_some_and(is_hash) {
        return part.to_owned();
    }
    let plain = plain(part);
    if plain.len() <= MAX_COMPARED {
        return plain;
    }
    format!("#{}", hex::encode(&Sha256::digest(plain)[..MAX_COMPARED / 2]))
}

/// A text without what does not make an address another: case, accents, blanks and signs.
pub(super) fn plain(text: &str) -> String {
    let bare = |c: char| match c {
        'á' | 'à' | 'ä' => 'a',
        'é' | 'è' | 'ë' => 'e',
        'í' | 'ì' | 'ï' => 'i',
        'ó' | 'ò' | 'ö' => 'o',
        'ú' | 'ù' | 'ü' => 'u',
        c => c,
    };
    normal(text).to_lowercase().chars().map(bare).filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_addresses_are_compared_by_what_they_mean_and_kept_short() {
        let long = "Calle de la Constitución número 1810, ".repeat(14);
        assert_eq!(compared("Colonia Cristóbal-Colón"), "coloniacristobalcolon");
        assert_eq!(compared("Colonia Cristo\u{301}bal-Colo\u{301}n"), "coloniacristobalcolon");
        assert_eq!(compared("N\u{303}andu\u{301}"), compared("Ñandú"));
        assert_eq!(compared(&long), compared(&long.to_uppercase()));
        assert_ne!(compared(&long), compared(&format!("{long}B")));
        for part in [long.as_str(), "😀", "#12", "Ñandú 5", ""] {
            let short = compared(part);
            assert!(short.len() <= MAX_COMPARED + 1, "{short}");
            assert_eq!(compared(&short), short, "again it is the same");
        }
    }
}
