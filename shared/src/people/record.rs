//! A record of the registry, its events, and how it is shown.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap as _};
use uuid::Uuid;

use super::Kind;
use crate::common::{RawJson, TenantId, ids::uuid_of};

/// The values of a record, by the name of their field. A field that was never given is absent.
pub type Fields = BTreeMap<String, RawJson>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub kind: Kind,
    pub tenant: TenantId,
    pub id: Uuid,
    /// The record it belongs to.
    pub owner: Option<Uuid>,
    pub fields: Fields,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// A deleted record keeps everything, so that it can be restored.
    pub deleted_at: Option<Timestamp>,
    /// The projections of records that belong to it, under `map#name`. They stand beside the record in its item, where the
    /// transactions of those records write them.
    #[serde(skip)]
    pub projections: Fields,
}

impl Record {
    /// The value of a field; `None` where it is absent, `null` or of another form.
    #[must_use]
    pub fn value<T: serde::de::DeserializeOwned>(&self, field: &str) -> Option<T> {
        self.fields.get(field)?.read::<Option<T>>()?
    }

    /// The projections in one map, by their names.
    pub fn projections_in(&self, map: &str) -> impl Iterator<Item = (&str, &RawJson)> {
        let named = self.projections.iter().filter_map(|(key, value)| Some((key.split_once('#')?, value)));
        named.filter(move |((of, _), _)| *of == map).map(|((_, name), value)| (name, value))
    }

    /// The ids of the records of which it keeps projections in `map`.
    #[must_use]
    pub fn kept_in(&self, map: &str) -> Vec<Uuid> {
        self.projections_in(map).filter_map(|(name, _)| name.parse().ok()).collect()
    }

    /// The text of a field; `""` where there is none.
    #[must_use]
    pub fn text(&self, field: &str) -> String {
        self.value(field).unwrap_or_default()
    }
}

/// An event of a record. Its id stays the same however often it is delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordEvent {
    /// Derived from the record and its version.
    pub id: Uuid,
    pub name: String,
    pub at: Timestamp,
}

impl RecordEvent {
    /// The event of the write that gave `record` this version.
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
    pub fn put(&mut self, name: &'static str, value: RawJson) {
        self.0.push((name, value));
    }

    /// Adds a part that is not JSON yet.
    pub fn show(&mut self, name: &'static str, value: &impl Serialize) {
        self.put(name, RawJson::of(value));
    }

    #[must_use]
    pub fn part(&self, name: &str) -> Option<&RawJson> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// Adds a part after the one called `after`, or at the end.
    pub fn show_after(&mut self, after: &str, name: &'static str, value: &impl Serialize) {
        let at = self.0.iter().position(|(other, _)| *other == after).map_or(self.0.len(), |at| at + 1);
        self.0.insert(at, (name, RawJson::of(value)));
    }

    pub fn rename(&mut self, name: &str, new: &'static str) {
        if let Some((name, _)) = self.0.iter_mut().find(|(other, _)| *other == name) {
            *name = new;
        }
    }

    /// Changes the value of a part that is there.
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
