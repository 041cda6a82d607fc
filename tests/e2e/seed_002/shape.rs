//! The shape of an answer: its keys in their order and the types of its values. And how two shapes differ.

use std::{collections::BTreeSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

/// What an answer looks like, values aside.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Null,
    Boolean,
    Number,
    /// A text, a day or a moment: which of them.
    Text(&'static str),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// Where two answers differ, and how: the place, what the seed has there, what we have.
pub type Difference = (String, String, String);

impl Shape {
    /// The shape of JSON text.
    pub fn of(text: &str) -> Self {
        serde_json::from_str(text).unwrap()
    }

    /// A part of an object.
    pub fn part(&self, name: &str) -> Option<&Self> {
        let Self::Object(parts) = self else { return None };
        parts.iter().find(|(other, _)| other == name).map(|(_, part)| part)
    }

    /// The same without some parts.
    pub fn without(&self, names: &[&str]) -> Self {
        match self {
            Self::Object(parts) => {
                Self::Object(parts.iter().filter(|(name, _)| !names.contains(&name.as_str())).cloned().collect())
            }
            other => other.clone(),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::Text(kind) => kind,
            Self::List(_) => "list",
            Self::Object(_) => "object",
        }
    }

    fn keys(&self) -> Vec<&str> {
        let Self::Object(parts) = self else { return Vec::new() };
        parts.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Adds how `ours` differs from this, which is the seed's. A `null` of the seed's says nothing of a type; of lists the first
    /// entries are compared.
    pub fn compare(&self, ours: &Self, place: &str, found: &mut BTreeSet<Difference>) {
        let below = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
        match (self, ours) {
            (Self::Null, _) => {}
            (Self::Object(_), Self::Object(parts)) => {
                let (keys, our_keys) = (self.keys(), ours.keys());
                for name in keys.iter().filter(|name| !our_keys.contains(name)) {
                    found.insert((below(name), self.part(name).unwrap().name().to_owned(), "absent".to_owned()));
                }
                for (name, part) in parts {
                    match self.part(name) {
                        Some(seed) => seed.compare(part, &below(name), found),
                        None => drop(found.insert((below(name), "absent".to_owned(), part.name().to_owned()))),
                    }
                }
                let ours_only: Vec<_> = our_keys.into_iter().filter(|name| keys.contains(name)).collect();
                let theirs: Vec<_> = keys.into_iter().filter(|name| ours_only.contains(name)).collect();
                if theirs != ours_only {
                    found.insert((place.to_owned(), theirs.join(", "), ours_only.join(", ")));
                }
            }
            (Self::List(seed), Self::List(ours)) => match seed.first() {
                Some(_) if ours.is_empty() => {
                    found.insert((place.to_owned(), "list".to_owned(), "empty list".to_owned()));
                }
                Some(entry) => entry.compare(&ours[0], &format!("{place}[]"), found),
                None => {}
            },
            (Self::Text("text"), Self::Text(_)) => {}
            _ if self.name() == ours.name() => {}
            _ => drop(found.insert((place.to_owned(), self.name().to_owned(), ours.name().to_owned()))),
        }
    }
}

/// Whether a text is a day, a moment or anything.
fn kind_of(text: &str) -> &'static str {
    if text.parse::<jiff::Timestamp>().is_ok() {
        "moment"
    } else if text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok() {
        "day"
    } else {
        "text"
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Shape, E> {
                Ok(Shape::Null)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
                Ok(Shape::Boolean)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
                Ok(Shape::Number)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
                Ok(Shape::Number)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
                Ok(Shape::Number)
            }

            fn visit_str<E>(self, text: &str) -> Result<Shape, E> {
                Ok(Shape::Text(kind_of(text)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Shape, A::Error> {
                let mut read = Vec::new();
                while let Some(entry) = entries.next_element()? {
                    read.push(entry);
                }
                Ok(Shape::List(read))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut parts: A) -> Result<Shape, A::Error> {
                let mut read = Vec::new();
                while let Some(part) = parts.next_entry()? {
                    read.push(part);
                }
                Ok(Shape::Object(read))
            }
        }
        deserializer.deserialize_any(Read)
    }
}
