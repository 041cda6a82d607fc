//! Reading what providers really send: their JSON is documented by samples, so an element of another type than in the
//! sample must affect nothing else.
//!
//! | file | subject |
//! | --- | --- |
//! | `json` | the JSON as received, with repeated names |
//! | `place` | reading it field by field, and recording what could not be read |
//! | here | codes, dates, and unique identities |

mod json;
mod place;

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde_json::Value;

pub use place::{Document, Place, number};

/// Bytes of a code.
const MAX_CODE_CHARS: usize = 64;

/// The text without blanks around it, if it is a code: letters, digits, `_` and `-`. Anything else may be what a
/// person typed and is not passed on.
pub fn code(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_code = (1..=MAX_CODE_CHARS).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    is_code.then_some(text)
}

/// The first of the fields of a refusal that is a code, as a text or a number.
pub fn code_in(refusal: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match refusal.get(name)? {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => code(text).map(str::to_owned),
        _ => None,
    })
}

/// Reads a date as documents show it, day first, or in ISO 8601.
#[must_use]
pub fn iso_date(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split(['/', '-', '.', ' ']).collect();
    let [first, month, last] = parts.as_slice() else { return None };
    let (year, day) = if first.len() == 4 { (first, last) } else { (last, first) };
    let date = Date::new(year.parse().ok().filter(|_| year.len() == 4)?, month.parse().ok()?, day.parse().ok()?);
    Some(date.ok()?.to_string())
}

/// The identities used within one answer.
#[derive(Default)]
pub struct Identities(BTreeSet<String>);

impl Identities {
    /// The identity `wanted`; from the second on, with a number. So identities are unique, and stay the same while
    /// others are added at the end.
    pub fn give(&mut self, wanted: &str) -> String {
        let numbered = (2_u32..).map(|place| format!("{wanted}#{place}"));
        let mut candidates = std::iter::once(wanted.to_owned()).chain(numbered);
        let given = candidates.find(|identity| !self.0.contains(identity)).unwrap_or_default();
        self.0.insert(given.clone());
        given
    }
}
