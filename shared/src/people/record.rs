//! A record of the registry and what happens to it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap as _};
use uuid::Uuid;

use super::Kind;
use crate::common::{RawJson, TenantId, ids::uuid_of};

/// The values of a record, by the name of their field. A field that was never given is absent.
pub type Fields = BTreeMap<String, RawJson>;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What it is.
    pub kind: Kind,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its id.
    pub id: Uuid,
    /// The record it belongs to.
    pub owner: Option<Uuid>,
    /// Its values.
    pub fields: Fields,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// When it was deleted; whoever restores it finds everything as it was.
    pub deleted_at: Option<Timestamp>,
    /// What its own records say about it, as `map#name`: enough to show it without reading them, or to read them without asking
    /// an index. It stands beside the record in its item, where they can write it.
    #[serde(skip)]
    pub projections: Fields,
}

impl Record {
    /// The value of a field; `None` where it is absent, `null` or of another form.
    #[must_use]
    pub fn value<T: serde::de::DeserializeOwned>(&self, field: &str) -> Option<T> {
        self.fields.get(field)?.read::<Option<T>>()?
    }

    /// The ids of the records of which it keeps projections in `map`.
    #[must_use]
    pub fn kept_in(&self, map: &str) -> Vec<Uuid> {
        let names = self.projections.keys().filter_map(|key| key.split_once('#'));
        names.filter(|(of, _)| *of == map).filter_map(|(_, name)| name.parse().ok()).collect()
    }

    /// The text of a field, `""` where there is none.
    #[must_use]
    pub fn text(&self, field: &str) -> String {
        self.value(field).unwrap_or_default()
    }
}

/// Something that happened to a record, with an id that stays the same however often it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordEvent {
    /// Follows from the record and the number of the write that it happened in.
    pub id: Uuid,
    /// What happened.
    pub name: String,
    /// When.
    pub at: Timestamp,
}

impl RecordEvent {
    /// What happened to `record` in its write number `version`.
    #[must_use]
    pub fn new(record: &Record, name: &str, version: u64, at: Timestamp) -> Self {
        let id = uuid_of(&["record-event", record.kind.as_str(), &record.id.to_string(), name, &version.to_string()]);
        Self { id, name: name.to_owned(), at }
    }
}

/// A record as customers see it: its parts in the order in which they are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View(Vec<(&'static str, RawJson)>);

impl View {
    /// Adds a part.
    pub fn put(&mut self, name: &'static str, value: RawJson) {
        self.0.push((name, value));
    }

    /// Adds a part that is not JSON yet.
    pub fn show(&mut self, name: &'static str, value: &impl Serialize) {
        self.put(name, RawJson::of(value));
    }

    /// What it shows under a name.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&RawJson> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// Adds a part after the one called `after`, or at the end.
    pub fn show_after(&mut self, after: &str, name: &'static str, value: &impl Serialize) {
        let at = self.0.iter().position(|(other, _)| *other == after).map_or(self.0.len(), |at| at + 1);
        self.0.insert(at, (name, RawJson::of(value)));
    }

    /// Calls a part something else.
    pub fn rename(&mut self, name: &str, new: &'static str) {
        if let Some((name, _)) = self.0.iter_mut().find(|(other, _)| *other == name) {
            *name = new;
        }
    }

    /// Shows something else for a part.
    pub fn replace(&mut self, name: &str, value: &impl Serialize) {
        if let Some((_, part)) = self.0.iter_mut().find(|(other, _)| *other == name) {
            *part = RawJson::of(value);
        }
    }
}

impl Serialize for View {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
