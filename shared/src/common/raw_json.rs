//! JSON kept as the text it came as: numbers of any length keep their digits.

use std::{collections::BTreeMap, fmt, io};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

/// How deeply lists and objects of JSON that we keep may be nested. Our parser stops at 128, and kept JSON is read as
/// part of something larger.
pub const MAX_DEPTH: usize = 32;

/// A JSON value as text. It may contain personal data, so `Debug` does not show it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RawJson(Box<RawValue>);

impl RawJson {
    /// Writes a value of ours; `null` where it cannot be written as JSON.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Self {
        serde_json::value::to_raw_value(value).map_or_else(|_| Self::null(), Self)
    }

    /// Reads JSON text.
    ///
    /// # Errors
    /// It is not.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text.to_owned()).map(Self)
    }

    #[must_use]
    pub fn null() -> Self {
        Self(RawValue::NULL.to_owned())
    }

    /// The text, as it came.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.get()
    }

    #[must_use]
    pub fn is_null(&self) -> bool {
        self.text() == "null"
    }

    /// Whether the nesting is deeper than [`MAX_DEPTH`].
    #[must_use]
    pub fn is_too_deep(&self) -> bool {
        depth(self.text()) > MAX_DEPTH
    }

    /// Whether both are equal, ignoring white space, the order of an object's fields and how a text is escaped.
    /// Numbers are equal only if they are written alike, so that every digit counts.
    #[must_use]
    pub fn says_as(&self, other: &Self) -> bool {
        if self.text() == other.text() {
            return true;
        }
        match self.text().as_bytes().first() {
            Some(b'{') => {
                let parts = |json: &Self| json.read::<BTreeMap<String, Self>>();
                parts(self).zip(parts(other)).is_some_and(|(one, other)| {
                    one.len() == other.len() && one.iter().zip(&other).all(|(a, b)| a.0 == b.0 && a.1.says_as(b.1))
                })
            }
            Some(b'[') => {
                let entries = |json: &Self| json.read::<Vec<Self>>();
                entries(self).zip(entries(other)).is_some_and(|(one, other)| {
                    one.len() == other.len() && one.iter().zip(&other).all(|(a, b)| a.says_as(b))
                })
            }
            Some(b'"') => self.read::<String>().zip(other.read::<String>()).is_some_and(|(one, other)| one == other),
            _ => false,
        }
    }

    /// The value as a type; `None` where it has another type.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(self.text()).ok()
    }
}

/// How many bytes `value` takes as JSON.
#[must_use]
pub fn length(value: &impl Serialize) -> usize {
    measured(value, |_| 1)
}

/// How many bytes `value` takes as JSON inside a JSON string, with escapes. That is how Lambda returns an answer and
/// measures it.
#[must_use]
pub fn escaped_length(value: &impl Serialize) -> usize {
    measured(value, |byte| match byte {
        b'"' | b'\\' | 0x08 | b'\t' | b'\n' | 0x0c | b'\r' => 2,
        0..0x20 => 6,
        _ => 1,
    })
}

/// Adds up the weight of each byte of `value`; 0 where it cannot be written as JSON.
fn measured(value: &impl Serialize, counts: fn(u8) -> usize) -> usize {
    struct Measure(usize, fn(u8) -> usize);
    impl io::Write for Measure {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.iter().map(|byte| (self.1)(*byte)).sum::<usize>();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut measure = Measure(0, counts);
    match serde_json::to_writer(&mut measure, value) {
        Ok(()) => measure.0,
        Err(_) => 0,
    }
}

/// The nesting depth of JSON text: 0 for a plain value.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for RawJson {}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[json]")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn no_digit_is_lost() {
        let text = r#"{"n":12345678901234567890123.4500}"#;
        let kept: std::collections::BTreeMap<String, RawJson> = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&kept).unwrap(), text);
        assert_eq!(format!("{kept:?}"), r#"{"n": [json]}"#);
        assert!(RawJson::null().is_null());
    }

    #[test]
    fn a_length_is_that_of_what_is_written() {
        for text in ["plain", "\"quoted\" and \\", "ñ €\u{1F600}", "\u{1}\u{8}\t\n\u{c}\r\u{1f}\u{7f}", ""] {
            let value = serde_json::json!({"a": [text, 1, null], (text): true});
            let once = serde_json::to_string(&value).unwrap();
            assert_eq!(length(&value), once.len());
            assert_eq!(escaped_length(&value) + 2, serde_json::to_string(&once).unwrap().len());
        }
    }

    #[test]
    fn a_depth_counts_lists_and_objects_and_not_what_texts_say() {
        for (text, expected) in
            [("1", 0), ("[]", 1), (r#"{"a":[{}],"b":[]}"#, 3), (r#"["[[[\"[["]"#, 1), (r#"["\\",[]]"#, 2)]
        {
            assert_eq!(depth(text), expected, "{text}");
        }
    }

    #[test]
    fn what_says_the_same_is_the_same_to_the_last_digit() {
        let says = |one: &str, other: &str| RawJson::parse(one).unwrap().says_as(&RawJson::parse(other).unwrap());
        assert!(says(r#"{"a":[1,{"b":"é"}],"c":null}"#, r#"{ "c": null, "a": [1, {"b": "\u00e9"}] }"#));
        for (one, other) in [
            ("12345678901234567890123", "12345678901234567890124"),
            ("1", "1.0"),
            ("1", r#""1""#),
            ("null", "false"),
            ("[1]", "[1,1]"),
            (r#"{"a":1}"#, r#"{"a":1,"b":null}"#),
            ("{}", "[]"),
        ] {
            assert!(!says(one, other), "{one} {other}");
        }
    }
}
