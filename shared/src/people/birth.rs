//! Dates of birth: which are possible, and how old somebody is.

use jiff::{Timestamp, civil::Date};

use super::{Fields, family::Change};
use crate::common::{
    FieldError, RawJson,
    values::time::{day, today},
};

/// The earliest date of birth that is accepted.
const FIRST: Date = jiff::civil::date(1900, 1, 1);

/// Whether somebody alive may have been born on that day.
#[must_use]
pub fn is_possible(born: Date, now: Timestamp) -> bool {
    (FIRST..=today(now)).contains(&born)
}

/// Refuses a new `birthdate` on which nobody alive can have been born.
pub fn validate(_: &mut Fields, change: &Change<'_>, now: Timestamp) -> Vec<FieldError> {
    let born = change.given.get("birthdate").and_then(RawJson::read::<String>).and_then(|born| day(&born));
    match born {
        Some(born) if change.touches("birthdate") && !is_possible(born, now) => {
            vec![FieldError::new("birthdate", format!("must be a day from {FIRST} to today"))]
        }
        _ => Vec::new(),
    }
}

/// Whole years since birth, in UTC.
#[must_use]
pub fn age(born: Date, now: Timestamp) -> i16 {
    let today = today(now);
    let had_birthday = (today.month(), today.day()) >= (born.month(), born.day());
    (today.year() - born.year() - i16::from(!had_birthday)).max(0)
}
