//! Bank accounts: each has a valid CLABE, and shows what it says.

use jiff::Timestamp;

use crate::{
    common::{FieldError, RawJson},
    people::{
        Family, Field, FieldType, Fields, Kind, clabe,
        family::{Change, Names, SHORT_PAGE},
    },
};

/// Persons' bank accounts.
pub static BANK_ACCOUNTS: Family = Family {
    per_page: Some(SHORT_PAGE),
    validate_and_derive: Some(read_clabe),
    derived: &["metadata", "validated_at"],
    ..Family::of_person(
        Kind::BankAccount,
        Names { path: "/bank-accounts", noun: "bank account", resource: "person_bank_data" },
        &[
            Field::required("person_id", FieldType::Id),
            Field::required("bank", FieldType::Name),
            Field::required("account", FieldType::Digits(4, 20)),
            Field::required("clabe", FieldType::Digits(18, 18)),
            Field::optional("card_number", FieldType::Digits(12, 19)),
            Field::read_only("metadata", FieldType::Object),
            Field::read_only("validated_at", FieldType::Moment),
        ],
    )
};

fn read_clabe(fields: &mut Fields, change: &Change<'_>, now: Timestamp) -> Vec<FieldError> {
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
