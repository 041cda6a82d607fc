//! Checks of our own, computed from the numbers, dates and lines that a provider extracted.
//!
//! They depend on the request, the extracted data and a day; no I/O and no clock. A check appears only where its data
//! is there. Its `detail` names the wrong field, never its value. The provider's checks and verdict are separate
//! facts: where the two disagree (as in seed `000_…`), either may be right.
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

/// Whether the extracted number is the requested one.
fn number_matches(subject: &Subject<'_>) -> Option<Check> {
    let read = subject.read.as_ref()?;
    let same = *read == subject.requested;
    Some(check("number_matches_request", if same { Outcome::Passed } else { Outcome::Failed }, None))
}

/// The document and its numbers, in the form in which they are compared.
struct Subject<'a> {
    request: &'a ProcessRequest,
    extracted: &'a Extracted,
    read: Option<String>,
    requested: String,
}

/// A number to check, and its origin for the check's `detail`.
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

    /// The document's number: the extracted one, else the requested one.
    fn numbers(&self) -> impl Iterator<Item = Candidate> {
        let read = self.read.iter().map(|value| Candidate { value: value.clone(), origin: "as read" });
        read.chain(std::iter::once(Candidate { value: self.requested.clone(), origin: "as requested" }))
    }

    /// The provider's own value whose name contains `name` (lower case).
    fn other(&self, name: &str) -> impl Iterator<Item = Candidate> {
        let named = self.extracted.other.iter().filter(move |(key, _)| key.to_lowercase().contains(name));
        let values = named.map(|(_, value)| Candidate { value: compact(value.expose()), origin: "as read" });
        values.filter(|candidate| !candidate.value.is_empty())
    }
}

impl Candidate {
    /// A check of this number, with a detail.
    fn check(&self, name: &str, outcome: Outcome, remark: Option<&str>) -> Check {
        let detail = remark.map_or_else(|| self.origin.to_owned(), |remark| format!("{}: {remark}", self.origin));
        check(name, outcome, Some(detail))
    }
}

/// A number in canonical form: upper case, without blanks, dots and hyphens. Leading zeros count.
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
