//! A provider's JSON as received. Unlike `serde_json::Value` it keeps every value of a repeated name, and accepts
//! text that is invalid only because of single characters. Only what is nested too deep is left out.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

/// The deepest nesting that is read. The samples have six levels; `serde_json` refuses a whole body at 128.
const MAX_DEPTH: usize = 64;

/// A JSON value. It cannot be printed, because it is about a person.
#[derive(Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Flag(bool),
    Number(Number),
    Text(String),
    List(Vec<Json>),
    /// In the order received; names may repeat.
    Map(Vec<(String, Json)>),
    /// A value nested deeper than [`MAX_DEPTH`].
    TooDeep,
}

/// Parses `body`; returns whether a character was lost.
///
/// It tolerates what damages only one text: a byte order mark, invalid UTF-8, half of a surrogate pair, an unescaped
/// control character.
pub(super) fn read(body: &[u8]) -> serde_json::Result<(Json, bool)> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    match serde_json::from_slice(body) {
        Ok(json) => Ok((json, false)),
        Err(error) => {
            let text = String::from_utf8_lossy(body);
            let mut lost = matches!(text, Cow::Owned(_));
            let mended = mended(&text, &mut lost);
            // The error of the first try fits the original text.
            serde_json::from_str(&mended).map(|json| (json, lost)).map_err(|_| error)
        }
    }
}

/// The text with its strings made valid; `lost` where a character of one is replaced.
fn mended(text: &str, lost: &mut bool) -> String {
    let mut mended = String::with_capacity(text.len());
    let (mut rest, mut in_string) = (text, false);
    while let Some(next) = rest.chars().next() {
        let length = match next {
            '\\' if in_string => escape(rest, &mut mended, lost),
            _ if in_string && u32::from(next) < 0x20 => {
                mended.push_str(&format!("\\u{:04x}", u32::from(next)));
                1
            }
            _ => {
                in_string ^= next == '"';
                mended.push(next);
                next.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    mended
}

/// Copies the escape that `text` begins with, and says how long it is. Half of a surrogate pair becomes U+FFFD.
fn escape(text: &str, mended: &mut String, lost: &mut bool) -> usize {
    let unit = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let length = match unit(text) {
        Some(0xD800..0xDC00) if matches!(text.get(6..).and_then(unit), Some(0xDC00..0xE000)) => 12,
        Some(0xD800..0xE000) => {
            *lost = true;
            mended.push_str("\\ufffd");
            return 6;
        }
        Some(_) => 6,
        None => 1 + text.chars().nth(1).map_or(0, char::len_utf8),
    };
    mended.push_str(text.get(..length).unwrap_or_default());
    length
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Reader { depth: 0 }.deserialize(deserializer)
    }
}

/// Reads a value at this depth.
#[derive(Clone, Copy)]
struct Reader {
    depth: usize,
}

impl Reader {
    fn inner(self) -> Self {
        Self { depth: self.depth + 1 }
    }
}

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        if self.depth < MAX_DEPTH {
            deserializer.deserialize_any(self)
        } else {
            // Skipped without recursion, however deep it is.
            IgnoredAny::deserialize(deserializer).map(|_| Json::TooDeep)
        }
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Flag(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.inner())? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut map = Vec::new();
        while let Some(name) = entries.next_key()? {
            map.push((name, entries.next_value_seed(self.inner())?));
        }
        Ok(Json::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &[u8]) -> (String, bool) {
        let Ok((Json::List(items), lost)) = read(body) else { panic!("a list") };
        let [Json::Text(text)] = items.as_slice() else { panic!("one text") };
        (text.clone(), lost)
    }

    #[test]
    fn a_damaged_character_costs_nothing_but_itself() {
        for (body, read, lost) in [
            (&b"\xEF\xBB\xBF[\"a\"]"[..], "a", false),
            (b"[\"P\xC9REZ\"]", "P\u{FFFD}REZ", true),
            (br#"["JUAN \ud83d"]"#, "JUAN \u{FFFD}", true),
            (br#"["\udc00\ud83d\ud83d\ude00"]"#, "\u{FFFD}\u{FFFD}\u{1F600}", true),
            (b"[\"CALLE 1\nMADRID\"]", "CALLE 1\nMADRID", false),
            ("[\"\\\\ \\\" Ñ\t\"]".as_bytes(), "\\ \" Ñ\t", false),
        ] {
            assert_eq!(text(body), (read.to_owned(), lost), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn what_is_no_json_is_not_guessed() {
        for body in ["", "<html>", "{", r#"{"a": 1 "b": 2}"#, r#"["\x"]"#, r#"["\u12"]"#, "[\"\\"] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
        assert!(read("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn a_value_that_is_nested_too_deep_costs_nothing_but_itself() {
        let deep = ["[".repeat(100_000), "]".repeat(100_000)].concat();
        let Ok((Json::List(items), false)) = read(format!("[1, {deep}, 2]").as_bytes()) else { panic!("a list") };
        let [Json::Number(first), inner, Json::Number(last)] = items.as_slice() else { panic!("three values") };
        assert_eq!((first.as_u64(), last.as_u64()), (Some(1), Some(2)));
        let mut inner = inner;
        for _ in 2..MAX_DEPTH {
            let Json::List(items) = inner else { panic!("a list") };
            inner = &items[0];
        }
        assert!(*inner == Json::List(vec![Json::TooDeep]));
    }

    #[test]
    fn a_name_that_repeats_keeps_all_its_values() {
        let Ok((Json::Map(map), false)) = read(br#"{"a": 1, "b": null, "a": true}"#) else { panic!("a map") };
        assert!(
            map == [
                ("a".to_owned(), Json::Number(1.into())),
                ("b".to_owned(), Json::Null),
                ("a".to_owned(), Json::Flag(true))
            ]
        );
    }
}
