//! Reading a provider's answer field by field, so that an invalid element affects nothing else and is recorded.
//!
//! A place may have several values: those of a repeated name, of two spellings of one name, or of a list where one
//! value is expected. Lists and maps are merged; single values must agree. Absent, null and empty values count as
//! missing. Any other value that cannot be read is recorded by its path.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use jiff::Timestamp;
use url::Url;

use super::{
    code,
    json::{self, Json},
};

/// The most recorded places of one answer.
const MAX_NOTES: usize = 20;
/// The most values of one place.
const MAX_VALUES: usize = 8;
/// The most items of a list, and entries of a map.
const MAX_ITEMS: usize = 300;
/// Recorded where characters of a text are lost.
const CHARACTERS: &str = "/characters";

/// A provider's answer, and the places that could not be read.
pub struct Document {
    root: Json,
    unread: RefCell<BTreeSet<String>>,
}

/// A place in an answer, with or without a value. It cannot be printed.
#[derive(Clone)]
pub struct Place<'a> {
    values: Vec<&'a Json>,
    /// The names that the reader asked for, and `*` for a position or a name from the answer, which may be personal
    /// data.
    path: String,
    unread: &'a RefCell<BTreeSet<String>>,
}

impl Document {
    /// Reads a body as JSON.
    ///
    /// # Errors
    /// It is not JSON.
    pub fn read(body: &[u8]) -> serde_json::Result<Self> {
        let (root, lost) = json::read(body)?;
        let unread = lost.then(|| CHARACTERS.to_owned()).into_iter().collect();
        Ok(Self { root, unread: RefCell::new(unread) })
    }

    /// The answer as a whole.
    #[must_use]
    pub fn root(&self) -> Place<'_> {
        let values = std::iter::once(&self.root).filter(|root| **root != Json::Null).collect();
        Place { values, path: String::new(), unread: &self.unread }
    }

    /// The kinds of places that could not be read so far.
    #[must_use]
    pub fn unread(&self) -> Vec<String> {
        self.unread.borrow().iter().cloned().collect()
    }
}

impl<'a> Place<'a> {
    /// Whether it has a value.
    #[must_use]
    pub fn is_there(&self) -> bool {
        !self.values.is_empty()
    }

    /// Whether it is a map, alone or in a list.
    #[must_use]
    pub fn is_map(&self) -> bool {
        self.flattened().into_iter().any(|value| matches!(value, Json::Map(_)))
    }

    /// Whether it is a list, or a map of positions.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.values.iter().any(|value| match value {
            Json::List(_) => true,
            Json::Map(map) => !map.is_empty() && positions(map).is_some(),
            _ => false,
        })
    }

    /// Whether a map there has that name, even with an empty value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.maps().into_iter().flatten().any(|(known, _)| known == name)
    }

    /// Whether it is an empty text.
    #[must_use]
    pub fn is_empty_text(&self) -> bool {
        self.values.iter().any(|value| matches!(value, Json::Text(text) if text.trim().is_empty()))
    }

    /// Whether it is a list or map that is not empty.
    #[must_use]
    pub fn has_parts(&self) -> bool {
        self.values.iter().any(|value| matches!(value, Json::List(_) | Json::Map(_)) && !is_empty(value))
    }

    /// The place called `name` within this one.
    #[must_use]
    pub fn field(&self, name: &'static str) -> Self {
        self.any_of(&[name])
    }

    /// The place within this one under any of these names; the path uses the first.
    #[must_use]
    pub fn any_of(&self, names: &[&'static str]) -> Self {
        let mut place = self.below(names.first().copied().unwrap_or("*"));
        let entries = self.maps().into_iter().flatten();
        for (_, value) in entries.filter(|(name, _)| names.contains(&name.as_str())) {
            place.add(value);
        }
        place
    }

    /// The entries of a map, in the answer's order.
    #[must_use]
    pub fn entries(&self) -> Vec<(&'a str, Self)> {
        let mut entries: BTreeMap<&str, Self> = BTreeMap::new();
        for (name, value) in self.maps().into_iter().flatten() {
            if entries.len() >= MAX_ITEMS && !entries.contains_key(name.as_str()) {
                self.note();
                break;
            }
            entries.entry(name).or_insert_with(|| self.below("*")).add(value);
        }
        entries.into_iter().collect()
    }

    /// The items of a list, in order; a null is a place without a value. A map of positions counts as a list, and any
    /// other single value as a list of one.
    #[must_use]
    pub fn items(&self) -> Vec<Self> {
        let mut items: Vec<&Json> = Vec::new();
        for value in &self.values {
            match value {
                Json::List(list) => items.extend(list),
                Json::Map(map) => items.extend(positions(map).unwrap_or_else(|| vec![value])),
                value if is_empty(value) => {}
                value => items.push(value),
            }
        }
        if items.len() > MAX_ITEMS {
            self.note();
        }
        items.into_iter().take(MAX_ITEMS).map(|item| self.item(item)).collect()
    }

    /// A text without blanks around it; numbers and flags count as text.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.single(|value| match value {
            Json::Text(text) => Some(text.trim().to_owned()),
            Json::Number(number) => Some(number.to_string()),
            Json::Flag(flag) => Some(flag.to_string()),
            _ => None,
        })
    }

    /// A text that is a code.
    #[must_use]
    pub fn code(&self) -> Option<String> {
        let text = self.text()?;
        match code(&text) {
            Some(code) => Some(code.to_owned()),
            None => {
                self.note();
                None
            }
        }
    }

    /// A number, also as text.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        self.single(|value| match value {
            Json::Number(number) => number.as_f64(),
            Json::Text(text) => number(text),
            _ => None,
        })
    }

    /// True or false, also as text or as 1 and 0.
    #[must_use]
    pub fn flag(&self) -> Option<bool> {
        self.single(|value| match value {
            Json::Flag(flag) => Some(*flag),
            Json::Number(number) => as_flag(&number.to_string()),
            Json::Text(text) => as_flag(text.trim()),
            _ => None,
        })
    }

    /// A moment: ISO 8601 with a zone, or seconds or milliseconds since 1970.
    #[must_use]
    pub fn moment(&self) -> Option<Timestamp> {
        self.single(|value| match value {
            Json::Number(number) => epoch(number.as_i64()?),
            Json::Text(text) => text.trim().parse().ok().or_else(|| epoch(text.trim().parse().ok()?)),
            _ => None,
        })
    }

    /// Every link of a list, or a single one, with its position from 1.
    #[must_use]
    pub fn links(&self) -> Vec<(usize, String)> {
        let link = |(item, position): (Self, usize)| {
            let text = item.text()?;
            if !is_link(&text) {
                item.note();
                return None;
            }
            Some((position, text))
        };
        self.items().into_iter().zip(1..).filter_map(link).collect()
    }

    /// Records every link in a map under a name that is not `known`: it may be a picture, and expires.
    pub fn note_links_beside(&self, known: &[&str]) {
        for (_, place) in self.entries().into_iter().filter(|(name, _)| !known.contains(name)) {
            let texts = place.values.iter().flat_map(|value| match value {
                Json::List(list) => list.iter().collect(),
                value => vec![*value],
            });
            if texts.into_iter().any(|value| matches!(value, Json::Text(text) if is_link(text.trim()))) {
                place.note();
            }
        }
    }

    /// Records that this place could not be read.
    pub fn note(&self) {
        let mut unread = self.unread.borrow_mut();
        if unread.len() < MAX_NOTES {
            unread.insert(if self.path.is_empty() { "/".to_owned() } else { self.path.clone() });
        }
    }

    fn below(&self, name: &str) -> Self {
        Self { values: Vec::new(), path: format!("{}/{name}", self.path), unread: self.unread }
    }

    fn item(&self, value: &'a Json) -> Self {
        let mut item = self.below("*");
        item.add(value);
        if *value == Json::Null {
            item.note();
        }
        item
    }

    /// Adds a value; an equal one is ignored.
    fn add(&mut self, value: &'a Json) {
        if *value == Json::Null || self.values.contains(&value) {
            return;
        }
        if self.values.len() >= MAX_VALUES {
            return self.note();
        }
        self.values.push(value);
    }

    /// The maps here, alone or in a list.
    fn maps(&self) -> Vec<&'a [(String, Json)]> {
        let mut maps = Vec::new();
        for value in self.flattened() {
            match value {
                Json::Map(map) => maps.push(map.as_slice()),
                value if is_empty(value) => {}
                _ => self.note(),
            }
        }
        maps
    }

    /// The one value that `read` gives for this place, alone or in a list.
    fn single<T: PartialEq>(&self, read: impl Fn(&Json) -> Option<T>) -> Option<T> {
        let mut found = None;
        for value in self.flattened().into_iter().filter(|value| !is_empty(value)) {
            match (read(value), &found) {
                (None, _) => self.note(),
                (Some(value), None) => found = Some(value),
                (Some(value), Some(same)) if value == *same => {}
                (Some(_), Some(_)) => {
                    self.note();
                    return None;
                }
            }
        }
        found
    }

    fn flattened(&self) -> Vec<&'a Json> {
        let mut flattened = Vec::new();
        for value in &self.values {
            match value {
                Json::List(list) if list.len() > MAX_VALUES => self.note(),
                Json::List(list) => flattened.extend(list),
                value => flattened.push(*value),
            }
        }
        flattened
    }
}

/// Whether a value counts as missing. Some languages write an empty map as a list, and null as an empty text.
fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Text(text) => text.trim().is_empty(),
        Json::List(list) => list.is_empty(),
        Json::Map(map) => map.is_empty(),
        Json::Flag(_) | Json::Number(_) | Json::TooDeep => false,
    }
}

/// The values of a map whose names are positions, by these.
fn positions(map: &[(String, Json)]) -> Option<Vec<&Json>> {
    let positions = map.iter().map(|(name, value)| Some((name.parse::<u32>().ok()?, value)));
    let mut list = positions.collect::<Option<Vec<_>>>()?;
    list.sort_by_key(|(position, _)| *position);
    Some(list.into_iter().map(|(_, value)| value).collect())
}

/// A number as people write it: with a decimal point or a decimal comma, and perhaps as percent.
#[must_use]
pub fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let text = text.strip_suffix('%').map_or(text, str::trim_end);
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.,eE".contains(&byte));
    let text = if text.contains('.') { text.to_owned() } else { text.replacen(',', ".", 1) };
    text.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

fn as_flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "si" | "sí" => Some(true),
        "false" | "0" | "no" => Some(false),
        _ => None,
    }
}

/// Seconds, or milliseconds where seconds would be thousands of years ahead.
fn epoch(number: i64) -> Option<Timestamp> {
    const MOST_SECONDS: i64 = 100_000_000_000;
    let moment =
        if number.abs() < MOST_SECONDS { Timestamp::from_second(number) } else { Timestamp::from_millisecond(number) };
    moment.ok()
}

/// Whether a text is a URL. The copier decides whether it may be called.
fn is_link(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests;
