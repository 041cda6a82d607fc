//! Reading what companies really send: their JSON is documented by samples, and an element of another form than its sample
//! must cost nothing but itself.
//!
//! | file | subject |
//! | --- | --- |
//! | `json` | the JSON as it came, with names that repeat |
//! | `place` | reading it place by place, and noting what could not be read |
//! | here | texts that are codes or dates; identities that no two things share |

mod json;
mod place;

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde_json::Value;

pub use place::{Document, Place, number};

/// The longest text that counts as a code.
const MAX_CODE_CHARS: usize = 64;

/// The text without its blanks, if it is a code: letters, digits, `_` and `-`. Anything else is prose, which may
/// repeat what the person typed and is not passed on.
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

/// A date as it is seen on documents, day first, or as ISO 8601.
#[must_use]
pub fn iso_date(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split(['/', '-', '.', ' ']).collect();
    let [first, month, last] = parts.as_slice() else { return None };
    let (year, day) = if first.len() == 4 { (first, last) } else { (last, first) };
    let date = Date::new(year.parse().ok().filter(|_| year.len() == 4)?, month.parse().ok()?, day.parse().ok()?);
    Some(date.ok()?.to_string())
}

/// Identities that were given within one answer.
#[derive(Default)]
pub struct Identities(BTreeSet<String>);

impl Identities {
    /// The identity `wanted`, with its place among those that want the same behind it, from the second on. So nothing is
    /// taken for something else, and an identity stays while things are added behind the others.
    pub fn give(&mut self, wanted: &str) -> String {
        let numbered = (2_u32..).map(|place| format!("{wanted}#{place}"));
        let mut candidates = std::iter::once(wanted.to_owned()).chain(numbered);
        let given = candidates.find(|identity| !self.0.contains(identity)).unwrap_or_default();
        self.0.insert(given.clone());
        given
    }
}
