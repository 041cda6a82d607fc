//! Whether a JSON text has a field twice in one object. Readers choose differently then (RFC 8259, section 4), most the last: what a
//! customer's own program checked before is not what we would store.

use std::{collections::HashSet, fmt};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The path of the first field that is there twice.
pub(super) fn twice(json: &[u8]) -> Option<String> {
    let mut found = None;
    let once = Once { path: String::new(), found: &mut found };
    // Whether it is JSON is for others to say.
    let _ = once.deserialize(&mut serde_json::Deserializer::from_slice(json));
    found
}

/// Looks at a value.
struct Once<'f> {
    path: String,
    found: &'f mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Once<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let dot = if self.path.is_empty() { "" } else { "." };
            let path = format!("{}{dot}{name}", self.path);
            if !names.insert(name) {
                self.found.get_or_insert(path);
                map.next_value::<IgnoredAny>()?;
            } else {
                map.next_value_seed(Once { path, found: &mut *self.found })?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut at = 0;
        let path = |at: usize| format!("{}[{at}]", self.path);
        while list.next_element_seed(Once { path: path(at), found: &mut *self.found })?.is_some() {
            at += 1;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_there_twice_is_found_wherever_it_stands() {
        for (json, path) in [
            (r#"{"a":1,"b":2,"a":1}"#, "a"),
            (r#"{"a":{"b":{},"\u0062":[]}}"#, "a.b"),
            (r#"{"a":[{"b":1},{"b":1,"c":[],"b":null}]}"#, "a[1].b"),
        ] {
            assert_eq!(twice(json.as_bytes()).as_deref(), Some(path), "{json}");
        }
        for json in [r#"{"a":{"a":[{"a":1.5},{"a":-1},true,null,"a"]},"A":1e999}"#, "[", "7", r#"{"a":"#] {
            assert_eq!(twice(json.as_bytes()), None, "{json}");
        }
    }
}
