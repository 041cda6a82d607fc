//! Reading what companies really send: their JSON is documented by samples, and a field of another form than its sample
//! must not cost the answer.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

/// The longest text that counts as a code.
const MAX_CODE_CHARS: usize = 64;

/// A value that is simply absent when it has another form than expected.
pub fn lenient<'de, D: Deserializer<'de>, T: Default + DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// The text without its blanks, if it is a code: letters, digits, `_` and `-`. Anything else is prose, which may
/// repeat what the person typed and is not passed on.
pub fn code(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_code = (1..=MAX_CODE_CHARS).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    is_code.then_some(text)
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
