//! What can be computed from the numbers, dates and lines that a provider read: checks of our own, beside the provider's.
//!
//! A function of the request, of what was read, and of a day; no I/O and no clock. A check appears only where there is
//! something to compute it from, and its `detail` says which field is wrong, never what it holds. The provider's checks
//! and verdict are separate facts: either may be right where the two disagree (they do in seed `000_…`).
//!
//! | file | checks |
//! | --- | --- |
//! | `mrz` | `mrz_check_digits` |
//! | `spain` | `dni_check_letter`, `nie_check_letter` |
//! | `mexico` | `curp_check_digit`, `rfc_check_digit` |
//! | `dates` | `document_expiry`, `legal_age` |
//! | here | `number_matches_request` |

mod dates;
mod mexico;
mod mrz;
mod spain;

use jiff::civil::Date;

pub use mexico::{CURP_STATES, Curp, read_curp};

use super::{
    ProcessRequest,
    findings::{Check, Extracted, Outcome, Source},
};
use crate::common::{Private, values::text::normal};

/// Every check that can be computed from `extracted`, in a fixed order, as of `today`.
#[must_use]
pub fn checks(request: &ProcessRequest, extracted: &Extracted, today: Date) -> Vec<Check> {
    let subject = Subject::new(request, extracted);
    [
        mrz::check_digits(&extracted.mrz),
        spain::check_letter(&subject),
        mexico::curp(&subject, today),
        mexico::rfc(&subject),
        dates::expiry(extracted, today),
        dates::legal_age(extracted, today),
        number_matches(&subject),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether the number that was read is the one that was asked for.
fn number_matches(subject: &Subject<'_>) -> Option<Check> {
    let read = subject.read.as_ref()?;
    let same = *read == subject.requested;
    Some(check("number_matches_request", if same { Outcome::Passed } else { Outcome::Failed }, None))
}

/// The document and its numbers, in the form in which they are compared.
struct Subject<'a> {
    request: &'a ProcessRequest,
    extracted: &'a Extracted,
    /// The number that was read.
    read: Option<String>,
    /// The number that was asked for.
    requested: String,
}

/// A number to check, and where it comes from, for the check's `detail`.
struct Candidate {
    value: String,
    origin: &'static str,
}

impl<'a> Subject<'a> {
    fn new(request: &'a ProcessRequest, extracted: &'a Extracted) -> Self {
        let read = extracted.document_number.as_ref().map(|number| compact(number.expose()));
        let requested = compact(request.document.number.expose());
        Self { request, extracted, read: read.filter(|number| !number.is_empty()), requested }
    }

    /// Whether the document, or the person, is of the country with these names (ISO codes and words, capitals).
    fn is_of(&self, names: &[&str]) -> bool {
        let named = |value: &Option<Private<String>>| {
            value.as_ref().is_some_and(|value| names.contains(&value.expose().trim().to_uppercase().as_str()))
        };
        names.contains(&self.request.document.country.as_str())
            || named(&self.extracted.issuing_state)
            || named(&self.extracted.nationality)
    }

    /// Whether the customer calls the document one of `kinds`. Types are in the provider's words, such as `DNI_ESP`.
    fn is_called(&self, kinds: &[&str]) -> bool {
        let kind = self.request.document.kind.to_uppercase();
        kind.split(|c: char| !c.is_alphanumeric()).any(|word| kinds.contains(&word))
    }

    /// The document's number: the one that was read, then the one that was asked for.
    fn numbers(&self) -> impl Iterator<Item = Candidate> {
        let read = self.read.iter().map(|value| Candidate { value: value.clone(), origin: "as read" });
        read.chain(std::iter::once(Candidate { value: self.requested.clone(), origin: "as requested" }))
    }

    /// What the provider reads under a name of its own that contains `name` (small letters).
    fn other(&self, name: &str) -> impl Iterator<Item = Candidate> {
        let named = self.extracted.other.iter().filter(move |(key, _)| key.to_lowercase().contains(name));
        let values = named.map(|(_, value)| Candidate { value: compact(value.expose()), origin: "as read" });
        values.filter(|candidate| !candidate.value.is_empty())
    }
}

impl Candidate {
    /// A check of this number, with what is wrong with it, or what else there is to say.
    fn check(&self, name: &str, outcome: Outcome, remark: Option<&str>) -> Check {
        let detail = remark.map_or_else(|| self.origin.to_owned(), |remark| format!("{}: {remark}", self.origin));
        check(name, outcome, Some(detail))
    }
}

/// A number in one normal form and without what only makes it readable: blanks, dots, hyphens, small letters. Leading zeros count.
fn compact(number: &str) -> String {
    let dash = |c: char| c == '-' || ('\u{2010}'..='\u{2015}').contains(&c);
    let number = normal(number);
    let shown = number.chars().filter(|&c| !c.is_whitespace() && c != '.' && !dash(c));
    shown.flat_map(char::to_uppercase).collect()
}

fn check(name: &str, outcome: Outcome, detail: Option<String>) -> Check {
    Check { name: name.to_owned(), outcome, source: Source::Computed, provider_code: None, detail }
}

#[cfg(test)]
mod tests;
