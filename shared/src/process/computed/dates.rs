//! Checks of a document's dates on a given day.

use jiff::civil::Date;

use super::{Check, Extracted, Outcome, Private, check};

/// A person is of age from this birthday on: in Spain, Mexico, Colombia and most other countries.
const ADULT: i16 = 18;

/// Whether the document is still valid; its last day counts.
pub(super) fn expiry(extracted: &Extracted, today: Date) -> Option<Check> {
    of_date("document_expiry", extracted.expiry_date.as_ref(), |expiry| expiry >= today)
}

/// Whether the person is of age.
pub(super) fn legal_age(extracted: &Extracted, today: Date) -> Option<Check> {
    of_date("legal_age", extracted.birth_date.as_ref(), |birth| age(birth, today) >= ADULT)
}

/// Completed years. A person born on 29 February completes one on 1 March of a common year: laws differ about the day
/// before, and "of age" must not be wrong.
fn age(birth: Date, today: Date) -> i16 {
    let before_birthday = (today.month(), today.day()) < (birth.month(), birth.day());
    today.year() - birth.year() - i16::from(before_birthday)
}

/// A check of a date; unknown where the value is not a date.
fn of_date(name: &str, text: Option<&Private<String>>, holds: impl Fn(Date) -> bool) -> Option<Check> {
    let text = text?.expose().trim();
    if text.is_empty() {
        return None;
    }
    // Some providers add a time.
    let date = text.split(['T', ' ']).next().unwrap_or_default();
    Some(match date.parse() {
        Ok(date) if holds(date) => check(name, Outcome::Passed, None),
        Ok(_) => check(name, Outcome::Failed, None),
        Err(_) => check(name, Outcome::Unknown, Some("not an ISO 8601 date".to_owned())),
    })
}
