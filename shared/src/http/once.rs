//! Finds a field that occurs twice in one JSON object. Parsers handle this differently (RFC 8259, section 4), and most take
//! the last value: a customer's own program could check another value than the one that we store.

use std::{collections::HashSet, fmt};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The path of the first field that occurs twice.
pub(super) fn twice(json: &[u8]) -> Option<String> {
    let mut found = None;
    let once = Once { place: Place::Whole, found: &mut found };
    // Other code checks whether the text is JSON.
    let _ = once.deserialize(&mut serde_json::Deserializer::from_slice(json));
    found
}

/// The position of a value. It becomes text only for a field that occurs twice, because a JSON text may have many long
/// paths.
#[derive(Clone, Copy)]
enum Place<'p> {
    Whole,
    Field(&'p Place<'p>, &'p str),
    Element(&'p Place<'p>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Field(Place::Whole, name) => f.write_str(name),
            Self::Field(of, name) => write!(f, "{of}.{name}"),
            Self::Element(of, at) => write!(f, "{of}[{at}]"),
        }
    }
}

/// Visits a value.
struct Once<'f> {
    place: Place<'f>,
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
            let place = Place::Field(&self.place, &name);
            if names.contains(&name) {
                self.found.get_or_insert_with(|| place.to_string());
                map.next_value::<IgnoredAny>()?;
            } else {
                map.next_value_seed(Once { place, found: &mut *self.found })?;
                names.insert(name);
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut at = 0;
        while list
            .next_element_seed(Once { place: Place::Element(&self.place, at), found: &mut *self.found })?
            .is_some()
        {
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
    fn a_repeated_field_is_found_at_any_depth() {
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

    #[test]
    fn paths_are_written_only_for_repeated_fields() {
        let name = "n".repeat(1 << 20);
        // A text path for each element would take a terabyte.
        let json = format!(r#"{{"{name}":[{}{{"a":1,"a":2}}]}}"#, "0,".repeat(1 << 20));
        assert_eq!(twice(json.as_bytes()), Some(format!("{name}[{}].a", 1 << 20)));
    }
}
