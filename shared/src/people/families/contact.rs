//! Contacts: a confirmation counts for the value that was confirmed.

use jiff::Timestamp;

use crate::{
    common::{
        FieldError, RawJson,
        values::{email::mailbox, phone},
    },
    people::{
        Family, Field, FieldType, Fields, Kind, ProjectionRule,
        family::{Change, Names},
    },
};

/// How persons are reached. The person keeps their ids, so that a code can be sent to a contact that was created a moment ago.
pub static CONTACTS: Family = Family {
    owner_projection: Some(ProjectionRule::ids("contact")),
    validate_and_derive: Some(reset_confirmations),
    counted: true,
    ..Family::of_person(
        Kind::Contact,
        Names { path: "/contacts", noun: "contact", resource: "person_contact" },
        &[
            Field::required("person_id", FieldType::Id),
            Field::required("email", FieldType::Email),
            Field::required("phone", FieldType::Phone),
            Field::read_only("email_confirmation", FieldType::Boolean),
            Field::read_only("sms_confirmation", FieldType::Boolean),
        ],
    )
};

/// One spelling for each value, by which two are compared.
type Canonical = fn(&str) -> String;

/// A new mailbox or number is not confirmed; the same one in another spelling still is.
fn reset_confirmations(fields: &mut Fields, change: &Change<'_>, _now: Timestamp) -> Vec<FieldError> {
    let ways = [("email", "email_confirmation", mailbox as Canonical), ("phone", "sms_confirmation", phone::known)];
    for (value, confirmation, canonical) in ways {
        let value_in =
            |fields: &Fields| fields.get(value).and_then(RawJson::read::<String>).map(|text| canonical(&text));
        if change.touches(value) && value_in(change.given) != change.present.and_then(value_in) {
            fields.insert(confirmation.to_owned(), RawJson::of(&false));
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_confirmation_lasts_while_the_number_stays_the_same() {
        let fields = |value: serde_json::Value| serde_json::from_value::<Fields>(value).unwrap();
        let present = fields(serde_json::json!({"phone": "525591038054", "sms_confirmation": true}));
        for (phone, confirmed) in [("+525591038054", true), ("55 9103 8054", true), ("+525591038055", false)] {
            let given = fields(serde_json::json!({"phone": phone}));
            let read = CONTACTS.read(&given, Some(&present), false, Timestamp::UNIX_EPOCH).unwrap();
            assert_eq!(read["sms_confirmation"].read(), Some(confirmed), "{phone}");
        }
    }
}
