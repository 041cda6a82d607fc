//! Dynamic properties, which a customer defines for persons, and their values. Values are never changed: each save creates a
//! record, so the latest one counts and the history stays. Each value keeps the property's descriptor as it was then.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    common::{FieldError, RawJson, values::text::normal},
    people::{
        Family, Field, FieldType, Fields, Kind,
        family::{Change, Names, Reference, reference},
        rules::Rule,
        schema::{self, Read},
        typed,
    },
};

/// Entries of a descriptor.
const MAX_ENTRIES: usize = 50;

/// Dynamic properties. The descriptor says what a value must be, entry by entry; the key is derived from the first name.
pub static DYNAMIC_PROPERTIES: Family = Family {
    owner: None,
    validate_and_derive: Some(validate_property),
    references: Some(catalogs),
    ..Family::of_person(
        Kind::DynamicProperty,
        Names { path: "/dynamic-properties", noun: "dynamic property", resource: "dynamic_property" },
        &[
            Field::required("name", FieldType::Name),
            Field::optional("description", FieldType::Text),
            Field::read_only("key", FieldType::Text),
            Field::required("descriptor", FieldType::Any),
        ],
    )
};

/// The values that persons have for dynamic properties.
pub static DYNAMIC_VALUES: Family = Family {
    references: Some(property),
    ..Family::of_person(
        Kind::DynamicValue,
        Names { path: "/dynamic-values", noun: "dynamic value", resource: "person_dynamic_value" },
        &[
            Field::required("person_id", FieldType::Id),
            Field::required("dynamic_property_id", FieldType::Id),
            Field::required("values", FieldType::Object),
            Field::read_only("dynamic_descriptor", FieldType::Object),
        ],
    )
};

/// The fields of a descriptor's entry.
static ENTRY: [Field; 6] = [
    Field::required("title", FieldType::Name),
    Field::required("type", FieldType::Word(&typed::TYPES)),
    Field::optional("key", FieldType::Name),
    Field::optional("filter_group", FieldType::Text),
    Field::optional("rules", FieldType::Texts),
    Field::optional("catalog_id", FieldType::Id),
];

/// An entry of a descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    title: String,
    #[serde(rename = "type")]
    kind: String,
    /// The value's name in `values`.
    pub key: String,
    filter_group: Option<String>,
    rules: Vec<String>,
    /// The catalog that the value must be from.
    pub catalog_id: Option<Uuid>,
}

/// A catalog's id and a value of it, as text.
pub type CatalogValue = (Uuid, String);

fn validate_property(fields: &mut Fields, change: &Change<'_>, _now: Timestamp) -> Vec<FieldError> {
    if change.present.is_none()
        && let Some(name) = fields.get("name").and_then(RawJson::read::<String>)
    {
        fields.insert("key".to_owned(), RawJson::of(&key_of(&name)));
    }
    match change.given.get("descriptor").map(read_descriptor) {
        Some(Ok(entries)) => {
            fields.insert("descriptor".to_owned(), RawJson::of(&entries));
            Vec::new()
        }
        Some(Err(problems)) => problems,
        None => Vec::new(),
    }
}

/// A name as an identifier: `Test 01` is `test_01`.
fn key_of(name: &str) -> String {
    let plain = name.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect::<String>();
    plain.split('_').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

fn read_descriptor(given: &RawJson) -> Result<Vec<Entry>, Vec<FieldError>> {
    let entries = given.read::<Vec<Fields>>().filter(|entries| (1..=MAX_ENTRIES).contains(&entries.len()));
    let Some(entries) = entries else {
        let must = format!("must be a list of 1 to {MAX_ENTRIES} objects");
        return Err(vec![FieldError::new("descriptor", must)]);
    };
    let (mut read, mut problems) = (Vec::<Entry>::new(), Vec::new());
    for (at, given) in entries.iter().enumerate() {
        let Read { given, problems: mut wrong } = schema::read(&ENTRY, given, true);
        let entry = Entry::of(&given);
        if wrong.is_empty() {
            wrong = entry.problems(&read);
        }
        let part = format!("descriptor[{at}]");
        problems.extend(wrong.into_iter().map(|problem| problem.within(&part)));
        read.push(entry);
    }
    if problems.is_empty() { Ok(read) } else { Err(problems) }
}

/// The entries of a property's descriptor.
#[must_use]
pub fn descriptor(property: &Fields) -> Vec<Entry> {
    property.get("descriptor").and_then(RawJson::read).unwrap_or_default()
}

fn catalogs(property: &Fields) -> Vec<Reference> {
    let catalogs: BTreeSet<Uuid> = descriptor(property).iter().filter_map(|entry| entry.catalog_id).collect();
    catalogs.into_iter().map(|catalog| ("descriptor", Kind::Catalog, catalog)).collect()
}

fn property(value: &Fields) -> Vec<Reference> {
    reference(value, "dynamic_property_id", Kind::DynamicProperty)
}

/// The given values with their keys in Unicode normal form C, as descriptors keep them.
#[must_use]
pub fn normalized(given: BTreeMap<String, RawJson>) -> BTreeMap<String, RawJson> {
    given.into_iter().map(|(key, value)| (normal(&key).into_owned(), value)).collect()
}

/// The values that catalogs must contain for `given` to be valid.
#[must_use]
pub fn needed_of_catalogs(entries: &[Entry], given: &BTreeMap<String, RawJson>) -> BTreeSet<CatalogValue> {
    let read = |entry: &Entry| entry.form().read(given.get(&entry.key).filter(|value| !value.is_null())?).ok();
    let needed = entries.iter().filter_map(|entry| Some(entry.needed(&read(entry)?)));
    needed.flatten().collect()
}

/// Checks the given values against the descriptor; `listed` has those that catalogs contain. Returns the values as they are stored.
///
/// # Errors
/// Every invalid value, as `values.KEY`.
pub fn check(
    entries: &[Entry],
    given: &BTreeMap<String, RawJson>,
    listed: &BTreeSet<CatalogValue>,
) -> Result<Fields, Vec<FieldError>> {
    let mut problems = Vec::new();
    let mut wrong = |key: &str, message: String| problems.push(FieldError::new(format!("values.{key}"), message));
    for key in given.keys().filter(|key| !entries.iter().any(|entry| entry.key == **key)) {
        wrong(key, "is not in the descriptor".to_owned());
    }
    let mut kept = Fields::new();
    for entry in entries {
        let value = given.get(&entry.key).cloned().unwrap_or_else(RawJson::null);
        match entry.check(&value, listed) {
            Ok(Some(value)) => drop(kept.insert(entry.key.clone(), value)),
            Ok(None) => {}
            Err(message) => wrong(&entry.key, message),
        }
    }
    if problems.is_empty() { Ok(kept) } else { Err(problems) }
}

impl Entry {
    fn of(given: &Fields) -> Self {
        let text = |name: &str| given.get(name).and_then(RawJson::read::<String>);
        let title = text("title").unwrap_or_default();
        Self {
            key: text("key").unwrap_or_else(|| key_of(&title)),
            title,
            kind: text("type").unwrap_or_default(),
            filter_group: text("filter_group"),
            rules: given.get("rules").and_then(RawJson::read).unwrap_or_default(),
            catalog_id: given.get("catalog_id").and_then(RawJson::read),
        }
    }

    /// What is wrong with an entry beside the `others` before it, although each of its fields is valid.
    fn problems(&self, others: &[Self]) -> Vec<FieldError> {
        let mut problems = Vec::new();
        if self.key.is_empty() {
            problems.push(FieldError::new("key", "is required if the title has no letter"));
        }
        if others.iter().any(|other| other.key == self.key) {
            problems.push(FieldError::new("key", "is already used by another entry"));
        }
        for (at, rule) in self.rules.iter().enumerate() {
            if let Err(message) = Rule::parse(rule, &self.kind) {
                problems.push(FieldError::new(format!("rules[{at}]"), message));
            }
        }
        problems
    }

    /// The value as it is stored; `None` where there is none.
    fn check(&self, value: &RawJson, listed: &BTreeSet<CatalogValue>) -> Result<Option<RawJson>, String> {
        let rules = self.rules.iter().map(|rule| Rule::parse(rule, &self.kind)).collect::<Result<Vec<Rule>, _>>()?;
        if value.is_null() {
            return if rules.contains(&Rule::Required) { Err("is required".to_owned()) } else { Ok(None) };
        }
        let value = self.form().read(value)?;
        rules.iter().try_for_each(|rule| rule.check(&value))?;
        if !self.needed(&value).is_subset(listed) {
            return Err("must be a value of its catalog".to_owned());
        }
        Ok(Some(value))
    }

    fn form(&self) -> FieldType {
        typed::form(&self.kind).unwrap_or(FieldType::Any)
    }

    /// The values that its catalog must contain for `value` to be valid: each text of a list. Nothing without a catalog.
    fn needed(&self, value: &RawJson) -> BTreeSet<CatalogValue> {
        let texts = value.read::<Vec<String>>().map(|texts| texts.iter().map(RawJson::of).collect());
        let values: Vec<RawJson> = texts.unwrap_or_else(|| vec![value.clone()]);
        let catalog = self.catalog_id.into_iter();
        catalog.flat_map(|id| values.iter().map(move |value| (id, typed::compared(value)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_of_a_name() {
        for (name, key) in [("Test 01", "test_01"), (" Ingreso  mensual (MXN) ", "ingreso_mensual_mxn"), ("Año", "año")]
        {
            assert_eq!(key_of(name), key);
        }
    }
}
