//! Dynamic properties: what a customer wants to know of persons beyond their fields, and the values that persons have in
//! them. Values are never changed: each time they are saved they are one more record, so that the latest counts and the
//! history stays. Each keeps the property as it was then.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Family, Field, FieldType, Fields, Kind,
    family::{Change, Named, named},
    rules::Rule,
    schema, typed,
};
use crate::common::{FieldError, RawJson, values::text::normal};

/// Parts that a property has at most.
const MAX_ENTRIES: usize = 50;

/// Properties. What a value must be stands in the descriptor, part by part; the key follows from the first name.
pub static DYNAMIC_PROPERTIES: Family = Family {
    owner: None,
    validate_and_derive: Some(validate_property),
    references: Some(catalogs_named),
    ..Family::of_person(
        Kind::DynamicProperty,
        "/dynamic-properties",
        &[
            Field::required("name", FieldType::Name),
            Field::optional("description", FieldType::Text),
            Field::ours("key", FieldType::Text),
            Field::required("descriptor", FieldType::Any),
        ],
    )
};

/// What persons have in them.
pub static DYNAMIC_VALUES: Family = Family {
    references: Some(property_named),
    ..Family::of_person(
        Kind::DynamicValue,
        "/dynamic-values",
        &[
            Field::required("person_id", FieldType::Id),
            Field::required("dynamic_property_id", FieldType::Id),
            Field::required("values", FieldType::Object),
            Field::ours("dynamic_descriptor", FieldType::Object),
        ],
    )
};

/// What a part of a property is described with.
static ENTRY: [Field; 6] = [
    Field::required("title", FieldType::Name),
    Field::required("type", FieldType::Word(&typed::TYPES)),
    Field::optional("key", FieldType::Name),
    Field::optional("filter_group", FieldType::Text),
    Field::optional("rules", FieldType::Texts),
    Field::optional("catalog_id", FieldType::Id),
];

/// A part of a property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    title: String,
    #[serde(rename = "type")]
    kind: String,
    /// What its value is called.
    pub key: String,
    filter_group: Option<String>,
    rules: Vec<String>,
    /// The catalog whose values it may have.
    pub catalog_id: Option<Uuid>,
}

/// A value, as text, that a catalog has or is asked for.
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

/// A name without what does not belong into an identifier: `Test 01` is `test_01`.
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
        let mut entry = schema::read(&ENTRY, given, true);
        let text = |name: &str| entry.given.get(name).and_then(RawJson::read::<String>);
        let (title, kind) = (text("title").unwrap_or_default(), text("type").unwrap_or_default());
        let rules: Vec<String> = entry.given.get("rules").and_then(RawJson::read).unwrap_or_default();
        let key = text("key").unwrap_or_else(|| key_of(&title));
        let (filter_group, catalog_id) = (text("filter_group"), entry.given.get("catalog_id").and_then(RawJson::read));
        // What has not even the right form needs no more to be said of it.
        if entry.problems.is_empty() {
            let wrong = &mut entry.problems;
            if key.is_empty() {
                wrong.push(FieldError::new("key", "is required where the title has no letter"));
            }
            if read.iter().any(|other| other.key == key) {
                wrong.push(FieldError::new("key", "is another part's already"));
            }
            for (rule, text) in rules.iter().enumerate() {
                if let Err(message) = Rule::parse(text, &kind) {
                    wrong.push(FieldError::new(format!("rules[{rule}]"), message));
                }
            }
        }
        let part = format!("descriptor[{at}]");
        problems.extend(entry.problems.into_iter().map(|problem| problem.within(&part)));
        read.push(Entry { title, kind, key, filter_group, rules, catalog_id });
    }
    if problems.is_empty() { Ok(read) } else { Err(problems) }
}

/// The parts of a property.
#[must_use]
pub fn descriptor(property: &Fields) -> Vec<Entry> {
    property.get("descriptor").and_then(RawJson::read).unwrap_or_default()
}

fn catalogs_named(property: &Fields) -> Vec<Named> {
    let catalogs: BTreeSet<Uuid> = descriptor(property).iter().filter_map(|entry| entry.catalog_id).collect();
    catalogs.into_iter().map(|catalog| ("descriptor", Kind::Catalog, catalog)).collect()
}

fn property_named(value: &Fields) -> Vec<Named> {
    named(value, "dynamic_property_id", Kind::DynamicProperty)
}

/// What is given for parts, each under the part's name in the one form that names have.
#[must_use]
pub fn named_alike(given: BTreeMap<String, RawJson>) -> BTreeMap<String, RawJson> {
    given.into_iter().map(|(key, value)| (normal(&key).into_owned(), value)).collect()
}

/// What catalogs must have for the values to be what the parts ask for.
#[must_use]
pub fn asked_of_catalogs(entries: &[Entry], given: &BTreeMap<String, RawJson>) -> BTreeSet<CatalogValue> {
    let read = |entry: &Entry| entry.form().read(given.get(&entry.key).filter(|value| !value.is_null())?).ok();
    let asked = entries.iter().filter_map(|entry| Some(entry.asked(&read(entry)?)));
    asked.flatten().collect()
}

/// The values as they are kept, if they are what the parts ask for and `listed` has what catalogs are asked for.
///
/// # Errors
/// Every value that is not, as `values.KEY`.
pub fn check(
    entries: &[Entry],
    given: &BTreeMap<String, RawJson>,
    listed: &BTreeSet<CatalogValue>,
) -> Result<Fields, Vec<FieldError>> {
    let mut problems = Vec::new();
    let mut wrong = |key: &str, message: String| problems.push(FieldError::new(format!("values.{key}"), message));
    for key in given.keys().filter(|key| !entries.iter().any(|entry| entry.key == **key)) {
        wrong(key, "is not a part of this property".to_owned());
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
    /// The value in the form in which it is kept; nothing where there is none.
    fn check(&self, value: &RawJson, listed: &BTreeSet<CatalogValue>) -> Result<Option<RawJson>, String> {
        let rules = self.rules.iter().map(|rule| Rule::parse(rule, &self.kind)).collect::<Result<Vec<Rule>, _>>()?;
        if value.is_null() {
            return if rules.contains(&Rule::Required) { Err("is required".to_owned()) } else { Ok(None) };
        }
        let value = self.form().read(value)?;
        rules.iter().try_for_each(|rule| rule.check(&value))?;
        if !self.asked(&value).is_subset(listed) {
            return Err("must be a value of its catalog".to_owned());
        }
        Ok(Some(value))
    }

    fn form(&self) -> FieldType {
        typed::form(&self.kind).unwrap_or(FieldType::Any)
    }

    /// What its catalog must have for `value` to be one of it; of a list each text. Nothing where it names no catalog.
    fn asked(&self, value: &RawJson) -> BTreeSet<CatalogValue> {
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
