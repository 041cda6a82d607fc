//! Addresses: which state and city they are in, and how similar the addresses of one person are.

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{
    common::{FieldError, RawJson, values::text::folded},
    people::{
        Family, Field, FieldType, Fields, Kind, ProjectionRule, Record,
        family::{Change, Names},
        lists::{self, Name},
    },
};

/// Where persons live. The person keeps a projection of each, from which their similarity follows.
pub static ADDRESSES: Family = Family {
    owner_projection: Some(ProjectionRule { map: PROJECTIONS, of: project }),
    validate_and_derive: Some(validate),
    ..Family::of_person(
        Kind::Address,
        Names { path: "/addresses", noun: "address", resource: "address" },
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

const PROJECTIONS: &str = "address";

/// The parts of an address that are compared, in the order in which their similarity is shown.
pub const PARTS: [&str; 8] = ["city", "state", "colony", "street", "ext_num", "int_num", "zip_code", "municipality"];

/// State codes of Mexico that the United States uses too (Mississippi, Minnesota), with the first digits of Mexico's post codes
/// for them.
const AMBIGUOUS_CODES: [(&str, &[&str]); 2] = [("MS", &["62"]), ("MN", &["58", "59", "60", "61"])];

/// The state that is a city.
const CAPITAL: &str = "DF";

fn project(record: &Record) -> (String, RawJson) {
    let parts = PARTS.map(|part| compared(&record.text(part)));
    (record.id.to_string(), RawJson::of(&parts))
}

/// Derives `state_id` and `city`. A state of Mexico always gets its number. Any other value is derived only where the request does
/// not name it and the present one was derived too.
fn validate(fields: &mut Fields, change: &Change<'_>, _now: Timestamp) -> Vec<FieldError> {
    let (is, was) = (derived(fields), change.present.map(derived));
    for (at, field) in ["state_id", "city"].into_iter().enumerate() {
        // A number that is given beside a state's name is ignored: it may have been shown before the state changed.
        let is_said = field == "state_id" && is[at].is_some();
        let is_named = !is_said && change.given.get(field).is_some_and(|value| !value.is_null());
        let present = fields.get(field).filter(|value| !value.is_null());
        let was_derived = present.is_none() || present == was.as_ref().and_then(|was| was[at].as_ref());
        if is_said || (!is_named && was_derived) {
            let value = is[at].clone();
            // A field that is absent and cannot be derived stays absent.
            if value.is_some() || present.is_some() {
                fields.insert(field.to_owned(), value.unwrap_or_else(RawJson::null));
            }
        }
    }
    Vec::new()
}

/// The number of an address's state, and its city: the capital is a city itself, elsewhere the municipality gives the name. An
/// address whose post code is not Mexican is in no state of Mexico.
fn derived(address: &Fields) -> [Option<RawJson>; 2] {
    let text = |name: &str| address.get(name).and_then(RawJson::read::<String>).unwrap_or_default();
    let zip_code = text("zip_code");
    if zip_code.len() != 5 || !zip_code.bytes().all(|b| b.is_ascii_digit()) {
        return [None, None];
    }
    let name = compared(&text("state"));
    let ambiguous = AMBIGUOUS_CODES.into_iter().find(|(code, _)| code.eq_ignore_ascii_case(&name));
    if ambiguous.is_some_and(|(_, starts)| !starts.iter().any(|start| zip_code.starts_with(start))) {
        return [None, None];
    }
    let state = lists::state_called(&text("state"));
    let city = state.map(|state| if state.code == CAPITAL { state.name.to_owned() } else { text("municipality") });
    [
        state.map(|state| RawJson::of(&state.id)),
        city.filter(|city| !city.trim().is_empty()).map(|city| RawJson::of(&city)),
    ]
}

/// How similar the addresses of a person are, from 0 to 1.
#[derive(Serialize)]
pub struct Similarity {
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

/// For each part of an address, the share of pairs of addresses in which it is equal, ignoring case, accents and punctuation. Two
/// empty parts are not equal. `general_score` is the mean. `None` with fewer than two addresses.
#[must_use]
pub fn similarity(person: &Record) -> Option<Similarity> {
    let addresses = person.projections_in(PROJECTIONS).filter_map(|(_, parts)| parts.read::<[String; 8]>());
    let addresses: Vec<[String; 8]> = addresses.collect();
    if addresses.len() < 2 {
        return None;
    }
    let mut agreeing = [0_u32; PARTS.len()];
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

/// The longest part of an address that is compared as it is, in bytes; a longer one is compared by its hash.
const MAX_COMPARED: usize = 32;

/// A part of an address in the form in which it is compared and kept: short, so that a person's item has room for all addresses.
fn compared(part: &str) -> String {
    let folded = folded(part);
    if folded.len() <= MAX_COMPARED {
        return folded;
    }
    format!("#{}", hex::encode(&Sha256::digest(folded)[..MAX_COMPARED / 2]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_addresses_are_compared_by_meaning_and_kept_short() {
        let long = "Calle de la Constitución número 1810, ".repeat(14);
        assert_eq!(compared("Colonia Cristóbal-Colón"), "coloniacristobalcolon");
        assert_eq!(compared("Colonia Cristo\u{301}bal-Colo\u{301}n"), "coloniacristobalcolon");
        assert_eq!(compared("N\u{303}andu\u{301}"), compared("Ñandú"));
        assert_eq!(compared(&long), compared(&long.to_uppercase()));
        assert_ne!(compared(&long), compared(&format!("{long}B")));
        for part in [long.as_str(), "😀", "#12", "Ñandú 5", ""] {
            assert!(compared(part).len() <= MAX_COMPARED + 1, "{part}");
        }
    }
}
